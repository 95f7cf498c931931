import type { FloatArithmetic } from '../../isa/emitter';
import {
  f32,
  f32x4,
  f64,
  f64x2,
  i32,
  i64,
  relaxedMadd,
  v128,
  type Expr,
  type Local,
  type ValueType,
} from '../../wasm';

/** Keeps values while code is written. */
export interface Scope {
  let<T extends ValueType>(value: Expr<T>): Local<T>;
  /** Leaves where a result is not exact: a branch for each reason is cheaper than to gather them. */
  unless(isExact: Expr<'i32'>): void;
  /** Asks the rest only where it is needed. */
  when(condition: Expr<'i32'>, rest: () => void): void;
}

const ZERO = f64.bits(0n);

/** Whether a product is so small (below 2^-900, 2^-60) that its rest may be too small for the format. */
const isSmallDouble = (bits: Expr<'i64'>): Expr<'i32'> => {
  const exponent = i32.and(i32.wrap_i64(i64.shr_u(bits, i64.const(52))), i32.const(0x7ff));
  return i32.lt_u(exponent, i32.const(1023 - 900));
};
const isSmallSingle = (bits: Expr<'i32'>): Expr<'i32'> =>
  i32.lt_u(i32.shl(bits, i32.const(1)), i32.const((127 - 60) << 24));

/**
 * Leaves unless `a + b` is the rounded sum `r`. If `a` is the larger summand, `r - a` is exact (Dekker's Fast2Sum;
 * Handbook of Floating-Point Arithmetic, section 4.3.1), and so is `r - b` otherwise. That `r` is rounded to single
 * precision changes nothing: `a`, a product of singles at most, has 48 bits.
 */
function needExactSum(s: Scope, r: Expr<'f64'>, a: Expr<'f64'>, b: Expr<'f64'>): void {
  s.unless(f64.eq(f64.sub(r, a), b));
  s.unless(f64.eq(f64.sub(r, b), a));
}

/**
 * Leaves unless a single-precision result `r` is exact. Then no flag is raised, because an exact result is no
 * underflow. NaNs are equal to nothing, so that they leave too. A product of singles is exact in double precision.
 */
export function needExactSingle(
  s: Scope,
  op: FloatArithmetic,
  r: Local<'f32'>,
  a: Expr<'f32'>,
  b: Expr<'f32'>,
): void {
  const wide = f64.promote_f32;
  const result = s.let(wide(r));
  switch (op) {
    case 'add':
    case 'sub':
      needExactSum(s, result, s.let(wide(a)), s.let(wide(op === 'sub' ? f32.neg(b) : b)));
      return;
    case 'mul':
      s.unless(f64.eq(result, f64.mul(wide(a), wide(b))));
      return;
    case 'div':
      s.unless(f64.eq(wide(a), f64.mul(result, wide(b))));
      return;
    case 'sqrt':
      s.unless(f64.eq(wide(a), f64.mul(result, result)));
      return;
  }
}

/** The same in double precision: the rest of a product is found by a fused multiply-add. */
export function needExactDouble(
  s: Scope,
  op: FloatArithmetic,
  r: Local<'f64'>,
  a: Expr<'f64'>,
  b: Expr<'f64'>,
): void {
  // Leaves unless the product is the opposite of `opposite`.
  const needProduct = (x: Expr<'f64'>, y: Expr<'f64'>, opposite: Expr<'f64'>): void => {
    s.unless(f64.eq(relaxedMadd.f64(x, y, opposite), ZERO));
    const isSmall = isSmallDouble(i64.reinterpret_f64(opposite));
    s.when(isSmall, () => s.unless(i32.or(f64.eq(x, ZERO), f64.eq(y, ZERO))));
  };
  switch (op) {
    case 'add':
      needExactSum(s, r, a, b);
      return;
    case 'sub':
      needExactSum(s, r, a, s.let(f64.neg(b)));
      return;
    case 'mul':
      needProduct(a, b, s.let(f64.neg(r)));
      return;
    case 'div':
      needProduct(r, b, s.let(f64.neg(a)));
      return;
    case 'sqrt':
      needProduct(r, r, s.let(f64.neg(a)));
      return;
  }
}

/**
 * Leaves unless a fused multiply-add is exact; all in the first lanes of vectors, where the sum was made. If the product is
 * `r - c`, it is one number, and the sum is exact if `r` minus that is `c` (as in `needExactSum`). Products that need
 * more bits than the format has leave too.
 */
export function needExactFma(
  s: Scope,
  format: 's' | 'd',
  r: Expr<'v128'>,
  [a, b, c]: readonly Expr<'v128'>[],
): void {
  const host = format === 's' ? f32x4 : f64x2;
  const opposite = s.let(host.sub(c, r));
  const rest = host.relaxed_madd(a, b, opposite);
  const isOther = v128.or(host.ne(rest, v128.zero), host.ne(host.add(r, opposite), c));
  s.unless(i32.eqz(host.bitmask(isOther)));
  const isSmall =
    format === 's'
      ? isSmallSingle(f32x4.firstBits(opposite))
      : isSmallDouble(i64.reinterpret_f64(f64x2.first(opposite)));
  s.when(isSmall, () => {
    const notZero = (factor: Expr<'v128'>): Expr<'i32'> => host.bitmask(host.ne(factor, v128.zero));
    s.unless(i32.eqz(i32.and(notZero(a), notZero(b))));
  });
}

/** Leaves unless a floating-point number that was made from an integer is that number. */
export function needExactFrom(
  s: Scope,
  op: 'from_i32' | 'from_u32' | 'from_i64' | 'from_u64',
  result: Local<'f64'>,
  integer: Expr<'i64'>,
): void {
  switch (op) {
    case 'from_i32':
      s.unless(f64.eq(result, f64.convert_i32_s(i32.wrap_i64(integer))));
      return;
    case 'from_u32':
      s.unless(f64.eq(result, f64.convert_i32_u(i32.wrap_i64(integer))));
      return;
    case 'from_i64':
      s.unless(i64.eq(i64.trunc_sat_f64_s(result), integer));
      // Rounded up to 2^63, which converts back to the largest integer.
      s.unless(f64.ne(result, f64.bits(0x43e0000000000000n)));
      return;
    case 'from_u64':
      s.unless(i64.eq(i64.trunc_sat_f64_u(result), integer));
      s.unless(f64.ne(result, f64.bits(0x43f0000000000000n)));
  }
}
