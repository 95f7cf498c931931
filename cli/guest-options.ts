import type { Command } from 'commander';
import {
  ArenaError,
  ElfError,
  INTERACTIVE_PATIENCE,
  Machine,
  OutOfMemory,
  ProgramStartError,
  type FileTree,
  type FolderGrant,
  type MachineOptions,
} from '../emulator';
import { CommandError, STATUS } from './errors';
import { collectFolder, findInGuest, openFiles, parseRoot } from './guest-files';
import { environmentOf } from './guest-run';
import type { HostStreams } from './host';
import { readProgram, RUN_FAILURE, type ProgramFile } from './program-file';
import { collectVariable, parseCount, parseSize, parseThreads } from './values';

/** The options of each command that runs a program. */
export interface GuestOptions {
  readonly memory?: number;
  readonly env?: ReadonlyMap<string, string>;
  readonly threads?: number;
  readonly vcpuLimit?: number;
  readonly root?: FolderGrant;
  readonly dir?: readonly FolderGrant[];
  readonly guest?: boolean;
}

/** Adds `GuestOptions` to a command; what follows the program is the program's. */
export function addGuestOptions(command: Command): Command {
  return command
    .option('-m, --memory <size>', 'the most memory that the guest may use [1G]', parseSize)
    .option('-e, --env <NAME=value>', 'a variable for the guest; repeatable', collectVariable)
    .option('--threads <n>', 'threads for vCPUs beside the main one, 0 = none', parseThreads)
    .option('--vcpu-limit <n>', 'instructions that each vCPU of multiprocess may run', parseCount)
    .option('--root <folder[:rw]>', "the guest's root, for reading only without :rw", parseRoot)
    .option('--dir <host:guest[:ro]>', 'a folder that the guest may use; repeatable', collectFolder)
    .option('--guest', 'ELF is the name of a bundled guest, even if a file has that name')
    .passThroughOptions();
}

/** A program, and where it lies in the guest when the guest has it. */
interface Program {
  readonly file: ProgramFile;
  readonly guestPath?: string;
}

/**
 * Finds the program of that name. With a root the guest's own programs come first; bundled guests and host files
 * without one can run in it too.
 * @throws CommandError when there is none
 */
export function chooseProgram(files: FileTree, name: string, options: GuestOptions): Program {
  if (options.guest !== true && (options.root ?? options.dir) !== undefined) {
    const file = findInGuest(files, name);
    if (file !== undefined) return { file, guestPath: file.path };
  }
  return { file: readProgram(name, options.guest === true, RUN_FAILURE) };
}

/** A program with its files, to make a machine of. */
export class Guest {
  readonly file: ProgramFile;

  /** @param files the guest's; they are the caller's to dispose of */
  constructor(
    private readonly program: Program,
    private readonly files: FileTree,
    private readonly options: GuestOptions,
  ) {
    this.file = program.file;
  }

  /** What a machine is made of: the program with its arguments, files and limits. */
  machineOptions(args: readonly string[], streams: HostStreams): MachineOptions {
    const { file, files, options } = this;
    const { guestPath } = this.program;
    return {
      elf: file.bytes,
      args: [file.name, ...args],
      environment: environmentOf(options.env, streams),
      streams,
      files,
      ...(guestPath !== undefined && { path: guestPath }),
      // ^C comes between runs.
      ...(streams.terminal && { patience: INTERACTIVE_PATIENCE }),
      ...(options.memory !== undefined && { memoryLimit: options.memory }),
      ...(options.vcpuLimit !== undefined && { vcpuLimit: options.vcpuLimit }),
    };
  }

  /** @throws CommandError when the program cannot be loaded */
  createMachine(options: MachineOptions): Machine {
    try {
      return Machine.create(options);
    } catch (error) {
      throw describeLoadError(error, this.file);
    }
  }
}

/** Finds a program and opens its files for one use of them, which get files in memory afresh. */
export async function withGuest<T>(
  name: string,
  options: GuestOptions,
  use: (guest: Guest) => Promise<T>,
): Promise<T> {
  const files = openFiles(options);
  try {
    return await use(new Guest(chooseProgram(files, name, options), files, options));
  } finally {
    files.dispose();
  }
}

/** What a command throws when a machine cannot be made of a program: a `CommandError` for all that is the program's. */
export function describeLoadError(error: unknown, { name }: ProgramFile): unknown {
  const isLoadError =
    error instanceof ElfError ||
    error instanceof ProgramStartError ||
    error instanceof OutOfMemory ||
    error instanceof ArenaError;
  return isLoadError ? new CommandError(`${name}: ${error.message}`, STATUS.notExecutable) : error;
}
