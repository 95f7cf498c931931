import { describe, test } from 'vitest';
import { BUNDLED_RUNS, titleOf } from '../../support/bundled-runs';
import { expectCounts, stepThrough } from '../../support/stepped-profile';

/** Instructions of each run; those that end sooner are run to their end. */
const MOST = 1_000_000;

describe('a profile has the counts of single steps, for each hart', () => {
  test.each(BUNDLED_RUNS.map((run) => [titleOf(run), run] as const))('%s', (title, run) => {
    const stepped = stepThrough(run, MOST);
    console.log(`${title}: ${stepped.instructions} instructions, then ${stepped.end}`);
    for (const engine of ['interpreter', 'auto', 'translator'] as const) {
      expectCounts(run, engine, stepped);
    }
  });
});
