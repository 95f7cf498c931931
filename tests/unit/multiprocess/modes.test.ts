import { describe, expect, test, vi } from 'vitest';
import { Machine, type StandardStreams } from '../../../emulator';
import { assemble } from '../../../emulator/isa';
import { AddressSpace } from '../../../emulator/memory/address-space';
import { OutOfMemory } from '../../../emulator/memory/errors';
import { pageState } from '../../../emulator/memory/states';
import { writeElf } from '../../support/elf-writer';
import { TESTED_MACHINE } from '../../support/tested-machine';
import { keptMachines } from '../../support/kept-machines';

const CODE = 0x10000;
/** Two pages of data behind the code. */
const DATA = 0x20000;

const silent: StandardStreams = {
  stdin: { isTerminal: false, read: () => 'eof' },
  stdout: { isTerminal: false, write: (bytes) => bytes.length },
  stderr: { isTerminal: false, write: (bytes) => bytes.length },
};

const machines = keptMachines();

/** A machine with code from text, its entry at the first instruction, and zeroed data at DATA. */
function machineOf(text: string, options: { vcpuLimit?: number } = {}): Machine {
  const { bytes } = assemble(text, { base: CODE });
  const elf = writeElf(CODE, [
    { address: CODE, bytes, writable: false, executable: true },
    { address: DATA, bytes: new Uint8Array(0x2000), writable: true, executable: false },
  ]);
  const machine = Machine.create({
    elf,
    memoryLimit: 16 << 20,
    streams: silent,
    ...TESTED_MACHINE,
    ...options,
  });
  machines.push(machine);
  return machine;
}

const run = (machine: Machine): unknown => machine.runToEnd(20_000_000);
const exited = (status: number): unknown => ({ kind: 'exited', status });
const words = (machine: Machine, count: number, at = DATA): bigint[] =>
  [...Array(count).keys()].map((i) => machine.space.readU64(at + 8 * i) ?? -1n);

/** Exits with the status in a0. */
const EXIT = 'li a7, 93\n ecall\n';
/** The plain call on the current stack, for n vCPUs: id in a0. */
const forkHere = (n: number): string => `li a0, ${n}\n li a1, 0\n li a2, 0\n li a7, 110\n ecall\n`;
const WAIT = 'li a7, 111\n ecall\n';

test('a vCPU without memory for what its lender has new fails, and main goes on', () => {
  const machine = machineOf(`
      ${forkHere(2)}
      beqz a0, main
      fence
      ${WAIT}
    main:
      ${WAIT}
      ${EXIT}
  `);
  const adopt = vi.spyOn(AddressSpace.prototype, 'adopt').mockImplementation(() => {
    throw new OutOfMemory('no page-table node left');
  });
  try {
    expect(run(machine)).toEqual(exited(0b110));
    expect(adopt).toHaveBeenCalled();
  } finally {
    adopt.mockRestore();
  }
});

describe('fork-here', () => {
  test('four vCPUs write their parts into main, which waits and goes on with 0', () => {
    const machine = machineOf(`
        ${forkHere(4)}
        beqz a0, main
        li t0, ${DATA}
        slli t1, a0, 3
        add t0, t0, t1
        mul t2, a0, a0
        sd t2, 0(t0)
        ${WAIT}
      main:
        ${WAIT}
        ${EXIT}
    `);
    expect(run(machine)).toEqual(exited(0));
    expect(words(machine, 5)).toEqual([0n, 1n, 4n, 9n, 16n]);
    expect(machine.liveHarts).toHaveLength(1);
    expect(pageState(machine.space, DATA >>> 12)).toBe('owned');
  });

  test('the stack is private: what vCPUs write there is never seen by main or each other', () => {
    const machine = machineOf(`
        addi sp, sp, -16
        li t0, 7
        sd t0, 0(sp)
        ${forkHere(3)}
        beqz a0, main
        ld t1, 0(sp)
        sd a0, 0(sp)
        ld t2, 0(sp)
        add t1, t1, t2
        li t0, ${DATA}
        slli t3, a0, 3
        add t0, t0, t3
        sd t1, 0(t0)
        ${WAIT}
      main:
        ld a0, 0(sp)
        ${EXIT}
    `);
    expect(run(machine)).toEqual(exited(7));
    expect(words(machine, 4)).toEqual([0n, 8n, 9n, 10n]);
  });

  test('a vCPU may use stack that main never touched, down to the guard page and no further', () => {
    const machine = machineOf(`
        ${forkHere(2)}
        beqz a0, main
        li t0, 0x200000
        sub t0, sp, t0
        sd a0, 0(t0)
        ld t1, 0(t0)
        bne t1, a0, bad
        li t0, 1
        beq a0, t0, good
        li t0, 0x1000000
        sub t0, sp, t0
        sd a0, 0(t0)
      good:
        ${WAIT}
      bad:
        unimp
      main:
        ${WAIT}
        ${EXIT}
    `);
    // vCPU 2 ran over the guard page: bit 2.
    expect(run(machine)).toEqual(exited(4));
  });

  test('every failure sets its bit and leaves the others alone', () => {
    const machine = machineOf(
      `
        ${forkHere(6)}
        beqz a0, main
        li t0, 1
        beq a0, t0, null
        li t0, 2
        beq a0, t0, illegal
        li t0, 3
        beq a0, t0, forever
        li t0, 4
        beq a0, t0, break
        li t0, 5
        beq a0, t0, leave
        ${WAIT}
      null: sd zero, 0(zero)
      illegal: unimp
      forever: j forever
      break: ebreak
      leave: li a0, 0
        ${EXIT}
      main:
        ${WAIT}
        ${EXIT}
    `,
      { vcpuLimit: 100_000 },
    );
    expect(run(machine)).toEqual(exited(0b11110));
  });

  test('200 vCPUs run, ids beyond 61 share bit 62, and harts have numbers of their own', () => {
    const machine = machineOf(`
        ${forkHere(200)}
        beqz a0, main
        csrr t1, mhartid
        bne t1, a0, bad
        li t0, ${DATA}
        li t2, 1
        amoadd.d zero, t2, (t0)
        li t3, 100
        bge a0, t3, bad
        ${WAIT}
      bad: unimp
      main:
        ${WAIT}
        srli a0, a0, 61
        ${EXIT}
    `);
    expect(run(machine)).toEqual(exited(0b010));
    expect(words(machine, 1)).toEqual([200n]);
  });
});

test('the vCPUs of a task are numbered in a row, whatever other numbers are free', () => {
  const machine = machineOf(`
      ${forkHere(3)}
      beqz a0, main
      csrr t1, mhartid
      li t0, ${DATA}
      slli t2, a0, 3
      add t0, t0, t2
      sd t1, 0(t0)
      ${WAIT}
    main:
      ${WAIT}
      ${EXIT}
  `);
  // As if another task had left one number free between two that are in use.
  expect(machine.arena.allocateHarts(3)).toBe(1);
  machine.arena.freeHart(2);
  expect(run(machine)).toEqual(exited(0));
  expect(words(machine, 4)).toEqual([0n, 4n, 5n, 6n]);
  expect(machine.arena.allocateHarts()).toBe(2);
});

describe('fork on stacks of the guest', () => {
  test('main runs on at once; vCPU i is on the top of slot i and returns through the exit stub', () => {
    const machine = machineOf(`
        li a0, 3
        li a1, ${DATA + 0x1000}
        li a2, 512
        li a7, 110
        ecall
        beqz a0, main
        li t0, ${DATA}
        slli t1, a0, 3
        add t0, t0, t1
        sd sp, 0(t0)
        ret
      main:
        li t0, ${DATA}
        li t1, 99
        sd t1, 0(t0)
        ${WAIT}
        ${EXIT}
    `);
    expect(run(machine)).toEqual(exited(0));
    const base = BigInt(DATA + 0x1000);
    expect(words(machine, 4)).toEqual([99n, base + 512n, base + 1024n, base + 1536n]);
  });
});

describe('the calls with options', () => {
  /** Options at DATA + 0x1000: size mode vcpus stackBase stackSize function data limit flags. */
  const options = (fields: string[]): string =>
    fields
      .map((value, i) => `li t0, ${value}\n li t1, ${DATA + 0x1000 + 8 * i}\n sd t0, 0(t1)\n`)
      .join('');
  const start = `li a0, ${DATA + 0x1000}\n li a7, 2000\n ecall\n`;
  const CALL = ['72', '2', '2', '0', '0', 'work', '5', '0', '0'];

  /** `li` cannot take a label: the function's address goes in by la. */
  const startCall = (fields = CALL): string =>
    options(fields.map((value) => (value === 'work' ? '0' : value))) +
    `la t0, work\n li t1, ${DATA + 0x1028}\n sd t0, 0(t1)\n` +
    start;

  test('call: each vCPU is in the function with index and data on a stack of its own', () => {
    const machine = machineOf(`
        ${startCall()}
        mv s0, a0
        mv a0, s0
        li a1, ${DATA + 0x1800}
        li t0, 72
        sd t0, 0(a1)
        li a2, 2
        li a7, 2001
        ecall
        ${EXIT}
      work:
        addi sp, sp, -16
        sd a0, 0(sp)
        li t0, ${DATA}
        slli t1, a0, 3
        add t0, t0, t1
        ld t2, 0(sp)
        add t2, t2, a1
        sd t2, 0(t0)
        addi sp, sp, 16
        ret
    `);
    expect(run(machine)).toEqual(exited(0));
    expect(words(machine, 2)).toEqual([5n, 6n]);
    // size, task, id, hart, reason (returned)
    expect(words(machine, 5, DATA + 0x1800)).toEqual([72n, 1n, 1n, 1n, 1n]);
    expect(words(machine, 5, DATA + 0x1848)).toEqual([72n, 1n, 2n, 2n, 1n]);
  });

  test('poll tells how many have not ended, join of a stranger is ECHILD', () => {
    const machine = machineOf(`
        ${startCall(['72', '2', '3', '0', '0', 'work', '0', '0', '0'])}
        li a7, 2002
        ecall
        mv s0, a0
        li a0, -1
        li a1, 0
        li a2, 0
        li a7, 2001
        ecall
        bnez a0, fail
        li a0, 77
        li a7, 2002
        ecall
        add a0, a0, s0
        neg a0, a0
        ${EXIT}
      fail: unimp
      work: ret
    `);
    // -(−ECHILD + 3) = 10 − 3
    expect(run(machine)).toEqual(exited(7));
  });

  test.each([
    ['a wild pointer', 'li a0, 8\n li a7, 2000\n ecall\n', 14],
    ['an unknown mode', options(['72', '9', '1', '0', '0', '1', '0', '0', '0']) + start, 22],
    ['no vCPUs', options(['72', '2', '0', '0', '0', '1', '0', '0', '0']) + start, 22],
    ['more than 1024', options(['72', '2', '1025', '0', '0', '1', '0', '0', '0']) + start, 22],
    ['a size that is no multiple of 8', options(['71', '2', '1']) + start, 22],
    ['stacks missing', options(['72', '3', '1', '0', '0', '1', '0', '0', '0']) + start, 22],
    ['unknown flags', options(['72', '2', '1', '0', '0', '1', '0', '0', '64']) + start, 22],
  ])('%s is refused with an errno', (_, text, errno) => {
    const machine = machineOf(`${text}\n neg a0, a0\n ${EXIT}`);
    expect(run(machine)).toEqual(exited(errno));
  });

  test('an instruction limit ends a vCPU exactly there', () => {
    const machine = machineOf(`
        ${startCall(['72', '2', '1', '0', '0', 'work', '0', '1000', '0'])}
        li a1, ${DATA + 0x1800}
        li t0, 72
        sd t0, 0(a1)
        li a2, 1
        li a7, 2001
        ecall
        ${EXIT}
      work: j work
    `);
    expect(run(machine)).toEqual(exited(1));
    const status = words(machine, 9, DATA + 0x1800);
    expect(status[4]).toBe(5n);
    expect(status[8]).toBe(1000n);
  });

  test('shared: true shared memory, and an increment by LR/SC from four harts loses nothing', () => {
    const machine = machineOf(`
        ${startCall(['72', '1', '4', String(DATA + 0x1100), '256', 'work', '0', '0', '0'])}
        li a1, 0
        li a2, 0
        li a7, 2001
        ecall
        ${EXIT}
      work:
        li t0, ${DATA}
        li t1, 50000
      again:
        lr.d t2, (t0)
        addi t2, t2, 1
        sc.d t3, t2, (t0)
        bnez t3, again
        addi t1, t1, -1
        bnez t1, again
        ret
    `);
    expect(run(machine)).toEqual(exited(0));
    expect(words(machine, 1)).toEqual([200_000n]);
  });

  test('tasks may be left unjoined: the machine ends in order', () => {
    const machine = machineOf(`
        ${startCall(['72', '2', '5', '0', '0', 'work', '0', '0', '0'])}
        li a0, 3
        ${EXIT}
      work: j work
    `);
    expect(run(machine)).toEqual(exited(3));
    expect(machine.liveHarts).toHaveLength(1);
  });
});

describe('vCPUs that need each other', () => {
  test('spin on what another stores, more of them than threads, and finish', () => {
    const machine = machineOf(`
        ${forkHere(8)}
        beqz a0, main
        li t0, ${DATA}
        addi t1, a0, -1
      spin:
        ld t2, 0(t0)
        bne t2, t1, spin
        sd a0, 0(t0)
        ${WAIT}
      main:
        ${WAIT}
        ${EXIT}
    `);
    expect(run(machine)).toEqual(exited(0));
    expect(words(machine, 1)).toEqual([8n]);
  });

  test('start tasks of their own: harts have unique numbers and results reach main', () => {
    const machine = machineOf(`
        ${forkHere(2)}
        beqz a0, main
        mv s0, a0
        ${forkHere(2)}
        beqz a0, middle
        csrr t1, mhartid
        li t0, ${DATA}
        slli t2, t1, 3
        add t0, t0, t2
        li t3, 1
        amoadd.d zero, t3, (t0)
        ${WAIT}
      middle:
        li t0, ${DATA}
        li t3, 100
        amoadd.d zero, t3, (t0)
        ${WAIT}
      main:
        ${WAIT}
        ${EXIT}
    `);
    expect(run(machine)).toEqual(exited(0));
    const [sum, ...counts] = words(machine, 8);
    expect(sum).toBe(200n);
    expect(counts.reduce((a, b) => a + b)).toBe(4n);
  });
});

test('run(n) is n steps with many harts, at every stop', () => {
  const text = `
      ${forkHere(3)}
      beqz a0, main
      li t0, ${DATA}
      li t1, 40000
    again:
      amoadd.d t2, a0, (t0)
      addi t1, t1, -1
      bnez t1, again
      ${WAIT}
    main:
      ${WAIT}
      ${EXIT}
  `;
  const [fast, slow] = [machineOf(text), machineOf(text)];
  for (const n of [3, 7, 100, 49_990, 20, 5, 1000, 60_000, 50_001]) {
    fast.run(n, true);
    slow.step(n);
    expect(fast.instructions).toBe(slow.instructions);
    expect(fast.current.index).toBe(slow.current.index);
    const state = (machine: Machine): unknown =>
      machine.liveHarts.map(({ index, state: hart }) => [index, hart.pc, hart.instret]);
    expect(state(fast)).toEqual(state(slow));
    expect(words(fast, 1)).toEqual(words(slow, 1));
  }
  expect(run(fast)).toEqual(run(slow));
  expect(words(fast, 1)).toEqual([40_000n * 6n]);
});
