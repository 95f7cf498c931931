import { describe, expect, it } from 'vitest';
import { countPrograms } from '../../support/counted-programs';
import { TESTED_ENGINE } from '../../support/guest-hart';

describe('counts of random programs', () => {
  it('are those of single steps, whatever the program stops for', () => {
    const translated = countPrograms(TESTED_ENGINE, 1, 6);
    if (TESTED_ENGINE === 'translator') expect(translated).toBeGreaterThan(0.5);
  });
});
