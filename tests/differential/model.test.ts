import { afterEach, describe, expect, it } from 'vitest';
import { closeGuests, DATA, guest } from '../support/assembly-guest';
import { integerValue, Random } from '../support/random';

/*
 * What qemu-riscv64-static 7.2 cannot tell: it has neither Zicond nor Zcb, and its ctzw counts on into the
 * upper half when the lower one is zero (the manual: 32). These are compared with definitions over BigInt.
 */

afterEach(closeGuests);

const ROUNDS = 2000;
/** Operands of an instruction at a time, all of its rounds in one program. */
type Definition = (a: bigint, b: bigint) => bigint;

const signExtend = (bits: number) => (value: bigint) => BigInt.asIntN(bits, value);
const zeroExtend = (bits: number) => (value: bigint) => BigInt.asUintN(bits, value);

/** rd is s0, rs1 is s0 or a0, rs2 is a1. */
const REGISTERS: readonly (readonly [string, Definition])[] = [
  ['czero.eqz s0, s0, a1', (a, b) => (b === 0n ? 0n : a)],
  ['czero.nez s0, s0, a1', (a, b) => (b === 0n ? a : 0n)],
  ['c.zext.b s0', zeroExtend(8)],
  ['c.sext.b s0', signExtend(8)],
  ['c.zext.h s0', zeroExtend(16)],
  ['c.sext.h s0', signExtend(16)],
  ['c.zext.w s0', zeroExtend(32)],
  ['c.not s0', (a) => ~a],
  ['c.mul s0, a1', (a, b) => a * b],
  [
    'ctzw s0, s0',
    (a) => BigInt((BigInt.asUintN(32, a) | (1n << 32n)).toString(2).match(/0*$/)?.[0].length ?? 0),
  ],
];

describe('against definitions over BigInt', () => {
  it.each(REGISTERS)('%s', (text, define) => {
    const random = new Random(text.length * 7919);
    const hart = guest(`${text}\nebreak`);
    const start = hart.state.pc;
    for (let round = 0; round < ROUNDS; round++) {
      const a = integerValue(random);
      const b = random.oneIn(3) ? 0n : integerValue(random);
      hart.set('s0', a);
      hart.set('a1', b);
      hart.state.pc = start;
      hart.toBreak();
      const expected = BigInt.asUintN(64, define(a, b));
      expect(hart.x('s0'), `${text} of ${a} and ${b}`).toBe(expected);
    }
  });

  const LOADS = [
    ['c.lbu', 1, [0, 1, 2, 3], zeroExtend(8)],
    ['c.lhu', 2, [0, 2], zeroExtend(16)],
    ['c.lh', 2, [0, 2], signExtend(16)],
  ] as const;

  it.each(LOADS)('%s loads %i bytes at each of its offsets', (name, size, offsets, extend) => {
    const memory = 0x8f9e_adbc_cbda_e9f8n;
    for (const offset of offsets) {
      const hart = guest(`${name} a0, ${offset}(a1)\nebreak`, { registers: { a1: DATA } });
      hart.space.writeU64(DATA, memory);
      hart.toBreak();
      const value = BigInt.asUintN(8 * size, memory >> BigInt(8 * offset));
      expect(hart.x('a0')).toBe(BigInt.asUintN(64, extend(value)));
    }
  });

  const STORES = [
    ['c.sb', 1, [0, 1, 2, 3]],
    ['c.sh', 2, [0, 2]],
  ] as const;

  it.each(STORES)('%s stores %i bytes at each of its offsets', (name, size, offsets) => {
    for (const offset of offsets) {
      const registers = { a0: 0x1122_3344_5566_7788n, a1: DATA };
      const hart = guest(`${name} a0, ${offset}(a1)\nebreak`, { registers });
      hart.toBreak();
      const value = BigInt.asUintN(8 * size, 0x7788n);
      expect(hart.space.readU64(DATA)).toBe(value << BigInt(8 * offset));
    }
  });
});
