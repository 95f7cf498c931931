import { i32, i64, select, type Expr } from '../../wasm';
import { FFLAGS, ROUNDING, type FloatFormat } from './format';
import {
  exponentOf,
  isInfinite,
  isNan,
  isZero,
  LEADING,
  magnitude,
  signOf,
  type FloatWriter,
} from './writer';

/** Integer types of the conversions: sign and width in bits. */
export type IntegerType = 'i32' | 'u32' | 'i64' | 'u64';

export const isSigned = (type: IntegerType): boolean => type.startsWith('i');
export const widthOf = (type: IntegerType): 32 | 64 => (type.endsWith('32') ? 32 : 64);

/** The greatest and the least value of the type, sign-extended from its width as registers hold them. */
function limits(type: IntegerType): { greatest: bigint; least: bigint } {
  const width = widthOf(type);
  if (!isSigned(type)) return { greatest: BigInt.asIntN(width, -1n), least: 0n };
  const least = -(1n << BigInt(width - 1));
  return { greatest: -least - 1n, least };
}

/** The integer in operand 0 as 64 bits: of the 32-bit types the low half is what counts. */
export function integerOperand(w: FloatWriter, type: IntegerType): Expr<'i64'> {
  const operand = w.operand(0);
  if (type === 'i32') return i64.extend32_s(operand);
  if (type === 'u32') return i64.and(operand, i64.const(0xffffffffn));
  return operand;
}

/**
 * Writes (context, rm, integer) -> the nearest number of the format.
 * Source: Berkeley SoftFloat 3, i64_to_f64.
 */
export function writeFromInteger(w: FloatWriter, type: IntegerType): void {
  const { f, format } = w;
  const value = f.local('i64');
  const sign = f.local('i32');
  const zeros = f.local('i64');
  f.set(value, integerOperand(w, type));
  f.if(i64.eqz(value), () => f.return(i64.const(0)));
  if (isSigned(type)) {
    f.if(i64.lt_s(value, i64.const(0)), () => {
      f.set(sign, i32.const(1));
      f.set(value, i64.sub(i64.const(0), value)); // 2^63 stays: its bits are right when taken as unsigned
    });
  }
  f.set(zeros, i64.clz(value));
  const exponent = i32.sub(i32.const(format.bias + 63), i32.wrap_i64(zeros));
  f.set(value, i64.shl(value, zeros));
  const sticky = i64.and(value, i64.const(1));
  const significand = i64.or(i64.shr_u(value, i64.const(63 - LEADING)), sticky);
  f.return(w.roundAndPack(sign, exponent, significand));
}

/**
 * Writes (context, rm, a) -> the integer that a rounds to. NaNs and results outside the type raise NV, not
 * NX, and give the nearest value of the type, NaNs the greatest (RISC-V manual, "Domains of float-to-integer
 * conversions and behavior for invalid inputs").
 */
export function writeToInteger(w: FloatWriter, type: IntegerType): void {
  const { f, format } = w;
  const a = w.operand(0);
  const width = widthOf(type);
  const { greatest, least } = limits(type);
  const returnSaturated = (): void => {
    w.raise(FFLAGS.NV);
    const upper = i32.or(isNan(a, format), i32.eqz(signOf(a, format)));
    f.return(select(upper, i64.const(greatest), i64.const(least)));
  };

  f.if(isZero(a, format), () => f.return(i64.const(0)));
  const tooLarge = format.bias + width;
  // At or above 2^width no type holds it. (Infinities and NaNs of h have a smaller exponent than that.)
  const special = i32.eq(exponentOf(a, format), i32.const(format.maxExponent));
  f.if(i32.or(i32.ge_u(exponentOf(a, format), i32.const(tooLarge)), special), returnSaturated);

  const x = w.unpack(a);
  const whole = f.local('i64');
  const rest = f.local('i64');
  const shift = f.local('i64');
  const distance = i32.sub(i32.const(format.bias + 63), x.exponent);
  f.set(shift, i64.extend_i32_s(distance));
  f.set(x.significand, i64.shl(x.significand, i64.const(63 - LEADING)));
  // `whole` is the integer part; `rest` is what follows the binary point, one half being bit 63.
  f.if(
    i64.gt_s(shift, i64.const(64)),
    () => f.set(rest, i64.const(1)),
    () => {
      // In two steps, because a shift by 64 would be one by 0.
      f.set(whole, i64.shr_u(x.significand, i64.and(shift, i64.const(63))));
      f.set(rest, i64.shl(x.significand, i64.and(i64.sub(i64.const(0), shift), i64.const(63))));
      f.if(i64.eqz(shift), () => f.set(rest, i64.const(0)));
      f.if(i64.eq(shift, i64.const(64)), () => f.set(whole, i64.const(0)));
    },
  );
  f.set(whole, i64.add(whole, i64.extend_i32_u(roundsUp(w, x.sign, whole, rest))));

  /** Of the absolute value: one more fits below zero than above. */
  const bound = i64.const((isSigned(type) ? 1n << BigInt(width - 1) : 1n << BigInt(width)) - 1n);
  if (isSigned(type)) {
    f.if(i64.gt_u(whole, i64.add(bound, i64.extend_i32_u(x.sign))), returnSaturated);
  } else {
    f.if(i32.and(x.sign, i64.ne(whole, i64.const(0))), returnSaturated);
    if (width === 32) f.if(i64.gt_u(whole, bound), returnSaturated);
    // Rounding cannot carry to 2^64: a significand of 64 bits has no fraction.
  }
  f.if(i64.ne(rest, i64.const(0)), () => w.raise(FFLAGS.NX));
  f.if(x.sign, () => f.set(whole, i64.sub(i64.const(0), whole)));
  f.return(width === 32 ? i64.extend32_s(whole) : whole);
}

/** Whether an absolute value is rounded up to the next integer. */
function roundsUp(
  w: FloatWriter,
  sign: Expr<'i32'>,
  whole: Expr<'i64'>,
  rest: Expr<'i64'>,
): Expr<'i32'> {
  const mode = (rm: number): Expr<'i32'> => i32.eq(w.rm, i32.const(rm));
  const half = i64.const(1n << 63n);
  const inexact = i64.ne(rest, i64.const(0));
  const odd = i32.wrap_i64(i64.and(whole, i64.const(1)));
  const tieToEven = i32.and(i64.eq(rest, half), odd);
  const nearestEven = i32.and(mode(ROUNDING.RNE), i32.or(i64.gt_u(rest, half), tieToEven));
  const nearestAway = i32.and(mode(ROUNDING.RMM), i64.ge_u(rest, half));
  const awayMode = i32.sub(i32.const(ROUNDING.RUP), sign); // RUP for +, RDN for -
  const away = i32.and(i32.eq(w.rm, awayMode), inexact);
  return i32.or(i32.or(nearestEven, nearestAway), away);
}

/** Writes (context, rm, a) -> a number of format `from` in the writer's format. */
export function writeConvert(w: FloatWriter, from: FloatFormat): void {
  const { f, format } = w;
  const a = w.operand(0);
  f.if(isNan(a, from), () => w.returnNan(a, a, from));
  f.if(isInfinite(a, from), () => f.return(w.signed(signOf(a, from), format.infinity)));
  f.if(i64.eqz(magnitude(a, from)), () => f.return(w.signed(signOf(a, from))));
  const x = w.unpack(a, from);
  const exponent = i32.add(x.exponent, i32.const(format.bias - from.bias));
  f.return(w.roundAndPack(x.sign, exponent, x.significand));
}
