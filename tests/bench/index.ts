import { parseArgs } from 'node:util';
import { measureCalls, printCalls } from './calls';
import { findContenders, type Contender, type Contenders } from './contenders';
import { measureHost, printHost } from './host';
import { measureMultiprocess, printMultiprocess } from './multiprocess';
import { makeReport, printReport, spread, type KernelResult } from './report';
import { measureWatch, printWatch } from './watch';

const KERNELS: readonly string[] = [
  ...['dot', 'sieve', 'matmul', 'sha256', 'intmix', 'fib', 'xorshift', 'copy', 'mandelbrot'],
];
const USAGE = `usage: npm run bench -- [--json] [--rounds N] [kernel … | multiprocess | calls | host | watch]
kernels: ${KERNELS.join(' ')}`;
const TABLES = ['multiprocess', 'calls', 'host', 'watch'] as const;
type Table = (typeof TABLES)[number];
const DEFAULT_ROUNDS = 7;
/** How long a sample should take. */
const SAMPLE_US = 100_000;

interface Choice {
  readonly json: boolean;
  readonly rounds: number;
  readonly kernels: readonly string[];
  /**
   * Instead of the kernels: `multiprocess` and its single calls, the `calls` alone, what events cost and what the calls of an
   * embedder do, or what data breakpoints cost.
   */
  readonly table: Table | undefined;
}

function readArguments(): Choice {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean' }, rounds: { type: 'string' }, help: { type: 'boolean' } },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const rounds = Number(values.rounds ?? DEFAULT_ROUNDS);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new Error(`--rounds needs a whole number from 1 on, not ${values.rounds}`);
  }
  const table =
    positionals.length === 1 ? TABLES.find((name) => name === positionals[0]) : undefined;
  const names = table ? [] : positionals;
  const unknown = names.find((name) => !KERNELS.includes(name));
  if (unknown !== undefined) throw new Error(`there is no kernel "${unknown}"`);
  return {
    json: values.json ?? false,
    rounds,
    kernels: names.length ? names : KERNELS,
    table,
  };
}

/** Rounds go over all contenders in turn, so that what slows the machine down for a while slows all of them. */
function measure(
  kernel: string,
  { interpreter, others }: Contenders,
  rounds: number,
): KernelResult {
  const all: readonly Contender[] = [interpreter, ...others];
  const instructionsPerCall = interpreter.instructionsPerCall(kernel);
  // The first run also lets the host compile the interpreter well.
  const calls = all.map((contender) => {
    const { medianUs } = contender.time(kernel, 0, contender.samples);
    return Math.max(1, Math.round(SAMPLE_US / medianUs));
  });
  const times = all.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    all.forEach((contender, i) => {
      times[i].push(contender.time(kernel, calls[i], contender.samples).medianUs);
    });
  }
  const spreads = times.map(spread);
  return {
    kernel,
    instructionsPerCall,
    mips: instructionsPerCall / spreads[0].medianUs,
    times: Object.fromEntries(all.map(({ name }, i) => [name, spreads[i]])),
  };
}

async function printTable(table: Table, { json, rounds }: Choice): Promise<void> {
  const progress = (text: string): void => void (json || process.stderr.write(text));
  const print = <T>(results: T, format: (results: T) => string): void =>
    console.log(json ? JSON.stringify(results, null, 2) : `\n${format(results)}`);
  if (table === 'host') print(measureHost(rounds), printHost);
  if (table === 'multiprocess') print(measureMultiprocess(rounds, progress), printMultiprocess);
  if (table === 'watch') print(await measureWatch(rounds, progress), printWatch);
  if (table === 'multiprocess' || table === 'calls') print(measureCalls(progress), printCalls);
}

async function main(): Promise<number> {
  let choice: Choice;
  try {
    choice = readArguments();
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 2;
  }
  if (choice.table) {
    await printTable(choice.table, choice);
    return 0;
  }
  const contenders = findContenders();
  try {
    const results = choice.kernels.map((kernel) => {
      if (!choice.json) process.stderr.write(`${kernel} … `);
      return measure(kernel, contenders, choice.rounds);
    });
    if (!choice.json) process.stderr.write('\n');
    const names = contenders.others.map(({ name }) => name);
    const report = makeReport(results, names, choice.rounds, contenders.absent);
    console.log(choice.json ? JSON.stringify(report, null, 2) : printReport(report));
  } finally {
    contenders.close();
  }
  return 0;
}

process.exitCode = await main();
