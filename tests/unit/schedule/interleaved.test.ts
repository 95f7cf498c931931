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

describe('an interleaved machine', () => {
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
