import { defineStore } from 'pinia';
import { shallowRef } from 'vue';

/** The part of the events that is chosen in the Timeline, by the numbers of the first and the last; null: all. */
export const useEventRange = defineStore('event-range', () => {
  const range = shallowRef<{ readonly first: number; readonly last: number } | null>(null);
  return { range };
});
