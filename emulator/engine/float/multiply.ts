import { call, i32, i64 } from '../../wasm';
import { isInfinite, isNan, isZero, signOf, type FloatWriter } from './writer';

/**
 * Writes (context, rm, a, b) -> a × b.
 * Source: Handbook of Floating-Point Arithmetic, section 7.4; Berkeley SoftFloat 3, f64_mul.
 */
export function writeMultiply(w: FloatWriter): void {
  const { f, format } = w;
  const a = w.operand(0);
  const b = w.operand(1);
  const sign = f.local('i32');

  f.if(i32.or(isNan(a, format), isNan(b, format)), () => w.returnNan(a, b));
  f.set(sign, signOf(i64.xor(a, b), format));
  f.if(i32.or(isInfinite(a, format), isInfinite(b, format)), () => {
    f.if(i32.or(isZero(a, format), isZero(b, format)), () => w.returnInvalid());
    f.return(w.signed(sign, format.infinity));
  });
  f.if(i32.or(isZero(a, format), isZero(b, format)), () => f.return(w.signed(sign)));

  const x = w.unpack(a);
  const y = w.unpack(b);
  const product = f.local('i64');
  const exponent = f.local('i32');
  // The high half of x × 2y: its leading one is at bit 62, or at 61 when the significands multiply to
  // less than 2.
  f.set(exponent, i32.sub(i32.add(x.exponent, y.exponent), i32.const(format.bias - 1)));
  f.set(y.significand, i64.shl(y.significand, i64.const(1)));
  const high = call(w.shared.multiplyHigh, 'i64', x.significand, y.significand);
  const low = i64.mul(x.significand, y.significand);
  f.set(product, i64.or(high, i64.extend_i32_u(i64.ne(low, i64.const(0)))));
  f.if(i64.lt_u(product, i64.const(1n << 62n)), () => {
    f.set(product, i64.shl(product, i64.const(1)));
    f.set(exponent, i32.sub(exponent, i32.const(1)));
  });
  f.return(w.roundAndPack(sign, exponent, product));
}
