import { ERRNO } from '../abi/errno';
import type { InputStream, OutputStream, StandardStreams, TerminalSettings } from '../streams';
import { defaultTermios, type Termios } from '../termios';
import {
  makeDevice,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
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
  private reads = 0;

  constructor(
    path: string | (() => string),
    flags: number,
    private readonly input: InputStream | undefined,
    private readonly output: OutputStream | undefined,
    private readonly inode: number,
  ) {
    super(path, flags);
    const stream = input ?? output;
    if (stream?.isTerminal) this.settings = stream.terminal ?? new PlainTerminal();
  }

  override get activity(): number {
    return this.reads;
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
    if (this.input === undefined) return -ERRNO.EBADF;
    const result = this.input.read(max, timedOut);
    // What comes next cannot be told from what is left: it counts as new.
    if (result instanceof Uint8Array) this.reads += 1;
    return result;
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

/** The files of descriptors 0, 1 and 2. */
export function standardFiles({ stdin, stdout, stderr }: StandardStreams): readonly OpenFile[] {
  // On a terminal all three are the same open terminal, for reading and for writing.
  const both = stdin.isTerminal && stdout.isTerminal;
  const open = (stream: { isTerminal: boolean }, index: number): OpenFile => {
    const path = stream.isTerminal ? '/dev/pts/0' : `pipe:[${index + 4}]`;
    const flags = stream.isTerminal && both ? O_RDWR : index === 0 ? O_RDONLY : O_WRONLY;
    const input = index === 0 || flags === O_RDWR ? stdin : undefined;
    const output = index === 2 ? stderr : index === 1 || flags === O_RDWR ? stdout : undefined;
    return new StreamFile(path, flags, input, output, 3);
  };
  return [open(stdin, 0), open(stdout, 1), open(stderr, 2)];
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
