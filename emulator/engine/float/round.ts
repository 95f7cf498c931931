import { call, i32, i64, select, type FunctionBuilder } from '../../wasm';
import { FFLAGS, ROUNDING, type FloatFormat } from './format';
import { isSignalingNan, LEADING, raise } from './writer';

/**
 * Writes (context, rm, sign, exponent, significand) -> bits: rounds an unpacked number (see `Unpacked`)
 * to the format and encodes it; raises NX, UF and OF.
 *
 * Tininess is detected after rounding (RISC-V manual, "F" extension): a number is tiny when, rounded to
 * the format's precision as if the exponent range were unbounded, it stays below the least normal number.
 * Source: Berkeley SoftFloat 3, roundPackToF64; Handbook of Floating-Point Arithmetic, chapter 7.
 */
export function writeRoundAndPack(
  f: FunctionBuilder,
  format: FloatFormat,
  shiftRightJam: number,
): void {
  const context = f.param(0, 'i32');
  const rm = f.param(1, 'i32');
  const sign = f.param(2, 'i32');
  const exponent = f.param(3, 'i32');
  const significand = f.param(4, 'i64');
  const increment = f.local('i64');
  const lost = f.local('i64');
  const underflow = f.local('i32');

  const lostBits = BigInt(LEADING - format.fractionBits);
  const lostMask = (1n << lostBits) - 1n;
  const half = 1n << (lostBits - 1n);
  const largestExponent = format.maxExponent - 1;
  const signBit = i64.shl(i64.extend_i32_u(sign), i64.const(format.width - 1));

  // What is added before the low bits are cut off: half a unit in the last place to round to nearest,
  // almost a whole one to round away from zero.
  const nearest = i32.or(i32.eq(rm, i32.const(ROUNDING.RNE)), i32.eq(rm, i32.const(ROUNDING.RMM)));
  const awayMode = i32.sub(i32.const(ROUNDING.RUP), sign); // RUP for +, RDN for -
  const directed = select(i32.eq(rm, awayMode), i64.const(lostMask), i64.const(0));
  f.set(increment, select(nearest, i64.const(half), directed));
  /** Bit 63 is set when rounding carries into the next binade. */
  const carries = i64.lt_s(i64.add(significand, increment), i64.const(0));

  f.if(i32.ge_s(exponent, i32.const(largestExponent)), () => {
    f.if(i32.or(i32.gt_s(exponent, i32.const(largestExponent)), carries), () => {
      raise(f, context, i32.const(FFLAGS.OF | FFLAGS.NX));
      // Infinity, or the largest finite number, which is encoded one below it.
      const towardsZero = i64.extend_i32_u(i64.eqz(increment));
      f.return(i64.or(signBit, i64.sub(i64.const(format.infinity), towardsZero)));
    });
  });
  f.if(i32.lt_s(exponent, i32.const(1)), () => {
    const tiny = i32.or(i32.lt_s(exponent, i32.const(0)), i32.eqz(carries));
    f.set(underflow, i32.mul(tiny, i32.const(FFLAGS.UF)));
    const count = i64.extend_i32_u(i32.sub(i32.const(1), exponent));
    f.set(significand, call(shiftRightJam, 'i64', significand, count));
    f.set(exponent, i32.const(1));
  });
  f.set(lost, i64.and(significand, i64.const(lostMask)));
  f.if(i64.ne(lost, i64.const(0)), () => {
    raise(f, context, i32.or(underflow, i32.const(FFLAGS.NX)));
  });
  f.set(significand, i64.shr_u(i64.add(significand, increment), i64.const(lostBits)));
  const tie = i32.and(i64.eq(lost, i64.const(half)), i32.eq(rm, i32.const(ROUNDING.RNE)));
  f.if(tie, () => f.set(significand, i64.and(significand, i64.const(-2))));
  // The leading one of the significand adds the last 1 to the exponent; a carry adds one more.
  const field = i64.extend_i32_u(i32.sub(exponent, i32.const(1)));
  const encoded = i64.add(i64.shl(field, i64.const(format.fractionBits)), significand);
  f.return(i64.or(signBit, encoded));
}

/** Writes (context, a, b) -> the canonical NaN; NV is raised when a or b is a signalling NaN. */
export function writePropagateNan(f: FunctionBuilder, format: FloatFormat): void {
  const context = f.param(0, 'i32');
  const [a, b] = [f.param(1, 'i64'), f.param(2, 'i64')];
  f.if(i32.or(isSignalingNan(a, format), isSignalingNan(b, format)), () => {
    raise(f, context, i32.const(FFLAGS.NV));
  });
  f.return(i64.const(format.canonicalNan));
}
