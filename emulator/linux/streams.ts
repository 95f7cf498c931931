import type { Termios } from './termios';

/**
 * What a descriptor of the guest is joined to outside: a host descriptor for the command line, a
 * terminal for the window, bytes for a test.
 */
export interface InputStream {
  readonly isTerminal: boolean;
  /** The settings that the guest sees and changes when this is a terminal. */
  readonly terminal?: TerminalSettings;
  /**
   * At most `max` bytes (at least 1). `wait` = none yet: the calling hart is parked until the machine
   * knows of input and calls again. `eof` = a read of 0 bytes.
   * @param timedOut the deadline that `readDeadline` named has passed: answer with what there is
   */
  read(max: number, timedOut?: boolean): Uint8Array | 'wait' | 'eof';
  /** When a `wait` ends without input, in the clock's monotonic milliseconds; undefined = never. */
  readDeadline?(waitingSince: number): number | undefined;
  /** Bytes that can be read at once, when that is known. */
  available?(): number;
  /** Whether a read would answer at once (poll), when that is known. */
  readable?(): boolean;
}

export interface OutputStream {
  readonly isTerminal: boolean;
  readonly terminal?: TerminalSettings;
  /**
   * Takes bytes, which are the stream's to keep. Answers how many were taken; a negative Linux errno
   * (`-ERRNO.EPIPE` when nobody reads any more); or `wait` when none can be taken now.
   */
  write(bytes: Uint8Array): number | 'wait';
}

export interface WindowSize {
  readonly columns: number;
  readonly rows: number;
}

/** The part of a terminal that ioctl reaches. */
export interface TerminalSettings {
  readonly termios: Termios;
  readonly windowSize: WindowSize;
  setTermios(termios: Termios): void;
  setWindowSize(size: WindowSize): void;
  /** Throws away input that has not been read (TCFLSH). */
  flushInput(): void;
}

/** The three streams that a program starts with, descriptors 0 to 2. */
export interface StandardStreams {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

/** Writes all of `bytes`; a stream that takes no more has lost its reader. */
export function printTo(streams: StandardStreams, descriptor: number, bytes: Uint8Array): void {
  const stream = descriptor === 2 ? streams.stderr : streams.stdout;
  for (let at = 0; at < bytes.length;) {
    const taken = stream.write(bytes.subarray(at));
    if (typeof taken !== 'number' || taken <= 0) return;
    at += taken;
  }
}
