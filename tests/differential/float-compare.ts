import { FLOAT_ARITY } from '../../emulator/engine/float';
import { FLOAT_OPERATIONS, type FloatUnit } from '../support/float-unit';
import { floatCases } from './float-operands';
import type { FloatReference } from './float-reference';

const NX = 1;
const show = (x: bigint): string => `0x${x.toString(16)}`;

/**
 * Computes random cases of every operation both ways, with NX clear and with NX set beforehand (the
 * functions take different paths then). Returns a line for each difference, at most `limit`.
 */
export function differences(
  unit: Pick<FloatUnit, 'compute'>,
  reference: FloatReference,
  casesPerOperation: number,
  seed: number,
  limit = 20,
): { cases: number; lines: string[] } {
  const cases = FLOAT_OPERATIONS.flatMap(({ op, format }, i) => [
    ...floatCases(op, format, casesPerOperation, seed * 1000 + i + 1),
  ]);
  const answers = reference.answers(cases);
  const lines: string[] = [];
  cases.forEach((test, i) => {
    const expected = answers[i];
    if (!expected) throw new Error(`no answer for case ${i}`);
    for (const before of [0, NX]) {
      const got = unit.compute(test, before);
      const flags = expected.flags | before;
      if (got.result === expected.result && got.flags === flags) continue;
      if (lines.length >= limit) return;
      const operands = test.operands.slice(0, FLOAT_ARITY[test.op]).map(show).join(', ');
      lines.push(
        `${test.op}.${test.format}(${operands}) rm=${test.rm}, flags ${before} before: ` +
          `${show(got.result)} flags ${got.flags}, reference ${show(expected.result)} flags ${flags}`,
      );
    }
  });
  return { cases: cases.length, lines };
}
