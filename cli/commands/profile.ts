import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Command, Option } from 'commander';
import type { Machine } from '../../emulator';
import { callgrindProfile } from '../../emulator/profile/formats/callgrind';
import { collapsedStacks } from '../../emulator/profile/formats/collapsed';
import { lcovTracefile } from '../../emulator/profile/formats/lcov';
import { pprofFile } from '../../emulator/profile/formats/pprof';
import { speedscopeJson } from '../../emulator/profile/formats/speedscope';
import type { Profile } from '../../emulator/profile/model';
import { parseProfileList, type ComparedRun } from '../../emulator/profile/comparison';
import { profileList } from '../../emulator/profile/top';
import { MachineCode } from '../../emulator/profile-code';
import { TimeSampler } from '../../emulator/debug/time-sampler';
import { CommandError, STATUS, usageError } from '../errors';
import { addGuestOptions, withGuest, type GuestOptions } from '../guest-options';
import { conclude, runToEnd } from '../guest-run';
import type { Host } from '../host';
import { Interruption } from '../interruption';
import { profileLaunches } from '../launches';
import { OutputFile } from '../output-file';
import { choosePool } from '../pool';
import { comparisonText, listText } from '../profile-text';
import { parseCount } from '../values';

const FORMATS = ['callgrind', 'collapsed', 'lcov', 'pprof', 'speedscope'] as const;
type Format = (typeof FORMATS)[number];

const EXAMPLES = `
Every instruction is counted, not sampled. With --threads 0 harts take turns on one thread, and two runs give
the same counts. The list of the functions that cost most goes to standard error, after the guest's output.

With --time call stacks are looked at once in a millisecond instead, or once in so many instructions (--every).

Formats: speedscope (JSON, a profile of all harts and one for each), pprof (gzip), callgrind (for
KCachegrind and callgrind_annotate), collapsed (stacks for flame graphs), lcov (coverage of lines).

With --launches nothing is counted: each task of vCPUs is measured instead, by instructions (the same in each
run) or by host time. With --race-check it also tells which bytes vCPUs shared falsely and what that cost; the
check slows the run, so compare its times with each other only. A file *.pftrace gets them as a trace for Perfetto, with or without --launches.

Examples:
  hartscope profile mp-dot
  hartscope profile -o dot.speedscope.json mp-dot call 4
  hartscope profile --time mandelbrot
  hartscope profile --threads 0 --json mp-dot 2>before.json
  hartscope profile --threads 0 --compare before.json mp-dot fork
  hartscope profile --launches mp-unbalanced
  hartscope profile --launches --race-check mp-sharing
  hartscope profile --launches --host-time -o dot.pftrace mp-dot call 4 1000000
  hartscope profile --format lcov -o coverage.info ./program input.txt
`;

/** Which format a file's name asks for. */
const BY_NAME: readonly (readonly [pattern: RegExp, format: Format])[] = [
  [/\.speedscope\.json$|\.json$/, 'speedscope'],
  [/\.pb\.gz$|\.pprof$/, 'pprof'],
  [/^callgrind\.out|\.callgrind$/, 'callgrind'],
  [/\.info$|\.lcov$/, 'lcov'],
  [/\.collapsed$|\.folded$|\.txt$/, 'collapsed'],
];

/** Files that Perfetto reads. */
const TRACE = /\.(pftrace|perfetto-trace)$/;

interface Options extends GuestOptions {
  readonly output?: string;
  readonly format?: Format;
  readonly top: number;
  readonly json?: boolean;
  readonly maxInstructions?: number;
  readonly counts?: boolean;
  readonly time?: boolean;
  readonly every?: number;
  readonly compare?: string;
  readonly launches?: boolean;
  readonly hostTime?: boolean;
  readonly oneHart?: string;
  readonly raceCheck?: boolean;
}

/**
 * `hartscope profile`: runs a program and counts what it runs.
 * @param end is told the exit status
 */
export function profileCommand(host: Host, end: (status: number) => void): Command {
  const command = new Command('profile')
    .summary('count what a program runs')
    .description('Runs a RISC-V Linux program and counts each instruction and call, for each hart.')
    .argument('<ELF>', 'the program, or the name of a bundled guest')
    .argument('[args...]', "the guest's arguments")
    .option('-o, --output <file>', 'write the profile there; its name tells the format')
    .addOption(new Option('--format <format>', 'the format of the file').choices(FORMATS))
    .option('--counts', 'count every instruction and call, which is the default')
    .option('--time', 'look at call stacks now and then instead of counting')
    .option(
      '--every <n>',
      'with --time: a look each n instructions, not each millisecond',
      parseCount,
    )
    .option('--compare <file>', 'how functions and lines differ from a list of --json')
    .option('--top <n>', 'so many functions and lines in the list', parseCount, 20)
    .option('--launches', 'tell how the vCPUs of each task worked together')
    .option('--host-time', 'launches by host time, on threads, instead of by instructions')
    .option('--one-hart <args>', 'launches compared with those of a run with these arguments')
    .option('--race-check', 'launches with what vCPUs shared falsely, by cost; all on one thread')
    .option('--json', 'the list as one line of JSON')
    .option('--max-instructions <n>', 'end the guest after so many, with status 124', parseCount);
  return addGuestOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, args: string[], options: Options) => {
      if (wantsLaunches(options)) {
        end(await profileLaunches(host, name, args, options, outputOf(options)));
        return;
      }
      if (options.time !== true && options.every !== undefined) {
        throw usageError('--every is for --time');
      }
      if (options.time === true && options.counts === true) {
        throw usageError('either --counts or --time');
      }
      const format = options.output === undefined ? undefined : formatOf(options.output, options);
      end(await profileProgram(host, name, args, options, format));
    });
}

/**
 * Whether launches are to be told instead of counts.
 * @throws CommandError when the options do not go together
 */
function wantsLaunches(options: Options): boolean {
  const { launches, output, hostTime, oneHart, raceCheck } = options;
  const isTrace = output !== undefined && TRACE.test(output);
  const wanted = launches === true || isTrace;
  if (wanted && output !== undefined && !isTrace) {
    throw usageError('launches are written to a file named *.pftrace or *.perfetto-trace');
  }
  const { time, every, counts, compare } = options;
  if (wanted && (time ?? every ?? counts ?? compare) !== undefined) {
    throw usageError('--time, --every, --counts and --compare are not for launches');
  }
  if (!wanted && (hostTime === true || oneHart !== undefined || raceCheck === true)) {
    throw usageError('--host-time, --one-hart and --race-check are for --launches');
  }
  return wanted;
}

/** @throws CommandError when it can be seen already that the file cannot be written */
const outputOf = ({ output }: Options): OutputFile | undefined =>
  output === undefined ? undefined : new OutputFile(output);

/** @throws CommandError when neither option nor name tells the format */
function formatOf(output: string, { format }: Options): Format {
  const byName = BY_NAME.find(([pattern]) => pattern.test(basename(output)))?.[1];
  const wanted = format ?? byName;
  if (wanted !== undefined) return wanted;
  throw new CommandError(
    `the name ${output} tells no format: give one with --format (${FORMATS.join(', ')})`,
    STATUS.usage,
  );
}

async function profileProgram(
  host: Host,
  name: string,
  args: readonly string[],
  options: Options,
  format: Format | undefined,
): Promise<number> {
  const before =
    options.compare === undefined ? undefined : readList(options.compare, unitOf(options));
  if (options.time === true && format === 'lcov') {
    throw usageError('coverage is counted, not sampled: leave --time out');
  }
  const file = outputOf(options);
  return withGuest(name, options, async (guest) => {
    const streams = host.openStreams();
    const interruption = new Interruption(streams);
    // Instructions are the same in each run only on one thread.
    const isRepeatable = options.time === true && options.every !== undefined;
    const pool = choosePool(isRepeatable ? 0 : options.threads);
    try {
      const machine = guest.createMachine({
        ...guest.machineOptions(args, streams),
        profile: options.time !== true,
        ...(pool && { pool }),
      });
      const sampler = options.time === true ? sample(machine, options) : undefined;
      const limit = options.maxInstructions ?? Infinity;
      const stop = await runToEnd(machine, streams, limit, sampler?.run, interruption);
      const say = (text: string): void => host.err(`hartscope: ${text}\n`);
      const status = conclude(machine, stop, say, interruption);
      const profile: Profile = {
        program: guest.file.name,
        arguments: args,
        harts: sampler?.sampler.profiles() ?? machine.profile?.harts ?? [],
        ...(sampler && { sampled: sampler.clock }),
      };
      const code = new MachineCode(machine);
      const list = profileList(profile, code);
      if (options.json === true) host.err(`${JSON.stringify(list)}\n`);
      else if (before) host.err(comparisonText(before, list, options.top));
      else host.err(listText(list, options.top));
      // Last, so that the list of a long run is there even if the disk is full.
      if (format !== undefined) file?.write(await contentOf(format, profile, code));
      return status;
    } finally {
      interruption.close();
      streams.close();
    }
  });
}

/** Instructions between two looks at the clock. */
const CLOCK_SLICE = 500_000;
const MILLISECOND = 1e6;

/** What looks at call stacks while a machine runs. */
function sample(
  machine: Machine,
  options: Options,
): {
  readonly sampler: TimeSampler;
  readonly clock: Unit;
  readonly run: { readonly slice: number; collect(): void };
} {
  const { every } = options;
  const clock = unitOf(options);
  const sampler = new TimeSampler(machine, clock, every ?? MILLISECOND);
  const slice = every ?? CLOCK_SLICE;
  return { sampler, clock, run: { slice, collect: () => sampler.take() } };
}

type Unit = ComparedRun['unit'];

/** What a run is measured in. */
const unitOf = ({ time, every }: Options): Unit =>
  time === true && every === undefined ? 'nanoseconds' : 'instructions';

/** The options that measure in a unit. */
const MEASURED_BY: Readonly<Record<Unit, string>> = {
  instructions: 'without --time, or with --time --every',
  nanoseconds: 'with --time, and without --every',
};

/** @throws CommandError when the file is not what `--json` prints, or measures something else than the run will */
function readList(path: string, unit: Unit): ComparedRun {
  let list: ComparedRun;
  try {
    list = parseProfileList(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw usageError(`${path} cannot be compared with: ${reason}`);
  }
  if (list.unit === unit) return list;
  throw usageError(
    `${path} has ${list.unit}, and this run would have ${unit}: profile ${MEASURED_BY[list.unit]}`,
  );
}

function contentOf(
  format: Format,
  profile: Profile,
  code: MachineCode,
): string | Uint8Array | Promise<Uint8Array> {
  switch (format) {
    case 'callgrind':
      return callgrindProfile(profile, code);
    case 'collapsed':
      return collapsedStacks(profile, code);
    case 'lcov':
      return lcovTracefile(profile, code, code.executable());
    case 'pprof':
      return pprofFile(profile, code);
    case 'speedscope':
      return speedscopeJson(profile, code);
  }
}
