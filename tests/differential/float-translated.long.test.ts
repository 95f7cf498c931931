import { afterAll, describe, expect, it } from 'vitest';
import { FLOAT_OPERATIONS } from '../support/float-unit';
import { differences } from './float-compare';
import { FloatReference, missingTools } from './float-reference';
import { TranslatedFloatUnit } from './float-translated';

const missing = missingTools();
if (missing.length > 0) {
  console.warn(
    `translated floating point against QEMU: skipped, because ${missing.join(', ')} is not installed`,
  );
}

const ROUNDS = 20;
const CASES_PER_ROUND = 1000;

describe.skipIf(missing.length > 0)('translated floating point computes what QEMU computes', () => {
  const reference = missing.length > 0 ? undefined : new FloatReference(FLOAT_OPERATIONS);
  afterAll(() => reference?.remove());

  it(`in ${ROUNDS} × ${CASES_PER_ROUND} cases of each operation`, () => {
    if (!reference) throw new Error('no reference');
    const unit = new TranslatedFloatUnit();
    let cases = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const found = differences(unit, reference, CASES_PER_ROUND, 300 + round);
      expect(found.lines).toEqual([]);
      cases += found.cases;
      console.log(`${cases} cases, ${unit.translatedInstructions} of ${2 * cases} translated`);
    }
    // The rest leaves: subnormal, infinite and inexact results, and what raises flags.
    expect(unit.translatedInstructions).toBeGreaterThan(cases / 2);
    unit.close();
  });
});
