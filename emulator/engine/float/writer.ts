import { HART } from '../../memory/layout';
import { call, i32, i64, select, type Expr, type FunctionBuilder, type Local } from '../../wasm';
import { FFLAGS, ROUNDING, type FloatFormat } from './format';

/**
 * Where the leading one of a working significand stands. One bit is left above it for the carry of an
 * addition; the bits below the format's own (10 for d, 39 for s, 52 for h) hold what is rounded away, the
 * lowest of them also "some more lies below" (the sticky bit). As in Berkeley SoftFloat 3, but at the same
 * place for all formats.
 */
export const LEADING = 62;

/**
 * A finite number other than zero: (-1)^sign × significand × 2^(exponent - bias - LEADING), with the
 * leading one of the significand at bit LEADING. The exponent is biased for the format, but may lie
 * outside its range.
 */
export interface Unpacked {
  readonly sign: Local<'i32'>;
  readonly exponent: Local<'i32'>;
  readonly significand: Local<'i64'>;
}

/** Functions that the code of all operations shares, by function number. */
export interface SharedFunctions {
  /** (significand, count) -> significand >> count, with the sticky bit. */
  readonly shiftRightJam: number;
  /** (a, b) -> the high 64 bits of the unsigned product. */
  readonly multiplyHigh: number;
  /** (context, rm, sign, exponent, significand) -> bits. */
  roundAndPack(format: FloatFormat): number;
  /** (context, a, b) -> the canonical NaN; raises NV when a or b is a signalling NaN. */
  propagateNan(format: FloatFormat): number;
}

/** Writes the body of one operation: (context, rm, a, b, c) -> bits. */
export class FloatWriter {
  readonly context: Local<'i32'>;
  readonly rm: Local<'i32'>;

  constructor(
    readonly f: FunctionBuilder,
    /** Of the result; of the operands too, except in conversions. */
    readonly format: FloatFormat,
    readonly shared: SharedFunctions,
  ) {
    this.context = f.param(0, 'i32');
    this.rm = f.param(1, 'i32');
  }

  operand(index: number): Local<'i64'> {
    return this.f.param(2 + index, 'i64');
  }

  raise(flags: number): void {
    raise(this.f, this.context, i32.const(flags));
  }

  /** Raises NV and returns the canonical NaN: an operation without a useful result. */
  returnInvalid(): void {
    this.raise(FFLAGS.NV);
    this.f.return(i64.const(this.format.canonicalNan));
  }

  /** Returns the NaN that operations give when an operand is one. */
  returnNan(a: Expr<'i64'>, b: Expr<'i64'>, format = this.format): void {
    this.f.do(call(this.shared.propagateNan(format), 'i64', this.context, a, b));
    this.f.return(i64.const(this.format.canonicalNan));
  }

  /** Takes a finite number other than zero apart; subnormal ones are normalized. */
  unpack(bits: Expr<'i64'>, format = this.format): Unpacked {
    const { f } = this;
    const { fractionBits } = format;
    const sign = f.local('i32');
    const exponent = f.local('i32');
    const significand = f.local('i64');
    const shift = f.local('i64');
    f.set(sign, signOf(bits, format));
    f.set(exponent, exponentOf(bits, format));
    f.set(significand, i64.and(bits, i64.const(format.fractionMask)));
    f.if(
      i32.eqz(exponent),
      () => {
        f.set(shift, i64.sub(i64.clz(significand), i64.const(63 - LEADING)));
        f.set(significand, i64.shl(significand, shift));
        f.set(exponent, i32.sub(i32.const(LEADING + 1 - fractionBits), i32.wrap_i64(shift)));
      },
      () => {
        const whole = i64.or(significand, i64.const(format.hiddenBit));
        f.set(significand, i64.shl(whole, i64.const(LEADING - fractionBits)));
      },
    );
    return { sign, exponent, significand };
  }

  roundAndPack(sign: Expr<'i32'>, exponent: Expr<'i32'>, significand: Expr<'i64'>): Expr<'i64'> {
    const index = this.shared.roundAndPack(this.format);
    return call(index, 'i64', this.context, this.rm, sign, exponent, significand);
  }

  shiftRightJam(significand: Expr<'i64'>, count: Expr<'i32'>): Expr<'i64'> {
    return call(this.shared.shiftRightJam, 'i64', significand, i64.extend_i32_u(count));
  }

  /** A zero, or with `magnitude` any value, of the given sign. */
  signed(sign: Expr<'i32'>, magnitude = 0n): Expr<'i64'> {
    const bit = i64.shl(i64.extend_i32_u(sign), i64.const(this.format.width - 1));
    return magnitude === 0n ? bit : i64.or(bit, i64.const(magnitude));
  }

  /** The exact sum of x and -x: +0, but -0 when rounding down (IEEE 754-2019, section 6.3). */
  cancelled(): Expr<'i64'> {
    const down = i32.eq(this.rm, i32.const(ROUNDING.RDN));
    return select(down, i64.const(this.format.signBit), i64.const(0n));
  }
}

export function raise(f: FunctionBuilder, context: Expr<'i32'>, flags: Expr<'i32'>): void {
  f.do(i32.store(context, i32.or(i32.load(context, HART.fcsr), flags), HART.fcsr));
}

export function signOf(bits: Expr<'i64'>, format: FloatFormat): Expr<'i32'> {
  return i32.wrap_i64(i64.shr_u(bits, i64.const(format.width - 1)));
}

export function exponentOf(bits: Expr<'i64'>, format: FloatFormat): Expr<'i32'> {
  const field = i32.wrap_i64(i64.shr_u(bits, i64.const(format.fractionBits)));
  return i32.and(field, i32.const(format.maxExponent));
}

/** The bits without the sign: as an integer, ordered like the absolute values. */
export function magnitude(bits: Expr<'i64'>, format: FloatFormat): Expr<'i64'> {
  return i64.and(bits, i64.const(format.magnitudeMask));
}

export function isNan(bits: Expr<'i64'>, format: FloatFormat): Expr<'i32'> {
  return i64.gt_u(magnitude(bits, format), i64.const(format.infinity));
}

export function isSignalingNan(bits: Expr<'i64'>, format: FloatFormat): Expr<'i32'> {
  const quiet = i64.and(bits, i64.const(format.quietBit));
  return i32.and(isNan(bits, format), i64.eqz(quiet));
}

export function isInfinite(bits: Expr<'i64'>, format: FloatFormat): Expr<'i32'> {
  return i64.eq(magnitude(bits, format), i64.const(format.infinity));
}

export function isZero(bits: Expr<'i64'>, format: FloatFormat): Expr<'i32'> {
  return i64.eqz(magnitude(bits, format));
}
