import { describe, expect, it } from 'vitest';
import type { EngineKind } from '../../../emulator/engine/engine';
import { RUN_MARGIN } from '../../../emulator/engine/interpreter';
import { assemble } from '../../../emulator/isa/assembler';
import { INSTRUCTIONS } from '../../../emulator/isa/table';
import type { Instruction } from '../../../emulator/isa/types';
import { EVERYTHING, GuestHart, READ_WRITE } from '../../support/guest-hart';

/*
 * Each row of the instruction table in a loop of its own, with all its rounding modes: translated code leaves the state that
 * the interpreter leaves, and it is translated code that has run it.
 */

const CODE = 0x10000;
const DATA = 0x20000;
/** What the interpreter always runs: system instructions. */
const HANDED_OVER = INSTRUCTIONS.filter(({ name }) =>
  /^(ecall|ebreak|c\.ebreak|fence\.i|csr\w+)$/.test(name),
);
const ROUNDING_MODES = ['rne', 'rtz', 'rdn', 'rup', 'rmm'];
const INEXACT = 1;
const FRM_SHIFT = 5;
/** Instructions until the loop is translated, and from then on. */
const WARM_UP = 400;
const RUN = 2000;
/** A loop that is left in each round, for one of its instructions, has less of them in translated code. */
const LEAST_SHARE = 0.95;

/** Indirect jumps and the register with the address that they go to. */
const JUMPS: Readonly<Record<string, string | undefined>> = {
  jalr: 's2',
  'c.jalr': 's2',
  'c.jr': 's3',
};

/** Assembly of a row, once for each rounding mode that it can have. */
function linesOf({ name, syntax }: Instruction): string[] {
  const operands = syntax
    .replace(/\bfrd\b/, 'fa0')
    .replace(/\bfrs1\b/, 'fs0')
    .replace(/\bfrs2\b/, 'fs1')
    .replace(/\bfrs3\b/, 'fa1')
    .replace(/\brd\b/, /^jalr?$/.test(name) ? 'ra' : 'a0')
    .replace(/\brs1\b/, JUMPS[name] ?? 's0')
    .replace(/\brs2\b/, 's1')
    .replace(/\bimm\[31:12\]/, '1')
    .replace(/\bimm\b/, /^(jalr|c\.[ls][bh]u?)$/.test(name) ? '0' : '16')
    .replace(/\bshamt\b/, '7')
    .replace(/\boffset\b/, name === 'jal' ? 'function' : 'next')
    .replace(/\bpred, succ\b/, 'rw, rw');
  if (!/\brm\b/.test(operands)) return [`${name} ${operands}`];
  return [...ROUNDING_MODES, 'dyn'].map((mode) => `${name} ${operands.replace(/\brm\b/, mode)}`);
}

const program = (row: Instruction): string => `
    la s2, function
    la s3, next
  loop:
    ${linesOf(row).join('\n')}
  next:
    addi s4, s4, 1
    xor s5, s5, a0
    addi s5, s5, 3
    j loop
  function:
    addi a0, a0, 5
    ret`;

/** The bits of a number in the format that an instruction reads: the last of its name. */
function floatBits(name: string, value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  switch (name.split('.').at(-1)) {
    case 's':
      view.setFloat32(0, value);
      return 0xffffffff00000000n | BigInt(view.getUint32(0));
    case 'h':
      // Exact for the values here, which have few bits: sign, exponent, ten bits of fraction.
      view.setFloat64(0, value);
      return (
        0xffffffffffff0000n |
        (((view.getBigUint64(0) >> 52n) - 1023n + 15n) << 10n) |
        ((view.getBigUint64(0) >> 42n) & 0x3ffn)
      );
    default:
      view.setFloat64(0, value);
      return view.getBigUint64(0);
  }
}

function start(row: Instruction, engine: EngineKind, fcsr: number): GuestHart {
  const hart = new GuestHart({ engine });
  const { state, space } = hart;
  hart.load(CODE, assemble(program(row), { base: CODE }).bytes, EVERYTHING);
  space.map(DATA, 4096, READ_WRITE);
  space.poke(
    DATA,
    Uint8Array.from({ length: 4096 }, (_, i) => i * 7),
  );
  state.pc = CODE;
  state.fcsr = fcsr;
  for (const [register, value] of [
    [2, DATA + 64],
    [8, DATA + 128],
    [9, 40],
  ]) {
    state.setX(register, BigInt(value));
  }
  for (const [register, value] of [
    [8, 2.25],
    [9, 1.5],
    [11, 3],
  ]) {
    state.setF(register, floatBits(row.name, value));
  }
  return hart;
}

/** Runs a row on both engines; the share of its loop that ran in translated code. */
function compare(row: Instruction, fcsr: number): number {
  const hart = start(row, 'translator', fcsr);
  const reference = start(row, 'interpreter', fcsr);
  try {
    for (const each of [hart, reference]) expect(each.run(WARM_UP)).toEqual({ kind: 'fuel' });
    const before = hart.engine.stats.translatedInstructions;
    for (const each of [hart, reference]) expect(each.run(RUN)).toEqual({ kind: 'fuel' });
    expect(hart.snapshot()).toEqual(reference.snapshot());
    expect(hart.space.read(DATA, 4096)).toEqual(reference.space.read(DATA, 4096));
    return (hart.engine.stats.translatedInstructions - before) / (RUN - RUN_MARGIN);
  } finally {
    hart.close();
    reference.close();
  }
}

const rows = INSTRUCTIONS.filter((row) => !HANDED_OVER.includes(row));
const rounding = rows.filter(({ syntax }) => /\brm\b/.test(syntax));

/** The rows whose loops did not run in translated code. */
const left = (some: readonly Instruction[], fcsrOf: (row: number) => number): string[] =>
  some
    .map((row, i) => ({ name: row.name, share: compare(row, fcsrOf(i)) }))
    .filter(({ share }) => share < LEAST_SHARE)
    .map(({ name, share }) => `${name}: ${share.toFixed(2)}`);

describe('everything translates', () => {
  it('but system instructions', () => {
    expect(HANDED_OVER.map(({ name }) => name)).toEqual([
      ...['ecall', 'ebreak', 'csrrw', 'csrrs', 'csrrc', 'csrrwi', 'csrrsi', 'csrrci'],
      ...['fence.i', 'c.ebreak'],
    ]);
    expect(left(rows, () => INEXACT)).toEqual([]);
  });

  it('with no inexact flag yet, where results are exact or round in software', () => {
    expect(left(rounding, () => 0)).toEqual([]);
  });

  it('in other rounding modes', () => {
    expect(left(rounding, (i) => ((1 + (i % 4)) << FRM_SHIFT) | INEXACT)).toEqual([]);
  });
});
