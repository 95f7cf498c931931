import { Command } from 'commander';
import {
  hasReference,
  scalingCurves,
  type ScalingCurve,
  type SweepRun,
} from '../../emulator/profile/scaling';
import { CommandError, STATUS, usageError } from '../errors';
import { addGuestOptions, withGuest, type GuestOptions } from '../guest-options';
import { runToEnd, silent } from '../guest-run';
import type { Host } from '../host';
import { Interruption } from '../interruption';
import { choosePool } from '../pool';
import { table } from '../print';
import { parseCount } from '../values';

const MODES = ['shared', 'call', 'fork', 'fork-here', 'workspace'] as const;

const EXAMPLES = `
The program is run with each number of vCPUs in each mode, some times each, and the best time counts.
A program that starts its vCPUs by mp_run takes both from HARTSCOPE_VCPUS and HARTSCOPE_MODE. Others
take them from their arguments: {n} stands for the number and {mode} for the mode.

The reference is the run with --plain's arguments, or the best run with one vCPU without it.

Examples:
  hartscope bench mp-dot
  hartscope bench --vcpus 1,2,4 --modes call,shared --json ./kernel
  hartscope bench --plain 'plain' ./kernel {mode} {n}
`;

interface Options extends GuestOptions {
  readonly vcpus: readonly number[];
  readonly modes: readonly string[];
  readonly repeat: number;
  readonly plain?: string;
  readonly json?: boolean;
}

/** `hartscope bench`: how a program's time changes with the number of vCPUs and the mode. */
export function benchCommand(host: Host): Command {
  const command = new Command('bench')
    .summary('run a program with different numbers of vCPUs')
    .description('Runs a program with several numbers of vCPUs and modes and prints how it scales.')
    .argument('<ELF>', 'the program, or the name of a bundled guest')
    .argument('[args...]', "the guest's arguments, with {n} and {mode}")
    .option('--vcpus <numbers>', 'numbers of vCPUs', parseNumbers, [1, 2, 4, 8])
    .option('--modes <names>', 'modes', parseModes, [...MODES])
    .option('--repeat <n>', 'runs of each', parseCount, 3)
    .option('--plain <args>', 'arguments of a run without vCPUs, the reference')
    .option('--json', 'the result as one line of JSON');
  return addGuestOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, args: string[], options: Options) => {
      if (options.plain === undefined && !options.vcpus.includes(1)) {
        throw usageError('there is nothing to compare with: --vcpus needs 1, or give --plain');
      }
      const { runs, interrupted } = await sweep(host, name, args, options);
      // Interrupted before there was a reference.
      const curves = hasReference(runs) ? scalingCurves(runs) : [];
      if (curves.length > 0) {
        host.out(
          options.json === true ? `${JSON.stringify({ runs, curves })}\n` : scalingText(curves),
        );
      }
      if (interrupted !== undefined) {
        const what = curves.length > 0 ? 'the best of the runs until then' : 'nothing is measured';
        throw new CommandError(`interrupted: ${what}`, interrupted);
      }
    });
}

function parseNumbers(text: string): readonly number[] {
  const numbers = text.split(',').map(Number);
  const bad = numbers.some((n) => !Number.isInteger(n) || n < 1 || n > 1024);
  if (bad) throw usageError(`--vcpus takes numbers from 1 to 1024 with commas, not "${text}"`);
  return numbers;
}

function parseModes(text: string): readonly string[] {
  const modes = text.split(',');
  const unknown = modes.find((mode) => !MODES.some((each) => each === mode));
  if (unknown !== undefined) {
    throw usageError(`--modes knows ${MODES.join(', ')}; it does not know "${unknown}"`);
  }
  return modes;
}

/** One way to run the program. */
interface Variant {
  readonly mode: string;
  readonly vcpus: number;
  readonly args: readonly string[];
}

/** What a longer line of progress has left of the one before is blanked. */
const PROGRESS_WIDTH = 60;

interface Sweep {
  /** The best of each variant. */
  readonly runs: SweepRun[];
  /** The command's status when it was interrupted before all was run. */
  readonly interrupted?: number;
}

async function sweep(
  host: Host,
  name: string,
  args: readonly string[],
  options: Options,
): Promise<Sweep> {
  const variants: Variant[] = options.modes.flatMap((mode) =>
    options.vcpus.map((vcpus) => ({
      mode,
      vcpus,
      args: args.map((arg) => arg.replaceAll('{n}', String(vcpus)).replaceAll('{mode}', mode)),
    })),
  );
  if (options.plain !== undefined) {
    const plain = options.plain.split(' ').filter((word) => word !== '');
    variants.unshift({ mode: 'plain', vcpus: 1, args: plain });
  }
  const best = new Map<Variant, SweepRun>();
  // For all runs, also between them; ^C at a terminal goes to the guest that runs.
  const interruption = new Interruption({ terminal: undefined });
  try {
    // Rounds go over all variants, so that what slows the host down for a while slows all of them.
    for (let round = 1; round <= options.repeat; round++) {
      for (const [n, variant] of variants.entries()) {
        const { mode, vcpus } = variant;
        const what =
          mode === 'plain' ? mode : `${mode}, ${vcpus} ${vcpus === 1 ? 'vCPU' : 'vCPUs'}`;
        const progress = `round ${round} of ${options.repeat}, run ${n + 1} of ${variants.length}: ${what}`;
        host.err(`\r${progress.padEnd(PROGRESS_WIDTH)}`);
        const run = await runOnce(host, name, variant, options, interruption);
        if (typeof run === 'number') return { runs: [...best.values()], interrupted: run };
        const known = best.get(variant);
        if (!known || run.time < known.time) best.set(variant, run);
      }
    }
    return { runs: [...best.values()] };
  } finally {
    interruption.close();
    host.err('\n');
  }
}

/** @returns the command's status when it was interrupted */
async function runOnce(
  host: Host,
  name: string,
  { mode, vcpus, args }: Variant,
  options: Options,
  interruption: Interruption,
): Promise<SweepRun | number> {
  return withGuest(name, options, async (guest) => {
    const streams = silent(host.openStreams());
    try {
      const pool = choosePool(options.threads);
      const given = guest.machineOptions(args, streams);
      const variables =
        mode === 'plain' ? [] : [`HARTSCOPE_VCPUS=${vcpus}`, `HARTSCOPE_MODE=${mode}`];
      const machine = guest.createMachine({
        ...given,
        environment: [...(given.environment ?? []), ...variables],
        ...(pool && { pool }),
      });
      try {
        const start = performance.now();
        const stop = await runToEnd(machine, streams, Infinity, undefined, interruption);
        const time = 1e6 * (performance.now() - start);
        if (interruption.status !== undefined) return interruption.status;
        if (stop.kind === 'killed' && stop.signal === 'SIGINT') return stop.status;
        if (stop.kind !== 'exited' || stop.status !== 0) {
          const words = [guest.file.name, ...args].join(' ');
          const how = stop.kind === 'exited' ? `status ${stop.status}` : stop.kind;
          throw new CommandError(
            `${words} in mode ${mode} with ${vcpus} vCPUs ended with ${how}: run it by hartscope run to see why`,
            STATUS.failed,
          );
        }
        return { mode, vcpus, time, instructions: machine.instructions };
      } finally {
        machine.dispose();
      }
    } finally {
      streams.close();
    }
  });
}

function scalingText(curves: readonly ScalingCurve[]): string {
  const head = ['mode', 'vCPUs', 'ms', 'speed-up', 'efficiency', 'instructions'];
  const rows = curves.flatMap(({ points }) =>
    points.map(({ mode, vcpus, time, speedUp, efficiency, instructions }) => [
      mode,
      String(vcpus),
      (time / 1e6).toFixed(2),
      speedUp.toFixed(2),
      `${(100 * efficiency).toFixed(0)} %`,
      instructions.toLocaleString('en-US'),
    ]),
  );
  const verdicts = curves.map(({ mode, breakEven }) => [
    mode,
    breakEven === undefined ? 'never faster than the reference' : breakEvenText(breakEven),
  ]);
  return `${table([head, ...rows], { right: [1, 2, 3, 4, 5] })}\n${table(verdicts)}`;
}

const breakEvenText = (vcpus: number): string =>
  vcpus === 1 ? 'faster with one vCPU already' : `faster from ${vcpus} vCPUs on`;
