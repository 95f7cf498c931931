import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sign, TIER_UP_LIMIT_MS } from './limits';
import { spread } from './spread';
import { DATA, nanosecondsOf, timedProgram, type TimedLoop } from './timed-loop';

/** How long a hot loop takes, in a fresh process, until it runs at 90 % of its final speed. */
export interface TierUp {
  readonly loop: string;
  /** From the program's first instruction, over the processes. */
  readonly medianMs: number;
  readonly mostMs: number;
  /** How much faster it gets: time of its first turns ÷ at last. */
  readonly gain: number;
}

const RUNS = 5;
const FRACTION = 0.9;
/** Single samples are slow now and then: so many are looked at together. */
const WINDOW = 9;

const SAMPLES = { calls: 100_000, samples: 600 } as const;

const LOOPS: readonly { readonly name: string; readonly loop: TimedLoop }[] = [
  {
    name: 'xorshift',
    loop: {
      ...SAMPLES,
      setup: 'li s3, 88172645463325252',
      body: `
        srli t0, s3, 12
        xor s3, s3, t0
        slli t0, s3, 25
        xor s3, s3, t0
        srli t0, s3, 27
        xor s3, s3, t0`,
    },
  },
  {
    name: 'loads, stores and sums of floats',
    loop: {
      ...SAMPLES,
      // 0.1 and 0.7, so that sums are rounded.
      setup: `
        li s3, ${DATA}
        li t0, 0x3dcccccd
        sw t0, 0(s3)
        li t0, 0x3f333333
        sw t0, 4(s3)
        fmv.w.x fa2, zero`,
      body: `
        flw fa0, 0(s3)
        flw fa1, 4(s3)
        fmadd.s fa2, fa0, fa1, fa2
        lw t0, 8(s3)
        addi t0, t0, 1
        sw t0, 8(s3)`,
    },
  },
];

const execute = promisify(execFile);
const middle = (values: readonly number[]): number => spread(values).medianUs;

/** When a program got fast, from the times of its samples one after another. */
function timeUntilFast(times: readonly number[]): number {
  const steady = middle(times.slice(times.length / 2));
  const isFast = (time: number): boolean => time * FRACTION <= steady;
  const first = times.findIndex(
    (time, i) => isFast(time) && isFast(middle(times.slice(i, i + WINDOW))),
  );
  return times.slice(0, first).reduce((sum, time) => sum + time, 0);
}

/** Runs each loop by the command line in processes of its own. */
export async function measureTierUp(): Promise<TierUp[]> {
  const folder = mkdtempSync(join(tmpdir(), 'hartscope-bench-'));
  const file = join(folder, 'loop.elf');
  const words = [join(import.meta.dirname, 'measured-cli.js'), 'run', file];
  const results: TierUp[] = [];
  try {
    for (const { name, loop } of LOOPS) {
      writeFileSync(file, timedProgram(loop));
      const runs: number[][] = [];
      for (let run = 0; run < RUNS; run++) {
        const { stdout } = await execute(process.execPath, words, { encoding: 'buffer' });
        runs.push(nanosecondsOf(stdout, loop));
      }
      const milliseconds = runs.map((times) => timeUntilFast(times) / 1e6);
      results.push({
        loop: name,
        medianMs: middle(milliseconds),
        mostMs: Math.max(...milliseconds),
        gain: middle(runs.map((times) => times[0] / middle(times.slice(times.length / 2)))),
      });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return results;
}

export function printTierUp(results: readonly TierUp[]): string {
  const lines = results.map(
    ({ loop, medianMs, mostMs, gain }) =>
      `  ${loop}: ${medianMs.toFixed(1)} ms (at most ${mostMs.toFixed(1)}), ${gain.toFixed(1)} times as fast as at first`,
  );
  const isKept = results.every(({ medianMs }) => medianMs <= TIER_UP_LIMIT_MS);
  return [
    `from a program's first instruction until its loop runs at 90 % of its final speed, ${RUNS} fresh processes: ≤ ${TIER_UP_LIMIT_MS} ms ${sign(isKept)}`,
    ...lines,
  ].join('\n');
}
