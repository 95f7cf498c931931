import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineKind } from '../../emulator/engine/engine';
import { isInstalled, QEMU } from './contenders';
import { PROGRAMS_LIMIT, sign } from './limits';
import { geometricMean } from './spread';
import { textTable } from './text-table';
import type { Usage } from './usage';

/** A script of tests/bench/programs and how large its work is: QEMU takes about a second, and about ten. */
interface Script {
  readonly file: string;
  readonly short: number;
  readonly long: number;
}

const SCRIPTS: readonly Script[] = [
  { file: 'calls.lua', short: 60, long: 600 },
  { file: 'text.lua', short: 20, long: 220 },
  { file: 'tables.sql', short: 55, long: 640 },
  { file: 'queries.sql', short: 16, long: 220 },
];
export const SCRIPT_NAMES: readonly string[] = SCRIPTS.map(({ file }) => file);

/** One run of a program, from its start to its end, its process's start included. */
interface Run {
  readonly seconds: number;
  readonly output: string;
}

interface EngineRun extends Run {
  readonly instructions: number;
  /** Part of them that ran in translated code. */
  readonly share: number;
  /** Guest instructions in regions at the end. */
  readonly inRegions: number;
  /** Most memory of the process. */
  readonly peakMiB: number;
}

export interface ProgramResult {
  readonly script: string;
  readonly length: 'short' | 'long';
  readonly qemuSeconds: number;
  readonly seconds: number;
  readonly mips: number;
  readonly share: number;
  readonly inRegions: number;
  /** Beside the interpreter's, for each instruction in a region; measured with the short runs. */
  readonly bytesPerInstruction?: number;
  readonly interpreterSeconds?: number;
}

export interface ProgramsReport {
  readonly results: readonly ProgramResult[];
  /** Why there is none. */
  readonly absent?: string;
}

/** The folder with Debian's riscv64 programs, or why there is none. */
export function findPrograms(): { readonly root: string } | { readonly reason: string } {
  if (!isInstalled(QEMU)) return { reason: `${QEMU} is not installed` };
  const script = join('scripts', 'riscv64-packages.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  return status === 0 ? { root: stdout.trim() } : { reason: stderr.trim() };
}

function run(
  command: string,
  words: readonly string[],
  input: string,
  usage = '',
): Run & { stderr: string } {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(command, words, {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    env: { ...process.env, HARTSCOPE_BENCH_USAGE: usage },
  });
  const seconds = (performance.now() - start) / 1000;
  if (status !== 0) throw new Error(`${command} ${words.join(' ')}: status ${status}, ${stderr}`);
  return { seconds, output: stdout, stderr };
}

/** What runs a script, and what it reads. */
export function commandOf(file: string, size: number): { words: readonly string[]; input: string } {
  const text = readFileSync(join('tests', 'bench', 'programs', file), 'utf8');
  return file.endsWith('.lua')
    ? { words: ['/usr/bin/lua5.4', '-e', `size = ${size}`, '-'], input: text }
    : { words: ['/usr/bin/sqlite3', ':memory:'], input: text.replaceAll('SIZE', String(size)) };
}

function runInQemu(root: string, file: string, size: number): Run {
  const { words, input } = commandOf(file, size);
  const [program = '', ...args] = words;
  return run(QEMU, ['-L', root, join(root, program), ...args], input);
}

/** Runs the command line, `run --stats`, in a process of its own. */
export function runMeasured(
  words: readonly string[],
  input: string,
): Run & { readonly stderr: string; readonly usage: Usage } {
  const folder = mkdtempSync(join(tmpdir(), 'hartscope-bench-'));
  try {
    const file = join(folder, 'usage');
    const cli = [join(import.meta.dirname, 'measured-cli.js'), 'run', '--stats'];
    const result = run(process.execPath, [...cli, ...words], input, file);
    return { ...result, usage: JSON.parse(readFileSync(file, 'utf8')) as Usage };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runHere(root: string, file: string, size: number, engine: EngineKind): EngineRun {
  const { words, input } = commandOf(file, size);
  const options = ['--engine', engine, '--root', root];
  const { stderr, usage, ...times } = runMeasured([...options, ...words], input);
  const number = (pattern: RegExp): number => Number(pattern.exec(stderr)?.[1]);
  return {
    ...times,
    instructions: number(/ (\d+) instructions in /),
    share: number(/\(([0-9.]+) %\) in translated code/) / 100,
    inRegions: number(/regions of (\d+) instructions/),
    peakMiB: usage.peakKiB / 1024,
  };
}

function measure(
  root: string,
  { file, ...sizes }: Script,
  length: 'short' | 'long',
): ProgramResult {
  const size = sizes[length];
  const qemu = runInQemu(root, file, size);
  const here = runHere(root, file, size, 'auto');
  if (here.output !== qemu.output) throw new Error(`${file} prints something else than in QEMU`);
  const result = {
    script: file,
    length,
    qemuSeconds: qemu.seconds,
    seconds: here.seconds,
    mips: here.instructions / here.seconds / 1e6,
    share: here.share,
    inRegions: here.inRegions,
  };
  if (length === 'long') return result;
  const plain = runHere(root, file, size, 'interpreter');
  return {
    ...result,
    bytesPerInstruction: ((here.peakMiB - plain.peakMiB) * 2 ** 20) / here.inRegions,
    interpreterSeconds: plain.seconds,
  };
}

/** Debian's lua5.4 and sqlite3 beside QEMU; some two minutes for all scripts. */
export function measurePrograms(
  names: readonly string[],
  progress: (text: string) => void,
): ProgramsReport {
  const found = findPrograms();
  if ('reason' in found) return { results: [], absent: found.reason };
  const scripts = SCRIPTS.filter(({ file }) => names.length === 0 || names.includes(file));
  const results = (['short', 'long'] as const).flatMap((length) =>
    scripts.map((script) => {
      progress(`${script.file} (${length}) … `);
      return measure(found.root, script, length);
    }),
  );
  return { results };
}

const ratioOf = ({ seconds, qemuSeconds }: ProgramResult): number => seconds / qemuSeconds;

export function printPrograms({ results, absent }: ProgramsReport): string {
  if (absent !== undefined) return `Debian's programs were not run: ${absent}`;
  const rows = results.map((result) => [
    `${result.script}, ${result.length}`,
    result.qemuSeconds.toFixed(2),
    result.seconds.toFixed(2),
    ratioOf(result).toFixed(2),
    result.interpreterSeconds?.toFixed(2) ?? '',
    result.mips.toFixed(0),
    `${(100 * result.share).toFixed(0)} %`,
    String(result.inRegions),
    result.bytesPerInstruction?.toFixed(0) ?? '',
  ]);
  const mean = (length: 'short' | 'long'): number =>
    geometricMean(results.filter((result) => result.length === length).map(ratioOf));
  const long = mean('long');
  const heads = ['seconds', 'QEMU', 'here', '× QEMU', 'interpreter', 'MIPS', 'translated'];
  return [
    'whole runs in processes of their own, start included',
    textTable([...heads, 'instructions', 'bytes each'], rows),
    `geometric mean: short runs ${mean('short').toFixed(2)} × QEMU's time; long runs ${long.toFixed(2)} ≤ ${PROGRAMS_LIMIT} ${sign(long <= PROGRAMS_LIMIT)}`,
    '(instructions: in regions at the end; bytes: memory of the process beyond the interpreter’s, for each of them)',
  ].join('\n');
}
