import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { countPrograms } from '../../support/counted-programs';

const SEEDS = 400;
const PIECE = 20;

describe('counts of many random programs', () => {
  it.each(['interpreter', 'translator'] as const)(
    'are those of single steps on the engine "%s"',
    { timeout: 600_000 },
    async (engine) => {
      for (let seed = 1; seed <= SEEDS; seed += PIECE) {
        const translated = countPrograms(engine, seed, seed + PIECE - 1);
        console.log(`${engine}: ${seed + PIECE - 1} of ${SEEDS} programs`);
        // What was printed is passed on only between pieces of work.
        await setImmediate();
        if (engine === 'translator') expect(translated).toBeGreaterThan(0.5);
      }
    },
  );
});
