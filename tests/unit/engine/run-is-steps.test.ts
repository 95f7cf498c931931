import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Machine } from '../../../emulator/machine';
import { ArenaPool } from '../../../emulator/memory/arena-pool';
import { CapturedStreams } from '../../support/captured-streams';
import { makeBatch, type Batch } from '../../support/batch';
import {
  GuestHart,
  READ_EXECUTE,
  READ_WRITE,
  snapshotOf,
  type Snapshot,
} from '../../support/guest-hart';
import { integerValue, Random } from '../../support/random';
import {
  encodeItems,
  SCRATCH_REACH,
  StreamGenerator,
  streamInstructions,
} from '../../support/streams';

const INSTRUCTIONS = streamInstructions([
  ...(['I', 'M', 'A', 'F', 'D', 'C', 'Zicsr', 'Zifencei'] as const),
  ...(['Zba', 'Zbb', 'Zbc', 'Zbs', 'Zicond', 'Zcb', 'Zfh'] as const),
]);

/** A few random programs in one image. */
function randomBatch(seed: number): Batch {
  const random = new Random(seed);
  const values = (): bigint[] => Array.from({ length: 32 }, () => integerValue(random));
  const offsets = [-SCRATCH_REACH, 0, 800];
  const programs = [0, 1, 2].map(() => {
    const base = 1 + random.below(31);
    const instructions = Array.from({ length: 40 }, () => random.pick(INSTRUCTIONS));
    const plan = { instructions, base, rounds: true, operands: () => offsets };
    return {
      code: encodeItems(new StreamGenerator(random, plan).items(60)),
      initial: { x: values(), f: values(), fcsr: random.below(160) },
      base,
      memory: new Uint8Array(BigUint64Array.from({ length: 256 }, () => random.u64()).buffer),
    };
  });
  return makeBatch(programs);
}

function load(batch: Batch): GuestHart {
  const hart = new GuestHart();
  for (const { address, bytes, executable } of batch.segments) {
    hart.load(address, bytes, executable ? READ_EXECUTE : READ_WRITE);
  }
  hart.state.pc = batch.entry;
  return hart;
}

/** Where a hart stands, and why it stopped, after each of some budgets. */
function stops(hart: GuestHart, budgets: readonly number[], steps: boolean): unknown[] {
  try {
    return budgets.map((budget) => {
      const stop = steps ? hart.steps(budget) : hart.run(budget);
      return { stop, ...hart.snapshot() };
    });
  } finally {
    hart.close();
  }
}

describe('run(n) is n single steps', () => {
  it('on random programs, at every stop', () => {
    const budgets = fc.array(
      fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 400 })),
      {
        minLength: 1,
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), budgets, (seed, list) => {
        const batch = randomBatch(seed);
        expect(stops(load(batch), list, false)).toEqual(stops(load(batch), list, true));
      }),
      { numRuns: 150 },
    );
  });

  const arenas = new ArenaPool({
    frames: 16384,
    tablePairs: 1,
    codeTables: 1,
    harts: 4,
    spaces: 4,
  });
  const clock = { monotonic: () => 1_000_000_000n, realtime: () => 1_700_000_000_000_000_000n };

  /** Where a bundled program stands after each of some budgets. */
  function progress(name: string, budgets: readonly number[], steps: boolean): Snapshot[] {
    const elf = readFileSync(`guests/bin/${name}.elf`);
    const arena = arenas.take();
    const machine = Machine.create({
      ...{ elf, arena, clock, streams: new CapturedStreams() },
      args: [name, '1', '1'],
      random: (bytes) => bytes.fill(7),
    });
    try {
      return budgets.map((budget) => {
        const stop = steps ? machine.step(budget) : machine.run(budget);
        expect(stop.kind).toMatch(/^(fuel|exited)$/);
        return snapshotOf(machine.hart);
      });
    } finally {
      machine.dispose();
      arenas.giveBack(arena);
    }
  }

  it.each([
    ...['dot', 'sieve', 'matmul', 'sha256', 'fib', 'intmix', 'xorshift', 'copy'],
    ...['mandelbrot', 'glibc-hello'],
  ])('on %s, at random stops', (name) => {
    const budgets = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(budgets, (list) => {
        expect(progress(name, list, false)).toEqual(progress(name, list, true));
      }),
      { numRuns: 6 },
    );
  });
});
