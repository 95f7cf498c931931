import { expect, test } from 'vitest';
import { compareQuanta, FUEL_GUESTS } from './fuel-quanta';

const FIRST_SEED = Number(process.env.HARTSCOPE_SEED ?? 100);
const SEEDS = 20;
const INSTRUCTIONS = 20_000_000;

test.each(FUEL_GUESTS)('quanta from 1 to 10⁶ change nothing of what %s leaves', (guest) => {
  const least = { translator: 1, auto: 1 };
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    for (const engine of ['translator', 'auto'] as const) {
      least[engine] = Math.min(least[engine], compareQuanta(guest, INSTRUCTIONS, engine, seed));
    }
  }
  const seeds = `seeds ${FIRST_SEED} to ${FIRST_SEED + SEEDS - 1}`;
  console.log(`${guest}: ${seeds}, translated at least ${JSON.stringify(least)}`);
  // How soon hot code is translated depends on the host; that it is translated where all code is, does not.
  expect(least.translator).toBeGreaterThan(0.5);
});
