import { expect, test } from 'vitest';
import { poolOf } from '../../support/host-entries';
import { translationStress } from './translation-stress';

const FIRST_SEED = Number(process.env.HARTSCOPE_SEED ?? 1000);
const SEEDS = 100;
const ROUNDS = 300;

test(`harts that fork, protect, unmap and write code: ${SEEDS} seeds, both engines`, async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const { outcome: expected } = translationStress(seed, ROUNDS, 'interpreter');
    expect(expected.stop, `seed ${seed}`).toEqual({ kind: 'exited', status: 0 });
    expect(expected.faults, `seed ${seed}`).toEqual([]);
    for (const engine of ['auto', 'translator'] as const) {
      for (const where of [undefined, poolOf(3)]) {
        const { outcome } = translationStress(seed, ROUNDS, engine, where);
        expect(outcome, `seed ${seed}`).toEqual(expected);
      }
    }
    if (seed % 5 === 4) console.log(`seeds ${FIRST_SEED} to ${seed}`);
    // Lets the progress be printed.
    await new Promise((resolve) => setImmediate(resolve));
  }
});
