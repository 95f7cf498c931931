import { expect, test } from 'vitest';
import { compareQuanta, FUEL_GUESTS } from './fuel-quanta';

const SEED = Number(process.env.HARTSCOPE_SEED ?? 1);
const INSTRUCTIONS = 2_000_000;

test.each(FUEL_GUESTS)('quanta from 1 to 10⁶ change nothing of what %s leaves', (guest) => {
  const translated = compareQuanta(guest, INSTRUCTIONS, 'translator', SEED);
  // The comparison is of something.
  expect(translated).toBeGreaterThan(0.5);
});
