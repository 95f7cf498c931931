import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { poolOf } from '../../support/host-entries';
import { runGuest } from './thread-guests';

test.each(['threads', 'atomics'])(
  '%s: 100 runs with and without a pool, all as in QEMU',
  (guest) => {
    const expected = readFileSync(`guests/expected/${guest}.txt`, 'utf8');
    for (let i = 0; i < 100; i++) {
      const options = i % 2 === 0 ? {} : { pool: poolOf(2) };
      expect(runGuest(guest, { options }).output).toBe(expected);
    }
  },
);
