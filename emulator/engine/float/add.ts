import { i32, i64 } from '../../wasm';
import { isInfinite, isNan, isZero, magnitude, type FloatWriter } from './writer';

/**
 * Writes (context, rm, a, b) -> a + b.
 * Source: Handbook of Floating-Point Arithmetic, section 7.3; Berkeley SoftFloat 3, addMagsF64 and subMagsF64.
 */
export function writeAdd(w: FloatWriter): void {
  const { f, format } = w;
  const a = w.operand(0);
  const b = w.operand(1);
  const swapped = f.local('i64');

  f.if(i32.or(isNan(a, format), isNan(b, format)), () => w.returnNan(a, b));
  f.if(isInfinite(a, format), () => {
    f.if(i32.and(isInfinite(b, format), i64.ne(a, b)), () => w.returnInvalid());
    f.return(a);
  });
  f.if(isInfinite(b, format), () => f.return(b));

  f.if(i64.lt_u(magnitude(a, format), magnitude(b, format)), () => {
    f.set(swapped, a);
    f.set(a, b);
    f.set(b, swapped);
  });
  f.if(isZero(b, format), () => {
    f.if(i32.and(isZero(a, format), i64.ne(a, b)), () => f.return(w.cancelled()));
    f.return(a);
  });

  const big = w.unpack(a);
  const small = w.unpack(b);
  const sum = f.local('i64');
  const shift = f.local('i64');
  const distance = i32.sub(big.exponent, small.exponent);
  f.set(small.significand, w.shiftRightJam(small.significand, distance));
  f.if(
    i32.eq(big.sign, small.sign),
    () => {
      f.set(sum, i64.add(big.significand, small.significand));
      f.if(i64.lt_s(sum, i64.const(0)), () => {
        f.set(sum, i64.or(i64.shr_u(sum, i64.const(1)), i64.and(sum, i64.const(1))));
        f.set(big.exponent, i32.add(big.exponent, i32.const(1)));
      });
    },
    () => {
      // The sticky bit survives: bits were lost only at a distance above the number of spare bits (10 or
      // more), and then at most one leading bit cancels.
      f.set(sum, i64.sub(big.significand, small.significand));
      f.if(i64.eqz(sum), () => f.return(w.cancelled()));
      f.set(shift, i64.sub(i64.clz(sum), i64.const(1)));
      f.set(sum, i64.shl(sum, shift));
      f.set(big.exponent, i32.sub(big.exponent, i32.wrap_i64(shift)));
    },
  );
  f.return(w.roundAndPack(big.sign, big.exponent, sum));
}
