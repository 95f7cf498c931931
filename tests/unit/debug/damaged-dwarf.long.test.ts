import { expect, test } from 'vitest';
import { fuzzDwarf } from './damaged-dwarf';

const ROUNDS = 20;

test('20,000 programs with damaged debugging information are read or refused with a reason', () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
  console.log(`DWARF fuzz: seed ${seed} (set FUZZ_SEED to repeat)`);
  let clean = 0;
  for (let round = 0; round < ROUNDS; round++) {
    clean += fuzzDwarf(1000, seed + round).clean;
    console.log(`DWARF fuzz: ${(round + 1) * 1000} files, ${clean} read to the end`);
  }
  expect(clean).toBeGreaterThan(2000);
}, 1_200_000);
