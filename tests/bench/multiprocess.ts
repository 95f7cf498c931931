import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Machine } from '../../emulator/machine';
import { poolFor } from '../../emulator/multiprocess/hart-pool';
import { CapturedStreams } from '../support/captured-streams';
import { spread, type Spread } from './report';

const SIZES: readonly (readonly [elements: number, name: string])[] = [
  [0, 'empty'],
  [8 << 10, '8 Ki'],
  [64 << 10, '64 Ki'],
  [1 << 20, '1 Mi'],
];
const MODES = ['shared', 'call', 'fork', 'fork-here', 'workspace'] as const;
const VCPUS = [1, 2, 4, 8] as const;
/** How long the calls of a sample take about, in microseconds: the pool's threads have started by its end. */
const SAMPLE_US = 100_000;
/** Samples of one machine; the best counts, when all threads run optimised code. */
const SAMPLES = 5;
const MEMORY = 64 << 20;

/** One cell of the table: a dot product of so many elements in a mode on so many vCPUs. */
interface Cell {
  readonly mode: string;
  readonly vcpus: number;
  readonly elements: number;
}

export interface MultiprocessResult extends Cell {
  readonly time: Spread;
  /** Time of the plain single hart ÷ time, from minima and medians of the same run. */
  readonly speedup?: { readonly minimum: number; readonly median: number };
}

const elf = readFileSync('guests/bin/mp-dot.elf');

/** Microseconds per call: the best of some samples of `calls` calls in a machine of its own. */
function sample({ mode, vcpus, elements }: Cell, calls: number, samples = SAMPLES): number {
  const streams = new CapturedStreams();
  const args = ['mp-dot', mode, String(vcpus), String(elements), String(calls), String(samples)];
  const pool = poolFor(join(import.meta.dirname, 'pool-thread.js'));
  const machine = Machine.create({ elf, args, streams, pool, memoryLimit: MEMORY });
  try {
    for (;;) {
      const stop = machine.run(1e9);
      if (stop.kind === 'exited' && stop.status === 0) break;
      if (stop.kind !== 'fuel' && stop.kind !== 'waiting') {
        throw new Error(`mp-dot ${args.join(' ')}: ${JSON.stringify(stop)}`);
      }
    }
  } finally {
    machine.dispose();
  }
  const text = streams.text();
  const found = /min_us=([0-9.]+)/.exec(text);
  if (!found) throw new Error(`mp-dot ${args.join(' ')} printed no time: ${text}`);
  return Number(found[1]);
}

/**
 * Times the dot product in every mode, beside the plain single hart. Rounds go over all cells of a size in
 * turn, so that what slows the machine down for a while slows all of them.
 */
export function measureMultiprocess(
  rounds: number,
  progress: (text: string) => void,
): MultiprocessResult[] {
  return SIZES.flatMap(([elements, name]) => {
    progress(`${name} … `);
    const plain: Cell = { mode: 'plain', vcpus: 1, elements };
    const parallel = MODES.flatMap((mode) => VCPUS.map((vcpus) => ({ mode, vcpus, elements })));
    const cells: readonly Cell[] = elements === 0 ? parallel : [plain, ...parallel];
    const calls = cells.map((cell) => Math.max(1, Math.round(SAMPLE_US / sample(cell, 3, 2))));
    const times = cells.map((): number[] => []);
    for (let round = 0; round < rounds; round++) {
      cells.forEach((cell, i) => times[i].push(sample(cell, calls[i])));
    }
    const spreads = times.map(spread);
    const base = elements === 0 ? undefined : spreads[0];
    return cells.map((cell, i) => ({
      ...cell,
      time: spreads[i],
      ...(base && {
        speedup: {
          minimum: base.minimumUs / spreads[i].minimumUs,
          median: base.medianUs / spreads[i].medianUs,
        },
      }),
    }));
  });
}

/** The results as one table for each size: µs at best (median), and how much faster than one plain hart. */
export function printMultiprocess(results: readonly MultiprocessResult[]): string {
  const lines = [
    'dot product, µs per call at best (median), × = faster than the plain single hart at best',
  ];
  for (const [elements, name] of SIZES) {
    const rows = results.filter((result) => result.elements === elements);
    const plain = rows.find(({ mode }) => mode === 'plain');
    lines.push('', `${name} elements${plain ? `, plain ${cellText(plain)}` : ''}`);
    lines.push(`  ${'mode'.padEnd(10)}${VCPUS.map((n) => `${n} vCPU`.padStart(26)).join('')}`);
    for (const mode of MODES) {
      const cells = VCPUS.map((n) => rows.find((row) => row.mode === mode && row.vcpus === n));
      const texts = cells.map((cell) => (cell ? cellText(cell) : '').padStart(26));
      lines.push(`  ${mode.padEnd(10)}${texts.join('')}`);
    }
  }
  return lines.join('\n');
}

function cellText({ time, speedup }: MultiprocessResult): string {
  const text = `${time.minimumUs.toFixed(1)} (${time.medianUs.toFixed(1)})`;
  return speedup && speedup.minimum !== 1 ? `${text} ×${speedup.minimum.toFixed(2)}` : text;
}
