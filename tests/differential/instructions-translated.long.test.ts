import { describe, expect, it } from 'vitest';
import { EngineDriver, QemuDriver, qemuMissing } from '../support/driver';
import { Random } from '../support/random';
import { compareStreams, STREAM_KINDS } from './instruction-compare';

const missing = qemuMissing();
if (missing !== undefined) {
  console.warn(`translated instruction streams against QEMU: skipped, because ${missing}`);
}

/** Instructions of each kind. Code that runs once is translated for that once, which takes its time. */
const INSTRUCTIONS = 200_000;
const STREAMS = 200;
const ITEMS = 120;
const FIRST_SEED = Number(process.env.HARTSCOPE_SEED ?? 5000);

describe.skipIf(missing !== undefined)('translated streams leave what QEMU leaves', () => {
  it.each(STREAM_KINDS.map((kind) => [kind.name, kind] as const))('of %s', (name, kind) => {
    const runs = new EngineDriver('run', 'translator');
    const reference = new QemuDriver();
    let seed = FIRST_SEED;
    for (; runs.instructions < INSTRUCTIONS; seed++) {
      const budgets = new EngineDriver({ random: new Random(seed) }, 'translator');
      const drivers = seed % 4 === 0 ? [runs, budgets] : [runs];
      const { lines } = compareStreams(kind, STREAMS, ITEMS, seed, reference, drivers);
      expect(lines).toEqual([]);
    }
    const { instructions, translatedInstructions } = runs;
    console.log(
      `${name}: ${instructions} instructions, ${translatedInstructions} translated, ` +
        `seeds ${FIRST_SEED} to ${seed - 1}`,
    );
    // The comparison is of something.
    expect(translatedInstructions).toBeGreaterThan(instructions / 10);
  });
});
