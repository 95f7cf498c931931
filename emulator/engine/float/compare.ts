import { choose, i32, i64, select, type Expr } from '../../wasm';
import { FFLAGS, type FloatFormat } from './format';
import {
  exponentOf,
  isInfinite,
  isNan,
  isSignalingNan,
  isZero,
  signOf,
  type FloatWriter,
} from './writer';

/** The bits as a signed integer that is ordered like the numbers, with -0 just below +0. */
function orderKey(bits: Expr<'i64'>, format: FloatFormat): Expr<'i64'> {
  const top = 64 - format.width;
  const signed = i64.shl(bits, i64.const(top));
  const flip = i64.shr_u(i64.shr_s(signed, i64.const(63)), i64.const(1));
  return i64.xor(signed, flip);
}

/**
 * Writes (context, rm, a, b) -> minimumNumber or maximumNumber of IEEE 754-2019 (section 9.6): a NaN
 * loses against a number, -0 is less than +0, signalling NaNs raise NV.
 */
export function writeMinimumMaximum(w: FloatWriter, which: 'min' | 'max'): void {
  const { f, format } = w;
  const [a, b] = [w.operand(0), w.operand(1)];
  f.if(i32.or(isNan(a, format), isNan(b, format)), () => {
    f.if(i32.and(isNan(a, format), isNan(b, format)), () => w.returnNan(a, b));
    f.if(i32.or(isSignalingNan(a, format), isSignalingNan(b, format)), () => w.raise(FFLAGS.NV));
    f.return(select(isNan(a, format), b, a));
  });
  const less = i64.lt_s(orderKey(a, format), orderKey(b, format));
  f.return(which === 'min' ? select(less, a, b) : select(less, b, a));
}

/**
 * Writes (context, rm, a, b) -> 1 when the comparison holds, else 0. `eq` is quiet: only signalling NaNs
 * raise NV. `lt` and `le` signal: any NaN does (RISC-V manual, "Floating-Point Compare Instructions").
 */
export function writeCompare(w: FloatWriter, which: 'eq' | 'lt' | 'le'): void {
  const { f, format } = w;
  const [a, b] = [w.operand(0), w.operand(1)];
  f.if(i32.or(isNan(a, format), isNan(b, format)), () => {
    const signals = i32.or(isSignalingNan(a, format), isSignalingNan(b, format));
    if (which === 'eq') f.if(signals, () => w.raise(FFLAGS.NV));
    else w.raise(FFLAGS.NV);
    f.return(i64.const(0));
  });
  const zeros = isZero(i64.or(a, b), format);
  const less = i64.lt_s(orderKey(a, format), orderKey(b, format));
  const holds = {
    eq: i32.or(i64.eq(a, b), zeros),
    lt: i32.and(less, i32.eqz(zeros)),
    le: i32.or(i32.or(less, i64.eq(a, b)), zeros),
  }[which];
  f.return(i64.extend_i32_u(holds));
}

/**
 * Writes (context, rm, a) -> the class of a as a mask with one bit set (RISC-V manual, "Floating-Point
 * Classify Instruction").
 *
 * | bit | 0  | 1         | 2            | 3  | 4  | 5            | 6         | 7  | 8              | 9         |
 * |-----|----|-----------|--------------|----|----|--------------|-----------|----|----------------|-----------|
 * |     | -∞ | -normal   | -subnormal   | -0 | +0 | +subnormal   | +normal   | +∞ | signalling NaN | quiet NaN |
 */
export function writeClassify(w: FloatWriter): void {
  const { f, format } = w;
  const a = w.operand(0);
  const bySign = (positive: number, negative: number): Expr<'i64'> =>
    select(signOf(a, format), i64.const(1 << negative), i64.const(1 << positive));
  f.if(isNan(a, format), () => {
    f.return(select(isSignalingNan(a, format), i64.const(1 << 8), i64.const(1 << 9)));
  });
  f.if(isInfinite(a, format), () => f.return(bySign(7, 0)));
  const tiny = choose(isZero(a, format), bySign(4, 3), bySign(5, 2));
  f.return(choose(i32.eqz(exponentOf(a, format)), tiny, bySign(6, 1)));
}
