import { existsSync, readFileSync, statSync } from 'node:fs';
import { parseElf, type ElfImage } from '../emulator/elf/parse';
import { ElfError } from '../emulator/elf/reader';
import { findGuest, guestPath } from './catalogue';
import { CommandError, describeSystemError, errorCode, STATUS, usageError } from './errors';

/** Larger than any program that fits the guest's 4 GiB together with its debug information. */
const MAX_FILE_SIZE = 2 ** 31;

/** How a command ends when its program is not there or is no program. */
export interface FailureStatus {
  readonly notFound: number;
  readonly unusable: number;
}

/** `run` says it as a shell does. */
export const RUN_FAILURE: FailureStatus = {
  notFound: STATUS.notFound,
  unusable: STATUS.notExecutable,
};
export const INSPECT_FAILURE: FailureStatus = { notFound: STATUS.failed, unusable: STATUS.failed };

export interface ProgramFile {
  /** As it was named on the command line. */
  readonly name: string;
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * Finds a program by path, or by the name of a bundled guest where no file has that name.
 * @param onlyGuests the name is a bundled guest's, whatever files there are (`--guest`)
 */
export function readProgram(
  name: string,
  onlyGuests: boolean,
  failure: FailureStatus,
): ProgramFile {
  const path = findProgram(name, onlyGuests, failure);
  try {
    const status = statSync(path);
    if (status.isDirectory()) throw new CommandError(`${name}: is a directory`, failure.unusable);
    if (!status.isFile()) throw new CommandError(`${name}: is no regular file`, failure.unusable);
    if (status.size > MAX_FILE_SIZE) {
      throw new CommandError(
        `${name}: has ${status.size} bytes, which is too large`,
        failure.unusable,
      );
    }
    return { name, path, bytes: readFileSync(path) };
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const missing = ['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '');
    const hint = missing && !name.includes('/') ? ', and no bundled guest has that name' : '';
    throw new CommandError(
      `${name}: ${describeSystemError(error)}${hint}`,
      missing ? failure.notFound : failure.unusable,
    );
  }
}

function findProgram(name: string, onlyGuests: boolean, failure: FailureStatus): string {
  const guest = findGuest(name);
  if (onlyGuests) {
    if (guest !== undefined) return guestPath(guest);
    throw new CommandError(
      `${name}: no bundled guest has that name (see hartscope guests)`,
      failure.notFound,
    );
  }
  if (name === '') throw usageError('the name of the program is empty');
  return guest !== undefined && !existsSync(name) ? guestPath(guest) : name;
}

/** Reads the ELF headers; what is wrong with them ends the command with one line. */
export function parseProgram({ name, bytes }: ProgramFile, failure: FailureStatus): ElfImage {
  try {
    return parseElf(bytes);
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    throw new CommandError(`${name}: ${error.message}`, failure.unusable);
  }
}
