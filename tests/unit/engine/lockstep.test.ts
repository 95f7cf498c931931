import { describe, expect, it } from 'vitest';
import { decode } from '../../../emulator/isa/decoder';
import type { Extension } from '../../../emulator/isa/types';
import { loopingMemory, loopingProgram, startLooping } from '../../support/looping-program';
import { Random } from '../../support/random';
import { streamInstructions } from '../../support/streams';

const ALL: readonly Extension[] = [
  ...(['I', 'M', 'A', 'F', 'D', 'C', 'Zicsr', 'Zifencei'] as const),
  ...(['Zba', 'Zbb', 'Zbc', 'Zbs', 'Zicond', 'Zcb', 'Zfh'] as const),
];
/** What is in the programs, and the part that has to run in translated code. */
const KINDS: readonly (readonly [name: string, extensions: readonly Extension[], share: number])[] =
  [
    ['all instructions', ALL, 0.5],
    ['integers', ['I', 'M', 'C', 'Zbb'], 0.7],
    ['floating point', ['F', 'D', 'I'], 0.4],
  ];
const FUEL = [10, 300, 3000, 100_000];

const SEEDS = Array.from({ length: 40 }, (_, n) => n + 1);

interface Options {
  readonly engine?: 'translator' | 'auto';
  /** The most modules that are kept [many]. */
  readonly modules?: number;
}

/** Runs a program of loops and calls on the interpreter and on another engine, stopping both at random. */
function lockstep(
  seed: number,
  extensions: readonly Extension[],
  { engine = 'translator', modules }: Options = {},
): { readonly share: number; readonly evicted: number } {
  const random = new Random(seed);
  const program = loopingProgram(random, streamInstructions(extensions));
  const [hart, reference] = [startLooping(program, engine), startLooping(program, 'interpreter')];
  const { translator } = hart.engine;
  if (translator && modules !== undefined) {
    translator.cache.limits = { ...translator.cache.limits, modules };
  }
  try {
    for (let i = 0; i < 12; i++) {
      const budget = 1 + random.below(random.pick(FUEL));
      const stop = hart.run(budget);
      expect(stop, `seed ${seed}`).toEqual(reference.run(budget));
      expect(hart.snapshot(), `seed ${seed}`).toEqual(reference.snapshot());
      expect(loopingMemory(hart), `seed ${seed}`).toBe(loopingMemory(reference));
      if (stop.kind !== 'fuel') break;
    }
    const { translatedInstructions, evicted } = hart.engine.stats;
    return { share: translatedInstructions / hart.state.instret, evicted };
  } finally {
    hart.close();
    reference.close();
  }
}

const mean = (numbers: readonly number[]): number =>
  numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

describe('translated code does what interpreted code does, at random stops', () => {
  // What leaves in each round (system instructions, floats that are NaN or change the mode) is part of the programs.
  it.each(KINDS)('in loops, calls and jump tables around %s', (_, extensions, share) => {
    const shares = SEEDS.map((seed) => lockstep(seed, extensions).share);
    expect(mean(shares)).toBeGreaterThan(share);
  });

  it('when only what is hot is translated', () => {
    const shares = SEEDS.slice(20).map((seed) => lockstep(seed, ALL, { engine: 'auto' }).share);
    // How much that is depends on how long translating takes just now.
    expect(mean(shares)).toBeGreaterThan(0);
  });

  it('when there is hardly room for any of it', () => {
    const runs = SEEDS.slice(0, 6).map((seed) => lockstep(seed, ALL, { modules: 4 }));
    expect(mean(runs.map(({ share }) => share))).toBeGreaterThan(0.3);
    expect(mean(runs.map(({ evicted }) => evicted))).toBeGreaterThan(5);
  });
});

it('the programs hold every instruction of the table that a hart runs by itself', () => {
  const seen = new Set<string>();
  for (const seed of SEEDS) {
    const { code } = loopingProgram(new Random(seed), streamInstructions(ALL));
    const view = new DataView(code.buffer, code.byteOffset, code.length);
    for (let at = 0; at < code.length;) {
      const low = view.getUint16(at, true);
      const isLong = (low & 3) === 3;
      const decoded = decode(isLong ? view.getUint32(at, true) : low);
      if (decoded) seen.add(decoded.encoded.name);
      at += isLong ? 4 : 2;
    }
  }
  const missing = streamInstructions(ALL).filter(({ name }) => !seen.has(name));
  expect(missing.map(({ name }) => name)).toEqual([]);
});
