import { Command } from 'commander';
import type { EngineKind, Machine, MachineOptions } from '../../emulator';
import { STATUS, usageError } from '../errors';
import { engineOption, engineText } from '../engine-option';
import { openFiles } from '../guest-files';
import { addGuestOptions, chooseProgram, Guest, type GuestOptions } from '../guest-options';
import { conclude, runToEnd, statistics } from '../guest-run';
import type { Host } from '../host';
import { choosePool, chooseWorkspaces } from '../pool';
import { FileTime, isRepeatable, RepeatableRun, type RepeatOptions } from '../repeatable';
import { isRacy, jsonReport, textReport } from '../race-report';
import { parseCount, parseProcesses, parseScheduleOption, parseSize } from '../values';

const EXAMPLES = `
ELF is a path, or the name of a bundled guest where no file has that name. Options of the command
come before it; all that follows it is the guest's.

The guest has files of its own in memory and sees none of the host. --root gives it a folder as its
root, where ELF is then looked for first, by its path in the guest; dynamic programs find their
libraries there. --dir gives it one more folder.

The exit status is the guest's; 128 + n when signal n ended it; 124 after --max-instructions; 126
when the file cannot be run; 127 when there is none; 2 for wrong use; 66 with --fail-on-race.

Examples:
  hartscope run hello
  hartscope run ./program --its-own-option argument
  echo '6 * 7' | hartscope run calc
  hartscope run --memory 64M --env TZ=UTC --stats ./program
  hartscope run --root ./debian --dir .:/work /usr/bin/lua5.4 /work/script.lua
  hartscope run --strace --max-instructions 1e9 ./program
  hartscope run --race-check mp-race
`;

interface Options extends GuestOptions, RepeatOptions {
  readonly maxInstructions?: number;
  readonly stats?: boolean;
  readonly engine: EngineKind;
  readonly strace?: boolean;
  readonly quiet?: boolean;
  readonly processes?: number;
  readonly openFiles?: number;
  readonly maxProcesses?: number;
  readonly maxThreads?: number;
  readonly fileMemory?: number;
  readonly maxOutput?: number;
  readonly raceCheck?: boolean;
  readonly failOnRace?: boolean;
  readonly json?: boolean;
}

/**
 * `hartscope run`: runs a program.
 * @param end is told the exit status
 */
export function runCommand(host: Host, end: (status: number) => void): Command {
  const command = new Command('run')
    .summary('run a RISC-V Linux program')
    .description(
      "Runs a RISC-V Linux program. Standard input, output and error are the guest's; so is the\n" +
        'exit status.',
    )
    .argument('<ELF>', 'the program, or the name of a bundled guest')
    .argument('[args...]', "the guest's arguments")
    .option('--max-instructions <n>', 'end the guest after so many, with status 124', parseCount)
    .option('--processes <n>', 'processes for workspace vCPUs, 0 = none', parseProcesses)
    .option('--schedule <order>', 'parallel, or interleaved[:quantum[:seed]]', parseScheduleOption)
    .option('--record <file>', 'write down what comes from outside; needs an interleaved schedule')
    .option('--replay <file>', 'repeat a recorded run')
    .option('--events <file>', 'write what happens to harts and pages, a line for each event')
    .option('--stats', 'say at the end how many instructions ran, how long and how fast')
    .addOption(engineOption())
    .option('--strace', "print the guest's system calls")
    .option('--open-files <n>', 'the most descriptors at a time [1024]', parseCount)
    .option('--max-processes <n>', 'the most Linux processes at a time [512]', parseCount)
    .option('--max-threads <n>', 'the most threads of all processes at a time [1024]', parseCount)
    .option('--file-memory <size>', 'the most bytes of files in memory [512M]', parseSize)
    .option('--max-output <size>', 'the most bytes of output; then writing fails', parseSize)
    .option('--race-check', 'look for data races and false sharing; harts take turns on one thread')
    .option('--fail-on-race', 'with --race-check: status 66 when there are races or conflicts')
    .option('--json', 'with --race-check: the report as one line of JSON')
    .option('-q, --quiet', 'no messages about the guest on standard error');
  return addGuestOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, args: string[], options: Options) => {
      checkOptions(options);
      const time = new FileTime();
      const files = openFiles(options, isRepeatable(options) ? () => time.now() : undefined);
      try {
        const guest = new Guest(chooseProgram(files, name, options), files, options);
        end(await runProgram(host, guest, time, args, options));
      } finally {
        files.dispose();
      }
    });
}

async function runProgram(
  host: Host,
  guest: Guest,
  time: FileTime,
  args: readonly string[],
  options: Options,
): Promise<number> {
  const streams = host.openStreams();
  try {
    const say = (text: string): void => host.err(`hartscope: ${text}\n`);
    const given = guest.machineOptions(args, streams);
    const repeatable = new RepeatableRun(options, given);
    try {
      const wanted = { ...given, ...repeatable.machineOptions };
      const machine = createMachine(guest, wanted, options, say);
      time.machine = machine;
      // Keys are not looked at.
      if (repeatable.recording) streams.close();
      repeatable.begin(machine);
      const start = performance.now();
      const stop = await runToEnd(
        machine,
        streams,
        options.maxInstructions ?? Infinity,
        repeatable,
      );
      const milliseconds = performance.now() - start;
      const status = conclude(machine, stop, options.quiet === true ? () => undefined : say);
      if (options.stats === true) {
        say(statistics(machine, milliseconds));
        say(engineText(machine));
      }
      repeatable.finish(machine, stop);
      return reportRaces(host, machine, options) ?? status;
    } finally {
      repeatable.close();
    }
  } finally {
    streams.close();
  }
}

/** Prints what the race check has found; a status when that is to be the command's. */
function reportRaces(host: Host, machine: Machine, options: Options): number | undefined {
  if (options.raceCheck !== true) return undefined;
  host.err(options.json === true ? jsonReport(machine) : textReport(machine));
  return options.failOnRace === true && isRacy(machine) ? STATUS.races : undefined;
}

/** @throws CommandError for options that mean nothing without a race check */
function checkOptions({ raceCheck, failOnRace, json }: Options): void {
  if (raceCheck === true) return;
  if (failOnRace === true) throw usageError('--fail-on-race needs --race-check');
  if (json === true) throw usageError('--json needs --race-check');
}

function createMachine(
  guest: Guest,
  wanted: MachineOptions,
  options: Options,
  say: (text: string) => void,
): Machine {
  const pool = choosePool(options.threads);
  const workspaces = chooseWorkspaces(options.processes);
  return guest.createMachine({
    ...wanted,
    limits: {
      ...(options.openFiles !== undefined && { openFiles: options.openFiles }),
      ...(options.maxProcesses !== undefined && { processes: options.maxProcesses }),
      ...(options.maxThreads !== undefined && { threads: options.maxThreads }),
      ...(options.maxOutput !== undefined && { outputBytes: options.maxOutput }),
    },
    ...(pool && { pool }),
    ...(workspaces && { workspaces }),
    ...(options.raceCheck === true && { raceCheck: true }),
    ...(options.quiet !== true && { log: say }),
    ...(options.strace === true && { trace: say }),
    engine: options.engine,
  });
}
