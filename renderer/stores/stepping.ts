import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { Width } from '../../emulator/debug/protocol';

const WIDTHS: readonly Width[] = ['hart', 'group', 'all'];

/** The key goes through so many vCPUs; a menu of a hart offers any. */
const MOST_FOLLOWED = 8;

/** Whom steps move, and how far. */
export const useStepping = defineStore('stepping', () => {
  /** The focused hart, the harts at the same place, or all. */
  const width = ref<Width>('hart');
  const unit = ref<'instruction' | 'line'>('instruction');
  /** Number of the vCPU that a step into a fork goes on with, 0 = the caller. */
  const follow = ref(1);
  /** The hart whose name is being written. */
  const naming = ref<number | null>(null);

  function nextWidth(): void {
    width.value = WIDTHS[(WIDTHS.indexOf(width.value) + 1) % WIDTHS.length] ?? 'hart';
  }

  function nextUnit(): void {
    unit.value = unit.value === 'line' ? 'instruction' : 'line';
  }

  function nextFollow(): void {
    follow.value = (follow.value + 1) % (MOST_FOLLOWED + 1);
  }

  return { width, unit, follow, naming, nextWidth, nextUnit, nextFollow };
});
