import { expect, test } from 'vitest';
import { fuzzElf } from './mutate';

test('20,000 damaged programs are refused with a reason or loaded, within the memory limit', () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
  console.log(`ELF fuzz: seed ${seed} (set FUZZ_SEED to repeat)`);
  const { refused, loaded } = fuzzElf(20_000, seed);
  console.log(`ELF fuzz: ${refused} refused, ${loaded} loaded`);
  expect(refused).toBeGreaterThan(1000);
  expect(loaded).toBeGreaterThan(1000);
});
