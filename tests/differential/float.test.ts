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

describe.skipIf(missing.length > 0)('floating point computes what QEMU computes', () => {
  const reference = missing.length > 0 ? undefined : new FloatReference(FLOAT_OPERATIONS);
  afterAll(() => reference?.remove());

  const compare = (relaxedMadd: boolean, seed: number): string[] => {
    if (!reference) throw new Error('no reference');
    return differences(new FloatUnit({ relaxedMadd }), reference, 300, seed).lines;
  };

  it('in all operations, formats and rounding modes, without the host’s multiply-add', () => {
    expect(compare(false, 1)).toEqual([]);
  });

  it.skipIf(!hostHasFusedMadd())('and with the host’s fused multiply-add', () => {
    expect(compare(true, 2)).toEqual([]);
  });
});
