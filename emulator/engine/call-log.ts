import { LONGEST_RUN } from './records';

/**
 * What the counting interpreter has written down of one hart: an entry for each call and return, in program
 * order, in the arena. `HART.log` is where the next one goes.
 *
 * | offset | type | field |
 * |--------|------|-------|
 * | 0      | u32  | pc of the jump |
 * | 4      | u32  | where it goes |
 * | 8      | i32  | 16 × the fuel that was left when the jump began; bit 0: a return, else a call |
 */
export const CALL_ENTRY = { size: 16, site: 0, target: 4, fuel: 8, call: 0, return: 1 } as const;

/** Instructions in one call of the counting interpreter; each writes one entry at most. */
export const CALL_CHUNK = 16_384;
/** `run` may overshoot by the longest run and the jump behind it. */
export const CALL_LOG_BYTES = CALL_ENTRY.size * (CALL_CHUNK + LONGEST_RUN + 2);
