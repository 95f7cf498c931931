import { f64, i32, i64, relaxedMadd, type Expr } from '../../wasm';
import {
  DOUBLE,
  inexactSet,
  isSafelyNormal,
  operandOf,
  returnIfOnlyInexact,
  sumError,
  whenNearestEven,
} from './hardware';
import { exponentOf, type FloatWriter } from './writer';

/** Heads of the double-precision operations (see `hardware.ts`). */

/**
 * Runs `body` only when the product of a and b, which the host rounds to `product`, a normal number, is
 * exact. It is when its significand, an integer of 105 or 106 bits, ends in 52 or 53 zeros. These low bits
 * are the same in the 64-bit product of the operands' bits, once the hidden ones are set.
 *
 * (For a subnormal factor the hidden bit is wrong, but the number of zeros at its end is right, and it has
 * at least one leading bit less: the product is exact whichever way the test for 105 bits comes out.)
 */
function whenProductIsExact(
  w: FloatWriter,
  a: Expr<'i64'>,
  b: Expr<'i64'>,
  product: Expr<'i64'>,
  body: () => void,
): void {
  const { f, format } = w;
  const hidden = i64.const(format.hiddenBit);
  const low = f.local('i64');
  f.set(low, i64.mul(i64.or(a, hidden), i64.or(b, hidden)));
  f.if(i64.eqz(i64.shl(low, i64.const(12))), () => {
    const exponents = i32.add(exponentOf(a, format), exponentOf(b, format));
    const has105Bits = i32.eq(
      i32.add(exponentOf(product, format), i32.const(format.bias)),
      exponents,
    );
    f.if(i32.or(i64.eqz(i64.shl(low, i64.const(11))), has105Bits), body);
  });
}

const isZero = (value: Expr<'f64'>): Expr<'i32'> => f64.eq(value, DOUBLE.zero);

/** Head of a × b. */
export function writeDoubleMultiplyHead(w: FloatWriter): void {
  const { f, format } = w;
  const [a, b] = [w.operand(0), w.operand(1)];
  whenNearestEven(w, () => {
    const x = operandOf(w, DOUBLE, 0);
    const y = operandOf(w, DOUBLE, 1);
    const product = f.local('f64');
    const bits = f.local('i64');
    f.set(product, f64.mul(x, y));
    f.set(bits, DOUBLE.bits(product));
    f.if(
      isSafelyNormal(bits, format),
      () => {
        f.if(inexactSet(w), () => f.return(bits));
        whenProductIsExact(w, a, b, bits, () => f.return(bits));
      },
      () => {
        // A zero that did not come from underflow (zero times infinity is a NaN).
        const zeroFactor = i32.or(isZero(x), isZero(y));
        f.if(i32.and(isZero(product), zeroFactor), () => f.return(bits));
      },
    );
  });
}

/** Head of a ÷ b: exact when quotient × b is exact and is a. */
export function writeDoubleDivideHead(w: FloatWriter): void {
  const { f, format } = w;
  const [a, b] = [w.operand(0), w.operand(1)];
  whenNearestEven(w, () => {
    const x = operandOf(w, DOUBLE, 0);
    const y = operandOf(w, DOUBLE, 1);
    const quotient = f.local('f64');
    const bits = f.local('i64');
    f.set(quotient, f64.div(x, y));
    f.set(bits, DOUBLE.bits(quotient));
    f.if(
      isSafelyNormal(bits, format),
      () => {
        f.if(inexactSet(w), () => f.return(bits));
        const back = f64.eq(f64.mul(quotient, y), x);
        f.if(i32.and(isSafelyNormal(a, format), back), () => {
          whenProductIsExact(w, bits, b, a, () => f.return(bits));
        });
      },
      () => {
        // Zero divided by anything but zero or a NaN, which give a NaN.
        f.if(i32.and(isZero(quotient), isZero(x)), () => f.return(bits));
      },
    );
  });
}

/** Head of the square root: exact when its square is exact and is a. */
export function writeDoubleSquareRootHead(w: FloatWriter): void {
  const { f, format } = w;
  const a = w.operand(0);
  whenNearestEven(w, () => {
    const x = operandOf(w, DOUBLE, 0);
    const root = f.local('f64');
    const bits = f.local('i64');
    f.set(root, f64.sqrt(x));
    f.set(bits, DOUBLE.bits(root));
    f.if(
      isSafelyNormal(bits, format),
      () => {
        f.if(inexactSet(w), () => f.return(bits));
        const back = f64.eq(f64.mul(root, root), x);
        f.if(i32.and(isSafelyNormal(a, format), back), () => {
          whenProductIsExact(w, bits, bits, a, () => f.return(bits));
        });
      },
      () => f.if(isZero(x), () => f.return(bits)),
    );
  });
}

/**
 * Head of a × b + c. Where the product is exact, so that the sum is the only rounding, no fused instruction
 * is needed; with NX set the host's own does all, if it is fused.
 */
export function writeDoubleFusedMultiplyAddHead(w: FloatWriter, fusedMadd: boolean): void {
  const { f, format } = w;
  const [a, b] = [w.operand(0), w.operand(1)];
  whenNearestEven(w, () => {
    const x = operandOf(w, DOUBLE, 0);
    const y = operandOf(w, DOUBLE, 1);
    const z = operandOf(w, DOUBLE, 2);
    const product = f.local('f64');
    const sum = f.local('f64');
    if (fusedMadd) {
      f.if(inexactSet(w), () => {
        f.set(sum, relaxedMadd.f64(x, y, z));
        const bits = DOUBLE.bits(sum);
        f.if(isSafelyNormal(bits, format), () => f.return(bits));
      });
    }
    f.set(product, f64.mul(x, y));
    const addToExactProduct = (): void => {
      f.set(sum, f64.add(product, z));
      if (!fusedMadd) returnIfOnlyInexact(w, DOUBLE, sum);
      const exact = f64.eq(sumError(w, DOUBLE, product, z, sum), DOUBLE.zero);
      f.if(exact, () => f.return(DOUBLE.bits(sum)));
    };
    f.if(
      isSafelyNormal(DOUBLE.bits(product), format),
      () => whenProductIsExact(w, a, b, DOUBLE.bits(product), addToExactProduct),
      // Zero times infinity is a NaN, and so is then the error of the sum.
      () => f.if(i32.or(isZero(x), isZero(y)), addToExactProduct),
    );
  });
}
