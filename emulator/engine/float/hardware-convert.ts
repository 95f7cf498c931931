import { f32, f64, i32, i64, type Expr } from '../../wasm';
import { integerOperand, isSigned, widthOf, type IntegerType } from './convert';
import { ROUNDING, type FloatFormat } from './format';
import {
  DOUBLE,
  inexactSet,
  operandOf,
  returnIfOnlyInexact,
  SINGLE,
  whenNearestEven,
} from './hardware';
import type { FloatWriter } from './writer';

/** Heads of the conversions (see `hardware.ts`); exact ones are right in every rounding mode. */

/** Head of integer -> number: exact up to the width of the significand. */
export function writeFromIntegerHead(w: FloatWriter, type: IntegerType): void {
  const { f, format } = w;
  const value = f.local('i64');
  f.set(value, integerOperand(w, type));
  const signed = type !== 'u64'; // a u32 is positive in 64 bits
  const bits =
    format.name === 'd'
      ? DOUBLE.bits(signed ? f64.convert_i64_s(value) : f64.convert_i64_u(value))
      : SINGLE.bits(signed ? f32.convert_i64_s(value) : f32.convert_i64_u(value));
  const limit = 1n << BigInt(format.fractionBits + 1);
  const fits = signed
    ? i64.le_u(i64.add(value, i64.const(limit)), i64.const(2n * limit))
    : i64.le_u(value, i64.const(limit));
  f.if(fits, () => f.return(bits));
  // The result is normal whatever the integer, so that nothing but NX can be raised.
  whenNearestEven(w, () => f.if(inexactSet(w), () => f.return(bits)));
}

/** 2^exponent as a double. */
const power = (exponent: number): Expr<'f64'> => f64.bits(BigInt(1023 + exponent) << 52n);

/** Head of number -> integer: values inside the type's range that are whole or to be truncated. */
export function writeToIntegerHead(w: FloatWriter, type: IntegerType): void {
  const { f, format } = w;
  const x = f.local('f64');
  const value = f.local('i64');
  const bits = w.operand(0);
  f.set(x, format.name === 'd' ? DOUBLE.value(bits) : f64.promote_f32(SINGLE.value(bits)));
  const width = widthOf(type);
  const signed = isSigned(type);
  // Both bounds hold for whatever truncates to a value of the type, save for i32 below -2^31, which is
  // left to the code behind; a NaN is outside.
  const below = f64.lt(x, power(signed ? width - 1 : width));
  const above = signed ? f64.ge(x, f64.neg(power(width - 1))) : f64.gt(x, f64.neg(power(0)));
  f.if(i32.and(below, above), () => {
    const wide = type === 'u64';
    f.set(value, wide ? i64.trunc_sat_f64_u(x) : i64.trunc_sat_f64_s(x));
    const result = width === 32 ? i64.extend32_s(value) : value;
    const back = wide ? f64.convert_i64_u(value) : f64.convert_i64_s(value);
    f.if(f64.eq(back, x), () => f.return(result));
    const truncates = i32.eq(w.rm, i32.const(ROUNDING.RTZ));
    f.if(i32.and(truncates, inexactSet(w)), () => f.return(result));
  });
}

/** Head of single -> double (exact but for NaNs) and double -> single; nothing for half precision. */
export function writeConvertHead(w: FloatWriter, from: FloatFormat): void {
  const { f, format } = w;
  if (from.name === 's' && format.name === 'd') {
    const x = operandOf(w, SINGLE, 0);
    f.if(f32.eq(x, x), () => f.return(DOUBLE.bits(f64.promote_f32(x))));
  }
  if (from.name === 'd' && format.name === 's') {
    const x = operandOf(w, DOUBLE, 0);
    const result = f.local('f32');
    f.set(result, f32.demote_f64(x));
    f.if(f64.eq(f64.promote_f32(result), x), () => f.return(SINGLE.bits(result)));
    whenNearestEven(w, () => returnIfOnlyInexact(w, SINGLE, result));
  }
}
