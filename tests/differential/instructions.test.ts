import { describe, expect, it } from 'vitest';
import { EngineDriver, QemuDriver, qemuMissing } from '../support/driver';
import { Random } from '../support/random';
import { compareStreams, STREAM_KINDS } from './instruction-compare';

const missing = qemuMissing();
if (missing !== undefined) {
  console.warn(`instruction streams against QEMU: skipped, because ${missing}`);
}

/** Streams of each kind; `everything` gets as many as all others together. */
const STREAMS = 130;
const ITEMS = 100;
const SEED = Number(process.env.HARTSCOPE_SEED ?? 1);

const INSTRUCTIONS_AT_LEAST = 200_000;

describe.skipIf(missing !== undefined)('random instruction streams leave what QEMU leaves', () => {
  let total = 0;

  it.each(STREAM_KINDS.map((kind) => [kind.name, kind] as const))('of %s', (name, kind) => {
    const count = name === 'everything' ? 6 * STREAMS : STREAMS;
    const runs = new EngineDriver('run');
    const steps = new EngineDriver('step');
    const budgets = new EngineDriver({ random: new Random(SEED) });
    const reference = new QemuDriver();
    const drivers = [runs, steps, budgets];
    const { lines } = compareStreams(kind, count, ITEMS, SEED, reference, drivers);
    console.log(`${name}: ${runs.instructions} instructions, seed ${SEED}`);
    total += runs.instructions;
    expect(lines).toEqual([]);
    expect(steps.instructions).toBe(runs.instructions);
    expect(budgets.instructions).toBe(runs.instructions);
  });

  it(`in more than ${INSTRUCTIONS_AT_LEAST} instructions`, () => {
    console.log(`${total} instructions in all, seed ${SEED}; again with HARTSCOPE_SEED=${SEED}`);
    expect(total).toBeGreaterThan(INSTRUCTIONS_AT_LEAST);
  });
});
