import type { Format } from '../../emulator/isa/emitter';
import type { FloatOperation } from '../../emulator/engine/float';
import type { FloatCase } from '../support/float-unit';
import { Random } from '../support/random';

const SHAPES = {
  h: { exponentBits: 5, fractionBits: 10 },
  s: { exponentBits: 8, fractionBits: 23 },
  d: { exponentBits: 11, fractionBits: 52 },
} as const;

/** Makes operands of one format that lie where floating-point arithmetic goes wrong. */
class OperandSource {
  private readonly fractionBits: number;
  private readonly maxExponent: number;
  private readonly bias: number;
  private readonly signBit: bigint;
  private readonly hidden: bigint;
  private readonly specials: readonly bigint[];

  constructor(
    private readonly random: Random,
    format: Format,
  ) {
    const { exponentBits, fractionBits } = SHAPES[format];
    this.fractionBits = fractionBits;
    this.maxExponent = 2 ** exponentBits - 1;
    this.bias = (this.maxExponent - 1) / 2;
    this.signBit = 1n << BigInt(exponentBits + fractionBits);
    this.hidden = 1n << BigInt(fractionBits);
    const infinity = BigInt(this.maxExponent) * this.hidden;
    const one = BigInt(this.bias) * this.hidden;
    this.specials = [
      0n,
      1n, // least subnormal
      this.hidden - 1n, // greatest subnormal
      this.hidden, // least normal
      this.hidden + 1n,
      one - 1n,
      one,
      one + 1n,
      infinity - 1n, // greatest finite
      infinity,
      infinity + 1n, // signalling NaN
      infinity + this.hidden / 2n - 1n,
      infinity + this.hidden / 2n, // quiet NaN
      infinity + this.hidden - 1n,
    ];
  }

  /** As many bits of a fraction as a root may have for its square to fit. */
  get halfBits(): number {
    return Math.floor(this.fractionBits / 2);
  }

  private encode(exponent: number, fraction: bigint): bigint {
    const clamped = Math.max(0, Math.min(this.maxExponent, exponent));
    const sign = this.random.below(2) === 0 ? 0n : this.signBit;
    return sign | (BigInt(clamped) * this.hidden) | (fraction & (this.hidden - 1n));
  }

  /** A fraction: random, a few bits at one end or the other, or long runs of equal bits. */
  fraction(): bigint {
    const { random, hidden, fractionBits } = this;
    const few = BigInt(random.below(8));
    switch (random.below(7)) {
      case 0:
        return 0n;
      case 1:
        return few;
      case 2:
        return hidden - 1n - few;
      case 3:
        return BigInt(random.below(256)) << BigInt(Math.max(0, fractionBits - 8));
      case 4:
        return hidden / 2n + few - 4n;
      case 5: {
        // A short odd part anywhere: products of these are exact or end in a tie.
        const bits = random.u64() & ((1n << BigInt(1 + random.below(fractionBits))) - 1n);
        return bits << BigInt(random.below(fractionBits));
      }
      default:
        return random.u64();
    }
  }

  any(): bigint {
    const { random, bias } = this;
    switch (random.below(10)) {
      case 0:
        return random.pick(this.specials) | (random.below(2) === 0 ? 0n : this.signBit);
      case 1:
        return this.encode(0, this.fraction()); // subnormal
      case 2:
        return this.encode(random.below(3), this.fraction());
      case 3:
        return this.encode(this.maxExponent - 1 - random.below(3), this.fraction());
      case 4:
        return random.u64() & (2n * this.signBit - 1n);
      case 5:
        return this.near(bias, 2 * this.fractionBits);
      default:
        return this.near(bias, 4);
    }
  }

  /** A number whose biased exponent lies within `spread` of `exponent`. */
  near(exponent: number, spread: number): bigint {
    return this.encode(exponent + this.random.below(2 * spread + 1) - spread, this.fraction());
  }

  /** A small integer or a quotient of one by a power of two: sums and products of these are exact. */
  small(): bigint {
    const value = 1 + this.random.below(200);
    const log2 = 31 - Math.clz32(value);
    const fraction = (BigInt(value) << BigInt(this.fractionBits)) >> BigInt(log2);
    return this.encode(this.bias + log2 - this.random.below(4), fraction);
  }

  /** A partner for `a` in a sum: cancelling, half a unit in its last place, or just beside that. */
  addend(a: bigint): bigint {
    const { random, fractionBits } = this;
    const exponent = this.exponentOf(a);
    if (random.below(2) === 0) {
      const beside = (a ^ this.signBit) + BigInt(random.below(9) - 4);
      return beside & (2n * this.signBit - 1n);
    }
    return this.near(exponent - fractionBits, 3);
  }

  /** A partner for `a` whose product with it lies at the end of the exponent range, or near 1. */
  factor(a: bigint): bigint {
    const { random, bias, fractionBits } = this;
    const end = random.pick([0, -fractionBits, this.maxExponent, bias]);
    return this.near(end + bias - this.exponentOf(a), 3);
  }

  /** A partner for `a` that divides to the end of the exponent range. */
  divisor(a: bigint): bigint {
    const { random, bias, fractionBits } = this;
    const end = random.pick([0, -fractionBits, this.maxExponent, bias]);
    return this.near(this.exponentOf(a) - (end - bias), 3);
  }

  /** a × b, cut off to the format's precision (and its exponent range, where it does not fit). */
  product(a: bigint, b: bigint): bigint {
    const { bias, fractionBits } = this;
    const significand = (x: bigint): bigint => (x & (this.hidden - 1n)) | this.hidden;
    const product = significand(a) * significand(b);
    const carry = product >> BigInt(2 * fractionBits + 1) === 0n ? 0 : 1;
    const exponent = this.exponentOf(a) + this.exponentOf(b) - bias + carry;
    const bits = this.encode(exponent, product >> BigInt(fractionBits + carry));
    return (bits & (this.signBit - 1n)) | ((a ^ b) & this.signBit);
  }

  /** An addend near -(a × b), or so far from it that the bits of both just meet. */
  productAddend(a: bigint, b: bigint): bigint {
    const { random, bias, fractionBits } = this;
    const distance = random.pick([0, fractionBits, -fractionBits, 2 * fractionBits, 1]);
    if (distance === 0) return this.beside(this.product(a, b) ^ this.signBit);
    return this.near(this.exponentOf(a) + this.exponentOf(b) - bias + distance, 2);
  }

  /** A number at most two units away. */
  beside(a: bigint): bigint {
    return (a + BigInt(this.random.below(5) - 2)) & (2n * this.signBit - 1n);
  }

  /** Factors whose significands have together one bit more or less than a product has room for. */
  splitFactors(first = this.random.below(this.fractionBits) + 1): [bigint, bigint] {
    const { random, bias, fractionBits } = this;
    const withBits = (count: number): bigint => {
      const fraction = (random.u64() | 1n) & ((1n << BigInt(count)) - 1n);
      const exponent = bias + random.below(7) - 3;
      return this.encode(exponent, fraction << BigInt(fractionBits - count));
    };
    const second = fractionBits - first + random.below(2);
    return [withBits(first), withBits(second)];
  }

  /** Factors whose product lies within a few units of the least normal number, or of 1. */
  edgeFactors(): [bigint, bigint] {
    const { random, bias, fractionBits } = this;
    const end = random.pick([0, 1, bias]);
    const exponent = random.below(bias + Math.floor(fractionBits / 2)) + 1;
    const near = (): bigint => {
      const few = BigInt(random.below(4));
      return random.below(2) === 0 ? few : this.hidden - 1n - few;
    };
    const other = end + bias - exponent - random.below(2);
    return [this.encode(exponent, near()), this.encode(other, near())];
  }

  /** An addend half a unit of which is the product of edge factors, but for the least bit of it. */
  tieAddend(a: bigint, b: bigint): bigint {
    const exponent = this.exponentOf(a) + this.exponentOf(b) - this.bias;
    const distance = this.fractionBits + 1 + this.random.below(3) - 1;
    return this.encode(exponent + distance, this.fraction());
  }

  /** A number about the size of the integer types, often with a half. */
  integral(): bigint {
    const { random, bias } = this;
    const exponent = random.below(68) - 2;
    const fraction = this.fraction();
    if (random.below(2) === 0) return this.encode(bias + exponent, fraction);
    const cut = BigInt(Math.max(0, this.fractionBits - exponent - 1));
    return this.encode(bias + exponent, (fraction >> cut) << cut);
  }

  private exponentOf(a: bigint): number {
    return Number((a & (this.signBit - 1n)) / this.hidden);
  }
}

/** An integer operand: around powers of two, sparse, dense, and either sign. */
function integer(random: Random): bigint {
  const power = 1n << BigInt(random.below(64));
  const value = [
    power + BigInt(random.below(5) - 2),
    random.u64() & (2n * power - 1n),
    power | (power >> BigInt(random.pick([11, 12, 24, 25, 53, 54]))),
    BigInt(random.below(100)),
  ][random.below(4)];
  return BigInt.asUintN(64, (value ?? 0n) * (random.below(2) === 0 ? 1n : -1n));
}

/** Random cases of one operation, the rounding modes in turn. */
export function* floatCases(
  op: FloatOperation,
  format: Format,
  count: number,
  seed: number,
): Generator<FloatCase> {
  const random = new Random(seed);
  const from =
    op === 'from_h' || op === 'from_s' || op === 'from_d' ? (op.slice(5) as Format) : format;
  const source = new OperandSource(random, from);
  for (let i = 0; i < count; i++) {
    yield { op, format, rm: i % 5, operands: operandsOf(op, source, random) };
  }
}

function operandsOf(
  op: FloatOperation,
  source: OperandSource,
  random: Random,
): [bigint, bigint, bigint] {
  if (/^from_[iu]/.test(op)) return [integer(random), 0n, 0n];
  if (op.startsWith('to_'))
    return [random.below(3) === 0 ? source.any() : source.integral(), 0n, 0n];
  if (random.below(6) === 0) return [source.small(), source.small(), source.small()];
  if (op === 'mul' || op === 'fma') {
    const kind = random.below(8);
    if (kind < 2) {
      const [a, b] = kind === 0 ? source.edgeFactors() : source.splitFactors();
      return [a, b, random.below(2) === 0 ? source.tieAddend(a, b) : source.productAddend(a, b)];
    }
  }
  if (op === 'div' && random.below(6) === 0) {
    const [quotient, divisor] = source.splitFactors();
    return [source.product(quotient, divisor), divisor, 0n];
  }
  if (op === 'sqrt' && random.below(3) === 0) {
    const [root] = source.splitFactors(source.halfBits);
    const square = source.product(root, root);
    return [random.below(2) === 0 ? square : source.beside(square), 0n, 0n];
  }
  const a = source.any();
  let b = source.any();
  let c = source.any();
  if (random.below(2) === 0) {
    if (op === 'mul' || op === 'fma') b = source.factor(a);
    else if (op === 'div') b = source.divisor(a);
    else b = source.addend(a);
  }
  if (op === 'fma' && random.below(4) !== 0) c = source.productAddend(a, b);
  return [a, b, c];
}
