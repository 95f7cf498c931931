import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import {
  ElfError,
  Machine,
  ProgramStartError,
  READ,
  WRITE,
  type MachineOptions,
  type StandardStreams,
} from '../../emulator';
import { assemble } from '../../emulator/isa';
import { writeElf } from '../support/elf-writer';
import { TESTED_MACHINE } from '../support/tested-machine';

const guest = (name: string): Uint8Array => readFileSync(`guests/bin/${name}.elf`);

/** Streams that keep what is written; nothing to read. */
function recorded(): StandardStreams & { text(): string } {
  const bytes: number[] = [];
  const out = {
    isTerminal: false,
    write(part: Uint8Array): number {
      bytes.push(...part);
      return part.length;
    },
  };
  return {
    stdin: { isTerminal: false, read: () => 'eof' },
    stdout: out,
    stderr: out,
    text: () => new TextDecoder().decode(Uint8Array.from(bytes)),
  };
}

const machines: Machine[] = [];
function create(options: Partial<MachineOptions> & { elf: Uint8Array }): Machine {
  const machine = Machine.create({
    memoryLimit: 16 << 20,
    streams: recorded(),
    ...TESTED_MACHINE,
    ...options,
  });
  machines.push(machine);
  return machine;
}
afterEach(() => {
  for (const machine of machines.splice(0)) machine.dispose();
});

const BASE = 0x10000;
/** A program from assembly text; its code may be written to as well. */
function program(text: string): Uint8Array {
  const { bytes } = assemble(text, { base: BASE });
  return writeElf(BASE, [{ address: BASE, bytes, writable: true, executable: true }]);
}

describe('patience', () => {
  test('ends a run before its budget when system calls take long, and only then', () => {
    const slow = {
      isTerminal: false,
      write(part: Uint8Array): number {
        for (const end = performance.now() + 0.5; performance.now() < end;);
        return part.length;
      },
    };
    const elf = program(`
      _start:
        auipc a1, 0
        li a0, 1
        li a2, 1
        li a7, 64
        ecall
        j _start
    `);
    const machine = create({ elf, streams: { ...recorded(), stdout: slow }, patience: 1 });
    expect(machine.run(30_000)).toEqual({ kind: 'fuel' });
    expect(machine.instructions).toBeLessThan(30_000);
    const quick = create({ elf: program('_start: j _start'), patience: 1 });
    expect(quick.run(30_000)).toEqual({ kind: 'fuel' });
    expect(quick.instructions).toBe(30_000);
  });
});

describe('calling a guest function', () => {
  test('by name gives its result and leaves the registers as they were', () => {
    const machine = create({ elf: guest('fib') });
    const before = [...Array(32).keys()].map((n) => machine.hart.x(n));
    const { pc } = machine.hart;
    expect(machine.call('fib', [20]).integer).toBe(6765n);
    expect([...Array(32).keys()].map((n) => machine.hart.x(n))).toEqual(before);
    expect(machine.hart.pc).toBe(pc);
    expect(machine.runToEnd()).toEqual({ kind: 'exited', status: 0 });
  });

  test('passes integers and floating-point numbers, and gives both results', () => {
    const machine = create({
      elf: program(`
        mul a0, a0, a1
        fadd.d fa0, fa0, fa1
        ret
      `),
    });
    const result = machine.call(BASE, [-6, 7n, { double: 1.5 }, { double: 0.25 }]);
    expect(result.integer).toBe(-42n);
    expect(result.double).toBe(1.75);
    const single = create({ elf: program('fmul.s fa0, fa0, fa0\n ret') });
    expect(single.call(BASE, [{ single: 1.5 }]).single).toBe(2.25);
  });

  test('that loops for ever, faults, exits or does not exist is an error that says so', () => {
    const machine = create({ elf: program('j .\n') });
    expect(() => machine.call(BASE, [], { budget: 10_000 })).toThrow(
      /did not return within 10000 instructions/,
    );
    expect(() => machine.call('nowhere')).toThrow('no function called nowhere');
    expect(() => machine.call(BASE, [1, 2, 3, 4, 5, 6, 7, 8, 9])).toThrow('more than eight');
    const wild = create({ elf: program('ld a0, 0(zero)\n ret') });
    expect(() => wild.call(BASE)).toThrow(/SIGSEGV.*a read of 0x0/);
    const exits = create({ elf: program('li a0, 3\n li a7, 93\n ecall') });
    expect(() => exits.call(BASE)).toThrow('exited with status 3');
    expect(() => exits.call(BASE)).toThrow('the program has ended');
  });
});

describe('running', () => {
  test('n instructions is n single steps, with the same output, at every stop', () => {
    const [fast, slow] = [recorded(), recorded()];
    const a = create({ elf: guest('hello'), streams: fast });
    const b = create({ elf: guest('hello'), streams: slow });
    for (const n of [1, 2, 3, 50, 100, 128, 129, 130, 131, 1000]) {
      const [x, y] = [a.run(n, true), b.step(n)];
      expect(x).toEqual(y);
      expect(a.instructions).toBe(b.instructions);
      expect(a.hart.pc).toBe(b.hart.pc);
    }
    expect(fast.text()).toBe(slow.text());
  });

  test('an endless loop comes back when its budget is used up', () => {
    const machine = create({ elf: program('j .') });
    expect(machine.run(12_345)).toEqual({ kind: 'fuel' });
    expect(machine.instructions).toBe(12_345);
  });

  test.each([
    ['above 4 GiB', '0x123456789abcdef0', /a jump to .*guest addresses end at 0x100000000/],
    ['to 4 GiB itself', '0x100000000', /a jump to 0x100000000/],
    ['to nothing', '0x60000000', /a jump to 0x60000000: nothing is mapped/],
    ['to null', '0', /a jump to 0x0: a null pointer/],
  ])('a wild jump %s is a fault with its place', (_, target, message) => {
    const machine = create({ elf: program(`li t0, ${target}\n jr t0`) });
    const stop = machine.runToEnd(1000);
    expect(stop).toMatchObject({ kind: 'killed', signal: 'SIGSEGV', status: 139 });
    expect((stop as { message: string }).message).toMatch(message);
  });

  test('machines do not see each other', () => {
    const a = create({ elf: program('li a0, 1\n j .') });
    const b = create({ elf: program('li a0, 2\n j .') });
    a.run(10);
    b.run(10);
    expect([a.hart.x(10), b.hart.x(10)]).toEqual([1n, 2n]);
  });

  test('the limit on memory ends a guest that wants more, with a sentence that says so', () => {
    const machine = create({
      memoryLimit: 1 << 20,
      elf: program(`
        li a0, 0
        li a1, 0x10000000
        li a2, 3
        li a3, 0x22
        li a4, -1
        li a5, 0
        li a7, 222
        ecall               # mmap 256 MiB
        li t0, 4096
      1: sd t0, 0(a0)
        add a0, a0, t0
        j 1b
      `),
    });
    const stop = machine.runToEnd(1e7);
    expect(stop).toMatchObject({ kind: 'killed', signal: 'SIGKILL', status: 137 });
    expect((stop as { message: string }).message).toMatch(/memory limit is reached/);
    expect(machine.mostResidentBytes).toBeGreaterThan(0.9 * (1 << 20));
    expect(machine.mostResidentBytes).toBeLessThanOrEqual((1 << 20) + 3 * 4096);
  });
});

describe('creating', () => {
  test.each([
    ['nothing', Uint8Array.of()],
    ['text', new TextEncoder().encode('#!/bin/sh\necho hello, this is no program\n'.repeat(9))],
    ['a truncated program', guest('hello').subarray(0, 100)],
  ])('from %s is an ElfError', (_, elf) => {
    expect(() => create({ elf })).toThrow(ElfError);
  });

  test('with arguments longer than Linux takes is E2BIG', () => {
    const args = ['hello', 'x'.repeat(4 << 20)];
    expect(() => create({ elf: guest('hello'), args })).toThrow(ProgramStartError);
    const many = Array.from({ length: 300_000 }, () => 'argument');
    expect(() => create({ elf: guest('hello'), args: many })).toThrow(ProgramStartError);
  });

  test('with a memory limit that the program does not fit in says so', () => {
    expect(() => create({ elf: guest('matmul'), memoryLimit: 4096 })).toThrow(/memory|room/i);
  });
});

describe('the embedder', () => {
  const reads = program(`
    li a0, 0x50000000
    ld a0, 8(a0)
    ret
  `);

  test('puts its own page into a machine, and takes it away again', () => {
    const machine = create({ elf: reads });
    const page = new Uint8Array(4096);
    new DataView(page.buffer).setBigUint64(8, 77n, true);
    machine.space.install(0x50000, page, READ);
    expect(machine.call(BASE).integer).toBe(77n);
    machine.space.uninstall(0x50000);
    expect(() => machine.call(BASE)).toThrow(/a read of 0x50000008: nothing is mapped/);
  });

  test('is asked for a missing page', () => {
    const machine = create({ elf: reads });
    const asked: [number, string][] = [];
    machine.space.hooks.onMissingPage = (page, access) => {
      asked.push([page, access]);
      machine.space.map(page * 4096, 4096, READ | WRITE);
      machine.space.writeU64(page * 4096 + 8, 5n);
      return true;
    };
    expect(machine.call(BASE).integer).toBe(5n);
    expect(machine.call(BASE).integer).toBe(5n);
    expect(asked).toEqual([[0x50000, 'read']]);
  });

  test('hears of the first write to a page', () => {
    const machine = create({
      elf: program('li a0, 0x50000000\n sd a0, 0(a0)\n sd a0, 8(a0)\n ret'),
    });
    machine.space.map(0x5000_0000, 8192, READ | WRITE);
    const pages: number[] = [];
    machine.space.hooks.onFirstWrite = (page) => void pages.push(page);
    machine.call(BASE);
    expect(pages.filter((page) => page >= 0x50000)).toEqual([0x50000]);
  });
});
