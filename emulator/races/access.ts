import type { LogEntry } from '../engine/access-log';

/** Bytes of the unit in which the shadow remembers accesses. */
export const GRANULE = 8;

/**
 * One access as the checks see it; the same object is filled again for each. One that crosses granules is told
 * in parts.
 */
export class Access {
  /** Guest address of the granule. */
  granule = 0;
  /** Which bytes of the granule: bit n for byte n. */
  mask = 0;
  isWrite = false;
  /** AMO, LR, SC, and plain accesses that a fence makes synchronising. */
  isAtomic = false;
  pc = 0;
  /** Instructions that the hart had retired. */
  instret = 0;
  /** What was loaded or stored, at its place in the granule. */
  valueLow = 0;
  valueHigh = 0;
  isValueKnown = false;
  /** Of a store: what was there before. */
  oldLow = 0;
  oldHigh = 0;
  isOldKnown = false;

  /** Takes the values of an entry that begins `at` bytes behind the granule; negative: before it. */
  place({ valueLow, valueHigh, oldLow, oldHigh }: LogEntry, at: number): void {
    this.valueLow = lowAt(valueLow, valueHigh, at);
    this.valueHigh = highAt(valueLow, valueHigh, at);
    this.oldLow = lowAt(oldLow, oldHigh, at);
    this.oldHigh = highAt(oldLow, oldHigh, at);
  }
}

/** The low half of a 64-bit value moved up by `at` bytes, −7 to 7. */
function lowAt(low: number, high: number, at: number): number {
  if (at === 0) return low;
  if (at > 0) return at < 4 ? low << (8 * at) : 0;
  return at > -4 ? (low >>> (-8 * at)) | (high << (32 + 8 * at)) : high >>> (-8 * at - 32);
}

/** The high half of it. */
function highAt(low: number, high: number, at: number): number {
  if (at === 0) return high;
  if (at >= 4) return low << (8 * at - 32);
  if (at > 0) return (high << (8 * at)) | (low >>> (32 - 8 * at));
  return at > -4 ? high >>> (-8 * at) : 0;
}
