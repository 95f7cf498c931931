import { call, i32, i64, type Expr, type FunctionBuilder, type Local } from '../../wasm';
import { FFLAGS } from './format';
import { isInfinite, isNan, isSignalingNan, isZero, signOf, type FloatWriter } from './writer';

/** A 128-bit unsigned integer. */
interface Wide {
  readonly high: Local<'i64'>;
  readonly low: Local<'i64'>;
}

/** Where the leading one of a product or an aligned addend stands in 128 bits: room for one carry. */
const WIDE_LEADING = 125;

/**
 * Writes (context, rm, a, b, c) -> a × b + c, rounded once: product and sum are kept in 128 bits.
 * Source: Handbook of Floating-Point Arithmetic, section 7.5; Berkeley SoftFloat 3, mulAddF64.
 */
export function writeFusedMultiplyAdd(w: FloatWriter): void {
  const { f, format } = w;
  const [a, b, c] = [w.operand(0), w.operand(1), w.operand(2)];
  const productSign = f.local('i32');
  f.set(productSign, signOf(i64.xor(a, b), format));
  writeSpecialOperands(w, productSign);

  f.if(i32.or(isZero(a, format), isZero(b, format)), () => {
    const oppositeZeros = i32.and(isZero(c, format), i32.ne(productSign, signOf(c, format)));
    f.if(oppositeZeros, () => f.return(w.cancelled()));
    f.return(c);
  });

  const x = w.unpack(a);
  const y = w.unpack(b);
  const product: Wide = { high: f.local('i64'), low: f.local('i64') };
  const exponent = f.local('i32');
  // The product of the significands has its leading one at bit 124 or 125; shifted so that it is at 125.
  f.set(exponent, i32.sub(i32.add(x.exponent, y.exponent), i32.const(format.bias - 1)));
  f.set(product.high, call(w.shared.multiplyHigh, 'i64', x.significand, y.significand));
  f.set(product.low, i64.mul(x.significand, y.significand));
  f.if(i64.lt_u(product.high, i64.const(1n << BigInt(WIDE_LEADING - 64))), () => {
    shiftLeft(f, product, i64.const(1));
    f.set(exponent, i32.sub(exponent, i32.const(1)));
  });

  const sign = f.local('i32');
  f.set(sign, productSign);
  f.if(i32.eqz(isZero(c, format)), () => {
    const z = w.unpack(c);
    const addend: Wide = { high: f.local('i64'), low: f.local('i64') };
    f.set(addend.high, i64.shr_u(z.significand, i64.const(1)));
    f.set(addend.low, i64.shl(z.significand, i64.const(63)));
    addAligned(f, { sign, exponent, sum: product }, { ...z, addend });
    f.if(i64.eqz(i64.or(product.high, product.low)), () => f.return(w.cancelled()));
  });

  // Normalize: the leading one to bit 127, then the high half to bit 62 with the sticky bit.
  const zeros = f.local('i64');
  f.if(i64.eqz(product.high), () => {
    f.set(product.high, product.low);
    f.set(product.low, i64.const(0));
    f.set(exponent, i32.sub(exponent, i32.const(64)));
  });
  f.set(zeros, i64.clz(product.high));
  shiftLeft(f, product, zeros);
  f.set(exponent, i32.add(exponent, i32.sub(i32.const(127 - WIDE_LEADING), i32.wrap_i64(zeros))));
  const rest = i64.or(i64.and(product.high, i64.const(1)), product.low);
  const sticky = i64.extend_i32_u(i64.ne(rest, i64.const(0)));
  const significand = i64.or(i64.shr_u(product.high, i64.const(1)), sticky);
  f.return(w.roundAndPack(sign, exponent, significand));
}

/**
 * Returns for NaNs and infinities. Infinity times zero is invalid even when c is a quiet NaN (RISC-V
 * manual, "F" extension, fused multiply-add), which IEEE 754 leaves open.
 */
function writeSpecialOperands(w: FloatWriter, productSign: Expr<'i32'>): void {
  const { f, format } = w;
  const [a, b, c] = [w.operand(0), w.operand(1), w.operand(2)];
  const infiniteTimesZero = i32.or(
    i32.and(isInfinite(a, format), isZero(b, format)),
    i32.and(isZero(a, format), isInfinite(b, format)),
  );
  f.if(infiniteTimesZero, () => w.returnInvalid());
  f.if(i32.or(i32.or(isNan(a, format), isNan(b, format)), isNan(c, format)), () => {
    f.if(isSignalingNan(c, format), () => w.raise(FFLAGS.NV));
    w.returnNan(a, b);
  });
  f.if(i32.or(isInfinite(a, format), isInfinite(b, format)), () => {
    const opposite = i32.and(isInfinite(c, format), i32.ne(productSign, signOf(c, format)));
    f.if(opposite, () => w.returnInvalid());
    f.return(w.signed(productSign, format.infinity));
  });
  f.if(isInfinite(c, format), () => f.return(c));
}

/** Adds `addend` to `sum`, both with the leading one at bit 125: leaves the sum's sign and exponent. */
function addAligned(
  f: FunctionBuilder,
  left: { sign: Local<'i32'>; exponent: Local<'i32'>; sum: Wide },
  right: { sign: Local<'i32'>; exponent: Local<'i32'>; addend: Wide },
): void {
  const { sum } = left;
  const { addend } = right;
  const borrow = f.local('i64');
  f.if(
    i32.lt_s(left.exponent, right.exponent),
    () => {
      shiftRightJam(f, sum, i32.sub(right.exponent, left.exponent));
      f.set(left.exponent, right.exponent);
    },
    () => shiftRightJam(f, addend, i32.sub(left.exponent, right.exponent)),
  );
  f.if(
    i32.eq(left.sign, right.sign),
    () => {
      f.set(sum.low, i64.add(sum.low, addend.low));
      f.set(sum.high, i64.add(i64.add(sum.high, addend.high), carryOut(sum.low, addend.low)));
    },
    () => {
      // Bits were lost only where at least 20 zero bits (of the product) stand at the low end, so that at
      // most one leading bit cancels then, and the sticky bit stays below the bit that is rounded by.
      f.set(borrow, carryOut(sum.low, addend.low));
      f.set(sum.low, i64.sub(sum.low, addend.low));
      f.set(sum.high, i64.sub(i64.sub(sum.high, addend.high), borrow));
      f.if(i64.lt_s(sum.high, i64.const(0)), () => {
        f.set(left.sign, right.sign);
        f.set(sum.low, i64.sub(i64.const(0), sum.low));
        f.set(borrow, i64.extend_i32_u(i64.ne(sum.low, i64.const(0))));
        f.set(sum.high, i64.sub(i64.sub(i64.const(0), sum.high), borrow));
      });
    },
  );
}

/** 1 when a < b: the carry out of a sum `a` to which `b` was added, or the borrow of `a - b`. */
function carryOut(a: Expr<'i64'>, b: Expr<'i64'>): Expr<'i64'> {
  return i64.extend_i32_u(i64.lt_u(a, b));
}

/** Shifts left by 0 to 63. */
function shiftLeft(f: FunctionBuilder, value: Wide, count: Expr<'i64'>): void {
  // In two steps, because a shift by 64 - 0 would be one by 0.
  const carried = i64.shr_u(i64.shr_u(value.low, i64.const(1)), i64.sub(i64.const(63), count));
  f.set(value.high, i64.or(i64.shl(value.high, count), carried));
  f.set(value.low, i64.shl(value.low, count));
}

/** Shifts right by any count; bit 0 is also set when a one was shifted out. */
function shiftRightJam(f: FunctionBuilder, value: Wide, count: Expr<'i32'>): void {
  const n = f.local('i64');
  const lost = f.local('i64');
  f.set(n, i64.extend_i32_u(count));
  f.set(lost, i64.const(0));
  f.if(i64.ge_u(n, i64.const(64)), () => {
    f.set(lost, value.low);
    f.set(value.low, value.high);
    f.set(value.high, i64.const(0));
    f.set(n, i64.sub(n, i64.const(64)));
  });
  f.if(
    i64.ge_u(n, i64.const(64)),
    () => {
      f.set(lost, i64.or(lost, value.low));
      f.set(value.low, i64.const(0));
    },
    () => {
      const cut = i64.shl(i64.shr_u(value.low, n), n);
      f.set(lost, i64.or(lost, i64.xor(value.low, cut)));
      const carried = i64.shl(i64.shl(value.high, i64.const(1)), i64.sub(i64.const(63), n));
      f.set(value.low, i64.or(i64.shr_u(value.low, n), carried));
      f.set(value.high, i64.shr_u(value.high, n));
    },
  );
  f.set(value.low, i64.or(value.low, i64.extend_i32_u(i64.ne(lost, i64.const(0)))));
}
