import { describe, test } from 'vitest';
import { FIRST_RUNS, titleOf } from '../../support/bundled-runs';
import { expectCounts, stepThrough } from '../../support/stepped-profile';

/** Instructions of each guest; those that end sooner are run to their end. The long test has all of their runs, further. */
const MOST = 8000;

describe('a profile has the counts of single steps, in each engine and for each hart', () => {
  test.each(FIRST_RUNS.map((run) => [titleOf(run), run] as const))('%s', (_, run) => {
    const stepped = stepThrough(run, MOST);
    expectCounts(run, 'interpreter', stepped);
    expectCounts(run, 'translator', stepped);
  });
});
