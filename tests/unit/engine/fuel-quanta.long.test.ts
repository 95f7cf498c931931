import { expect, test } from 'vitest';
import { compareQuanta, FUEL_GUESTS } from './fuel-quanta';

const FIRST_SEED = Number(process.env.HARTSCOPE_SEED ?? 100);
const SEEDS = 20;
const INSTRUCTIONS = 20_000_000;

test.each(FUEL_GUESTS)('quanta from 1 to 10⁶ change nothing of what %s leaves', (guest) => {
  let least = 1;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    for (const engine of ['translator', 'auto'] as const) {
      least = Math.min(least, compareQuanta(guest, INSTRUCTIONS, engine, seed));
    }
  }
  console.log(`${guest}: seeds ${FIRST_SEED} to ${FIRST_SEED + SEEDS - 1}, at least ${least}`);
  expect(least).toBeGreaterThan(0.5);
});
