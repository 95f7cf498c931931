import { defineStore } from 'pinia';
import { shallowRef } from 'vue';

/** The part of the events that is chosen in the Timeline, by the numbers of the first and the last; null: all. */
export const useEventRange = defineStore('event-range', () => {
  const range = shallowRef<{ readonly first: number; readonly last: number } | null>(null);
  /** A part of a launch that is chosen, by host time in milliseconds since 1970: the Timeline makes `range` of it. */
  const times = shallowRef<{ readonly from: number; readonly to: number } | null>(null);
  /** Names of the harts that ran in it, as profiles call them; null: all. */
  const harts = shallowRef<readonly string[] | null>(null);
  return { range, times, harts };
});
