import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { Width } from '../../emulator/debug/protocol';

const WIDTHS: readonly Width[] = ['hart', 'group', 'all'];

/** Whom steps move, and how far. */
export const useStepping = defineStore('stepping', () => {
  /** The focused hart, the harts at the same place, or all. */
  const width = ref<Width>('hart');
  const unit = ref<'instruction' | 'line'>('instruction');

  function nextWidth(): void {
    width.value = WIDTHS[(WIDTHS.indexOf(width.value) + 1) % WIDTHS.length] ?? 'hart';
  }

  function nextUnit(): void {
    unit.value = unit.value === 'line' ? 'instruction' : 'line';
  }

  return { width, unit, nextWidth, nextUnit };
});
