import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import {
  formatEntry,
  formatMachine,
  parseRecording,
  type Entry,
  type RecordedEnd,
  type RecordedMachine,
  type Recording,
} from '../emulator';
import { CommandError, describeSystemError } from './errors';

/** A text file that grows line by line, so that it is there however the run ends. */
export class LineFile {
  private readonly descriptor: number;

  /** @throws CommandError when the file cannot be written */
  constructor(private readonly path: string) {
    this.descriptor = this.attempt(() => openSync(path, 'w'));
  }

  write(text: string): void {
    this.attempt(() => writeSync(this.descriptor, text));
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw new CommandError(`${this.path} cannot be written: ${describeSystemError(error)}`);
    }
  }
}

/** A recording that is being written. */
export class RecordingFile {
  private readonly file: LineFile;

  /** @throws CommandError when the file cannot be written */
  constructor(path: string, machine: RecordedMachine) {
    this.file = new LineFile(path);
    this.file.write(formatMachine(machine));
  }

  add(entry: Entry | RecordedEnd): void {
    this.file.write(formatEntry(entry));
  }

  close(): void {
    this.file.close();
  }
}

/** What a recording calls a program. */
export function programHash(elf: Uint8Array): string {
  return createHash('sha256').update(elf).digest('hex');
}

/**
 * Reads a recording of this program.
 * @throws CommandError when it cannot be read or is of something else
 */
export function readRecording(path: string, elf: Uint8Array): Recording {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandError(`${path} cannot be read: ${describeSystemError(error)}`);
  }
  let recording: Recording;
  try {
    recording = parseRecording(text);
  } catch (error) {
    throw new CommandError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (recording.machine.program !== programHash(elf)) {
    throw new CommandError(`${path} is the recording of another program.`);
  }
  return recording;
}
