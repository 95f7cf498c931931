import { i32, i64 } from '../../wasm';
import { isNan, isZero, LEADING, signOf, type FloatWriter } from './writer';

/**
 * Writes (context, rm, a) -> the square root of a, one bit of the root at a time.
 * Source: Handbook of Floating-Point Arithmetic, section 7.7 (restoring digit recurrence).
 */
export function writeSquareRoot(w: FloatWriter): void {
  const { f, format } = w;
  const a = w.operand(0);

  f.if(isNan(a, format), () => w.returnNan(a, a));
  f.if(isZero(a, format), () => f.return(a));
  f.if(signOf(a, format), () => w.returnInvalid());
  f.if(i64.eq(a, i64.const(format.infinity)), () => f.return(a));

  const x = w.unpack(a);
  const exponent = f.local('i32');
  const remainder = f.local('i64');
  const root = f.local('i64');
  const bit = f.local('i64');
  const trial = f.local('i64');
  // Fixed point with the fraction's bits, one to round by and one to spare: the radicand is in [1, 4),
  // taken twice when the exponent is odd, the root in [1, 2).
  const pointBits = format.fractionBits + 2;
  f.set(exponent, i32.sub(x.exponent, i32.const(format.bias)));
  const odd = i64.extend_i32_u(i32.and(exponent, i32.const(1)));
  f.set(remainder, i64.shl(i64.shr_u(x.significand, i64.const(LEADING - pointBits)), odd));
  f.set(exponent, i32.add(i32.shr_s(exponent, i32.const(1)), i32.const(format.bias)));
  f.set(bit, i64.const(1n << BigInt(pointBits)));
  // With b the weight of the next bit, (root + b)^2 <= radicand when radicand - root^2 >= b (2 root + b).
  // `remainder` is radicand - root^2 divided by b, so it is doubled as b is halved.
  f.while(i64.ne(bit, i64.const(0)), () => {
    f.set(trial, i64.add(i64.shl(root, i64.const(1)), bit));
    f.if(i64.ge_u(remainder, trial), () => {
      f.set(remainder, i64.sub(remainder, trial));
      f.set(root, i64.add(root, bit));
    });
    f.set(remainder, i64.shl(remainder, i64.const(1)));
    f.set(bit, i64.shr_u(bit, i64.const(1)));
  });
  const sticky = i64.extend_i32_u(i64.ne(remainder, i64.const(0)));
  const significand = i64.shl(root, i64.const(LEADING - pointBits));
  f.return(w.roundAndPack(i32.const(0), exponent, i64.or(significand, sticky)));
}
