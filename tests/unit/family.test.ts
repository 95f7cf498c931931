import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { Machine, READ, WRITE, type MachineOptions } from '../../emulator';
import { assemble } from '../../emulator/isa';
import { checkTables } from '../../emulator/memory/check';
import { CapturedStreams } from '../support/captured-streams';
import { writeElf } from '../support/elf-writer';
import { TESTED_MACHINE } from '../support/tested-machine';
import { keptMachines } from '../support/kept-machines';

const CODE = 0x10000;
const DATA = 0x20000;

const machines = keptMachines();
const kept = (machine: Machine): Machine => {
  machines.push(machine);
  return machine;
};

/** A program that counts to a0 = 5 and exits with what lies at DATA, and functions at known places. */
const PROGRAM = `
    li s0, ${DATA}
    ld s1, 0(s0)
    addi s1, s1, 1
    sd s1, 0(s0)
    nop
    ld a0, 0(s0)
    li a7, 93
    ecall
    .balign 64
  sum:
    li t0, 0
  next:
    beqz a1, done
    ld t1, 0(a0)
    add t0, t0, t1
    sd zero, 0(a0)
    addi a0, a0, 8
    addi a1, a1, -1
    j next
  done:
    mv a0, t0
    ret
`;
const assembly = assemble(PROGRAM.replace('.balign 64', 'nop\n'.repeat(8)), { base: CODE });
const sum = assembly.symbols.get('sum') ?? 0;

function machineOf(options: Partial<MachineOptions> = {}): Machine {
  const elf = writeElf(CODE, [
    { address: CODE, bytes: assembly.bytes, writable: false, executable: true },
    { address: DATA, bytes: new Uint8Array(0x3000), writable: true, executable: false },
  ]);
  return kept(
    Machine.create({
      elf,
      memoryLimit: 32 << 20,
      streams: new CapturedStreams(),
      ...TESTED_MACHINE,
      ...options,
    }),
  );
}

describe('a fork of a machine', () => {
  test('goes on from where the machine stands, with its own memory', () => {
    const machine = machineOf();
    machine.step(4);
    machine.space.writeU64(DATA + 8, 7n);
    const fork = kept(machine.fork());
    expect(fork.hart.pc).toBe(machine.hart.pc);
    expect(fork.hart.x(9)).toBe(machine.hart.x(9));
    expect(fork.space.readU64(DATA + 8)).toBe(7n);
    fork.space.writeU64(DATA, 40n);
    fork.hart.setX(9, 42n);
    machine.space.writeU64(DATA + 8, 8n);
    expect(fork.space.readU64(DATA + 8)).toBe(7n);
    const [one, other] = [machine.runToEnd(), fork.runToEnd()];
    expect([one, other]).toEqual([
      { kind: 'exited', status: 1 },
      { kind: 'exited', status: 42 - 2 },
    ]);
  });

  test('reserves no memory of the host and leaves nothing behind: embedders make thousands in a row', () => {
    const buffers = vi.spyOn(globalThis, 'SharedArrayBuffer');
    try {
      const machine = machineOf();
      expect(buffers).toHaveBeenCalled();
      buffers.mockClear();
      const { frames, nodes, spaces } = machine.arena;
      const use = (): readonly number[] => [frames.used, nodes.used, spaces.used];
      machine.fork().dispose();
      const before = use();
      for (let n = 0; n < 100; n++) machine.fork().dispose();
      expect(use()).toEqual(before);
      expect(buffers).not.toHaveBeenCalled();
    } finally {
      buffers.mockRestore();
    }
  });

  test('has what the embedder has installed, and outlives the machine', () => {
    const machine = machineOf();
    machine.space.install(DATA / 4096 + 1, Uint8Array.of(9, 8, 7), READ | WRITE);
    const fork = machine.fork();
    machine.dispose();
    machines.pop();
    expect([...fork.space.read(DATA + 4096, 3)]).toEqual([9, 8, 7]);
    expect(fork.runToEnd()).toEqual({ kind: 'exited', status: 1 });
    const { arena } = fork;
    fork.dispose();
    expect(checkTables(arena)).toEqual([]);
    expect(arena.frames.used).toBe(0);
  });

  test('of a program with a C library prints and ends as it would', () => {
    const streams = new CapturedStreams();
    const machine = kept(
      Machine.create({
        elf: readFileSync('guests/bin/glibc-hello.elf'),
        args: ['hello'],
        memoryLimit: 64 << 20,
        streams,
      }),
    );
    machine.run(20_000);
    const forks = [kept(machine.fork()), kept(machine.fork())];
    for (const each of [machine, ...forks]) {
      expect(each.runToEnd()).toMatchObject({ kind: 'exited', status: 0 });
    }
    const lines = streams
      .text()
      .split('\n')
      .filter((line) => line.includes('ello'));
    expect(lines.length % 3).toBe(0);
    expect(new Set(forks.map(({ kernel }) => kernel.pid)).size).toBe(2);
  });

  test('is made while others run in turn, more than there are tables for', () => {
    const machine = machineOf();
    const forks = [...Array(12).keys()].map((n) => {
      const fork = kept(machine.fork());
      fork.space.writeU64(DATA, BigInt(n));
      return fork;
    });
    for (const fork of forks) fork.step(2);
    expect(forks.map((fork) => fork.runToEnd())).toEqual(
      [...Array(12).keys()].map((n) => ({ kind: 'exited', status: n + 1 })),
    );
  });

  test('of a machine that has ended, or waits for its vCPUs, is refused', () => {
    const machine = machineOf();
    machine.runToEnd();
    expect(() => machine.fork()).toThrow('the program has ended: it cannot be forked');
  });
});

describe('a call in another machine of the family', () => {
  test('uses pages that are lent for it, writes them, and gives them back', () => {
    const caller = machineOf();
    const called = machineOf({ family: caller });
    expect(called.arena).toBe(caller.arena);
    [3n, 4n, 5n].forEach((value, i) => caller.space.writeU64(DATA + 8 * i, value));
    called.space.writeU64(DATA, 99n);
    const lend = [{ from: caller.space, address: DATA, length: 24 }];
    expect(called.call(sum, [DATA, 3], { lend }).integer).toBe(12n);
    // What the function has written is the caller's; what lay there before is back.
    expect(caller.space.readU64(DATA)).toBe(0n);
    expect(called.space.readU64(DATA)).toBe(99n);
    expect(checkTables(caller.arena)).toEqual([]);
  });

  test('can have them at another place, and for reading only', () => {
    const caller = machineOf();
    const called = kept(caller.fork());
    caller.space.writeU64(DATA + 4096 + 8, 5n);
    const at = 0x7000_0000;
    const pages = { from: caller.space, address: DATA + 4096 + 8, length: 8, at };
    expect(called.call(sum, [at + 8, 1], { lend: [pages] }).integer).toBe(5n);
    expect(() => called.call(sum, [at + 8, 1], { lend: [{ ...pages, protection: READ }] })).toThrow(
      'SIGSEGV',
    );
    expect(called.space.isReadable(at, 8)).toBe(false);
  });

  test('lends nothing when a page cannot be lent', () => {
    const caller = machineOf();
    const called = kept(caller.fork());
    const lend = [{ from: caller.space, address: DATA, length: 0x100_0000 }];
    expect(() => called.call(sum, [DATA, 1], { lend })).toThrow('is not mapped: it cannot be lent');
    expect(called.space.uninstall(DATA / 4096)).toBe(false);
    const stranger = machineOf();
    const other = [{ from: stranger.space, address: DATA, length: 8 }];
    expect(() => called.call(sum, [DATA, 1], { lend: other })).toThrow('within one arena');
  });

  test('ends at its budget', () => {
    const machine = machineOf();
    expect(() => machine.call(sum, [DATA, 1000], { budget: 10 })).toThrow('within 10 instructions');
  });
});
