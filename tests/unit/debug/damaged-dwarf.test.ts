import { expect, test } from 'vitest';
import { fuzzDwarf } from './damaged-dwarf';

test('700 programs with damaged debugging information are read or refused with a reason', () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
  console.log(`DWARF fuzz: seed ${seed} (set FUZZ_SEED to repeat)`);
  const { clean, refused } = fuzzDwarf(700, seed);
  expect(clean + refused).toBe(700);
  expect(clean).toBeGreaterThan(100);
}, 120_000);
