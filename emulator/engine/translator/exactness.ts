import type { FloatArithmetic } from '../../isa/emitter';
import { f32, f64, i32, i64, relaxedMadd, type Expr, type Local, type ValueType } from '../../wasm';

/** Keeps values while code is written. */
interface Scope {
  let<T extends ValueType>(value: Expr<T>): Local<T>;
}

/** Below this magnitude (2^-900) the rest of a product may itself be too small for a double. */
const SMALL = f64.bits(0x07b0000000000000n);

/**
 * Whether `a + b` differs from the rounded sum `r`: the rounding error is found exactly (Knuth's TwoSum; The Art
 * of Computer Programming, volume 2, section 4.2.2). No operation here overflows, because `r` is finite.
 */
function isSumInexact(s: Scope, r: Local<'f64'>, a: Expr<'f64'>, b: Expr<'f64'>): Expr<'i32'> {
  const part = s.let(f64.sub(r, a));
  return i32.or(f64.ne(f64.sub(r, part), a), f64.ne(part, b));
}

/**
 * Whether a single-precision result `r` differs from the exact one, or it would take long to tell. A product of
 * singles is exact in double precision.
 */
export function isInexactSingle(
  s: Scope,
  op: FloatArithmetic | 'fma',
  r: Local<'f32'>,
  a: Expr<'f32'>,
  b: Expr<'f32'>,
  c?: Expr<'f32'>,
): Expr<'i32'> {
  const wide = f64.promote_f32;
  const result = s.let(wide(r));
  switch (op) {
    case 'add':
    case 'sub':
      return isSumInexact(s, result, wide(a), wide(op === 'sub' ? f32.neg(b) : b));
    case 'mul':
      return f64.ne(result, f64.mul(wide(a), wide(b)));
    case 'div':
      return f64.ne(wide(a), f64.mul(result, wide(b)));
    case 'sqrt':
      return f64.ne(wide(a), f64.mul(result, result));
    case 'fma':
      return isSumInexact(s, result, s.let(f64.mul(wide(a), wide(b))), wide(c!));
  }
}

/** The same in double precision: the rest of a product is found by a fused multiply-add. */
export function isInexactDouble(
  s: Scope,
  op: FloatArithmetic | 'fma',
  r: Local<'f64'>,
  a: Expr<'f64'>,
  b: Expr<'f64'>,
  c?: Expr<'f64'>,
): Expr<'i32'> {
  const rest = (x: Expr<'f64'>, y: Expr<'f64'>, product: Expr<'f64'>): Expr<'i32'> =>
    i32.or(
      f64.ne(relaxedMadd.f64(x, y, f64.neg(product)), f64.bits(0n)),
      i32.and(
        f64.lt(f64.abs(product), SMALL),
        i32.and(f64.ne(x, f64.bits(0n)), f64.ne(y, f64.bits(0n))),
      ),
    );
  switch (op) {
    case 'add':
    case 'sub':
      return isSumInexact(s, r, a, op === 'sub' ? f64.neg(b) : b);
    case 'mul':
      return rest(a, b, r);
    case 'div':
      return rest(r, b, a);
    case 'sqrt':
      return rest(r, r, a);
    case 'fma': {
      const product = s.let(f64.mul(a, b));
      return i32.or(rest(a, b, product), isSumInexact(s, r, product, c!));
    }
  }
}

/** Whether a floating-point number that was made from an integer is another number. */
export function isInexactFrom(
  op: 'from_i32' | 'from_u32' | 'from_i64' | 'from_u64',
  result: Local<'f64'>,
  integer: Expr<'i64'>,
): Expr<'i32'> {
  switch (op) {
    case 'from_i32':
      return f64.ne(result, f64.convert_i32_s(i32.wrap_i64(integer)));
    case 'from_u32':
      return f64.ne(result, f64.convert_i32_u(i32.wrap_i64(integer)));
    case 'from_i64':
      return i32.or(
        i64.ne(i64.trunc_sat_f64_s(result), integer),
        // Rounded up to 2^63, which converts back to the largest integer.
        f64.eq(result, f64.bits(0x43e0000000000000n)),
      );
    case 'from_u64':
      return i32.or(
        i64.ne(i64.trunc_sat_f64_u(result), integer),
        f64.eq(result, f64.bits(0x43f0000000000000n)),
      );
  }
}
