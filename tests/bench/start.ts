import { guestFile } from './engine-run';
import { PAUSE_LIMIT_MS, sign } from './limits';
import { commandOf, findPrograms, runMeasured } from './programs';
import { spread } from './spread';
import { textTable } from './text-table';

/** Of the longest one in each process, in milliseconds. */
interface Longest {
  readonly medianMs: number;
  readonly mostMs: number;
}

/** How long harts stood still for translations in fresh processes. */
interface Pauses {
  readonly program: string;
  readonly whole: Longest;
  /** Without what the thread waited for a processor meanwhile; undefined where the host does not tell. */
  readonly running?: Longest;
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

const RUNS = 5;
const SMALL_RUNS = 11;
const GUESTS = ['mandelbrot', 'matmul', 'sha256', 'bytecode'] as const;
/** Work for about a second. */
const SCRIPTS = [
  { file: 'calls.lua', size: 20 },
  { file: 'queries.sql', size: 4 },
] as const;

const middle = (values: readonly number[]): number => spread(values).medianUs;
const longestOf = (times: readonly number[]): Longest => ({
  medianMs: middle(times),
  mostMs: Math.max(...times),
});

function numberIn(text: string, pattern: RegExp): number {
  const found = pattern.exec(text);
  if (!found) throw new Error(`--stats printed nothing like ${String(pattern)}: ${text}`);
  return Number(found[1]);
}

function pausesOf({ name, words, input }: Program): Pauses {
  const runs = Array.from({ length: RUNS }, () => {
    const { stderr, usage } = runMeasured(words, input);
    const whole = numberIn(stderr, /longest pause to translate ([0-9.]+) ms/);
    return { whole, running: usage.longestPauseMs };
  });
  const running = runs.flatMap((run) => run.running ?? []);
  return {
    program: name,
    whole: longestOf(runs.map(({ whole }) => whole)),
    ...(running.length > 0 && { running: longestOf(running) }),
  };
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
      const { seconds, stderr } = runMeasured(['--engine', engine, guestFile('hello')], '');
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
  const most = ({ mostMs }: Longest): string =>
    `${mostMs.toFixed(1)} ${sign(mostMs <= PAUSE_LIMIT_MS)}`;
  const rows = pauses.map(({ program, whole, running }) => [
    program,
    whole.medianMs.toFixed(1),
    most(whole),
    running?.medianMs.toFixed(1) ?? '',
    running ? most(running) : '',
  ]);
  return [
    `how long a hart stands still for a translation, ${RUNS} fresh processes: ≤ ${PAUSE_LIMIT_MS} ms`,
    textTable(['longest pause, ms', 'median', 'at most', 'on a processor', 'at most'], rows),
    '(on a processor: without what the thread waited for one meanwhile, because others of the process or the machine ran)',
    ...(absent === undefined ? [] : [`Debian's programs were not run: ${absent}`]),
    `hello in a fresh process, medians of ${SMALL_RUNS}`,
    textTable(
      ['ms', 'whole process', 'guest'],
      small.map(({ engine, wholeMs, guestMs }) => [engine, wholeMs.toFixed(0), guestMs.toFixed(1)]),
    ),
  ].join('\n');
}
