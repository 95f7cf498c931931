import { ERRNO } from '../abi/errno';
import type { InputStream, OutputStream, TerminalSettings } from '../streams';
import { defaultTermios, type Termios } from '../termios';
import {
  makeDevice,
  OpenFile,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
  S_IFCHR,
  S_IFIFO,
  type FileStatus,
  type ReadResult,
} from './open-file';

/** Major number of pseudo-terminals (Documentation/admin-guide/devices.txt). */
const PTS_MAJOR = 136;

/** Standard input, output or error: a stream of the embedder, seen as a terminal or a pipe. */
export class StreamFile extends OpenFile {
  private readonly settings: TerminalSettings | undefined;

  constructor(
    path: string,
    flags: number,
    private readonly input: InputStream | undefined,
    private readonly output: OutputStream | undefined,
    private readonly inode: number,
  ) {
    super(path, flags);
    const stream = input ?? output;
    if (stream?.isTerminal) this.settings = stream.terminal ?? new PlainTerminal();
  }

  override get terminal(): TerminalSettings | undefined {
    return this.settings;
  }

  override status(): FileStatus {
    return this.settings === undefined
      ? { inode: this.inode, mode: S_IFIFO | 0o600, size: 0 }
      : { inode: this.inode, mode: S_IFCHR | 0o620, size: 0, device: makeDevice(PTS_MAJOR, 0) };
  }

  override read(max: number, timedOut: boolean): ReadResult {
    return this.input === undefined ? -ERRNO.EBADF : this.input.read(max, timedOut);
  }

  override write(bytes: Uint8Array): number | 'wait' {
    return this.output === undefined ? -ERRNO.EBADF : this.output.write(bytes);
  }

  override readDeadline(waitingSince: number): number | undefined {
    return this.input?.readDeadline?.(waitingSince);
  }

  override available(): number | undefined {
    return this.input?.available?.();
  }

  override readiness(): number {
    const writable = this.output === undefined ? 0 : POLLOUT | POLLWRNORM;
    if (this.input === undefined) return writable;
    // A stream that cannot tell counts as readable: the read itself then waits.
    const readable = this.input.readable?.() ?? true;
    return readable ? writable | POLLIN | POLLRDNORM : writable;
  }
}

/** Settings of a terminal whose discipline is the host's: kept, but without effect on it. */
class PlainTerminal implements TerminalSettings {
  termios: Termios = defaultTermios();
  windowSize = { columns: 80, rows: 24 };

  setTermios(termios: Termios): void {
    this.termios = termios;
  }

  setWindowSize(size: { columns: number; rows: number }): void {
    this.windowSize = size;
  }

  flushInput(): void {
    // The host's terminal keeps its input.
  }
}
