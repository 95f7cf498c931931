import { isatty } from 'node:tty';
import { ERRNO, errnoName } from '../emulator/linux/abi/errno';
import type { StandardStreams } from '../emulator/linux/streams';
import { CommandError, OutputClosed } from './errors';
import { FileInput, FileOutput } from './host-streams';
import { findTerminal, HostTerminal } from './host-terminal';
import { standardLines, type LineHandlers, type LineReader } from './line-reader';

/** What a command has of the world outside. */
export interface Host {
  /** The command's own text on standard output. Throws OutputClosed when nobody reads it. */
  out(text: string): void;
  /** The command's own text on standard error; lost when nobody reads it. */
  err(text: string): void;
  /** Sends off what `out` has gathered. */
  flush(): void;
  /** Reads lines that somebody types, or that come through a pipe. */
  openLines(handlers: LineHandlers): LineReader;
  /** Joins a guest to the standard streams. */
  openStreams(): HostStreams;
}

export interface HostStreams extends StandardStreams {
  /**
   * Input and signals of a terminal come through Node's event loop, so a running guest must let it turn
   * now and then, and waits in it. Undefined when there is no terminal to type at.
   */
  readonly terminal?: Pick<HostTerminal, 'nextEvent'>;
  /** Puts the terminal back. */
  close(): void;
}

/** Text is gathered up to here before it is written. */
const BUFFER_SIZE = 1 << 16;

/** The process's own standard streams. */
export class ProcessHost implements Host {
  private readonly stdout = new FileOutput(1);
  private buffer = '';

  out(text: string): void {
    this.buffer += text;
    if (this.buffer.length >= BUFFER_SIZE) this.flush();
  }

  err(text: string): void {
    this.flush();
    new FileOutput(2).write(Buffer.from(text));
  }

  flush(): void {
    const bytes = Buffer.from(this.buffer);
    this.buffer = '';
    if (bytes.length === 0) return;
    const result = this.stdout.write(bytes);
    if (result === bytes.length) return;
    if (result >= 0 || result === -ERRNO.EPIPE) throw new OutputClosed();
    throw new CommandError(`standard output cannot be written: ${errnoName(-result)}`);
  }

  openLines(handlers: LineHandlers): LineReader {
    return standardLines(handlers);
  }

  openStreams(): HostStreams {
    const device = findTerminal();
    const terminal = device && new HostTerminal(device, () => performance.now());
    const output = (descriptor: number): HostTerminal | FileOutput =>
      terminal !== undefined && isatty(descriptor) ? terminal : new FileOutput(descriptor);
    return {
      stdin:
        terminal !== undefined && device?.keyboard !== undefined
          ? terminal
          : new FileInput(0, (text) => this.err(`hartscope: ${text}\n`)),
      stdout: output(1),
      stderr: output(2),
      ...(device?.keyboard !== undefined && { terminal }),
      close: () => terminal?.close(),
    };
  }
}
