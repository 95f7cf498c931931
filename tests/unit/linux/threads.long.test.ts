import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildPoolEntry } from '../../support/pool-entry';
import { runGuest } from './thread-guests';

let pool: { entry: string; remove(): Promise<void> };
beforeAll(async () => {
  pool = await buildPoolEntry();
});
afterAll(() => pool.remove());

test.each(['threads', 'atomics'])(
  '%s: 100 runs with and without a pool, all as in QEMU',
  (guest) => {
    const expected = readFileSync(`guests/expected/${guest}.txt`, 'utf8');
    for (let i = 0; i < 100; i++) {
      const options = i % 2 === 0 ? {} : { pool: { entry: pool.entry, threads: 2 } };
      expect(runGuest(guest, { options }).output).toBe(expected);
    }
  },
);
