import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { childProcesses } from '../../emulator';
import type { EngineKind } from '../../emulator/engine/engine';
import { Machine } from '../../emulator/machine';
import { ArenaPool } from '../../emulator/memory/arena-pool';
import { poolFor } from '../../emulator/multiprocess/hart-pool';
import { CapturedStreams } from '../support/captured-streams';
import { parseTiming } from './kernel-timing';
import { measureNativeThreads, type NativeThreads } from './native-threads';
import { spread, type Spread } from './spread';

export const SIZES: readonly (readonly [elements: number, name: string])[] = [
  [0, 'empty'],
  [8 << 10, '8 Ki'],
  [64 << 10, '64 Ki'],
  [1 << 20, '1 Mi'],
  [4 << 20, '4 Mi'],
  [16 << 20, '16 Mi'],
];
/** `processes` is mode `workspace` with the vCPUs in processes of their own; elsewhere all run on threads. */
export const MODES = ['shared', 'call', 'fork', 'fork-here', 'workspace', 'processes'] as const;
export const VCPUS = [1, 2, 4, 8] as const;
export const ENGINES = ['interpreter', 'auto'] as const satisfies readonly EngineKind[];
/** How long the calls of a sample should take, in microseconds, and how many samples a machine takes. */
const SAMPLE_US = 40_000;
/** By the end of these the pool's threads have started and all run optimised code. */
const SAMPLES = 11;
/** Of two vCPUs, whose median counts too: the host compiles on the second core for half a second. */
const SAMPLES_OF_TWO = 31;
/** Of calls that take longer than a sample. */
const SLOW_SAMPLES = 5;
/** About, per call and per element; for the number of calls only. */
const CALL_US: Readonly<Record<string, number | undefined>> = { workspace: 700, processes: 3000 };
const OTHER_CALL_US = 50;
const ELEMENT_US = { interpreter: 0.017, auto: 0.002, translator: 0.002 } as const;
/** The two arrays at their largest, and what the vCPUs need besides. */
const MEMORY = 192 << 20;

/** One cell of the table: a dot product of so many elements in a mode on so many vCPUs. */
interface Cell {
  readonly engine: EngineKind;
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

export interface MultiprocessReport {
  readonly cells: readonly MultiprocessResult[];
  /** The same loop as native code on one thread and on two. */
  readonly native: readonly NativeThreads[];
}

export interface Pages {
  readonly sent: number;
  readonly returned: number;
}

interface Sample {
  readonly time: Spread;
  readonly pages?: Pages;
}

const arenas = new ArenaPool({ limitBytes: MEMORY });
const elf = readFileSync('guests/bin/mp-dot.elf');
const entry = (name: string): string => join(import.meta.dirname, `${name}.js`);
const PROCESSES = { owner: entry('workspace-owner'), process: entry('workspace-process') };

/** Time per call: the samples of one machine. */
function sample({ engine, mode, vcpus, elements }: Cell): Sample {
  const us = (CALL_US[mode] ?? OTHER_CALL_US) + elements * ELEMENT_US[engine];
  const calls = Math.max(1, Math.round(SAMPLE_US / us));
  const most = vcpus === 2 ? SAMPLES_OF_TWO : SAMPLES;
  const samples = us < SAMPLE_US ? most : SLOW_SAMPLES;
  const streams = new CapturedStreams();
  const guestMode = mode === 'processes' ? 'workspace' : mode;
  const args = ['mp-dot', guestMode, ...[vcpus, elements, calls, samples].map(String)];
  const pool = poolFor(entry('pool-thread'));
  const workspaces = mode === 'processes' ? childProcesses(PROCESSES) : undefined;
  const arena = arenas.take();
  const machine = Machine.create({ elf, args, streams, engine, pool, workspaces, arena });
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
    arenas.giveBack(arena);
  }
  const { workspaceTraffic: traffic } = machine;
  const perCall = (pages: number): number => pages / (calls * samples);
  return {
    time: parseTiming(streams.text()),
    ...(traffic && {
      pages: { sent: perCall(traffic.sent), returned: perCall(traffic.returned) },
    }),
  };
}

/** All cells of one size on one engine; rounds go over them in turn, so that what slows the machine down slows all. */
function measureSize(
  engine: EngineKind,
  elements: number,
  modes: readonly string[],
  rounds: number,
): MultiprocessResult[] {
  const plain: Cell = { engine, mode: 'plain', vcpus: 1, elements };
  const parallel = modes.flatMap((mode) =>
    VCPUS.map((vcpus) => ({ engine, mode, vcpus, elements })),
  );
  const cells: readonly Cell[] = elements === 0 ? parallel : [plain, ...parallel];
  const samples = cells.map((): Sample[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, cell] of cells.entries()) samples[i].push(sample(cell));
  }
  const times = samples.map((all) => ({
    minimumUs: Math.min(...all.map(({ time }) => time.minimumUs)),
    medianUs: spread(all.map(({ time }) => time.medianUs)).medianUs,
  }));
  const base = elements === 0 ? undefined : times[0];
  return cells.map((cell, i) => ({
    ...cell,
    time: times[i],
    ...(samples[i][0].pages && { pages: samples[i][0].pages }),
    ...(base && {
      speedup: {
        minimum: base.minimumUs / times[i].minimumUs,
        median: base.medianUs / times[i].medianUs,
      },
    }),
  }));
}

/** What part of the table is measured; all of it where nothing is said. */
export interface MultiprocessChoice {
  /** Numbers of elements. */
  readonly sizes: readonly number[];
  readonly engine?: EngineKind;
  /** Names of modes. */
  readonly modes: readonly string[];
}

/** Times the dot product in every mode beside the plain single hart; some four minutes for a round of all. */
export function measureMultiprocess(
  rounds: number,
  { sizes, engine: only, modes }: MultiprocessChoice,
  progress: (text: string) => void,
): MultiprocessReport {
  const chosen = SIZES.filter(([elements]) => sizes.length === 0 || sizes.includes(elements));
  const chosenModes = MODES.filter((mode) => modes.length === 0 || modes.includes(mode));
  const engines = ENGINES.filter((engine) => only === undefined || engine === only);
  const cells = chosen.flatMap(([elements, name]) =>
    engines.flatMap((engine) => {
      progress(`${name} (${engine}) … `);
      return measureSize(engine, elements, chosenModes, rounds);
    }),
  );
  return { cells, native: measureNativeThreads([1 << 20, 4 << 20, 16 << 20]) };
}
