import { afterEach, describe, expect, it } from 'vitest';
import { RUN_SLACK } from '../../../emulator/engine/engine';
import { closeGuests, CODE, guest } from '../../support/assembly-guest';
import { TEST_TIME } from '../../support/guest-hart';

afterEach(closeGuests);

describe('a budget', () => {
  const loop = '1: addi a0, a0, 1\naddi a1, a1, 2\nbne a0, zero, 1b';

  it.each([1, 2, 3, 4, 127, 128, 129, 130, 131, 1000, 100_003, 2_500_001])(
    'of %i runs exactly so many instructions',
    (budget) => {
      const hart = guest(loop);
      expect(hart.run(budget).kind).toBe('fuel');
      expect(hart.state.instret).toBe(budget);
      expect(hart.state.pc).toBe(CODE + 4 * (budget % 3));
      expect(hart.x('a0')).toBe(BigInt(Math.ceil(budget / 3)));
    },
  );

  it.each([1, 129, 130, 1000, 100_003])(
    'of %i may be left with some slack, and is not when it is no larger',
    (budget) => {
      const hart = guest(loop);
      expect(hart.engine.run(hart.state, budget, false, RUN_SLACK).kind).toBe('fuel');
      const { instret, pc } = hart.state;
      expect(pc).toBe(CODE + 4 * (instret % 3));
      if (budget > RUN_SLACK) expect(instret).toBeGreaterThanOrEqual(budget - RUN_SLACK);
      else expect(instret).toBe(budget);
      expect(instret).toBeLessThanOrEqual(budget);
    },
  );

  it('of nothing runs nothing', () => {
    const hart = guest(loop);
    expect(hart.run(0).kind).toBe('fuel');
    expect(hart.state.instret).toBe(0);
  });

  it('holds in straight code that is longer than any run of records', () => {
    const hart = guest(`${'addi a0, a0, 1\n'.repeat(1000)}ebreak`);
    for (let n = 1; n <= 1000; n += 111) {
      hart.run(n - hart.state.instret);
      expect([hart.state.instret, hart.x('a0')]).toEqual([n, BigInt(n)]);
    }
  });

  it('ends before an instruction that hands over, not after it', () => {
    const hart = guest('addi a0, a0, 1\necall');
    expect(hart.run(1).kind).toBe('fuel');
    expect(hart.run(1).kind).toBe('ecall');
    expect(hart.state.pc).toBe(CODE + 4);
    expect(hart.state.instret).toBe(1);
  });
});

describe('a jump', () => {
  it('into the middle of a fused sequence runs from there on', () => {
    // Four stores in a row are one operation; each entry point must do the rest of them.
    const text = `
        addi a3, a3, 1
      s0: sd a1, 0(sp)
      s1: sd a1, 8(sp)
      s2: sd a1, 16(sp)
      s3: sd a1, 24(sp)
        ebreak`;
    for (let entry = 0; entry < 4; entry++) {
      const hart = guest(text, { registers: { a1: 7, sp: 0x20000 } });
      hart.toBreak();
      for (let i = 0; i < 4; i++) hart.space.writeU64(0x20000 + 8 * i, 0n);
      hart.state.pc = hart.label(`s${entry}`);
      hart.toBreak();
      const words = [0, 1, 2, 3].map((i) => hart.space.readU64(0x20000 + 8 * i));
      expect(words).toEqual([0, 1, 2, 3].map((i) => (i < entry ? 0n : 7n)));
      expect(hart.state.instret).toBe(5 + 4 - entry);
    }
  });

  it('whose link register is the one that it jumps to reads it first', () => {
    const hart = guest('jalr a1, 8(a1)\nebreak\naddi a0, a0, 1\nebreak', {
      registers: { a1: CODE },
    });
    hart.toBreak();
    expect([hart.x('a0'), hart.x('a1')]).toEqual([1n, BigInt(CODE + 4)]);
  });

  it('links to the instruction after a compressed one too', () => {
    const hart = guest('c.jalr a1\nc.nop\nebreak', { registers: { a1: CODE + 4 } });
    hart.toBreak();
    expect(hart.x('ra')).toBe(BigInt(CODE + 2));
  });

  it.each([
    ['beq', 5, 5, 5, 6],
    ['bne', 5, 6, 5, 5],
    ['blt', -1, 1, 1, -1],
    ['bge', 1, -1, -1, 1],
    ['bltu', 1, -1, -1, 1],
    ['bgeu', -1, 1, 1, -1],
  ])('%s is taken for (%i, %i) and not for (%i, %i)', (name, a, b, c, d) => {
    const text = `${name} a1, a2, 1f\naddi a0, a0, 1\n1: ebreak`;
    const taken = guest(text, { registers: { a1: a, a2: b } });
    const not = guest(text, { registers: { a1: c, a2: d } });
    taken.toBreak();
    not.toBreak();
    expect([taken.x('a0'), not.x('a0')]).toEqual([0n, 1n]);
    expect([taken.state.instret, not.state.instret]).toEqual([1, 2]);
  });
});

describe('a breakpoint', () => {
  const loop = `
      1: addi a0, a0, 1
      2: addi a1, a1, 1
      3: addi a2, a2, 1
         bne a0, a3, 1b
         ebreak`;

  it.each([0, 4, 8, 12])('at +%i stops there in each round, fused or not', (offset) => {
    const hart = guest(loop, { registers: { a3: 3 } });
    hart.run(8); // the loop is known, and its fused operations
    hart.engine.code.setBreakpoint(CODE + offset);
    expect(hart.run(1000).kind).toBe('breakpoint');
    expect(hart.state.pc).toBe(CODE + offset);
    expect(hart.state.instret).toBe(8 + offset / 4);
  });

  it('does not stop the step that leaves it, and stops the next time round', () => {
    const hart = guest(loop, { registers: { a3: 100 } });
    hart.engine.code.setBreakpoint(CODE + 4);
    for (let round = 0; round < 5; round++) {
      const stop = hart.engine.run(hart.state, 1000, true);
      expect(stop.kind).toBe('breakpoint');
      expect(hart.state.instret).toBe(1 + 4 * round);
    }
  });

  it('stops also when a short budget ends near it', () => {
    const hart = guest(loop, { registers: { a3: 100 } });
    hart.engine.code.setBreakpoint(CODE + 8);
    expect(hart.run(10).kind).toBe('breakpoint');
    expect(hart.state.instret).toBe(2);
    expect(hart.run(1).kind).toBe('breakpoint');
    expect(hart.state.instret).toBe(2);
  });

  it('is gone when it is cleared', () => {
    const hart = guest(loop, { registers: { a3: 100 } });
    hart.engine.code.setBreakpoint(CODE + 4);
    hart.run(1000);
    hart.engine.code.clearBreakpoint(CODE + 4);
    expect(hart.run(1000).kind).toBe('ebreak');
    expect(hart.state.instret).toBe(400);
  });

  it('can lie on code that has not been reached yet', () => {
    const hart = guest('nop\nj 1f\n.zero 64\n1: addi a0, a0, 1\nebreak');
    hart.engine.code.setBreakpoint(CODE + 72);
    expect(hart.run(1000).kind).toBe('breakpoint');
    expect(hart.state.pc).toBe(CODE + 72);
  });
});

describe('a control and status register', () => {
  it('cycle and instret tell the instructions retired before', () => {
    const hart = guest('nop\nrdinstret a0\nnop\nrdcycle a1\nebreak');
    hart.toBreak();
    expect([hart.x('a0'), hart.x('a1')]).toEqual([1n, 3n]);
    expect(hart.state.instret).toBe(4);
  });

  it('time and mhartid come from the machine', () => {
    const hart = guest('rdtime a0\ncsrr a1, mhartid\nebreak');
    hart.state.mhartid = 3;
    hart.toBreak();
    expect([hart.x('a0'), hart.x('a1')]).toEqual([TEST_TIME, 3n]);
  });

  it('fcsr is frm and fflags in one', () => {
    const hart = guest('csrwi frm, 3\ncsrwi fflags, 0x11\ncsrr a0, fcsr\ncsrr a1, frm\nebreak');
    hart.toBreak();
    expect([hart.x('a0'), hart.x('a1')]).toEqual([0x71n, 3n]);
  });

  it('keeps only the bits that it has', () => {
    const hart = guest('csrw fcsr, a1\ncsrr a0, fcsr\nebreak', { registers: { a1: -1 } });
    hart.toBreak();
    expect(hart.x('a0')).toBe(0xffn);
  });

  it('gives its old value when it is swapped, set and cleared', () => {
    const hart = guest(
      'csrrw a0, fflags, a0\ncsrrs a1, fflags, a1\ncsrrc a2, fflags, a2\ncsrr a3, fflags\nebreak',
      { registers: { fcsr: 0x15, a0: 0x0f, a1: 0x10, a2: 0x01 } },
    );
    hart.toBreak();
    expect([0, 1, 2, 3].map((n) => hart.x(`a${n}`))).toEqual([0x15n, 0x0fn, 0x1fn, 0x1en]);
  });

  it.each([
    ['csrw cycle, a0', 'a read-only one is written'],
    ['csrwi instret, 0', 'a read-only one is written'],
    ['csrs time, a1', 'bits of a read-only one are set'],
    ['csrr a0, mstatus', 'it belongs to machine mode'],
    ['csrr a0, hpmcounter3', 'there is no such one'],
  ])('makes `%s` illegal: %s', (text) => {
    const hart = guest(`nop\n${text}`, { registers: { a1: 1 } });
    expect(hart.run(10).kind).toBe('illegal');
    expect(hart.state.pc).toBe(CODE + 4);
    expect(hart.state.instret).toBe(1);
  });

  it('that is read-only may be read with csrrs and x0', () => {
    const hart = guest('csrrs a0, cycle, zero\ncsrrsi a1, instret, 0\nebreak');
    hart.toBreak();
    expect(hart.x('a1')).toBe(1n);
  });
});

describe('the rounding mode', () => {
  /** 1/3 in single precision, rounded down and up. */
  const [DOWN, UP] = [0xffffffff3eaaaaaan, 0xffffffff3eaaaaabn];
  const registers = { fa1: 0xffffffff3f800000n, fa2: 0xffffffff40400000n };

  it.each([
    ['rne', UP],
    ['rtz', DOWN],
    ['rdn', DOWN],
    ['rup', UP],
    ['rmm', UP],
  ])('%s of the instruction counts, not that of frm', (mode, expected) => {
    const hart = guest(`fdiv.s fa0, fa1, fa2, ${mode}\nebreak`, {
      registers: { ...registers, fcsr: mode === 'rtz' ? 0x60 : 0x20 },
    });
    hart.toBreak();
    expect(hart.f('fa0')).toBe(expected);
    expect(hart.state.fcsr & 0x1f).toBe(1);
  });

  it.each([
    [0, UP],
    [1, DOWN],
    [2, DOWN],
    [3, UP],
    [4, UP],
  ])('dynamic takes frm %i, whatever the flags are', (frm, expected) => {
    for (const flags of [0, 1, 0x1f]) {
      const hart = guest('fdiv.s fa0, fa1, fa2\nebreak', {
        registers: { ...registers, fcsr: (frm << 5) | flags },
      });
      hart.toBreak();
      expect(hart.f('fa0')).toBe(expected);
      expect(hart.state.fcsr).toBe((frm << 5) | flags | 1);
    }
  });

  it.each([5, 6, 7])('dynamic with frm %i, which is reserved, is illegal', (frm) => {
    for (const text of ['fadd.s fa0, fa1, fa2', 'fmadd.d fa0, fa1, fa2, fa3', 'fcvt.w.s a0, fa1']) {
      for (const flags of [0, 1]) {
        const hart = guest(text, { registers: { ...registers, fcsr: (frm << 5) | flags } });
        expect(hart.run(1).kind).toBe('illegal');
        expect(hart.state.instret).toBe(0);
        expect(hart.f('fa0')).toBe(0n);
      }
    }
  });

  it('static runs with a reserved frm, and so does what does not round', () => {
    const hart = guest(
      'fadd.s fa0, fa1, fa2, rne\nfsgnj.s fa3, fa1, fa1\nfeq.s a0, fa1, fa1\nebreak',
      {
        registers: { ...registers, fcsr: 0xa0 },
      },
    );
    hart.toBreak();
    expect(hart.f('fa0')).toBe(0xffffffff40800000n);
  });

  it.each([0, 1])('raises underflow beside the least normal number, NX %i before', (flags) => {
    const hart = guest('fmul.s fa0, fa1, fa2\nfmul.d fa3, fa4, fa5\nebreak', {
      registers: {
        fcsr: flags,
        fa1: 0xffffffff3f7fffffn,
        fa2: 0xffffffff00800000n,
        fa4: 0x3fefffffffffffffn,
        fa5: 0x0010000000000000n,
      },
    });
    hart.run(1);
    expect([hart.f('fa0'), hart.state.fcsr]).toEqual([0xffffffff00800000n, 3]);
    hart.state.fcsr = flags;
    hart.toBreak();
    expect([hart.f('fa3'), hart.state.fcsr]).toEqual([0x0010000000000000n, 3]);
  });
});
