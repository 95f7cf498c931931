import { afterAll, describe, expect, it } from 'vitest';
import { hostHasFusedMadd } from '../../emulator/engine/host';
import { FLOAT_OPERATIONS, FloatUnit } from '../support/float-unit';
import { differences } from './float-compare';
import { FloatReference, missingTools } from './float-reference';

const missing = missingTools();
if (missing.length > 0) {
  console.warn(
    `floating point against QEMU: skipped, because ${missing.join(', ')} is not installed`,
  );
}

const ROUNDS = 40;
const CASES_PER_ROUND = 2500;

describe.skipIf(missing.length > 0)('floating point computes what QEMU computes', () => {
  const reference = missing.length > 0 ? undefined : new FloatReference(FLOAT_OPERATIONS);
  afterAll(() => reference?.remove());

  const modes = hostHasFusedMadd() ? [false, true] : [false];
  it.each(modes)(
    `in ${ROUNDS} × ${CASES_PER_ROUND} cases of each operation, relaxedMadd %s`,
    (relaxedMadd) => {
      if (!reference) throw new Error('no reference');
      const unit = new FloatUnit({ relaxedMadd });
      let cases = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const seed = 100 + round + (relaxedMadd ? ROUNDS : 0);
        const found = differences(unit, reference, CASES_PER_ROUND, seed);
        expect(found.lines).toEqual([]);
        cases += found.cases;
      }
      console.log(`${cases} operations agree with QEMU, each with NX clear and with NX set`);
    },
  );
});
