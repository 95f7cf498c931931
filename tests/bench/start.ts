import { join } from 'node:path';
import { guestFile } from './engine-run';
import { PAUSE_LIMIT_MS, sign } from './limits';
import { commandOf, findPrograms, run } from './programs';
import { spread } from './spread';
import { textTable } from './text-table';

/** How long harts stood still for translations in fresh processes. */
interface Pauses {
  readonly program: string;
  /** Of the longest one in each process, in milliseconds. */
  readonly medianMs: number;
  readonly mostMs: number;
}

/** What a program of a few hundred instructions takes in a fresh process, medians in milliseconds. */
interface SmallProgram {
  readonly engine: 'auto' | 'interpreter';
  readonly wholeMs: number;
  readonly guestMs: number;
}

export interface StartReport {
  readonly pauses: readonly Pauses[];
  readonly small: readonly SmallProgram[];
  /** Why Debian's programs were not run. */
  readonly absent?: string;
}

interface Program {
  readonly name: string;
  readonly words: readonly string[];
  readonly input: string;
}

const RUNS = 7;
const SMALL_RUNS = 15;
const GUESTS = ['mandelbrot', 'matmul', 'sha256', 'bytecode'] as const;
/** Work for about a second. */
const SCRIPTS = [
  { file: 'calls.lua', size: 20 },
  { file: 'queries.sql', size: 4 },
] as const;

const cli = (...words: readonly string[]): string[] => [
  join(import.meta.dirname, 'measured-cli.js'),
  'run',
  '--stats',
  ...words,
];
const middle = (values: readonly number[]): number => spread(values).medianUs;

function numberIn(text: string, pattern: RegExp): number {
  const found = pattern.exec(text);
  if (!found) throw new Error(`--stats printed nothing like ${String(pattern)}: ${text}`);
  return Number(found[1]);
}

function pausesOf({ name, words, input }: Program): Pauses {
  const longest = Array.from({ length: RUNS }, () => {
    const { stderr } = run(process.execPath, cli(...words), input);
    return numberIn(stderr, /longest pause to translate ([0-9.]+) ms/);
  });
  return { program: name, medianMs: middle(longest), mostMs: Math.max(...longest) };
}

function measureSmall(): SmallProgram[] {
  const engines = ['auto', 'interpreter'] as const;
  const times = engines.map((engine) => ({
    engine,
    whole: [] as number[],
    guest: [] as number[],
  }));
  // In turns, so that what else runs on the machine is the same for both.
  for (let i = 0; i < SMALL_RUNS; i++) {
    for (const { engine, whole, guest } of times) {
      const words = cli('--engine', engine, guestFile('hello'));
      const { seconds, stderr } = run(process.execPath, words, '');
      whole.push(1000 * seconds);
      guest.push(1000 * numberIn(stderr, / instructions in ([0-9.]+) s/));
    }
  }
  return times.map(({ engine, whole, guest }) => ({
    engine,
    wholeMs: middle(whole),
    guestMs: middle(guest),
  }));
}

/** What a fresh process pays for its translations; some 20 seconds. */
export function measureStart(progress: (text: string) => void): StartReport {
  const guests = GUESTS.map((name): Program => ({ name, words: [guestFile(name)], input: '' }));
  const found = findPrograms();
  const scripts = 'reason' in found ? [] : SCRIPTS;
  const root = 'reason' in found ? [] : ['--root', found.root];
  const programs = scripts.map(({ file, size }): Program => {
    const { words, input } = commandOf(file, size);
    return { name: file, words: [...root, ...words], input };
  });
  const pauses = [...guests, ...programs].map((program) => {
    progress(`${program.name} … `);
    return pausesOf(program);
  });
  progress('hello\n');
  return { pauses, small: measureSmall(), ...('reason' in found && { absent: found.reason }) };
}

export function printStart({ pauses, small, absent }: StartReport): string {
  const rows = pauses.map(({ program, medianMs, mostMs }) => [
    program,
    medianMs.toFixed(1),
    `${mostMs.toFixed(1)} ${sign(mostMs <= PAUSE_LIMIT_MS)}`,
  ]);
  return [
    `how long a hart stands still for a translation, ${RUNS} fresh processes: ≤ ${PAUSE_LIMIT_MS} ms`,
    textTable(['longest pause, ms', 'median', 'at most'], rows),
    ...(absent === undefined ? [] : [`Debian's programs were not run: ${absent}`]),
    `hello in a fresh process, medians of ${SMALL_RUNS}`,
    textTable(
      ['ms', 'whole process', 'guest'],
      small.map(({ engine, wholeMs, guestMs }) => [engine, wholeMs.toFixed(0), guestMs.toFixed(1)]),
    ),
  ].join('\n');
}
