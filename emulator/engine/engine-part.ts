import type { Arena } from '../memory/arena';
import { PAGE_SIZE } from '../memory/layout';
import type { HeapPlace } from './counting-heap';
import { REGION_BLOCK } from './record-pool';

/** Which of a family's engines this is: each has an equal share of the record pool. */
export interface EnginePart {
  readonly index: number;
  readonly of: number;
  /** Whether a part of the pool is left out for what is counted of harts [not]. */
  readonly counts?: boolean;
}

/** The only one. */
export const WHOLE: EnginePart = { index: 0, of: 1 };

/** Arena address of the region block (records.ts) of one of the engines. */
export function regionBlockOf(arena: Arena, part: EnginePart): number {
  return recordsOf(arena, part).base + REGION_BLOCK;
}

/** Where the records of one of the engines lie. */
export function recordsOf(arena: Arena, { index, of, counts }: EnginePart): HeapPlace {
  const { records } = arena;
  const whole = records.bytes - (counts === true ? countingPlace(arena).bytes : 0);
  const bytes = Math.floor(whole / of / PAGE_SIZE) * PAGE_SIZE;
  return { base: records.base + index * bytes, bytes };
}

/** What engines whose parts have `counts` leave for the counts of harts. */
export function countingPlace({ records }: Arena): HeapPlace {
  const bytes = Math.floor(records.bytes / 4 / PAGE_SIZE) * PAGE_SIZE;
  return { base: records.base + records.bytes - bytes, bytes };
}
