import { defineStore } from 'pinia';
import { ref } from 'vue';
import type { HartInfo } from '../../emulator/debug/protocol';

/** Where pinned harts stand: before the others, in the order that the user has given them. */
export const usePins = defineStore('pins', () => {
  /** Numbers of harts that were moved; others follow by their numbers. */
  const moved = ref<readonly number[]>([]);

  function pinnedOf(harts: readonly HartInfo[]): number[] {
    const pinned = harts.filter((hart) => hart.pinned).map(({ id }) => id);
    const known = moved.value.filter((id) => pinned.includes(id));
    return [...known, ...pinned.filter((id) => !known.includes(id))];
  }

  /** Numbers of the harts, the pinned ones first. */
  function arrange(harts: readonly HartInfo[]): number[] {
    const pinned = pinnedOf(harts);
    return [...pinned, ...harts.filter((hart) => !hart.pinned).map(({ id }) => id)];
  }

  /** Whether a pinned hart can go to the left (-1) or to the right (1) of its neighbour. */
  function canMove(id: number, by: -1 | 1, harts: readonly HartInfo[]): boolean {
    const pinned = pinnedOf(harts);
    const to = pinned.indexOf(id) + by;
    return pinned.includes(id) && to >= 0 && to < pinned.length;
  }

  function move(id: number, by: -1 | 1, harts: readonly HartInfo[]): void {
    if (!canMove(id, by, harts)) return;
    const pinned = pinnedOf(harts).filter((each) => each !== id);
    pinned.splice(pinnedOf(harts).indexOf(id) + by, 0, id);
    moved.value = pinned;
  }

  return { arrange, canMove, move };
});
