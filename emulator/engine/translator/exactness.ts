import type { FloatArithmetic } from '../../isa/emitter';
import {
  choose,
  f32,
  f64,
  i32,
  i64,
  relaxedMadd,
  type Expr,
  type Local,
  type ValueType,
} from '../../wasm';

/** Keeps values while code is written. */
export interface Scope {
  let<T extends ValueType>(value: Expr<T>): Local<T>;
  /** Leaves where a result is not exact: a branch for each reason is cheaper than to gather them. */
  unless(isExact: Expr<'i32'>): void;
}

/** Below this magnitude (2^-900) the rest of a product may itself be too small for a double. */
const SMALL = f64.bits(0x07b0000000000000n);
const ZERO = f64.bits(0n);

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
  op: FloatArithmetic | 'fma',
  r: Local<'f32'>,
  a: Expr<'f32'>,
  b: Expr<'f32'>,
  c?: Expr<'f32'>,
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
    case 'fma':
      needExactSum(s, result, s.let(f64.mul(wide(a), wide(b))), s.let(wide(c!)));
  }
}

/** The same in double precision: the rest of a product is found by a fused multiply-add. */
export function needExactDouble(
  s: Scope,
  op: FloatArithmetic | 'fma',
  r: Local<'f64'>,
  a: Expr<'f64'>,
  b: Expr<'f64'>,
  c?: Expr<'f64'>,
): void {
  // Leaves unless the product is the opposite of `opposite`.
  const needProduct = (x: Expr<'f64'>, y: Expr<'f64'>, opposite: Expr<'f64'>): void => {
    s.unless(f64.eq(relaxedMadd.f64(x, y, opposite), ZERO));
    const isZero = i32.or(f64.eq(x, ZERO), f64.eq(y, ZERO));
    s.unless(choose(f64.ge(f64.abs(opposite), SMALL), i32.const(1), isZero));
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
    case 'fma': {
      // If the product is `r - c`, it is one number, and the sum is exact if `r` minus that is `c`.
      const opposite = s.let(f64.sub(c!, r));
      needProduct(a, b, opposite);
      s.unless(f64.eq(f64.add(r, opposite), c!));
    }
  }
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
