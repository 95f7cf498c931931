import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computationNames, evaluate } from './evaluate';

/*
 * What the instructions that compute with integer registers write to rd, against definitions over BigInt
 * that follow the manual's text and share nothing with the table. `a` and `b` are rs1 and rs2 as unsigned
 * 64-bit numbers, `n` the immediate.
 */

const signed = (value: bigint): bigint => BigInt.asIntN(64, value);
const word = (value: bigint): bigint => BigInt.asUintN(32, value);
const signedWord = (value: bigint): bigint => BigInt.asIntN(32, value);
const when = (condition: boolean): bigint => (condition ? 1n : 0n);
/** The bits of a number of `width` bits, from the lowest on. */
const bitsOf = (value: bigint, width: number): string =>
  [...value.toString(2).padStart(width, '0')].reverse().join('');
const leadingZeros = (value: bigint, width: number): bigint =>
  BigInt(width - (value === 0n ? 0 : value.toString(2).length));
const trailingZeros = (value: bigint, width: number): bigint => {
  const first = bitsOf(value, width).indexOf('1');
  return BigInt(first < 0 ? width : first);
};
const ones = (value: bigint): bigint => BigInt(value.toString(2).replaceAll('0', '').length);
const rotateRight = (value: bigint, amount: bigint, width: bigint): bigint =>
  ((value | (value << width)) >> (amount % width)) & ((1n << width) - 1n);
const bytesOf = (value: bigint): bigint[] =>
  Array.from({ length: 8 }, (_, i) => (value >> BigInt(8 * i)) & 0xffn);
const fromBytes = (bytes: bigint[]): bigint =>
  bytes.reduceRight((value, byte) => (value << 8n) | byte, 0n);
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** The 127-bit product of two polynomials over GF(2). */
const carryless = (a: bigint, b: bigint): bigint =>
  [...bitsOf(b, 64)].reduce((sum, bit, i) => (bit === '1' ? sum ^ (a << BigInt(i)) : sum), 0n);

/** Division rounds towards zero, as BigInt's does; by zero it gives all ones and the dividend. */
const quotient = (a: bigint, b: bigint): bigint => (b === 0n ? -1n : a / b);
const remainder = (a: bigint, b: bigint): bigint => (b === 0n ? a : a % b);

type Definition = (a: bigint, b: bigint, n: bigint) => bigint;

const DEFINITIONS: Readonly<Record<string, Definition>> = {
  lui: (_a, _b, n) => n,
  addi: (a, _, n) => a + n,
  slti: (a, _, n) => when(signed(a) < n),
  sltiu: (a, _, n) => when(a < BigInt.asUintN(64, n)),
  xori: (a, _, n) => a ^ n,
  ori: (a, _, n) => a | n,
  andi: (a, _, n) => a & n,
  slli: (a, _, n) => a << (n & 63n),
  srli: (a, _, n) => a >> (n & 63n),
  srai: (a, _, n) => signed(a) >> (n & 63n),
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  sll: (a, b) => a << (b & 63n),
  slt: (a, b) => when(signed(a) < signed(b)),
  sltu: (a, b) => when(a < b),
  xor: (a, b) => a ^ b,
  srl: (a, b) => a >> (b & 63n),
  sra: (a, b) => signed(a) >> (b & 63n),
  or: (a, b) => a | b,
  and: (a, b) => a & b,
  addiw: (a, _, n) => signedWord(a + n),
  slliw: (a, _, n) => signedWord(a << (n & 31n)),
  srliw: (a, _, n) => signedWord(word(a) >> (n & 31n)),
  sraiw: (a, _, n) => signedWord(a) >> (n & 31n),
  addw: (a, b) => signedWord(a + b),
  subw: (a, b) => signedWord(a - b),
  sllw: (a, b) => signedWord(a << (b & 31n)),
  srlw: (a, b) => signedWord(word(a) >> (b & 31n)),
  sraw: (a, b) => signedWord(a) >> (b & 31n),

  mul: (a, b) => a * b,
  mulh: (a, b) => (signed(a) * signed(b)) >> 64n,
  mulhsu: (a, b) => (signed(a) * b) >> 64n,
  mulhu: (a, b) => (a * b) >> 64n,
  div: (a, b) => quotient(signed(a), signed(b)),
  divu: (a, b) => quotient(a, b),
  rem: (a, b) => remainder(signed(a), signed(b)),
  remu: (a, b) => remainder(a, b),
  mulw: (a, b) => signedWord(a * b),
  divw: (a, b) => signedWord(quotient(signedWord(a), signedWord(b))),
  divuw: (a, b) => signedWord(quotient(word(a), word(b))),
  remw: (a, b) => remainder(signedWord(a), signedWord(b)),
  remuw: (a, b) => signedWord(remainder(word(a), word(b))),

  sh1add: (a, b) => b + (a << 1n),
  sh2add: (a, b) => b + (a << 2n),
  sh3add: (a, b) => b + (a << 3n),
  'add.uw': (a, b) => b + word(a),
  'sh1add.uw': (a, b) => b + (word(a) << 1n),
  'sh2add.uw': (a, b) => b + (word(a) << 2n),
  'sh3add.uw': (a, b) => b + (word(a) << 3n),
  'slli.uw': (a, _, n) => word(a) << (n & 63n),

  andn: (a, b) => a & ~b,
  orn: (a, b) => a | ~b,
  xnor: (a, b) => ~(a ^ b),
  clz: (a) => leadingZeros(a, 64),
  clzw: (a) => leadingZeros(word(a), 32),
  ctz: (a) => trailingZeros(a, 64),
  ctzw: (a) => trailingZeros(word(a), 32),
  cpop: (a) => ones(a),
  cpopw: (a) => ones(word(a)),
  max: (a, b) => max(signed(a), signed(b)),
  maxu: (a, b) => max(a, b),
  min: (a, b) => min(signed(a), signed(b)),
  minu: (a, b) => min(a, b),
  'sext.b': (a) => BigInt.asIntN(8, a),
  'sext.h': (a) => BigInt.asIntN(16, a),
  'zext.h': (a) => BigInt.asUintN(16, a),
  rol: (a, b) => rotateRight(a, 64n - (b & 63n), 64n),
  ror: (a, b) => rotateRight(a, b & 63n, 64n),
  rori: (a, _, n) => rotateRight(a, n & 63n, 64n),
  rolw: (a, b) => signedWord(rotateRight(word(a), 32n - (b & 31n), 32n)),
  rorw: (a, b) => signedWord(rotateRight(word(a), b & 31n, 32n)),
  roriw: (a, _, n) => signedWord(rotateRight(word(a), n & 31n, 32n)),
  'orc.b': (a) => fromBytes(bytesOf(a).map((byte) => (byte === 0n ? 0n : 0xffn))),
  rev8: (a) => fromBytes(bytesOf(a).reverse()),

  clmul: (a, b) => carryless(a, b),
  clmulr: (a, b) => carryless(a, b) >> 63n,
  clmulh: (a, b) => carryless(a, b) >> 64n,

  bclr: (a, b) => a & ~(1n << (b & 63n)),
  bclri: (a, _, n) => a & ~(1n << (n & 63n)),
  bext: (a, b) => (a >> (b & 63n)) & 1n,
  bexti: (a, _, n) => (a >> (n & 63n)) & 1n,
  binv: (a, b) => a ^ (1n << (b & 63n)),
  binvi: (a, _, n) => a ^ (1n << (n & 63n)),
  bset: (a, b) => a | (1n << (b & 63n)),
  bseti: (a, _, n) => a | (1n << (n & 63n)),

  'czero.eqz': (a, b) => (b === 0n ? 0n : a),
  'czero.nez': (a, b) => (b === 0n ? a : 0n),
};

/** Numbers where arithmetic goes wrong: near powers of two, of either sign, and any others. */
const EDGES = [0n, 7n, 8n, 15n, 16n, 31n, 32n, 62n, 63n].flatMap((power) =>
  [-1n, 0n, 1n].flatMap((delta) => [(1n << power) + delta, -(1n << power) + delta]),
);
const register = fc
  .oneof(
    fc.constantFrom(...EDGES),
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    fc.bigInt({ min: -64n, max: 64n }),
  )
  .map((value) => BigInt.asUintN(64, value));
const PAIRS = EDGES.flatMap((a) =>
  EDGES.map((b): [bigint, bigint, bigint] => [
    BigInt.asUintN(64, a),
    BigInt.asUintN(64, b),
    a % 64n,
  ]),
);
const immediate = fc.integer({ min: -2048, max: 2047 }).map(BigInt);

describe('an instruction that computes with integer registers', () => {
  it('has a definition here, each one', () => {
    expect([...computationNames].sort()).toEqual(Object.keys(DEFINITIONS).sort());
  });

  it.each(Object.entries(DEFINITIONS))('%s does what the manual says', (name, definition) => {
    fc.assert(
      fc.property(register, register, immediate, (a, b, n) => {
        const result = evaluate(name, { rs1: a, rs2: b, imm: n });
        expect(result).toBe(BigInt.asUintN(64, definition(a, b, n)));
      }),
      { numRuns: PAIRS.length + 300, examples: PAIRS },
    );
  });
});

describe('division', () => {
  const lowest = 1n << 63n;
  const all = (1n << 64n) - 1n;

  it('by zero gives all ones and leaves the dividend', () => {
    expect(evaluate('div', { rs1: 5n, rs2: 0n })).toBe(all);
    expect(evaluate('divuw', { rs1: 5n, rs2: 0n })).toBe(all);
    expect(evaluate('rem', { rs1: 5n, rs2: 0n })).toBe(5n);
    expect(evaluate('remuw', { rs1: 1n << 31n, rs2: 0n })).toBe(0xffffffff80000000n);
  });

  it('that overflows gives the dividend and no remainder', () => {
    expect(evaluate('div', { rs1: lowest, rs2: all })).toBe(lowest);
    expect(evaluate('rem', { rs1: lowest, rs2: all })).toBe(0n);
    expect(evaluate('divw', { rs1: 1n << 31n, rs2: all })).toBe(0xffffffff80000000n);
    expect(evaluate('remw', { rs1: 1n << 31n, rs2: all })).toBe(0n);
  });
});
