import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Machine, type MachineOptions } from '../../../emulator';
import type { MachineStop } from '../../../emulator/debug/target';
import { assemble } from '../../../emulator/isa';
import { writeElf } from '../../support/elf-writer';
import { poolOf } from '../../support/host-entries';
import { keptMachines } from '../../support/kept-machines';
import { finish, runGuest } from './thread-guests';

const CODE = 0x10000;
const DATA = 0x20000;
/** The id of the thread while it lives, and what joins wait for. */
const TID = DATA + 0x800;
/** Can be made the guard page of the first stack. */
const GUARD = DATA + 0x1000;
const STACKS = DATA + 0x2000;
const STACK_BYTES = 0x1000;
const DATA_BYTES = 0x6000;

const machines = keptMachines();

function machineOf(text: string, options: Partial<MachineOptions> = {}): Machine {
  const { bytes } = assemble(text, { base: CODE });
  const elf = writeElf(CODE, [
    { address: CODE, bytes, writable: false, executable: true },
    { address: DATA, bytes: new Uint8Array(DATA_BYTES), writable: true, executable: false },
  ]);
  const silent = { isTerminal: false, write: (part: Uint8Array) => part.length };
  const stdin = { isTerminal: false, read: () => 'wait' as const };
  const streams = { stdin, stdout: silent, stderr: silent };
  const machine = Machine.create({ elf, memoryLimit: 16 << 20, streams, ...options });
  machines.push(machine);
  return machine;
}

const exited = (status: number): MachineStop => ({ kind: 'exited', status });
const word = (machine: Machine, at: number): number => machine.space.readNumber64(at) ?? NaN;

/** A system call with constant arguments. */
const call = (number: number, ...args: readonly number[]): string =>
  [...args.map((value, i) => `li a${i}, ${value}`), `li a7, ${number}`, 'ecall'].join('\n');

/** A thread on the n-th stack that goes to a label, and whose id is at TID + 8n until its end. */
const start = (n: number, label: string): string =>
  `${call(220, 0x310f00, STACKS + STACK_BYTES * (n + 1), TID + 8 * n, 0, TID + 8 * n)}
   beqz a0, ${label}`;

/** Waits for the n-th thread. */
const join = (n: number): string => `
  join${n}:
    li t0, ${TID + 8 * n}
    lw a2, 0(t0)
    beqz a2, joined${n}
    mv a0, t0
    li a1, 0
    li a3, 0
    li a7, 98
    ecall
    j join${n}
  joined${n}:`;

const EXIT = 93;
const EXIT_GROUP = 94;
const YIELD = 124;

describe('a thread', () => {
  const JOINED = `
      ${start(0, 'child')}
      ${join(0)}
      li t0, ${DATA}
      ld a0, 0(t0)
      li a7, ${EXIT_GROUP}
      ecall
    child:
      li t0, ${DATA}
      li t1, 42
      sd t1, 0(t0)
      ${call(EXIT, 0)}`;

  test('is a hart of the same memory, which is gone when it has been joined', () => {
    const machine = machineOf(JOINED);
    expect(machine.run(1e6)).toEqual(exited(42));
    expect(machine.liveHarts).toHaveLength(1);
  });

  test('runs on the home thread beside a pool, too', () => {
    const machine = machineOf(JOINED, { pool: poolOf(2) });
    expect(finish(machine)).toEqual(exited(42));
  });

  test('begins with the registers of its parent but a0, sp and tp', () => {
    const machine = machineOf(`
        li s1, 77
        li t0, ${DATA}
        fcvt.d.l fs1, s1
        ${call(220, 0x90f00, STACKS + STACK_BYTES, 0, 0x1234, 0)}
        bnez a0, parent
        fcvt.l.d t1, fs1
        li t0, ${DATA}
        sd s1, 0(t0)
        sd t1, 8(t0)
        sd sp, 16(t0)
        sd tp, 24(t0)
        ${call(EXIT_GROUP, 0)}
      parent:
        j parent`);
    expect(machine.run(1e6)).toEqual(exited(0));
    const seen = [0, 8, 16, 24].map((at) => word(machine, DATA + at));
    expect(seen).toEqual([77, 77, STACKS + STACK_BYTES, 0x1234]);
  });

  test('that runs on when main has ended ends the process with its own status', () => {
    const machine = machineOf(`
        ${start(0, 'child')}
        ${call(EXIT, 1)}
      child:
        li t0, 200000
      loop:
        addi t0, t0, -1
        bnez t0, loop
        ${call(EXIT, 7)}`);
    expect(machine.run(100_000)).toEqual({ kind: 'fuel' });
    expect(machine.liveHarts.map(({ waiting }) => waiting?.reason)).toEqual([
      'its threads',
      undefined,
    ]);
    expect(() => machine.call(CODE)).toThrow(/waits for its threads: nothing can be called/);
    expect(machine.run(1e6)).toEqual(exited(7));
  });

  test('ends the process by exit_group although main computes', () => {
    const machine = machineOf(`
        ${start(0, 'child')}
      main:
        j main
      child:
        ${call(EXIT_GROUP, 9)}`);
    expect(machine.run(1e6)).toEqual(exited(9));
  });

  test('that faults ends the process', () => {
    const machine = machineOf(`
        ${start(0, 'child')}
        ${join(0)}
      child:
        sd zero, 0(zero)`);
    expect(machine.run(1e6)).toMatchObject({ kind: 'killed', signal: 'SIGSEGV', status: 139 });
  });

  test.each([0, 2])('forks vCPUs that have its stack for themselves, pool of %i', (threads) => {
    const text = `
        ${call(226, GUARD, 0x1000, 0)}
        ${start(0, 'child')}
        ${join(0)}
        ${call(EXIT_GROUP, 0)}
      child:
        addi sp, sp, -16
        li t0, 5
        sd t0, 0(sp)
        ${call(110, 3, 0, 0)}
        beqz a0, caller
        slli t1, a0, 3
        li t0, ${DATA}
        add t0, t0, t1
        ld t2, 0(sp)
        add t2, t2, a0
        sd t2, 0(sp)
        sd t2, 0(t0)
        ${call(111)}
      caller:
        ld t2, 0(sp)
        li t0, ${DATA}
        sd t2, 0(t0)
        ${call(EXIT, 0)}`;
    const machine = machineOf(text, threads > 0 ? { pool: poolOf(threads) } : {});
    expect(finish(machine)).toEqual(exited(0));
    expect([0, 8, 16, 24].map((at) => word(machine, DATA + at))).toEqual([5, 6, 7, 8]);
  });
});

describe('turns', () => {
  /** Main and two threads do the same with their number in s0. */
  const three = (body: string): string => `
      li s0, 0
      ${start(0, 'first')}
      ${start(1, 'second')}
      j body
    first:
      li s0, 1
      j body
    second:
      li s0, 2
    body:
      ${body}`;

  /** All count without end, each in a word of its own. */
  const COUNT = three(`
        slli s1, s0, 3
        li t0, ${DATA}
        add s1, s1, t0
      loop:
        addi s2, s2, 1
        sd s2, 0(s1)
        j loop`);
  const counts = (machine: Machine): number[] => [0, 8, 16].map((at) => word(machine, DATA + at));

  test('are fair while all compute', () => {
    const machine = machineOf(COUNT);
    for (let i = 0; i < 3; i++) expect(machine.run(1e6)).toEqual({ kind: 'fuel' });
    expect(Math.max(...counts(machine)) - Math.min(...counts(machine))).toBeLessThan(50_000);
  });

  test.each([1, 2])('all go on while all compute on a pool of %i', async (threads) => {
    const machine = machineOf(COUNT, { pool: poolOf(threads) });
    const goOn = (): number => {
      expect(machine.run(1e6)).toEqual({ kind: 'fuel' });
      return Math.min(...counts(machine));
    };
    await expect.poll(goOn, { timeout: 20_000, interval: 1 }).toBeGreaterThan(1_000_000);
    machine.halt();
    const stopped = counts(machine);
    expect(counts(machine)).toEqual(stopped);
    const instructions = machine.liveHarts.reduce((sum, { state }) => sum + state.instret, 0);
    expect(machine.instructions).toBe(instructions);
  });

  /** Each writes its number to the next place of a list, eight times. */
  const LIST = three(`
        li s3, 8
        li s1, ${DATA}
      loop:
        li t1, 1
        amoadd.d t2, t1, (s1)
        add t2, t2, s1
        sb s0, 8(t2)
        ${call(YIELD)}
        addi s3, s3, -1
        bnez s3, loop
        ${call(EXIT, 0)}`);

  test('go round when all yield', () => {
    const machine = machineOf(LIST);
    expect(machine.run(1e6)).toEqual(exited(0));
    const order = [...machine.space.read(DATA + 8, 24)].join('');
    expect(order).toBe('012'.repeat(8));
  });

  /** Turns that end by waits, by yields and by their length; the order of all is in a checksum. */
  const MIXED = three(`
        li s1, ${DATA}
        li s3, 40
      loop:
        li t1, 3000
      spin:
        addi t1, t1, -1
        bnez t1, spin
        lr.d t2, (s1)
        slli t3, t2, 5
        add t2, t2, t3
        add t2, t2, s0
        addi t2, t2, 1
        sc.d t3, t2, (s1)
        bnez t3, loop
        andi t3, t2, 3
        beqz t3, wait
        li t1, 1
        beq t3, t1, wake
        ${call(YIELD)}
        j next
      wait:
        addi a0, s1, 16
        lw a2, 0(a0)
        li a1, 0
        li a3, 0
        li a7, 98
        ecall
        j next
      wake:
        addi a0, s1, 16
        lw t1, 0(a0)
        addi t1, t1, 1
        sw t1, 0(a0)
        li a1, 1
        li a2, 9
        li a7, 98
        ecall
      next:
        addi s3, s3, -1
        bnez s3, loop
        addi a0, s1, 16
        li t1, -1
        amoadd.w zero, t1, (a0)
        li a1, 1
        li a2, 9
        li a7, 98
        ecall
        ${call(EXIT, 0)}`);

  /** Runs in pieces until the end, or until all wait for each other. */
  function inPieces(text: string, piece: number): unknown[] {
    const machine = machineOf(text);
    let stop: MachineStop;
    do stop = machine.run(piece);
    while (stop.kind === 'fuel');
    const registers = machine.liveHarts.map(({ index, state }) => [index, state.pc, state.instret]);
    return [stop, machine.instructions, registers, [...machine.space.read(DATA, 0x900)].join()];
  }

  test.each([1, 7, 1000, 49_999])('do not depend on how far a run goes: %i steps', (piece) => {
    expect(inPieces(LIST, piece)).toEqual(inPieces(LIST, 1e9));
    expect(inPieces(MIXED, piece)).toEqual(inPieces(MIXED, 1e9));
  });

  test('do not depend on it in a real program either', () => {
    const whole = runGuest('atomics');
    expect(runGuest('atomics', { piece: 997 })).toEqual(whole);
    expect(runGuest('atomics', { piece: 100_003 })).toEqual(whole);
  });
});

describe('waits', () => {
  test('that nobody will end return to the embedder without a deadline', () => {
    const machine = machineOf(`
        ${start(0, 'child')}
        ${join(0)}
      child:
        ${call(98, DATA, 0, 0, 0)}`);
    expect(machine.run(1e6)).toEqual({ kind: 'waiting', reason: 'futex' });
    expect(machine.run(1e6)).toEqual({ kind: 'waiting', reason: 'futex' });
  });

  test('tell the first deadline, and input before others', () => {
    const machine = machineOf(`
        ${start(0, 'sleeper')}
        ${start(1, 'reader')}
        ${join(0)}
      sleeper:
        li t0, ${DATA}
        li t1, 3600
        sd t1, 0(t0)
        ${call(101, DATA, 0)}
      reader:
        ${call(63, 0, DATA + 64, 1)}`);
    const stop = machine.run(1e6);
    expect(stop).toMatchObject({ kind: 'waiting', reason: 'input' });
    expect(stop).toHaveProperty('deadline');
  });

  test('for a pipe end when another thread writes', () => {
    const machine = machineOf(`
        ${call(59, DATA, 0)}
        ${start(0, 'child')}
        ${call(YIELD)}
        li t0, ${DATA}
        lw a0, 4(t0)
        li a1, ${CODE}
        li a2, 3
        li a7, 64
        ecall
        ${join(0)}
      child:
        li t0, ${DATA}
        lw a0, 0(t0)
        li a1, ${DATA + 64}
        li a2, 9
        li a7, 63
        ecall
        li a7, ${EXIT_GROUP}
        ecall`);
    expect(machine.run(1e6)).toEqual(exited(3));
  });

  test("for a signal of the process's end in the thread that asked for it", () => {
    const machine = machineOf(`
        li t0, ${DATA}
        li t1, 0x200
        sd t1, 0(t0)
        ${call(135, 0, DATA, 0, 8)}
        ${start(0, 'child')}
        ${call(YIELD)}
        ${call(129, 1000, 10)}
        ${join(0)}
      child:
        ${call(137, DATA, 0, 0, 8)}
        li a7, ${EXIT_GROUP}
        ecall`);
    expect(machine.run(1e6)).toEqual(exited(10));
  });

  test("a signal for the process goes to a thread when main blocks it, else to main's wait", () => {
    /** The handler ends the process with its thread's id. */
    const program = (how: string): string => `
        la t1, handler
        li t0, ${DATA}
        sd t1, 0(t0)
        ${call(134, 10, DATA, 0, 8)}
        ${start(0, 'child')}
        li t0, ${DATA + 32}
        li t1, 0x200
        sd t1, 0(t0)
        ${how}
        ${join(0)}
      child:
        ${call(YIELD)}
        ${call(129, 1000, 10)}
      loop:
        ${call(YIELD)}
        j loop
      handler:
        ${call(178)}
        addi a0, a0, -1000
        li a7, ${EXIT_GROUP}
        ecall`;
    expect(machineOf(program(call(135, 0, DATA + 32, 0, 8))).run(1e6)).toEqual(exited(1));
    expect(machineOf(program('')).run(1e6)).toEqual(exited(0));
  });
});

describe('programs with POSIX threads and C11 atomics', () => {
  for (const guest of ['threads', 'atomics']) {
    const expected = readFileSync(`guests/expected/${guest}.txt`, 'utf8');
    test(`${guest}: runs without a pool and with one, all as in QEMU`, () => {
      for (let i = 0; i < 3; i++) {
        expect(runGuest(guest).output).toBe(expected);
        const options = { pool: poolOf(2) };
        expect(runGuest(guest, { options }).output).toBe(expected);
      }
    }, 120_000);
  }
});
