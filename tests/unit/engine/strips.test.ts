import { describe, expect, it } from 'vitest';
import { assemble } from '../../../emulator/isa/assembler';
import type { EngineKind, EngineStop } from '../../../emulator/engine/engine';
import { READ } from '../../../emulator/memory/address-space';
import { countHart } from '../../support/counted-hart';
import { EVERYTHING, GuestHart, READ_WRITE, type Snapshot } from '../../support/guest-hart';
import { Random } from '../../support/random';

/**
 * Loops whose rounds translated code runs in strips: each is compared with the interpreter at random stops, so that strips
 * end at every instruction and for every reason.
 */

const CODE = 0x10000;
const DATA = 0x20000;
const PAGES = 8;
const BYTES = 4096 * PAGES;
const END = DATA + BYTES;

interface Loop {
  /** Assembly; `s0` and `s1` lie in the data, `a7` counts rounds down. */
  readonly text: string;
  readonly s0: number;
  readonly s1?: number;
  readonly rounds: number;
  /** What is done to the hart before it runs. */
  readonly prepare?: (hart: GuestHart) => void;
}

const again = 'addi a7, a7, -1\nbnez a7, loop\nebreak';

/** A loop over doubles at `s0` and `s1`, which stores `ft2` at `s1`; it ends by a pointer. */
const elementwise = (arithmetic: string): string => `
  slli a7, a7, 3
  add a7, a7, s0
  loop: fld ft0, 0(s0)
  fld ft1, 0(s1)
  ${arithmetic}
  addi s0, s0, 8
  addi s1, s1, 8
  fsd ft2, -8(s1)
  bne s0, a7, loop
  ebreak`;

function fillDoubles(hart: GuestHart, value: (n: number) => number): void {
  const numbers = Float64Array.from({ length: BYTES / 8 }, (_, n) => value(n));
  hart.space.poke(DATA, new Uint8Array(numbers.buffer));
  // 3.0
  hart.state.setF(10, 0x4008000000000000n);
}

const MULTIPLY_ADD = {
  text: elementwise('fmadd.d ft2, ft0, fa0, ft1'),
  s0: DATA,
  s1: DATA + 3 * 4096 + 64,
  rounds: 1500,
} satisfies Loop;

const LOOPS: Readonly<Record<string, Loop>> = {
  'a sum over several pages': {
    text: `loop: ld t0, 0(s0)\nadd a0, a0, t0\naddi s0, s0, 8\n${again}`,
    s0: DATA,
    rounds: BYTES / 8,
  },
  'towards lower addresses': {
    text: `loop: lw t0, 0(s0)\nadd a0, a0, t0\nsw a0, 4(s0)\naddi s0, s0, -4\n${again}`,
    s0: END - 8,
    rounds: BYTES / 4 - 2,
  },
  'a copy whose two pages end at different rounds': {
    text: `loop: ld t0, 0(s0)\naddi s0, s0, 8\naddi s1, s1, 8\nsd t0, -8(s1)\n${again}`,
    s0: DATA,
    s1: DATA + 4 * 4096 + 1000,
    rounds: 1800,
  },
  'two pointers that meet': {
    text: `
      loop: lbu t0, 0(s0)
      lbu t1, 0(s1)
      sb t1, 0(s0)
      sb t0, 0(s1)
      addi s0, s0, 1
      addi s1, s1, -1
      bltu s0, s1, loop
      ebreak`,
    s0: DATA + 5,
    s1: END - 1,
    rounds: 0,
  },
  'a copy onto itself, a few bytes on': {
    text: `loop: ld t0, 0(s0)\nsd t0, 24(s0)\naddi s0, s0, 8\n${again}`,
    s0: DATA,
    rounds: BYTES / 8 - 3,
  },
  'steps that are no power of two': {
    text: `loop: ld t0, 0(s0)\nxor a0, a0, t0\nsd a0, 16(s0)\naddi s0, s0, 24\n${again}`,
    s0: DATA,
    rounds: 1364,
  },
  'misaligned accesses, some across pages': {
    text: `loop: ld t0, 0(s0)\nadd a0, a0, t0\nsd a0, 0(s1)\naddi s0, s0, 8\naddi s1, s1, 8\n${again}`,
    s0: DATA + 3,
    s1: DATA + 4 * 4096 + 5,
    rounds: 2000,
  },
  'a window that crosses a page in every round': {
    text: `loop: ld t0, -16(s0)\nld t1, 0(s0)\nadd t0, t0, t1\nsd t0, 8(s0)\n${again}`,
    s0: DATA + 4096,
    rounds: 1000,
  },
  'a register that stands still and one that moves': {
    text: `loop: lw t0, 0(s0)\nlw t1, 0(s1)\nadd t1, t1, t0\nsw t1, 0(s1)\naddi s0, s0, 4\n${again}`,
    s0: DATA,
    s1: DATA + 2 * 4096 + 12,
    rounds: 4000,
  },
  'ways of different lengths, and steps that depend on the data': {
    text: `
      loop: lbu t0, 0(s0)
      andi t1, t0, 1
      beqz t1, even
      addi s0, s0, 3
      mul a0, a0, t0
      sb a0, -1(s0)
      j next
      even: addi s0, s0, 1
      next: add a0, a0, t0
      ${again}`,
    s0: DATA,
    rounds: 8000,
  },
  'a way out in the middle, taken now and then': {
    text: `
      outer: addi a1, a1, 1
      loop: lbu t0, 0(s0)
      addi s0, s0, 1
      beqz t0, outer
      add a0, a0, t0
      ${again}`,
    s0: DATA,
    rounds: 20_000,
  },
  'sums of whole numbers in single precision, and then of fractions': {
    text: `
      loop: lbu t0, 0(s0)
      lbu t1, 1(s0)
      fcvt.s.wu ft0, t0
      fcvt.s.wu ft1, t1
      fmadd.s fa0, ft0, ft1, fa0
      fadd.s fa1, fa1, ft1
      addi s0, s0, 1
      ${again}`,
    s0: DATA,
    rounds: 8000,
  },
  'products in double precision that are stored': {
    text: `
      loop: lbu t0, 0(s0)
      fcvt.d.wu ft0, t0
      fld ft1, 0(s1)
      fmadd.d ft1, ft0, fa0, ft1
      fsd ft1, 0(s1)
      addi s0, s0, 1
      addi s1, s1, 8
      ${again}`,
    s0: DATA,
    s1: DATA + 4096,
    rounds: 3000,
    prepare: (hart) => {
      hart.state.setF(10, 0x4008000000000000n);
      hart.space.poke(DATA + 4096, new Uint8Array(4096 * 6));
    },
  },
  'sums of infinities and of what is no number': {
    text: `
      loop: lbu t0, 0(s0)
      fcvt.d.wu ft0, t0
      fmadd.d fa0, ft0, fa1, fa0
      fadd.d fa2, fa2, ft0
      fsub.s fa4, fa3, fa4
      feq.d t1, fa0, fa0
      add a0, a0, t1
      addi s0, s0, 1
      ${again}`,
    s0: DATA,
    rounds: 8000,
    prepare: (hart) => {
      // A quiet NaN that is not the canonical one, 3.0, infinities in both formats.
      hart.state.setF(10, 0xfff8000000000123n);
      hart.state.setF(11, 0x4008000000000000n);
      hart.state.setF(12, 0x7ff0000000000000n);
      hart.state.setF(13, 0xffffffff7f800000n);
      hart.state.setF(14, 0xffffffff7f800000n);
    },
  },
  'elements of arrays of whole numbers': {
    text: elementwise('fmadd.d ft2, ft0, fa0, ft1'),
    s0: DATA,
    s1: DATA + 3 * 4096 + 64,
    rounds: 1500,
    prepare: (hart) => fillDoubles(hart, (n) => (n * 7) % 13),
  },
  'elements of arrays of fractions': {
    text: elementwise('fnmsub.d ft2, ft0, fa0, ft1\nfmul.d ft2, ft2, ft2\nfadd.d ft2, ft2, ft0'),
    s0: DATA,
    s1: DATA + 3 * 4096 + 64,
    rounds: 1500,
    prepare: (hart) => fillDoubles(hart, (n) => ((n * 7) % 13) / 3),
  },
  'elements of arrays of fractions with runs of zeros': {
    text: elementwise('fmul.d ft2, ft0, fa0\nfadd.d ft2, ft2, ft1'),
    s0: DATA,
    s1: DATA + 3 * 4096 + 64,
    rounds: 1500,
    prepare: (hart) => fillDoubles(hart, (n) => ((n >> 4) % 2 === 0 ? 0 : (n % 7) / 3)),
  },
  'elements that are huge, tiny, infinite and no numbers': {
    text: elementwise('fmsub.d ft2, ft0, fa0, ft1\nfsub.d ft2, ft2, ft0'),
    s0: DATA,
    s1: DATA + 3 * 4096 + 64,
    rounds: 1500,
    prepare: (hart) =>
      fillDoubles(hart, (n) =>
        n % 97 === 0 ? [2 ** -1040, 1e308, -Infinity, NaN, -0, 2 ** -540][n % 6] : n % 5,
      ),
  },
  'integers, of which one product is too large for what it is added to': {
    ...MULTIPLY_ADD,
    prepare: (hart) => fillDoubles(hart, (n) => (n === 1399 ? 2 ** 53 : n % 5)),
  },
  'the smallest numbers times an integer, where one product has 54 bits': {
    ...MULTIPLY_ADD,
    prepare: (hart) =>
      fillDoubles(hart, (n) => (n === 1399 ? 2 ** -1022 * (1 + 2 ** -52) : (n % 9) * 2 ** -1074)),
  },
  'numbers times a factor that is no integer, where the rest of one product is too small': {
    ...MULTIPLY_ADD,
    prepare: (hart) => {
      const value = (n: number): number => (n === 1399 ? 2 ** -540 * (1 + 2 ** -52) : n % 3);
      // Nothing is added, so that the others are exact.
      fillDoubles(hart, (n) => (n < MULTIPLY_ADD.rounds ? value(n) : 0));
      // 2^-530
      hart.state.setF(10, 0x1ed0000000000000n);
    },
  },
  'elements that are stored where others are loaded a few rounds later': {
    text: elementwise('fmadd.d ft2, ft0, fa0, ft1'),
    s0: DATA,
    s1: DATA + 24,
    rounds: 2000,
    prepare: (hart) => fillDoubles(hart, (n) => n % 3),
  },
  'pages that are written for the first time': {
    text: `loop: sd a7, 0(s0)\nld t0, 0(s0)\nadd a0, a0, t0\naddi s0, s0, 8\n${again}`,
    s0: DATA,
    rounds: BYTES / 8,
    prepare: (hart) => {
      hart.space.unmap(DATA, BYTES);
      hart.space.map(DATA, BYTES, READ_WRITE);
    },
  },
  'pages that a fork shares': {
    text: `loop: ld t0, 0(s0)\naddi t0, t0, 1\nsd t0, 0(s0)\naddi s0, s0, 8\n${again}`,
    s0: DATA,
    rounds: BYTES / 8,
    prepare: (hart) => void hart.space.fork(),
  },
  'pages that are lent': {
    text: `loop: ld t0, 0(s0)\naddi t0, t0, 1\nsd t0, 0(s0)\naddi s0, s0, 8\n${again}`,
    s0: DATA,
    rounds: BYTES / 8,
    prepare: (hart) => void hart.space.forkLoan(),
  },
  'pages whose first change is noted': {
    text: `loop: ld t0, 0(s0)\nsd t0, 8(s0)\naddi s0, s0, 8\n${again}`,
    s0: DATA,
    rounds: BYTES / 8 - 1,
    prepare: (hart) => hart.space.clearDirty(),
  },
  'a page in the middle that may only be read': {
    text: `loop: sd a7, 0(s0)\naddi s0, s0, 8\n${again}`,
    s0: DATA,
    rounds: BYTES / 8,
    prepare: (hart) => hart.space.protect(DATA + 3 * 4096, 4096, READ),
  },
  'the end of what is mapped': {
    text: `loop: lbu t0, 0(s0)\nadd a0, a0, t0\naddi s0, s0, 1\n${again}`,
    s0: DATA + 100,
    rounds: BYTES,
  },
  'the end of the address space': {
    text: `loop: lbu t0, 0(s0)\nadd a0, a0, t0\naddi s0, s0, 1\n${again}`,
    s0: 0xfffff000,
    rounds: 10_000,
    prepare: (hart) => hart.space.map(0xfffff000, 4096, READ_WRITE),
  },
  'a watched page in the middle': {
    text: `loop: ld t0, 0(s0)\nsd t0, 8(s0)\naddi s0, s0, 8\n${again}`,
    s0: DATA,
    rounds: BYTES / 8 - 1,
    prepare: (hart) => hart.space.watch(DATA + 2 * 4096 + 64, 16, 'access'),
  },
  'stores into its own code': {
    text: `loop: sw a1, 0(s0)\naddi s0, s0, 4\naddi a0, a0, 1\n${again}\nnop\nnop\nnop`,
    s0: CODE + 40,
    rounds: 900,
  },
};

function start({ text, s0, s1, rounds, prepare }: Loop, engine: EngineKind, random: Random) {
  const hart = new GuestHart({ engine });
  hart.load(CODE, assemble(text, { base: CODE }).bytes, EVERYTHING);
  hart.load(
    DATA,
    Uint8Array.from({ length: BYTES }, () => random.below(256)),
    READ_WRITE,
  );
  hart.state.pc = CODE;
  hart.state.setX(8, BigInt(s0));
  if (s1 !== undefined) hart.state.setX(9, BigInt(s1));
  hart.state.setX(17, BigInt(rounds));
  prepare?.(hart);
  return hart;
}

function memory(hart: GuestHart): string {
  return Buffer.from(hart.space.read(DATA, BYTES)).toString('base64');
}

/** Runs a loop on both engines with budgets of up to `most` instructions. */
function compare(loop: Loop, most: number, seed: number): number {
  const [hart, reference] = (['translator', 'interpreter'] as const).map((engine) =>
    start(loop, engine, new Random(7)),
  );
  const random = new Random(seed);
  const seen: { stop: EngineStop; state: Snapshot }[] = [];
  try {
    for (let stops = 0; stops < 300; stops++) {
      const budget = 1 + random.below(most);
      const stop = hart.run(budget);
      const state = hart.snapshot();
      expect({ stop, state }).toEqual({ stop: reference.run(budget), state: reference.snapshot() });
      seen.push({ stop, state });
      // A watch is run through, as the debugger does it.
      if (stop.kind === 'watch') {
        expect(hart.engine.run(hart.state, 1, true)).toEqual(
          reference.engine.run(reference.state, 1, true),
        );
      } else if (stop.kind !== 'fuel') break;
    }
    expect(memory(hart)).toBe(memory(reference));
    return hart.engine.stats.translatedInstructions / hart.state.instret;
  } finally {
    hart.close();
    reference.close();
  }
}

describe('a loop in strips does what the interpreter does', () => {
  it.each(Object.entries(LOOPS))('over %s', (_, loop) => {
    let translated = 0;
    for (const most of [1_000_000, 5000, 700]) {
      translated = Math.max(translated, compare(loop, most, most));
    }
    // The comparison is of something.
    expect(translated).toBeGreaterThan(0.3);
  });
});

/** How often each instruction of a loop ran, by address, and each branch was taken; run with budgets of up to `most`. */
function counts(loop: Loop, engine: EngineKind, most: number): [number, number, number][] {
  const hart = start(loop, engine, new Random(7));
  const random = new Random(most);
  try {
    const counter = countHart(hart);
    for (let stops = 0; stops < 300; stops++) {
      const stop = hart.run(1 + random.below(most));
      if (stop.kind === 'watch') hart.engine.run(hart.state, 1, true);
      else if (stop.kind !== 'fuel') break;
    }
    const { addresses, executions, taken } = counter.read()!.counts;
    expect(executions.reduce((sum, count) => sum + count)).toBe(hart.state.instret);
    return [...addresses].map((address, i) => [address, executions[i], taken[i]]);
  } finally {
    hart.close();
  }
}

describe('a loop in strips is counted as by the interpreter', () => {
  it.each(Object.entries(LOOPS))('over %s', (_, loop) => {
    for (const most of [1_000_000, 5000])
      expect(counts(loop, 'translator', most)).toEqual(counts(loop, 'interpreter', most));
  });
});

describe('fuel', () => {
  it('may end at any instruction of a strip', () => {
    const loop = LOOPS['ways of different lengths, and steps that depend on the data'];
    for (let budget = 2500; budget < 2560; budget++) {
      const [hart, reference] = (['translator', 'interpreter'] as const).map((engine) =>
        start(loop, engine, new Random(7)),
      );
      for (const run of [1000, budget]) {
        hart.run(run);
        reference.run(run);
      }
      expect(hart.snapshot()).toEqual(reference.snapshot());
      hart.close();
      reference.close();
    }
  });
});
