import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import {
  formatEntry,
  formatMachine,
  FORMAT,
  parseRecording,
  type Entry,
  type Interleaved,
  type RecordedEnd,
  type RecordedMachine,
  type Recording,
} from '../emulator';
import { CommandError, describeSystemError, STATUS } from './errors';

/** What a recording says of the program that it is of. */
export function describeMachine(
  elf: Uint8Array,
  rest: Omit<RecordedMachine, 'format' | 'program'>,
): RecordedMachine {
  const program = createHash('sha256').update(elf).digest('hex');
  return { format: FORMAT, program, ...rest };
}

/** A recording that is being written, line by line, so that it is there however the run ends. */
export class RecordingFile {
  private readonly descriptor: number;

  /** @throws CommandError when the file cannot be written */
  constructor(
    private readonly path: string,
    machine: RecordedMachine,
  ) {
    this.descriptor = this.attempt(() => openSync(path, 'w'));
    this.write(formatMachine(machine));
  }

  add(entry: Entry | RecordedEnd): void {
    this.write(formatEntry(entry));
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private write(line: string): void {
    this.attempt(() => writeSync(this.descriptor, line));
  }

  private attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw new CommandError(
        `${this.path} cannot be written: ${describeSystemError(error)}`,
        STATUS.failed,
      );
    }
  }
}

/**
 * Reads a recording and checks that it is of this program.
 * @throws CommandError when it cannot be read or is of something else
 */
export function readRecording(path: string): Recording {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandError(`${path} cannot be read: ${describeSystemError(error)}`, STATUS.failed);
  }
  try {
    return parseRecording(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new CommandError(`${path}: ${message}`, STATUS.failed);
  }
}

/** @throws CommandError when the program is not the recorded one */
export function checkProgram({ machine }: Recording, elf: Uint8Array): void {
  if (createHash('sha256').update(elf).digest('hex') === machine.program) return;
  throw new CommandError('The recording is of another program.', STATUS.failed);
}

export type { Interleaved };
