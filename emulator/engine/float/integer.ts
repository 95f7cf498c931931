import { i64, type FunctionBuilder } from '../../wasm';

/**
 * Writes (value, count) -> value >> count, with bit 0 also set when a one was shifted out. What is lost
 * can then still be told from nothing when the result is rounded (Berkeley SoftFloat 3, shiftRightJam64).
 */
export function writeShiftRightJam(f: FunctionBuilder): void {
  const value = f.param(0, 'i64');
  const count = f.param(1, 'i64');
  const shifted = f.local('i64');
  f.if(i64.gt_u(count, i64.const(63)), () => {
    f.return(i64.extend_i32_u(i64.ne(value, i64.const(0))));
  });
  f.set(shifted, i64.shr_u(value, count));
  const lost = i64.ne(i64.shl(shifted, count), value);
  f.return(i64.or(shifted, i64.extend_i32_u(lost)));
}

/** Writes (a, b) -> the high half of the 128-bit unsigned product, from four products of 32-bit halves. */
export function writeMultiplyHigh(f: FunctionBuilder): void {
  const a = f.param(0, 'i64');
  const b = f.param(1, 'i64');
  const low = f.local('i64');
  const middle = f.local('i64');
  const lowHalf = i64.const(0xffffffffn);
  const half = i64.const(32);
  const aLow = i64.and(a, lowHalf);
  const aHigh = i64.shr_u(a, half);
  const bLow = i64.and(b, lowHalf);
  const bHigh = i64.shr_u(b, half);
  // Neither sum can overflow: (2^32 - 1)^2 + 2 (2^32 - 1) = 2^64 - 1.
  f.set(low, i64.add(i64.mul(aHigh, bLow), i64.shr_u(i64.mul(aLow, bLow), half)));
  f.set(middle, i64.add(i64.mul(aLow, bHigh), i64.and(low, lowHalf)));
  const carried = i64.add(i64.shr_u(low, half), i64.shr_u(middle, half));
  f.return(i64.add(i64.mul(aHigh, bHigh), carried));
}
