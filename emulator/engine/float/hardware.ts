import { HART } from '../../memory/layout';
import { f32, f64, i32, i64, type Expr, type Local } from '../../wasm';
import { FFLAGS, ROUNDING, type FloatFormat } from './format';
import type { FloatWriter } from './writer';

/**
 * Heads: code in front of a softfloat operation that returns what the host's own instruction computes, where
 * that is provably right, flags included. The host rounds to nearest even and tells nothing about flags, so a
 * head returns its result r only when
 *
 * - r is exact: no flag is raised; or
 * - NX is set in fcsr already, and r is normal and above the least normal binade: then r is the correctly
 *   rounded result, and no other flag can be raised (UF needs a result below that binade, also when
 *   tininess is detected after rounding; OF, DZ and NV give infinities and NaNs, or the greatest finite
 *   number in other rounding modes).
 *
 * All else goes on to the softfloat code behind the head. The idea is QEMU's "hardfloat" (fpu/softfloat.c;
 * Cota and Carloni, "Cross-ISA Machine Instrumentation using Fast and Scalable Dynamic Binary Translation",
 * VEE 2019), extended by the tests for exactness, so that programs that never round are fast too.
 */

/** One of the host's number types, over the bits of the operands. */
export interface HostType<T extends 'f32' | 'f64'> {
  readonly type: T;
  readonly value: (bits: Expr<'i64'>) => Expr<T>;
  readonly bits: (value: Expr<T>) => Expr<'i64'>;
  readonly zero: Expr<T>;
  readonly add: (a: Expr<T>, b: Expr<T>) => Expr<T>;
  readonly sub: (a: Expr<T>, b: Expr<T>) => Expr<T>;
  readonly eq: (a: Expr<T>, b: Expr<T>) => Expr<'i32'>;
}

export const SINGLE: HostType<'f32'> = {
  type: 'f32',
  value: (bits) => f32.reinterpret_i32(i32.wrap_i64(bits)),
  bits: (value) => i64.extend_i32_u(i32.reinterpret_f32(value)),
  zero: f32.bits(0),
  add: f32.add,
  sub: f32.sub,
  eq: f32.eq,
};

export const DOUBLE: HostType<'f64'> = {
  type: 'f64',
  value: f64.reinterpret_i64,
  bits: i64.reinterpret_f64,
  zero: f64.bits(0n),
  add: f64.add,
  sub: f64.sub,
  eq: f64.eq,
};

/** Keeps the value of operand `index` as a host number. */
export function operandOf<T extends 'f32' | 'f64'>(
  w: FloatWriter,
  host: HostType<T>,
  index: number,
): Local<T> {
  const value = w.f.local(host.type);
  w.f.set(value, host.value(w.operand(index)));
  return value;
}

/** Runs `body` in the host's rounding mode only. */
export function whenNearestEven(w: FloatWriter, body: () => void): void {
  w.f.if(i32.eq(w.rm, i32.const(ROUNDING.RNE)), body);
}

/** Whether NX is set in fcsr. */
export function inexactSet(w: FloatWriter): Expr<'i32'> {
  return i32.and(i32.load8_u(w.context, HART.fcsr), i32.const(FFLAGS.NX));
}

/** Whether a number is finite, normal, and not of the least normal binade. */
export function isSafelyNormal(bits: Expr<'i64'>, format: FloatFormat): Expr<'i32'> {
  const { fractionBits, maxExponent } = format;
  const field = i32.wrap_i64(i64.shr_u(bits, i64.const(fractionBits)));
  const fromTwo = i32.sub(i32.and(field, i32.const(maxExponent)), i32.const(2));
  return i32.lt_u(fromTwo, i32.const(maxExponent - 2));
}

/** Returns `result` when NX is set and nothing else can happen. */
export function returnIfOnlyInexact<T extends 'f32' | 'f64'>(
  w: FloatWriter,
  host: HostType<T>,
  result: Local<T>,
): void {
  w.f.if(inexactSet(w), () => {
    w.f.if(isSafelyNormal(host.bits(result), w.format), () => w.f.return(host.bits(result)));
  });
}

/**
 * The rounding error of the sum `r` of x and y: x + y = r + error (Knuth's TwoSum). Zero proves the sum
 * exact: it is exact among subnormal numbers too, and when anything overflows, or is infinite or a NaN, the
 * error comes out as an infinity or a NaN.
 * Source: Handbook of Floating-Point Arithmetic, section 4.3.2.
 */
export function sumError<T extends 'f32' | 'f64'>(
  w: FloatWriter,
  host: HostType<T>,
  x: Expr<T>,
  y: Expr<T>,
  r: Expr<T>,
): Expr<T> {
  const yPart = w.f.local(host.type);
  w.f.set(yPart, host.sub(r, x));
  return host.add(host.sub(x, host.sub(r, yPart)), host.sub(y, yPart));
}

/** Head of a + b and a - b. */
export function writeSumHead<T extends 'f32' | 'f64'>(
  w: FloatWriter,
  host: HostType<T>,
  op: 'add' | 'sub',
): void {
  const { f } = w;
  whenNearestEven(w, () => {
    const x = operandOf(w, host, 0);
    const y = f.local(host.type);
    const bits = w.operand(1);
    const negated = i64.xor(bits, i64.const(w.format.signBit));
    f.set(y, host.value(op === 'add' ? bits : negated));
    const sum = f.local(host.type);
    f.set(sum, host.add(x, y));
    returnIfOnlyInexact(w, host, sum);
    f.if(host.eq(sumError(w, host, x, y, sum), host.zero), () => f.return(host.bits(sum)));
  });
}
