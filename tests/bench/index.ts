import { parseArgs } from 'node:util';
import type { EngineKind } from '../../emulator/engine/engine';
import { measureCalls, printCalls } from './calls';
import { findContenders } from './contenders';
import { measureHost, printHost } from './host';
import { makeKernelReport, printKernels, type KernelReport } from './kernel-report';
import { KERNEL_ROWS } from './kernel-timing';
import { measureKernel, rowsOf, type KernelResult } from './kernels';
import { ENGINES, measureMultiprocess, MODES } from './multiprocess';
import { printMultiprocess } from './multiprocess-report';
import { measurePages, printPages } from './pages';
import { measurePrograms, printPrograms, SCRIPT_NAMES } from './programs';
import { measureProfile, printProfile, PROFILE_KERNELS } from './profile';
import { measureStart, printStart } from './start';
import { measureTierUp, printTierUp } from './tier-up';
import { measureWatch, printWatch } from './watch';

const GUESTS: readonly string[] = [...new Set(KERNEL_ROWS.map(({ guest }) => guest))];
const TABLES = {
  kernels: 'the kernels: each engine beside gcc -O2 and QEMU, in Node and in Electron',
  'tier-up': 'how long a loop runs until it is fast, in fresh processes; with all kernels too',
  start: 'how long harts stand still for translations, and a small program, in fresh processes',
  programs: 'lua5.4 and sqlite3 of Debian beside QEMU',
  multiprocess: 'a dot product in every mode, and what `calls` measures',
  calls: 'single calls of multiprocess, system calls, forks',
  host: 'what events cost, and the calls of an embedder',
  watch: 'what data breakpoints cost',
  pages: 'what the Pages pane and write tracking cost beside a million pages and 64 vCPUs',
  profile: 'what counting and sampling cost',
} as const;
type Table = keyof typeof TABLES;

const USAGE = `usage: npm run bench -- [--json] [--rounds N] [--elements N]… [--engine E] [--mode M]…
  [table | kernel … | script … | profile kernel …]
${Object.entries(TABLES)
  .map(([name, text]) => `  ${name.padEnd(14)}${text}`)
  .join('\n')}
kernels: ${GUESTS.join(' ')}
scripts: ${SCRIPT_NAMES.join(' ')}`;

interface Choice {
  readonly json: boolean;
  readonly rounds: number | undefined;
  readonly table: Table;
  /** Of `multiprocess`: its sizes, all when there is none. */
  readonly elements: readonly number[];
  /** Of `multiprocess`: its only engine, `interpreter` or `auto`. */
  readonly engine: EngineKind | undefined;
  /** Of `multiprocess`: its modes, all when there is none. */
  readonly modes: readonly string[];
  /** Of the kernels or scripts: all when there is none. */
  readonly names: readonly string[];
}

const isTable = (name: string): name is Table => Object.hasOwn(TABLES, name);

function readArguments(): Choice {
  const { values, positionals } = parseArgs({
    options: {
      json: { type: 'boolean' },
      rounds: { type: 'string' },
      elements: { type: 'string', multiple: true },
      engine: { type: 'string' },
      mode: { type: 'string', multiple: true },
      help: { type: 'boolean' },
    },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && (!Number.isInteger(rounds) || rounds < 1)) {
    throw new Error(`--rounds needs a whole number from 1 on, not ${values.rounds}`);
  }
  const [first = 'kernels', ...rest] = positionals;
  const elements = (values.elements ?? []).map(Number);
  const engine = ENGINES.find((name) => name === values.engine);
  if (values.engine !== undefined && !engine) {
    throw new Error(`--engine is ${ENGINES.join(' or ')}, not ${values.engine}`);
  }
  const { mode: modes = [] } = values;
  const stranger = modes.find((mode) => !MODES.some((name) => name === mode));
  if (stranger !== undefined)
    throw new Error(`--mode is one of ${MODES.join(' ')}, not ${stranger}`);
  const common = { json: values.json ?? false, rounds, elements, engine, modes };
  if (rest.length === 0 && isTable(first)) return { ...common, table: first, names: [] };
  if (
    first === 'profile' &&
    rest.every((name) => PROFILE_KERNELS.some((kernel) => kernel === name))
  )
    return { ...common, table: first, names: rest };
  const all = { kernels: GUESTS, programs: SCRIPT_NAMES } as const;
  for (const table of ['kernels', 'programs'] as const) {
    if (positionals.every((name) => all[table].includes(name))) {
      return { ...common, table, names: positionals };
    }
  }
  throw new Error(`"${positionals.join(' ')}" is no table, no kernels and no scripts`);
}

/** All of the kernels take some three minutes. */
async function measureKernels(
  guests: readonly string[],
  rounds: number,
  progress: (text: string) => void,
): Promise<KernelReport> {
  const contenders = await findContenders();
  try {
    const results: KernelResult[] = [];
    for (const row of rowsOf(guests)) {
      progress(`${row.name} … `);
      results.push(await measureKernel(row, contenders.all, rounds));
    }
    const isWhole = guests.length === 0;
    if (isWhole) progress('tier-up\n');
    const tierUp = isWhole ? await measureTierUp() : [];
    return makeKernelReport(results, tierUp, rounds, contenders.absent);
  } finally {
    contenders.close();
  }
}

async function printTable({ json, table, names, ...choice }: Choice): Promise<void> {
  const progress = (text: string): void => void (json || process.stderr.write(text));
  const print = <T>(results: T, format: (results: T) => string): void =>
    console.log(json ? JSON.stringify(results, null, 2) : `\n${format(results)}`);
  const { rounds = 3 } = choice;
  if (table === 'kernels') print(await measureKernels(names, rounds, progress), printKernels);
  if (table === 'tier-up') print(await measureTierUp(), printTierUp);
  if (table === 'start') print(measureStart(progress), printStart);
  if (table === 'programs') print(measurePrograms(names, progress), printPrograms);
  if (table === 'host') print(measureHost(rounds), printHost);
  if (table === 'multiprocess') {
    const { elements, engine, modes } = choice;
    const report = measureMultiprocess(
      choice.rounds ?? 1,
      { sizes: elements, modes, ...(engine && { engine }) },
      progress,
    );
    print(report, printMultiprocess);
  }
  if (table === 'profile') print(measureProfile(names, rounds, progress), printProfile);
  if (table === 'watch') print(await measureWatch(rounds, progress), printWatch);
  if (table === 'pages') print(await measurePages(10 * rounds), printPages);
  if (table === 'calls' || (table === 'multiprocess' && choice.elements.length === 0))
    print(measureCalls(progress), printCalls);
}

async function main(): Promise<number> {
  let choice: Choice;
  try {
    choice = readArguments();
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 2;
  }
  await printTable(choice);
  return 0;
}

process.exitCode = await main();
