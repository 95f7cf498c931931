import { describe, expect, it } from 'vitest';
import type { Extension } from '../../../emulator/isa/types';
import { loopingMemory, loopingProgram, startLooping } from '../../support/looping-program';
import { Random } from '../../support/random';
import { streamInstructions } from '../../support/streams';

const ALL: readonly Extension[] = [
  ...(['I', 'M', 'A', 'F', 'D', 'C', 'Zicsr', 'Zifencei'] as const),
  ...(['Zba', 'Zbb', 'Zbc', 'Zbs', 'Zicond', 'Zcb', 'Zfh'] as const),
];
const KINDS: readonly (readonly [name: string, extensions: readonly Extension[]])[] = [
  ['all instructions', ALL],
  ['integers', ['I', 'M', 'C', 'Zbb']],
  ['floating point', ['F', 'D', 'I']],
];
const FUEL = [10, 300, 3000, 100_000];

/** Runs a program of loops and calls on the interpreter and on another engine, stopping both at random. */
function lockstep(seed: number, extensions: readonly Extension[], engine: 'translator' | 'auto') {
  const random = new Random(seed);
  const program = loopingProgram(random, streamInstructions(extensions));
  const [hart, reference] = [startLooping(program, engine), startLooping(program, 'interpreter')];
  try {
    for (let i = 0; i < 12; i++) {
      const budget = 1 + random.below(random.pick(FUEL));
      const stop = hart.run(budget);
      expect(stop, `seed ${seed}`).toEqual(reference.run(budget));
      expect(hart.snapshot(), `seed ${seed}`).toEqual(reference.snapshot());
      expect(loopingMemory(hart), `seed ${seed}`).toBe(loopingMemory(reference));
      if (stop.kind !== 'fuel') break;
    }
    const { stats } = hart.engine;
    return stats.translatedInstructions / hart.state.instret;
  } finally {
    hart.close();
    reference.close();
  }
}

describe('translated code does what interpreted code does, at random stops', () => {
  it.each(KINDS)('in loops and calls around %s', (_, extensions) => {
    let best = 0;
    for (let seed = 1; seed <= 40; seed++) {
      best = Math.max(best, lockstep(seed, extensions, 'translator'));
    }
    // The comparison is of something.
    expect(best).toBeGreaterThan(0.9);
  });

  it('when only what is hot is translated', () => {
    let best = 0;
    for (let seed = 1; seed <= 20; seed++) best = Math.max(best, lockstep(seed, ALL, 'auto'));
    expect(best).toBeGreaterThan(0.5);
  });
});
