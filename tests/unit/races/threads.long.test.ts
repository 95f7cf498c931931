import { expect, test } from 'vitest';
import { hartscope } from '../cli/memory-host';

/*
 * GCC 12 makes a compare-exchange with release order an LR and an SC without .rl and without a fence: by the manual
 * nothing orders what a reader of glibc's rwlock has loaded before what the next writer stores.
 */
test('threads, mutexes, conditions, barriers and semaphores of glibc order; its rwlock lacks .rl', async () => {
  const { stderr } = await hartscope(['run', '-q', '--race-check', '--guest', 'threads']);
  const races = stderr.toString().match(/^race .*$/gm) ?? [];
  expect(races).toHaveLength(2);
  for (const race of races) expect(race).toMatch(/8 bytes at 0x[0-9a-f]+ \(pair/);
}, 120_000);
