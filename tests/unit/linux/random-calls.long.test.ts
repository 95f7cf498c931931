import { expect, test } from 'vitest';
import { makeRandomCalls } from './random-calls';

test('100,000 random system calls with wild arguments never throw into the host', () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
  console.log(`system call fuzz: seed ${seed} (set FUZZ_SEED to repeat)`);
  expect(makeRandomCalls(2000, seed)).toBeGreaterThan(100_000);
});
