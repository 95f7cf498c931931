import { afterEach, describe, expect, it } from 'vitest';
import { assemble } from '../../../emulator/isa/assembler';
import { PSEUDO, RECORD } from '../../../emulator/engine/records';
import { closeGuests, CODE, DATA, guest } from '../../support/assembly-guest';
import { EVERYTHING, READ_EXECUTE, READ_WRITE } from '../../support/guest-hart';

afterEach(closeGuests);

/** The word of one instruction. */
function word(text: string): bigint {
  return BigInt(new DataView(assemble(text).bytes.slice().buffer).getUint32(0, true));
}

describe('code that is come upon in the middle of a loop', () => {
  const text = `
      li a0, 0
      li a1, 10
    head:
      addi a0, a0, 1
      addi a2, a2, 2
    middle:
      addi a3, a3, 3
      bne a0, a1, head
    behind:
      addi a4, a4, 4
      ebreak`;

  it('is decoded from the head to the branch all the same, and what is behind once', () => {
    const hart = guest(text);
    const [head, middle, behind] = ['head', 'middle', 'behind'].map((name) => hart.label(name));
    const { code } = hart.engine;
    const pcOf = (record: number): number => hart.arena.u32[(record + RECORD.pc) >>> 2];
    const first = code.translate(middle)!;
    const later = code.translate(head)!;
    const pcs = [0, 1, 2, 3, 4].map((n) => pcOf(later + n * RECORD.size));
    expect(pcs.slice(0, 2)).toEqual([head, head + 4]);
    expect(pcs.slice(2)).toEqual([middle, middle + 4, behind]);
    // Jumps lead to the records that were there; behind the branch goes on what comes there.
    expect(code.lookup(middle)).toBe(first);
    expect(code.lookup(behind)).toBe(first + 2 * RECORD.size);
    hart.toBreak();
    expect(['a0', 'a2', 'a3', 'a4'].map((name) => hart.x(name))).toEqual([10n, 20n, 30n, 4n]);
    expect(hart.state.instret).toBe(2 + 4 * 10 + 1);
  });

  it('stops at a breakpoint in the part that stands twice', () => {
    const hart = guest(text);
    const { code } = hart.engine;
    code.translate(hart.label('middle'));
    code.translate(hart.label('head'));
    code.setBreakpoint(hart.label('middle') + 4);
    expect(hart.run(1000).kind).toBe('breakpoint');
    expect(hart.x('a3')).toBe(3n);
  });

  it('stands once where instructions are counted', () => {
    const hart = guest(text);
    const { code } = hart.engine;
    code.repeatNothing();
    code.translate(hart.label('middle'));
    const record = code.translate(hart.label('head'))!;
    const operation = (n: number): number =>
      hart.arena.view.getUint16(record + RECORD.size * n, true);
    expect(operation(2)).toBe(PSEUDO.goto);
  });
});

describe('self-modifying code', () => {
  /** Calls `patched`, overwrites it with `addi a0, a0, 16`, calls it before and after fence.i. */
  const text = `
      jal patched
      sw a1, 0(a2)
      jal patched
      fence.i
      jal patched
      ebreak
    patched:
      addi a0, a0, 1
      ret`;

  it('keeps running the old instruction until fence.i, then the new one', () => {
    const hart = guest(text, { protection: EVERYTHING });
    hart.set('a1', word('addi a0, a0, 16'));
    hart.set('a2', hart.label('patched'));
    hart.toBreak();
    expect(hart.x('a0')).toBe(1n + 1n + 16n);
    expect(hart.state.instret).toBe(3 * 3 + 2);
  });

  it('does the same in single steps', () => {
    const hart = guest(text, { protection: EVERYTHING });
    hart.set('a1', word('addi a0, a0, 16'));
    hart.set('a2', hart.label('patched'));
    expect(hart.steps(100).kind).toBe('ebreak');
    expect(hart.x('a0')).toBe(18n);
  });

  it('is noticed in a fork, although another fork decoded its page first', () => {
    const hart = guest(
      `write: sw a1, 0(a2)
              fence.i
              jal patched
              ebreak
       other: addi s0, s0, 1
              ebreak
              j other
       patched:
              addi a0, a0, 1
              ret`,
      { protection: EVERYTHING },
    );
    hart.set('a2', hart.label('patched'));
    hart.space.releaseTables();
    const forks = [hart.space.forkLoan(), hart.space.forkLoan()];
    forks.forEach((space) => hart.engine.watchCode(space));
    /** Runs from a label in one of the forks: one of them has the delta tables at a time. */
    const runIn = (fork: number, pc: number, budget: number): string => {
      const space = forks[fork];
      space.takeTables();
      hart.engine.attach(hart.state, space);
      hart.state.pc = pc;
      const { kind } = hart.run(budget);
      space.releaseTables();
      return kind;
    };
    hart.set('a1', word('addi a0, a0, 16'));
    runIn(0, hart.label('write'), 2);
    expect(runIn(1, hart.label('other'), 100)).toBe('ebreak');
    expect(runIn(0, hart.label('write') + 8, 100)).toBe('ebreak');
    expect(hart.x('a0')).toBe(16n);
    hart.set('a1', word('addi a0, a0, 32'));
    expect(runIn(0, hart.label('write'), 100)).toBe('ebreak');
    expect(hart.x('a0')).toBe(16n + 32n);
  });

  it('sees each of many versions', () => {
    // Each round adds 1 << 20 to the word of `addi a0, zero, 0`: its immediate grows by one.
    const hart = guest(
      `1: sw a1, 0(a2)
          fence.i
       patched:
          addi a0, zero, 0
          add s0, s0, a0
          add a1, a1, a3
          addi a4, a4, -1
          bnez a4, 1b
          ebreak`,
      { protection: EVERYTHING, registers: { a3: 1 << 20, a4: 500 } },
    );
    hart.set('a1', word('addi a0, zero, 1'));
    hart.set('a2', hart.label('patched'));
    hart.toBreak();
    expect(hart.x('s0')).toBe((500n * 501n) / 2n);
  });

  it('sees a store that only reaches its second page', () => {
    // A 4-byte instruction lies across two pages: the store changes its upper half.
    const base = 0x10ffe - 8;
    const registers = { a1: word('addi a0, a0, 16') >> 16n, a2: DATA };
    const hart = guest('sh a1, 0(a2)\nfence.i\naddi a0, a0, 1\nebreak', {
      base,
      protection: EVERYTHING,
      registers,
    });
    hart.run(2);
    expect(hart.state.pc).toBe(0x10ffe);
    hart.run(1);
    expect(hart.x('a0')).toBe(1n);
    hart.set('a2', 0x11000);
    hart.state.pc = base;
    hart.toBreak();
    expect(hart.x('a0')).toBe(17n);
  });

  it('shows what the host writes at once, without fence.i', () => {
    const hart = guest('1: addi a0, a0, 1\nj 1b');
    hart.run(10_000);
    expect(hart.x('a0')).toBe(5000n);
    hart.space.poke(CODE, assemble('addi a0, a0, 2').bytes);
    hart.run(10_000);
    expect(hart.x('a0')).toBe(15000n);
  });

  it('shows another page that is mapped in its place', () => {
    const hart = guest('1: addi a0, a0, 1\nj 1b');
    hart.run(1000);
    hart.space.map(CODE, 4096, READ_EXECUTE);
    hart.space.poke(CODE, assemble('ebreak').bytes);
    expect(hart.run(1000).kind).toBe('ebreak');
  });
});

describe('a fetch', () => {
  it('of an unmapped page faults at the target, the jump done', () => {
    const hart = guest('jalr a0, 0(a1)', { registers: { a1: 0x7000_0000 } });
    expect(hart.run(10)).toEqual({
      kind: 'fault',
      fault: { kind: 'unmapped', access: 'execute', address: 0x7000_0000 },
    });
    expect(hart.state.pc).toBe(0x7000_0000);
    expect(hart.x('a0')).toBe(BigInt(CODE + 4));
    expect(hart.state.instret).toBe(1);
  });

  it('of data that may not be executed faults', () => {
    const hart = guest('jr a1', { registers: { a1: DATA } });
    expect(hart.run(10)).toMatchObject({
      fault: { kind: 'protection', access: 'execute', address: DATA },
    });
  });

  it.each([1n << 32n, (1n << 32n) + 0x10000n, (1n << 63n) + 0x10000n, (1n << 64n) - 2n])(
    'above 4 GiB, at %i, is out of range',
    (target) => {
      const hart = guest('jr a1', { registers: { a1: target } });
      expect(hart.run(10)).toMatchObject({
        fault: {
          kind: 'out-of-range',
          access: 'execute',
          address: Number(BigInt.asIntN(64, target)),
        },
      });
      expect(hart.state.instret).toBe(1);
    },
  );

  it('ignores bit 0 of a register that is jumped to', () => {
    const hart = guest('jalr 1(a1)\nnop\nebreak', { registers: { a1: CODE + 8 } });
    hart.toBreak();
    expect(hart.state.instret).toBe(1);
  });

  it('past the last mapped page faults at its first byte', () => {
    const hart = guest('addi a0, a0, 1', { base: 0x10ffc });
    expect(hart.run(10)).toMatchObject({ fault: { access: 'execute', address: 0x11000 } });
    expect(hart.state.instret).toBe(1);
  });

  it('of an instruction whose second half is not mapped faults at that half', () => {
    const hart = guest('.half 0x0513', { base: 0x10ffe });
    expect(hart.run(10)).toMatchObject({ fault: { access: 'execute', address: 0x11000 } });
    expect(hart.state.pc).toBe(0x10ffe);
    expect(hart.state.instret).toBe(0);
  });

  it('of an instruction across two pages works', () => {
    const hart = guest('addi a0, a0, 5\nebreak', { base: 0x10ffe });
    hart.toBreak();
    expect(hart.x('a0')).toBe(5n);
  });

  it('works again when the page is mapped later', () => {
    const hart = guest('jr a1', { registers: { a1: 0x30000 } });
    expect(hart.run(10).kind).toBe('fault');
    hart.load(0x30000, assemble('addi a0, a0, 3\nebreak').bytes, READ_EXECUTE);
    hart.toBreak();
    expect(hart.x('a0')).toBe(3n);
  });

  it('faults when the code loses its permission while it runs', () => {
    const hart = guest('1: addi a0, a0, 1\nj 1b');
    hart.run(1000);
    hart.space.protect(CODE, 4096, READ_WRITE);
    expect(hart.run(1000)).toMatchObject({ fault: { kind: 'protection', access: 'execute' } });
  });
});

describe('an illegal instruction', () => {
  it.each([
    ['all zeros', '.half 0', 0],
    ['all ones', '.word 0xffffffff', 0xffffffff],
    ['a reserved compressed one', '.half 0x8002', 0x8002],
    ['a reserved funct7', '.word 0x0000008b', 0x8b],
  ])('of %s stops before it and tells its bits', (_, text, bits) => {
    const hart = guest(`addi a0, a0, 1\n${text}\nebreak`);
    expect(hart.run(10)).toEqual({ kind: 'illegal', bits });
    expect(hart.state.pc).toBe(CODE + 4);
    expect(hart.state.instret).toBe(1);
  });

  it('that no control reaches does no harm', () => {
    const hart = guest('j 1f\n.word 0xffffffff\n1: ebreak');
    hart.toBreak();
    expect(hart.state.instret).toBe(1);
  });
});

describe('code that spans pages', () => {
  it('runs on from one page to the next', () => {
    const hart = guest(`${'addi a0, a0, 1\n'.repeat(3000)}ebreak`);
    hart.toBreak();
    expect(hart.x('a0')).toBe(3000n);
    expect(hart.state.instret).toBe(3000);
  });

  it('branches from one page to another and back', () => {
    const hart = guest(
      `1: addi a0, a0, 1
          j 3f
       2: blt a0, a1, 1b
          ebreak
          .zero 4096
       3: addi a2, a2, 2
          j 2b`,
      { registers: { a1: 1000 } },
    );
    hart.toBreak();
    expect(hart.x('a2')).toBe(2000n);
    expect(hart.state.instret).toBe(5000);
  });
});

describe('the record pool', () => {
  /** Functions on pages of their own, called in turn: more records than a small pool holds. */
  const pages = 24;
  const base = 0x100000;
  const text = `
      li s0, 3
    again:
      ${Array.from({ length: pages }, (_, i) => `call f${i}`).join('\n')}
      addi s0, s0, -1
      bnez s0, again
      ebreak
      ${Array.from(
        { length: pages },
        (_, i) => `.align 12\nf${i}: ${'addi a0, a0, 1\n'.repeat(100)} ret`,
      ).join('\n')}`;

  it('is given back and filled again when it is full, and nothing changes by it', () => {
    // Room for one translation at its largest, and a little more.
    const hart = guest(text, { base, recordBytes: 212_992 });
    let used = 0;
    let flushes = 0;
    while (hart.run(50).kind === 'fuel') {
      if (hart.engine.code.usedBytes < used) flushes += 1;
      used = hart.engine.code.usedBytes;
    }
    expect(flushes).toBeGreaterThan(1);
    expect(hart.x('a0')).toBe(BigInt(3 * pages * 100));
    const large = guest(text, { base });
    large.toBreak();
    expect(hart.snapshot()).toEqual(large.snapshot());
  });
});
