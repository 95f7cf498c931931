import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { childProcesses } from '../../emulator';
import { Machine } from '../../emulator/machine';
import { poolFor } from '../../emulator/multiprocess/hart-pool';
import { CapturedStreams } from '../support/captured-streams';
import { breakEven } from './break-even';
import { spread, type Spread } from './spread';

const SIZES: readonly (readonly [elements: number, name: string])[] = [
  [0, 'empty'],
  [8 << 10, '8 Ki'],
  [64 << 10, '64 Ki'],
  [1 << 20, '1 Mi'],
  [16 << 20, '16 Mi'],
];
/** `processes` is mode `workspace` with the vCPUs in processes of their own; elsewhere all run on threads. */
const MODES = ['shared', 'call', 'fork', 'fork-here', 'workspace', 'processes'] as const;
const VCPUS = [1, 2, 4, 8] as const;
/** How long the calls of a sample take about, in microseconds: the pool's threads have started by its end. */
const SAMPLE_US = 100_000;
/** Samples of one machine; the best counts, when all threads run optimised code. */
const SAMPLES = 5;
/** The two arrays at their largest, and what the vCPUs need besides. */
const MEMORY = 192 << 20;

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
  /** Pages that a call sends to processes and gets back. */
  readonly pages?: Pages;
}

interface Pages {
  readonly sent: number;
  readonly returned: number;
}

interface Sample {
  readonly microseconds: number;
  readonly pages?: Pages;
}

const elf = readFileSync('guests/bin/mp-dot.elf');
const entry = (name: string): string => join(import.meta.dirname, `${name}.js`);
const PROCESSES = { owner: entry('workspace-owner'), process: entry('workspace-process') };

/** Time per call: the best of some samples of `calls` calls in a machine of its own. */
function sample({ mode, vcpus, elements }: Cell, calls: number, samples = SAMPLES): Sample {
  const streams = new CapturedStreams();
  const guestMode = mode === 'processes' ? 'workspace' : mode;
  const args = ['mp-dot', guestMode, ...[vcpus, elements, calls, samples].map(String)];
  const pool = poolFor(entry('pool-thread'));
  const workspaces = mode === 'processes' ? childProcesses(PROCESSES) : undefined;
  const machine = Machine.create({ elf, args, streams, pool, workspaces, memoryLimit: MEMORY });
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
  const { workspaceTraffic: traffic } = machine;
  const perCall = (pages: number): number => pages / (calls * samples);
  return {
    microseconds: Number(found[1]),
    ...(traffic && {
      pages: { sent: perCall(traffic.sent), returned: perCall(traffic.returned) },
    }),
  };
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
    const calls = cells.map((cell) =>
      Math.max(1, Math.round(SAMPLE_US / sample(cell, 3, 2).microseconds)),
    );
    const samples = cells.map((): Sample[] => []);
    for (let round = 0; round < rounds; round++) {
      cells.forEach((cell, i) => samples[i].push(sample(cell, calls[i])));
    }
    const spreads = samples.map((all) => spread(all.map(({ microseconds }) => microseconds)));
    const base = elements === 0 ? undefined : spreads[0];
    return cells.map((cell, i) => ({
      ...cell,
      time: spreads[i],
      ...(samples[i][0].pages && { pages: samples[i][0].pages }),
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
      const pages = cells.map((cell) => (cell?.pages ? pagesText(cell.pages) : '').padStart(26));
      if (pages.some((text) => text.trim() !== ''))
        lines.push(`  ${''.padEnd(10)}${pages.join('')}`);
    }
  }
  lines.push('', ...breakEvenLines(results));
  return lines.join('\n');
}

const pagesText = ({ sent, returned }: Pages): string =>
  `${sent.toFixed(1)} pages, ${returned.toFixed(1)} back`;

/** From which size on each mode is faster than one plain hart, from minima. */
function breakEvenLines(results: readonly MultiprocessResult[]): string[] {
  const row = (mode: string): string => {
    const cells = VCPUS.map((vcpus) => {
      const points = results.flatMap((r) =>
        r.mode === mode && r.vcpus === vcpus && r.speedup
          ? [{ elements: r.elements, speedup: r.speedup.minimum }]
          : [],
      );
      return sizeText(breakEven(points)).padStart(26);
    });
    return `  ${mode.padEnd(10)}${cells.join('')}`;
  };
  return ['faster than the plain single hart from so many elements on', ...MODES.map(row)];
}

function sizeText(elements: number | undefined): string {
  if (elements === undefined) return 'never';
  if (elements === 0) return `below ${SIZES[1][1]}`;
  return elements < 2 ** 20
    ? `${(elements / 1024).toFixed(0)} Ki`
    : `${(elements / 2 ** 20).toFixed(1)} Mi`;
}

function cellText({ time, speedup }: MultiprocessResult): string {
  const text = `${time.minimumUs.toFixed(1)} (${time.medianUs.toFixed(1)})`;
  return speedup && speedup.minimum !== 1 ? `${text} ×${speedup.minimum.toFixed(2)}` : text;
}
