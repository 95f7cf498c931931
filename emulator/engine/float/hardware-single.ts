import { f32, f64, i32, type Local } from '../../wasm';
import {
  DOUBLE,
  inexactSet,
  isSafelyNormal,
  operandOf,
  returnIfOnlyInexact,
  SINGLE,
  sumError,
  whenNearestEven,
} from './hardware';
import type { FloatWriter } from './writer';

/**
 * Heads of the single-precision operations (see `hardware.ts`). The product of two singles is always exact
 * as a double: 48 bits of significand, exponents far inside the range.
 */

/** Keeps operand `index`, widened to a double. */
function widened(w: FloatWriter, index: number): Local<'f64'> {
  const value = w.f.local('f64');
  w.f.set(value, f64.promote_f32(SINGLE.value(w.operand(index))));
  return value;
}

/** Head of a × b. An infinite product of an infinity is exact too: it compares equal. */
export function writeSingleMultiplyHead(w: FloatWriter): void {
  const { f } = w;
  whenNearestEven(w, () => {
    const product = f.local('f64');
    const result = f.local('f32');
    f.set(product, f64.mul(widened(w, 0), widened(w, 1)));
    f.set(result, f32.demote_f64(product));
    f.if(f64.eq(f64.promote_f32(result), product), () => f.return(SINGLE.bits(result)));
    returnIfOnlyInexact(w, SINGLE, result);
  });
}

/** Head of a ÷ b: exact when quotient × b = a. For a zero or infinite b that product is a NaN. */
export function writeSingleDivideHead(w: FloatWriter): void {
  const { f } = w;
  whenNearestEven(w, () => {
    const x = operandOf(w, SINGLE, 0);
    const y = operandOf(w, SINGLE, 1);
    const quotient = f.local('f32');
    f.set(quotient, f32.div(x, y));
    const back = f64.mul(f64.promote_f32(quotient), f64.promote_f32(y));
    f.if(f64.eq(back, f64.promote_f32(x)), () => f.return(SINGLE.bits(quotient)));
    returnIfOnlyInexact(w, SINGLE, quotient);
  });
}

/** Head of the square root: exact when its square is a. */
export function writeSingleSquareRootHead(w: FloatWriter): void {
  const { f } = w;
  whenNearestEven(w, () => {
    const x = operandOf(w, SINGLE, 0);
    const root = f.local('f32');
    f.set(root, f32.sqrt(x));
    const square = f64.mul(f64.promote_f32(root), f64.promote_f32(root));
    f.if(f64.eq(square, f64.promote_f32(x)), () => f.return(SINGLE.bits(root)));
    returnIfOnlyInexact(w, SINGLE, root);
  });
}

/** The bits of a double that a single has no room for, and their value halfway between two singles. */
const EXCESS_MASK = 0x1fffffff;
const EXCESS_HALF = 0x10000000;

/**
 * Head of a × b + c: the sum is rounded to a double, then to a single. Rounding twice is wrong only when the
 * first one, inexact itself, ends halfway between two singles: otherwise the double lies on the same side of
 * that point as the exact sum.
 * Source: Handbook of Floating-Point Arithmetic, section 3.2 (double rounding).
 */
export function writeSingleFusedMultiplyAddHead(w: FloatWriter): void {
  const { f, format } = w;
  whenNearestEven(w, () => {
    const product = f.local('f64');
    const sum = f.local('f64');
    const error = f.local('f64');
    const result = f.local('f32');
    const z = widened(w, 2);
    f.set(product, f64.mul(widened(w, 0), widened(w, 1)));
    f.set(sum, f64.add(product, z));
    f.set(error, sumError(w, DOUBLE, product, z, sum));
    f.set(result, f32.demote_f64(sum));
    const errorless = f64.eq(error, DOUBLE.zero);
    f.if(i32.and(errorless, f64.eq(f64.promote_f32(result), sum)), () =>
      f.return(SINGLE.bits(result)),
    );
    f.if(i32.and(inexactSet(w), isSafelyNormal(SINGLE.bits(result), format)), () => {
      const excess = i32.and(i32.wrap_i64(DOUBLE.bits(sum)), i32.const(EXCESS_MASK));
      const offHalf = i32.ne(excess, i32.const(EXCESS_HALF));
      f.if(i32.or(errorless, offHalf), () => f.return(SINGLE.bits(result)));
    });
  });
}
