import { describe, expect, test } from 'vitest';
import { poolOf } from '../../support/host-entries';
import { translationStress } from './translation-stress';

const SEED = Number(process.env.HARTSCOPE_SEED ?? 1);
const ROUNDS = 60;

describe('harts that fork, protect, unmap and write code leave what the interpreter leaves', () => {
  const { outcome: expected } = translationStress(SEED, ROUNDS, 'interpreter');

  test('which is an exit', () => {
    expect(expected.stop).toEqual({ kind: 'exited', status: 0 });
    expect(expected.faults).toEqual([]);
    expect(new Set(expected.checksums).size).toBe(expected.checksums.length);
  });

  test.each([
    ['translator', 'taking turns', 0],
    ['translator', 'on pool threads', 2],
    ['auto', 'taking turns', 0],
    ['auto', 'on pool threads', 2],
    ['interpreter', 'on pool threads', 2],
  ] as const)('in %s, %s', (engine, _, threads) => {
    const where = poolOf(threads);
    const { outcome, translatedInstructions } = translationStress(SEED, ROUNDS, engine, where);
    expect(outcome, `seed ${SEED}`).toEqual(expected);
    // The comparison is of something; a thread that translates may come too late for that.
    if (engine === 'translator' || (engine === 'auto' && threads === 0)) {
      expect(translatedInstructions / outcome.instructions).toBeGreaterThan(0.2);
    }
  });
});
