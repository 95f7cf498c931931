import { readSync, writeSync } from 'node:fs';
import { ERRNO } from '../emulator/linux/abi/errno';
import type { InputStream, OutputStream } from '../emulator/linux/streams';
import { describeSystemError, errorCode } from './errors';

/** Milliseconds between tries on a descriptor that somebody has made non-blocking. */
const RETRY_INTERVAL = 2;

/** Only ever waited on: nothing notifies it. */
const never = new Int32Array(new SharedArrayBuffer(4));

/** Stops this thread. @param milliseconds [for ever] */
export function sleep(milliseconds = Infinity): void {
  Atomics.wait(never, 0, 0, milliseconds);
}

/** Does a system call again while it would have to wait (EAGAIN) or was interrupted (EINTR). */
function persist<T>(attempt: () => T): T {
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      const code = errorCode(error);
      if (code === 'EAGAIN') sleep(RETRY_INTERVAL);
      else if (code !== 'EINTR') throw error;
    }
  }
}

/** A guest's input from a host descriptor that is no terminal: a read waits until there is something. */
export class FileInput implements InputStream {
  readonly isTerminal = false;

  /** @param report is told why input ends early when it cannot be read (a directory, a failing disk) */
  constructor(
    private readonly descriptor: number,
    private readonly report: (text: string) => void,
  ) {}

  read(max: number): Uint8Array | 'eof' {
    const bytes = new Uint8Array(max);
    try {
      const count = persist(() => readSync(this.descriptor, bytes, 0, max, null));
      return count === 0 ? 'eof' : bytes.subarray(0, count);
    } catch (error) {
      // Windows reports the end of a pipe as an error.
      if (errorCode(error) !== 'EOF') {
        this.report(`standard input cannot be read: ${describeSystemError(error)}`);
      }
      return 'eof';
    }
  }
}

/** A guest's output to a host descriptor that is no terminal. */
export class FileOutput implements OutputStream {
  readonly isTerminal = false;

  constructor(private readonly descriptor: number) {}

  /** Writes all of it; answers a negative errno when nothing could be written. */
  write(bytes: Uint8Array): number {
    let written = 0;
    try {
      while (written < bytes.length) {
        written += persist(() => writeSync(this.descriptor, bytes, written));
      }
      return written;
    } catch (error) {
      return written > 0 ? written : -errnoOf(error);
    }
  }
}

/** The guest's errno for a failed write: host and guest name them alike. */
function errnoOf(error: unknown): number {
  const code = errorCode(error) ?? '';
  return (ERRNO as Readonly<Record<string, number>>)[code] ?? ERRNO.EIO;
}
