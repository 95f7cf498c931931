import { describe, expect, it } from 'vitest';
import { EngineDriver, QemuDriver, qemuMissing } from '../support/driver';
import { Random } from '../support/random';
import { compareStreams, STREAM_KINDS } from './instruction-compare';

const missing = qemuMissing();
if (missing !== undefined) {
  console.warn(`instruction streams against QEMU: skipped, because ${missing}`);
}

/** Instructions of each kind; together more than 10 million. */
const INSTRUCTIONS = 800_000;
const STREAMS = 800;
const ITEMS = 120;
const FIRST_SEED = Number(process.env.HARTSCOPE_SEED ?? 1000);

describe.skipIf(missing !== undefined)('random instruction streams leave what QEMU leaves', () => {
  it.each(STREAM_KINDS.map((kind) => [kind.name, kind] as const))('of %s', (name, kind) => {
    const runs = new EngineDriver('run');
    const reference = new QemuDriver();
    let seed = FIRST_SEED;
    for (; runs.instructions < INSTRUCTIONS; seed++) {
      const budgets = new EngineDriver({ random: new Random(seed) });
      const drivers = seed % 2 === 0 ? [runs] : [runs, budgets];
      const { lines } = compareStreams(kind, STREAMS, ITEMS, seed, reference, drivers);
      expect(lines).toEqual([]);
    }
    console.log(`${name}: ${runs.instructions} instructions, seeds ${FIRST_SEED} to ${seed - 1}`);
  });
});
