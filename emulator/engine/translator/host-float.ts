import type { FloatArithmetic } from '../../isa/emitter';
import { f32, f32x4, f64, f64x2, i32, i64, type Expr } from '../../wasm';

type FloatType = 'f32' | 'f64';
type Compare<T extends FloatType> = (a: Expr<T>, b: Expr<T>) => Expr<'i32'>;

/** The host's arithmetic in one precision, and what can be said of its results without looking at flags. */
export interface HostFloat<T extends FloatType> {
  readonly format: 's' | 'd';
  readonly view: 'single' | 'double';
  readonly zero: Expr<T>;
  readonly eq: Compare<T>;
  readonly ne: Compare<T>;
  readonly lt: Compare<T>;
  readonly le: Compare<T>;
  readonly min: (a: Expr<T>, b: Expr<T>) => Expr<T>;
  readonly max: (a: Expr<T>, b: Expr<T>) => Expr<T>;
  /**
   * Whether a result is anything but a normal number above the least normal binade, where one that was
   * rounded up may be an underflow all the same (float/hardware.ts).
   */
  isOdd(value: Expr<T>): Expr<'i32'>;
  /** Whether a result is a zero that is exact: no flag is raised. */
  isExactZero(
    op: FloatArithmetic | 'fma',
    result: Expr<T>,
    operands: readonly Expr<T>[],
  ): Expr<'i32'>;
  readonly canonicalNaN: Expr<T>;
  /** A value in all lanes of a vector. */
  readonly splat: (value: Expr<T>) => Expr<'v128'>;
  /** Whether a value is a NaN that raises the flag for invalid operations. */
  isSignaling(value: Expr<T>): Expr<'i32'>;
  /** Whether a result is infinite because an operand is: no flag is raised. */
  isExactInfinity(result: Expr<T>, operands: readonly Expr<T>[]): Expr<'i32'>;
  /** Whether the result is a NaN because operands are, and no flag is raised. */
  isQuiet(op: FloatArithmetic | 'fma', operands: readonly Expr<T>[]): Expr<'i32'>;
  /** A value as the bits that instructions pass on. */
  expression(value: Expr<T>): Expr<'i64'> & { single?: Expr<'f32'>; double?: Expr<'f64'> };
}

/** Sums cancel exactly; a product is exactly zero when a factor is, a quotient when the dividend is. */
function exactZero<T extends FloatType>(
  { eq, zero }: Pick<HostFloat<T>, 'eq' | 'zero'>,
  op: FloatArithmetic | 'fma',
  result: Expr<T>,
  [a, b]: readonly Expr<T>[],
): Expr<'i32'> {
  const isZero = eq(result, zero);
  switch (op) {
    case 'add':
    case 'sub':
    case 'sqrt':
      return isZero;
    case 'div':
      return i32.and(isZero, eq(a, zero));
    case 'mul':
    case 'fma':
      return i32.and(isZero, i32.or(eq(a, zero), eq(b, zero)));
  }
}

/** What infinities and NaNs need to be told apart. */
interface Special<T extends FloatType> {
  readonly ne: Compare<T>;
  readonly eq: Compare<T>;
  readonly abs: (value: Expr<T>) => Expr<T>;
  readonly mul: (a: Expr<T>, b: Expr<T>) => Expr<T>;
  readonly infinity: Expr<T>;
  /** The bit that quiet NaNs have. */
  readonly isQuietBitSet: (value: Expr<T>) => Expr<'i32'>;
}

const anyOf = (conditions: readonly Expr<'i32'>[]): Expr<'i32'> =>
  conditions.reduce((any, one) => i32.or(any, one));

function special<T extends FloatType>({
  ne,
  eq,
  abs,
  mul,
  infinity,
  isQuietBitSet,
}: Special<T>): Pick<HostFloat<T>, 'isSignaling' | 'isExactInfinity' | 'isQuiet'> {
  const isNaN = (value: Expr<T>): Expr<'i32'> => ne(value, value);
  const isInfinite = (value: Expr<T>): Expr<'i32'> => eq(abs(value), infinity);
  const isSignaling = (value: Expr<T>): Expr<'i32'> =>
    i32.and(isNaN(value), i32.eqz(isQuietBitSet(value)));
  return {
    isSignaling,
    isExactInfinity: (result, operands) =>
      i32.and(isInfinite(result), anyOf(operands.map(isInfinite))),
    isQuiet(op, operands) {
      const [a, b, c] = operands;
      const nans = op === 'fma' ? [a, b].map(isNaN) : operands.map(isNaN);
      // Infinity times zero is invalid even if a NaN is added.
      if (op === 'fma') nans.push(i32.and(isNaN(c), i32.eqz(isNaN(mul(a, b)))));
      return i32.and(anyOf(nans), i32.eqz(anyOf(operands.map(isSignaling))));
    },
  };
}

const single: HostFloat<'f32'> = {
  ...special<'f32'>({
    ...f32,
    infinity: f32.bits(0x7f800000),
    isQuietBitSet: (value) => i32.and(i32.reinterpret_f32(value), i32.const(0x400000)),
  }),
  canonicalNaN: f32.bits(0x7fc00000),
  splat: f32x4.splat,
  format: 's',
  view: 'single',
  zero: f32.bits(0),
  eq: f32.eq,
  ne: f32.ne,
  lt: f32.lt,
  le: f32.le,
  min: f32.min,
  max: f32.max,
  // The exponent, moved to the top: 2 to 254 are ordinary.
  isOdd: (value) =>
    i32.ge_u(
      i32.sub(i32.shl(i32.reinterpret_f32(value), i32.const(1)), i32.const(2 << 24)),
      i32.const(0xfd << 24),
    ),
  isExactZero: (op, result, operands) => exactZero(single, op, result, operands),
  expression: (value) => ({ ...i64.extend_i32_u(i32.reinterpret_f32(value)), single: value }),
};

const double: HostFloat<'f64'> = {
  ...special<'f64'>({
    ...f64,
    infinity: f64.bits(0x7ff0000000000000n),
    isQuietBitSet: (value) =>
      i32.and(
        i32.wrap_i64(i64.shr_u(i64.reinterpret_f64(value), i64.const(32))),
        i32.const(0x80000),
      ),
  }),
  canonicalNaN: f64.bits(0x7ff8000000000000n),
  splat: f64x2.splat,
  format: 'd',
  view: 'double',
  zero: f64.bits(0n),
  eq: f64.eq,
  ne: f64.ne,
  lt: f64.lt,
  le: f64.le,
  min: f64.min,
  max: f64.max,
  isOdd: (value) => {
    const top = i32.wrap_i64(i64.shr_u(i64.reinterpret_f64(value), i64.const(52)));
    const exponent = i32.and(top, i32.const(0x7ff));
    return i32.ge_u(i32.sub(exponent, i32.const(2)), i32.const(0x7fd));
  },
  isExactZero: (op, result, operands) => exactZero(double, op, result, operands),
  expression: (value) => ({ ...i64.reinterpret_f64(value), double: value }),
};

export const FLOATS = { s: single, d: double };
