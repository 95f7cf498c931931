import { afterEach, describe, expect, it } from 'vitest';
import { closeGuests, DATA, guest } from '../../support/assembly-guest';

afterEach(closeGuests);

const OLD = 0xffff_fff0_8000_0005n;
const OPERAND = 0x0000_0001_0000_0003n;

/** The new value in memory, by operation, of the values as numbers of the width. */
const AMO: Record<string, (old: bigint, operand: bigint, bits: number) => bigint> = {
  swap: (_, b) => b,
  add: (a, b) => a + b,
  xor: (a, b) => a ^ b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  min: (a, b, bits) => (BigInt.asIntN(bits, a) < BigInt.asIntN(bits, b) ? a : b),
  max: (a, b, bits) => (BigInt.asIntN(bits, a) > BigInt.asIntN(bits, b) ? a : b),
  minu: (a, b) => (a < b ? a : b),
  maxu: (a, b) => (a > b ? a : b),
};

describe.each(Object.entries(AMO))('amo%s', (name, compute) => {
  it.each([
    ['w', 32],
    ['d', 64],
  ] as const)('.%s returns the old value and changes %i bits of memory', (suffix, bits) => {
    const registers = { a1: OPERAND, a2: DATA + 8 };
    const hart = guest(`amo${name}.${suffix} a0, a1, (a2)\nebreak`, { registers });
    hart.space.writeU64(DATA + 8, OLD);
    hart.toBreak();
    const narrow = (value: bigint): bigint => BigInt.asUintN(bits, value);
    expect(hart.x('a0')).toBe(BigInt.asUintN(64, BigInt.asIntN(bits, OLD)));
    const next = narrow(compute(narrow(OLD), narrow(OPERAND), bits));
    const above = (OLD >> BigInt(bits)) << BigInt(bits);
    expect(hart.space.readU64(DATA + 8)).toBe(above | next);
  });
});

describe('an atomic access', () => {
  it.each([
    'amoadd.w a0, a1, (a2)',
    'lr.w a0, (a2)',
    'sc.w a0, a1, (a2)',
    'amoswap.d a0, a1, (a2)',
  ])('%s to a misaligned address stops there', (text) => {
    const hart = guest(text, { registers: { a2: DATA + 2 } });
    expect(hart.run(1)).toEqual({ kind: 'misaligned', address: DATA + 2 });
    expect(hart.state.instret).toBe(0);
  });

  it('to memory that cannot be written faults as a write', () => {
    const hart = guest('amoadd.w a0, a1, (a2)', { registers: { a2: 0x10000 } });
    expect(hart.run(1)).toMatchObject({ fault: { kind: 'protection', access: 'write' } });
  });

  it('with the same register everywhere reads before it writes', () => {
    const hart = guest('amoadd.d a2, a2, (a2)\nebreak', { registers: { a2: DATA } });
    hart.space.writeU64(DATA, 7n);
    hart.toBreak();
    expect(hart.x('a2')).toBe(7n);
    expect(hart.space.readU64(DATA)).toBe(7n + BigInt(DATA));
  });
});

describe('a store-conditional', () => {
  const pair = (between: string): string =>
    `lr.d a0, (a2)\n${between}\nsc.d a3, a1, (a2)\nsc.d a4, a1, (a2)\nebreak`;

  it('stores after its load-reserved, and only once', () => {
    const hart = guest(pair('addi t0, t0, 1'), { registers: { a1: 9, a2: DATA } });
    hart.space.writeU64(DATA, 5n);
    hart.toBreak();
    expect([hart.x('a0'), hart.x('a3'), hart.x('a4')]).toEqual([5n, 0n, 1n]);
    expect(hart.space.readU64(DATA)).toBe(9n);
  });

  it('fails without a load-reserved', () => {
    const hart = guest('sc.w a3, a1, (a2)\nebreak', { registers: { a1: 9, a2: DATA } });
    hart.toBreak();
    expect(hart.x('a3')).toBe(1n);
    expect(hart.space.readU64(DATA)).toBe(0n);
  });

  it('fails at another address', () => {
    const hart = guest('lr.w a0, (a2)\naddi a2, a2, 4\nsc.w a3, a1, (a2)\nebreak', {
      registers: { a1: 9, a2: DATA },
    });
    hart.toBreak();
    expect(hart.x('a3')).toBe(1n);
  });

  it('fails when the value has changed', () => {
    const hart = guest(pair('sd a2, 0(a2)'), { registers: { a1: 9, a2: DATA } });
    hart.toBreak();
    expect(hart.x('a3')).toBe(1n);
    expect(hart.space.readU64(DATA)).toBe(BigInt(DATA));
  });

  it('fails when another width was reserved', () => {
    const hart = guest('lr.w a0, (a2)\nsc.d a3, a1, (a2)\nebreak', { registers: { a2: DATA } });
    hart.toBreak();
    expect(hart.x('a3')).toBe(1n);
  });

  it('fails when the reservation was dropped, as a context switch does', () => {
    const hart = guest(pair('nop'), { registers: { a1: 9, a2: DATA } });
    hart.run(2);
    hart.state.clearReservation();
    hart.toBreak();
    expect(hart.x('a3')).toBe(1n);
  });

  it('holds a reservation across separate runs of the engine', () => {
    const hart = guest(pair('nop'), { registers: { a1: 9, a2: DATA } });
    hart.steps(3);
    expect(hart.x('a3')).toBe(0n);
  });

  it('counts to its end in a loop of many rounds', () => {
    const text = `
      1: lr.w t0, (a2)
         addi t0, t0, 1
         sc.w t1, t0, (a2)
         bnez t1, 1b
         addi a1, a1, -1
         bnez a1, 1b
         ebreak`;
    const hart = guest(text, { registers: { a1: 10000, a2: DATA } });
    hart.toBreak(1_000_000);
    expect(hart.space.readU32(DATA)).toBe(10000);
    expect(hart.state.instret).toBe(60000);
  });
});
