import { describe, expect, test } from 'vitest';
import { assemble } from '../../../emulator/isa';
import type { Interleaved } from '../../../emulator/schedule/options';
import { writeElf } from '../../support/elf-writer';
import { Watched, type Seen } from './run';

const interleaved = (quantum?: number, seed?: number): Interleaved => ({
  kind: 'interleaved',
  ...(quantum !== undefined && { quantum }),
  ...(seed !== undefined && { seed }),
});

const run = (guest: string, args: string[], schedule: Interleaved): Seen =>
  new Watched(guest, args, { schedule }).finish();

/** Each of four harts adds to one counter with a load and a store 50 times; exits with what is left of it. */
const RACE = `
    li a0, 4
    li a1, 0
    li a2, 0
    li a7, 110
    ecall
    li t0, 0x20000
    beqz a0, main
    li t1, 50
  again:
    lw t2, 0(t0)
    addi t2, t2, 1
    sw t2, 0(t0)
    addi t1, t1, -1
    bnez t1, again
  main:
    li a7, 111
    ecall
    lw a0, 0(t0)
    li a7, 93
    ecall
`;
const { bytes } = assemble(RACE, { base: 0x10000 });
const race = writeElf(0x10000, [
  { address: 0x10000, bytes, writable: false, executable: true },
  { address: 0x20000, bytes: new Uint8Array(0x1000), writable: true, executable: false },
]);

/** Three child processes and a parent write what they are, sleep and time themselves; the parent waits for all. */
const FAMILY = `
    li s1, 3
  more:
    li a0, 17
    li a1, 0
    li a2, 0
    li a3, 0
    li a4, 0
    li a7, 220
    ecall
    beqz a0, child
    addi s1, s1, -1
    bnez s1, more
    li s1, 3
  wait:
    li a0, -1
    li a1, 0x20100
    li a2, 0
    li a3, 0
    li a7, 260
    ecall
    addi s1, s1, -1
    bnez s1, wait
    li a0, 0
    li a7, 93
    ecall
  child:
    li s2, 40
  again:
    li a0, 1
    li a1, 0x20000
    addi t0, s1, 64
    sb t0, 0(a1)
    li a2, 1
    li a7, 64
    ecall
    rdtime t1
    andi t1, t1, 63
  spin:
    addi t1, t1, -1
    bgtz t1, spin
    addi s2, s2, -1
    bnez s2, again
    li a7, 101
    li a0, 0x20010
    li a1, 0
    ecall
    mv a0, s1
    li a7, 93
    ecall
`;
const assembled = assemble(FAMILY, { base: 0x10000 });
const family = writeElf(0x10000, [
  { address: 0x10000, bytes: assembled.bytes, writable: false, executable: true },
  {
    address: 0x20000,
    // A timespec of 5 ms at 0x10.
    bytes: new Uint8Array(
      new BigUint64Array([0n, 0n, 0n, 5_000_000n, ...Array<bigint>(60).fill(0n)]).buffer,
    ),
    writable: true,
    executable: false,
  },
]);

describe('an interleaved machine', () => {
  test('runs processes the same each time, and otherwise with another seed', () => {
    const seen = (seed: number, cut?: (n: number) => number): Seen =>
      new Watched(family, [], { schedule: interleaved(30, seed) }).finish(cut);
    const first = seen(1);
    expect(first.stop).toBe('{"kind":"exited","status":0}');
    expect([...first.text].toSorted().join('')).toBe(
      ['A', 'B', 'C'].map((letter) => letter.repeat(40)).join(''),
    );
    expect(seen(1)).toEqual(first);
    expect(seen(1, (n) => 1 + ((n * 37) % 101))).toEqual(first);
    expect(seen(2).text).not.toBe(first.text);
  });

  test.each([
    ['mp-race', ['call', '4']],
    ['mp-race', ['workspace', '3']],
    ['mp-histogram', ['fork-here', '8']],
    ['mp-pipeline', []],
    ['threads', [], 5],
    ['signals', []],
  ])(
    'runs %s %j the same each time: counts, output, events and memory',
    (guest, args, status = 0) => {
      const first = run(guest, args, interleaved(300, 7));
      expect(first.stop).toBe(JSON.stringify({ kind: 'exited', status }));
      expect(first.events.length).toBeGreaterThan(5);
      expect(run(guest, args, interleaved(300, 7))).toEqual(first);
    },
  );

  test('runs otherwise with another seed', () => {
    const seen = [1, 2, 3].map((seed) =>
      run('mp-histogram', ['call', '4'], interleaved(200, seed)),
    );
    expect(new Set(seen.map(({ events }) => events.join('\n'))).size).toBe(3);
    // What the program computes does not depend on it.
    expect(new Set(seen.map(({ text }) => text)).size).toBe(1);
  });

  test('lets a race come out differently over seeds, and each seed always the same', () => {
    const outcome = (seed: number): string =>
      new Watched(race, [], { schedule: interleaved(20, seed) }).finish().stop;
    const outcomes = [...Array(12).keys()].map(outcome);
    expect(new Set(outcomes).size).toBeGreaterThan(2);
    expect([...Array(12).keys()].map(outcome)).toEqual(outcomes);
  });

  test('takes turns of equal length in the order of the harts without a seed', () => {
    const first = run('mp-race', ['call', '4'], interleaved(100));
    expect(run('mp-race', ['call', '4'], interleaved(100))).toEqual(first);
    const left = (quantum: number): string =>
      new Watched(race, [], { schedule: interleaved(quantum) }).finish().stop;
    expect(left(1000)).toBe('{"kind":"exited","status":200}');
    expect(left(7)).not.toBe(left(1000));
  });

  test.each([
    ['mp-race', ['call', '4'], 97],
    ['mp-pipeline', [], 1009],
    ['threads', [], 20_011],
    ['signals', [], 1777],
  ])('is the same in however many runs %s %j is cut', (guest, args, most) => {
    const schedule = interleaved(150, 3);
    const whole = new Watched(guest, args, { schedule }).finish();
    const cut = new Watched(guest, args, { schedule }).finish((n) => 1 + ((n * 7919) % most));
    expect(cut).toEqual(whole);
  });

  test.each([
    ['mp-race', ['call', '4']],
    ['mp-lrsc', []],
    ['mp-mandelbrot', []],
  ])('ends its turns at the same instructions in every engine: %s %j', (guest, args) => {
    const schedule = interleaved(3000, 11);
    const seen = (engine: 'interpreter' | 'translator' | 'auto'): Seen =>
      new Watched(guest, args, { schedule, engine }).finish();
    const interpreted = seen('interpreter');
    expect(seen('translator')).toEqual(interpreted);
    expect(seen('auto')).toEqual(interpreted);
  });

  test('is the same step by step', () => {
    const schedule = interleaved(10, 5);
    const whole = new Watched(race, [], { schedule }).finish();
    expect(new Watched(race, [], { schedule }).finish(() => 1)).toEqual(whole);
  });
});
