/** In which order the harts of a machine run. */
export type Schedule =
  /** On the pool's threads, when there is a pool: fast, and different each time. */
  'parallel' | Interleaved;

/** On one thread in turns: the same in every run, instruction for instruction. */
export interface Interleaved {
  readonly kind: 'interleaved';
  /** Instructions of a turn; with a seed, on average [1000]. */
  readonly quantum?: number;
  /**
   * A whole number from 0 to 2^53 − 1 that the order of the harts, the lengths of their turns and the guest's random
   * numbers come from [none: equal turns in the order of the harts, and the random numbers of seed 0].
   */
  readonly seed?: number;
}

export const DEFAULT_QUANTUM = 1000;
/** A turn of the longest quantum may be nearly twice as long. */
export const MAX_QUANTUM = 1e9;

/**
 * Reads `parallel` or `interleaved[:quantum[:seed]]`, for example `interleaved:200:7`.
 * @throws Error that says what is wrong
 */
export function parseSchedule(text: string): Schedule {
  if (text === 'parallel') return 'parallel';
  const [kind, quantum, seed, ...rest] = text.split(':');
  if (kind !== 'interleaved' || rest.length > 0) {
    throw new Error('A schedule is parallel or interleaved[:quantum[:seed]].');
  }
  return checkSchedule({
    kind: 'interleaved',
    ...(quantum !== undefined && quantum !== '' && { quantum: wholeNumber(quantum, 'quantum') }),
    ...(seed !== undefined && { seed: wholeNumber(seed, 'seed') }),
  });
}

/** How `parseSchedule` reads it. */
export function formatSchedule(schedule: Schedule): string {
  if (schedule === 'parallel') return schedule;
  const { quantum = DEFAULT_QUANTUM, seed } = schedule;
  return `interleaved:${quantum}${seed === undefined ? '' : `:${seed}`}`;
}

/** @throws Error when a number is none that a schedule can have */
export function checkSchedule<T extends Schedule>(schedule: T): T {
  if (schedule === 'parallel') return schedule;
  const { quantum = DEFAULT_QUANTUM, seed = 0 } = schedule;
  if (!Number.isInteger(quantum) || quantum < 1 || quantum > MAX_QUANTUM) {
    throw new Error(`A quantum is 1 to ${MAX_QUANTUM} instructions, not ${quantum}.`);
  }
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new Error(`A seed is a whole number from 0 to 2^53 - 1, not ${seed}.`);
  }
  return schedule;
}

function wholeNumber(text: string, what: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`The ${what} is not a whole number: ${text}`);
  return Number(text);
}
