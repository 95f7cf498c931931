import { defineStore } from 'pinia';
import { computed, shallowRef } from 'vue';
import type { CountedPart } from '../../emulator/debug/protocol-profile';

/** The part of the events that is chosen in the Timeline, by the numbers of the first and the last; null: all. */
export const useEventRange = defineStore('event-range', () => {
  const range = shallowRef<{ readonly first: number; readonly last: number } | null>(null);
  /** The part of the host time that is chosen, in milliseconds since 1970: the Timeline makes `range` of a launch's part. */
  const times = shallowRef<{ readonly from: number; readonly to: number } | null>(null);
  /** Names of the harts that run in a chosen part of a launch, as profiles call them; null: all. */
  const harts = shallowRef<readonly string[] | null>(null);
  /** What counts beside code are of: a part of the time, or where none is known the harts that run in it. */
  const counted = computed((): CountedPart | undefined => {
    if (times.value) return { range: times.value };
    return harts.value ? { names: harts.value } : undefined;
  });
  return { range, times, harts, counted };
});
