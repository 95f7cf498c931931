import { describe, expect, test } from 'vitest';
import type { EngineKind, Machine } from '../../../emulator';
import { assemble } from '../../../emulator/isa';
import { poolOf } from '../../support/host-entries';
import { keptMachines } from '../../support/kept-machines';
import { call, DATA, exit, finish, machineOf } from './stress';

const machines = keptMachines();

function made(...args: Parameters<typeof machineOf>): Machine {
  const machine = machineOf(...args);
  machines.push(machine);
  return machine;
}

/** A page that can be written and run, where the function lies. */
const CELL = 0x200000;
const RWX = 7;
const MAP_PRIVATE_FIXED_ANONYMOUS = 0x32;
const MAP_SHARED_FIXED_ANONYMOUS = 0x31;
const mapCell = (flags = MAP_PRIVATE_FIXED_ANONYMOUS): string =>
  call(222, CELL, 4096, RWX, flags, -1, 0);

/** Makes the function at `at` return the number in t0, below 2048. */
const writeFunction = (at: string): string => `
    slli t1, t0, 20
    li t2, 0x00000513
    or t1, t1, t2
    sw t1, 0(${at})
    li t2, 0x00008067
    sw t2, 4(${at})`;

/** Adds up in s6 what `calls` calls of the function at s3 return. */
const sumCalls = (calls: number, name: string): string => `
    li s6, 0
    li s5, ${calls}
  ${name}:
    jalr ra, 0(s3)
    add s6, s6, a0
    addi s5, s5, -1
    bnez s5, ${name}`;

const ENGINES: readonly EngineKind[] = ['interpreter', 'translator', 'auto'];
const RUNS = [
  ['interpreter', 0],
  ['translator', 0],
  ['auto', 2],
] as const;
const where = (threads: number): { entry: string; threads: number } | undefined => poolOf(threads);
const words = ({ space }: Machine, count: number): (bigint | undefined)[] =>
  Array.from({ length: count }, (_, i) => space.readU64(DATA + 0x1000 + 8 * i));

/** So many calls that a hart has several turns. */
const CALLS = 30_000;

describe('a fork that rewrites a function', () => {
  test.each(RUNS)('in a workspace changes its own only (%s, %i threads)', (engine, threads) => {
    const machine = made(
      `
        ${mapCell()}
        li s3, ${CELL}
        li t0, 1
        ${writeFunction('s3')}
        fence.i
        ${sumCalls(3000, 'warm')}
        ${call(2000, DATA)}
        beqz a0, vcpu
        ${call(2001, -1, 0, 0)}
        fence.i
        ${sumCalls(1, 'joined')}
        mv a0, s6
        li a7, 94
        ecall
      vcpu:
        mv s0, a1
        li s2, 1
        bne s0, s2, first
        li t0, 5
        ${writeFunction('s3')}
        fence.i
      first:
        ${sumCalls(CALLS, 'one')}
        li t0, ${DATA + 0x1000}
        slli t1, s0, 4
        add s7, t0, t1
        sd s6, 0(s7)
        beqz s2, other
        add t0, s0, s0
        ${writeFunction('s3')}
        fence.i
      other:
        ${sumCalls(CALLS, 'two')}
        sd s6, 8(s7)
        ${call(111)}
      `,
      where(threads),
      { mode: 'workspace', vcpus: 3 },
      { engine },
    );
    // All three have written the function: the first one's number stays.
    expect(finish(machine)).toEqual({ kind: 'exited', status: 2 });
    const [, , a, b, c, d, e, f] = words(machine, 8).map(Number);
    expect([a, b, c, d, e, f]).toEqual([5, 2, 1, 4, 1, 6].map((n) => n * CALLS));
  });
});

describe('code that harts hand round', () => {
  /**
   * Each hart waits for its turn; the first one writes the function, the others call it. None of them tells another but by
   * the turn, and only who calls has executed fence.i.
   */
  const ROUNDS = 40;
  const HARTS = 3;
  const ring = (flags: number): string => `
    ${mapCell(flags)}
    li s3, ${CELL}
    li t0, 0
    ${writeFunction('s3')}
    ${call(2000, DATA)}
    beqz a0, hart
    ${call(2001, -1, 0, 0)}
    fence.i
    jalr ra, 0(s3)
    li a7, 94
    ecall
  function:
    mv a1, a0
    addi a1, a1, 1
  hart:
    li s3, ${CELL}
    addi s0, a1, -1
    li s1, ${ROUNDS}
    li s2, ${DATA + 0x1000}
    li s8, ${HARTS}
  wait:
    amoor.d s4, x0, (s2)
    remu t0, s4, s8
    bne t0, s0, wait
    fence r, rw
    fence.i
    sub t0, s4, s0
    addi t0, t0, 1
    andi s4, t0, 0x7ff
    bnez s0, call
    ${writeFunction('s3')}
    fence rw, w
    j done
  call:
    li s5, 30
  again:
    jalr ra, 0(s3)
    bne a0, s4, bad
    addi s5, s5, -1
    bnez s5, again
  done:
    li t1, 1
    amoadd.d x0, t1, (s2)
    addi s1, s1, -1
    bnez s1, wait
    ${call(93, 0)}
  bad:
    ${call(94, 99)}`;
  const MODES = [
    ['shared', 'function'],
    ['call', 'function'],
    ['fork', undefined],
    ['fork-here', undefined],
  ] as const;

  const SOME_RUNS = [
    ['interpreter', 2],
    ['translator', 0],
    ['auto', 2],
  ] as const;

  test.each(MODES.flatMap((mode) => SOME_RUNS.map((run) => [...mode, ...run] as const)))(
    'is what one of them has written (%s, %s, %s, %i threads)',
    (mode, label, engine, threads) => {
      const machine = made(
        ring(MAP_PRIVATE_FIXED_ANONYMOUS),
        where(threads),
        {
          mode,
          vcpus: HARTS,
          ...(label !== undefined && { function: label }),
          ...((mode === 'shared' || mode === 'fork') && {
            stackBase: DATA + 0x10000,
            stackSize: 0x1000,
          }),
        },
        { engine },
      );
      expect(finish(machine)).toEqual({ kind: 'exited', status: HARTS * (ROUNDS - 1) + 1 });
    },
  );
});

describe('private pages that can be run', () => {
  test.each(RUNS)("are each vCPU's own (%s, %i threads)", (engine, threads) => {
    // The function lies on the stack, which is private in this mode, at the same address for all.
    const machine = made(
      `
        li t3, -4096
        and s3, sp, t3
        add s3, s3, t3
        mv a0, s3
        li a1, 4096
        li a2, ${RWX}
        li a7, 226
        ecall
        bnez a0, bad
        li t0, 9
        ${writeFunction('s3')}
        fence.i
        ${sumCalls(100, 'before')}
        ${call(110, 3, 0)}
        beqz a0, main
        mv s0, a0
        mv t0, s0
        ${writeFunction('s3')}
        fence.i
        ${sumCalls(CALLS, 'own')}
        li t0, ${DATA + 0x1000}
        slli t1, s0, 3
        add t0, t0, t1
        sd s6, 0(t0)
        ${call(111)}
      main:
        ${call(111)}
        ${sumCalls(1, 'after')}
        mv a0, s6
        li a7, 94
        ecall
      bad:
        ${exit(99)}
      `,
      where(threads),
      undefined,
      { engine },
    );
    expect(finish(machine)).toEqual({ kind: 'exited', status: 9 });
    expect(words(machine, 4).slice(1).map(Number)).toEqual([1, 2, 3].map((n) => n * CALLS));
  });
});

describe('a process that rewrites its program', () => {
  const FORK = call(220, 17, 0, 0, 0, 0);
  const wait = 'li a0, -1\nli a1, 0x101000\nli a2, 0\nli a3, 0\nli a7, 260\necall';

  test.each(ENGINES)("leaves its parent's as it is (%s)", (engine) => {
    const machine = made(
      `
        la s3, function
        ${sumCalls(3000, 'before')}
        ${FORK}
        bnez a0, parent
        ${call(226, 0x10000, 4096, RWX)}
        li t0, 7
        ${writeFunction('s3')}
        fence.i
        ${sumCalls(CALLS, 'child')}
        li t0, ${7 * CALLS}
        sub a0, s6, t0
        snez a0, a0
        li a7, 93
        ecall
      parent:
        ${sumCalls(4 * CALLS, 'other')}
        mv s9, s6
        ${wait}
        li t0, 0x101000
        lw t1, 0(t0)
        bnez t1, bad
        ${sumCalls(1, 'after')}
        add a0, s9, s6
        li t0, ${3 * (4 * CALLS + 1)}
        sub a0, a0, t0
        li a7, 94
        ecall
      bad:
        ${exit(99)}
      function:
        li a0, 3
        ret
      `,
      undefined,
      undefined,
      { engine },
    );
    expect(finish(machine)).toEqual({ kind: 'exited', status: 0 });
  });

  test.each(ENGINES)('in memory that both write is seen by both (%s)', (engine) => {
    const machine = made(
      `
        ${mapCell(MAP_SHARED_FIXED_ANONYMOUS)}
        li s3, ${CELL}
        li t0, 1
        ${writeFunction('s3')}
        fence.i
        ${sumCalls(3000, 'before')}
        ${FORK}
        bnez a0, parent
        ${sumCalls(2, 'child')}
        li t0, 6
        ${writeFunction('s3')}
        ${call(93, 0)}
      parent:
        ${sumCalls(CALLS, 'meanwhile')}
        ${wait}
        fence.i
        ${sumCalls(1, 'after')}
        mv a0, s6
        li a7, 94
        ecall
      `,
      undefined,
      undefined,
      { engine },
    );
    expect(finish(machine)).toEqual({ kind: 'exited', status: 6 });
  });
});

test.each(ENGINES)('machines that were forked have code of their own each (%s)', (engine) => {
  const text = `
      ${call(124)}
      ebreak
    function:
      li a1, 3000
      li a0, 0
    count:
      addi a0, a0, 1
      addi a1, a1, -1
      bnez a1, count
      ret`;
  const symbols = new Map(assemble(text, { base: 0x10000 }).symbols);
  const [from, at] = ['function', 'count'].map((name) => symbols.get(name)!);
  const machine = made(text, undefined, undefined, { engine });
  expect(machine.call(from).integer).toBe(3000n);
  const [one, other] = [machine.fork(), machine.fork()];
  machines.unshift(one, other);
  const results = (): bigint[] => [machine, one, other].map((each) => each.call(from).integer);
  one.space.poke(at, assemble('addi a0, a0, 2').bytes);
  expect(results()).toEqual([3000n, 6000n, 3000n]);
  other.space.poke(at, assemble('addi a0, a0, 5').bytes);
  expect(results()).toEqual([3000n, 6000n, 15000n]);
  expect(results()).toEqual([3000n, 6000n, 15000n]);
});

test.each(ENGINES)(
  'code that is written through another mapping shows at fence.i (%s)',
  (engine) => {
    const map = (at: number, protection: number): string =>
      `li a0, ${at}\nli a1, 4096\nli a2, ${protection}\nli a3, 0x11\nmv a4, s0\nli a5, 0\nli a7, 222\necall\nbltz a0, bad`;
    const machine = made(
      `
      ${call(279, DATA, 0)}
      mv s0, a0
      mv a0, s0
      li a1, 4096
      li a7, 46
      ecall
      bnez a0, bad
      ${map(CELL, 5)}
      ${map(CELL + 4096, 3)}
      li s3, ${CELL}
      li s4, ${CELL + 4096}
      li t0, 1
      ${writeFunction('s4')}
      fence.i
      ${sumCalls(CALLS, 'before')}
      li t0, 2
      ${writeFunction('s4')}
      fence.i
      ${sumCalls(CALLS, 'after')}
      li a0, ${2 * CALLS}
      sub a0, a0, s6
      snez a0, a0
      li a7, 94
      ecall
    bad:
      ${exit(99)}
    `,
      undefined,
      undefined,
      { engine },
    );
    expect(finish(machine)).toEqual({ kind: 'exited', status: 0 });
  },
);
