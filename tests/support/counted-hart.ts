import { CountingHeap } from '../../emulator/engine/counting-heap';
import { HartCounts, type HartReading } from '../../emulator/engine/hart-counts';
import type { GuestHart } from './guest-hart';

const HEAP_BYTES = 4 << 20;

/** What is counted of a hart of a test. */
export interface CountedHart {
  read(): HartReading | undefined;
  /** It counts from the start when it runs again. */
  forget(): void;
}

/** Counts what a hart runs from now on. */
export function countHart({ arena, engine, state }: GuestHart): CountedHart {
  const place = { base: engine.code.cede(HEAP_BYTES), bytes: HEAP_BYTES };
  const heap = new CountingHeap(arena.memory, place);
  heap.clear();
  const counter = engine.count(heap);
  return {
    read: () => {
      counter.release(state);
      return HartCounts.of(heap, state)?.read(state);
    },
    forget: () => {
      counter.release(state);
      HartCounts.of(heap, state)?.free(state);
    },
  };
}
