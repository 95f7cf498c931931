import { i32, i64 } from '../../wasm';
import { FFLAGS } from './format';
import { isInfinite, isNan, isZero, LEADING, signOf, type FloatWriter } from './writer';

/**
 * Writes (context, rm, a, b) -> a ÷ b: long division in digits as wide as a remainder leaves room for in
 * 64 bits (11 bits for d, one digit for s and h).
 * Source: Handbook of Floating-Point Arithmetic, section 7.6.
 */
export function writeDivide(w: FloatWriter): void {
  const { f, format } = w;
  const a = w.operand(0);
  const b = w.operand(1);
  const sign = f.local('i32');

  f.if(i32.or(isNan(a, format), isNan(b, format)), () => w.returnNan(a, b));
  f.set(sign, signOf(i64.xor(a, b), format));
  f.if(isInfinite(a, format), () => {
    f.if(isInfinite(b, format), () => w.returnInvalid());
    f.return(w.signed(sign, format.infinity));
  });
  f.if(isInfinite(b, format), () => f.return(w.signed(sign)));
  f.if(isZero(b, format), () => {
    f.if(isZero(a, format), () => w.returnInvalid());
    w.raise(FFLAGS.DZ);
    f.return(w.signed(sign, format.infinity));
  });
  f.if(isZero(a, format), () => f.return(w.signed(sign)));

  const x = w.unpack(a);
  const y = w.unpack(b);
  const exponent = f.local('i32');
  const remainder = f.local('i64');
  const divisor = f.local('i64');
  const digit = f.local('i64');
  const quotient = f.local('i64');
  const spare = i64.const(LEADING - format.fractionBits);
  f.set(exponent, i32.add(i32.sub(x.exponent, y.exponent), i32.const(format.bias)));
  f.set(remainder, i64.shr_u(x.significand, spare));
  f.set(divisor, i64.shr_u(y.significand, spare));
  f.if(i64.lt_u(remainder, divisor), () => {
    f.set(remainder, i64.shl(remainder, i64.const(1)));
    f.set(exponent, i32.sub(exponent, i32.const(1)));
  });
  // Now 1 <= quotient < 2: the first digit is 1.
  f.set(remainder, i64.sub(remainder, divisor));
  f.set(quotient, i64.const(1));
  const digitBits = 64 - (format.fractionBits + 1);
  // The fraction, one bit to round by and one to spare; the remainder tells whether more lies below.
  const digits = Math.ceil((format.fractionBits + 2) / digitBits);
  for (let i = 0; i < digits; i++) {
    f.set(remainder, i64.shl(remainder, i64.const(digitBits)));
    f.set(digit, i64.div_u(remainder, divisor));
    f.set(remainder, i64.sub(remainder, i64.mul(digit, divisor)));
    f.set(quotient, i64.or(i64.shl(quotient, i64.const(digitBits)), digit));
  }
  f.set(quotient, i64.shl(quotient, i64.const(LEADING - digits * digitBits)));
  const sticky = i64.extend_i32_u(i64.ne(remainder, i64.const(0)));
  f.return(w.roundAndPack(sign, exponent, i64.or(quotient, sticky)));
}
