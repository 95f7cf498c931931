import { ERRNO } from '../abi/errno';
import type { MemoryQuota } from './bytes';
import { refuse } from './node';
import {
  O_ACCMODE,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  OpenFile,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
  S_IFIFO,
  type FileStatus,
  type ReadResult,
} from './open-file';

/** Bytes that a pipe holds, and that one write puts in as a whole (pipe(7)). */
const CAPACITY = 65536;
const PIPE_BUF = 4096;
const PIPE_DEVICE = 13;

let pipes = 0;

/** The bytes between the ends of a pipe or FIFO. */
export class Pipe {
  private readonly chunks: Uint8Array[] = [];
  private held = 0;
  private readonly number = ++pipes;
  readers = 0;
  writers = 0;
  /** Counts what has come, and the writers that have gone; and what was taken, and the readers that have gone. */
  arrivals = 0;
  departures = 0;

  constructor(private readonly quota: MemoryQuota) {}

  get bytes(): number {
    return this.held;
  }

  /** Without memory for more, one small write at a time goes on, as with Linux's pipe-user-pages-soft. */
  get room(): number {
    const least = this.held === 0 ? PIPE_BUF : 0;
    return Math.min(CAPACITY - this.held, Math.max(this.quota.freeBytes, least));
  }

  get name(): string {
    return `pipe:[${this.number}]`;
  }

  status(): FileStatus {
    return { inode: this.number, mode: S_IFIFO | 0o600, size: 0, fileSystem: PIPE_DEVICE };
  }

  take(max: number): Uint8Array {
    const bytes = this.takeWhole(max) ?? this.gather(Math.min(max, this.held));
    this.held -= bytes.length;
    this.quota.giveBytes(bytes.length);
    this.departures += 1;
    return bytes;
  }

  /** Nobody has an end any more: what is left is lost. */
  drop(): void {
    this.quota.giveBytes(this.held);
    this.chunks.length = this.held = 0;
  }

  /** The first chunk, when that is all that is asked for: nobody else has it, so it needs no copy. */
  private takeWhole(max: number): Uint8Array | undefined {
    const [first] = this.chunks;
    if (first?.length !== Math.min(max, this.held)) return undefined;
    return this.chunks.shift();
  }

  private gather(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < bytes.length;) {
      const first = this.chunks[0] ?? refuse(ERRNO.EIO, 'the pipe has lost bytes');
      const part = first.subarray(0, bytes.length - done);
      bytes.set(part, done);
      done += part.length;
      if (part.length === first.length) this.chunks.shift();
      else this.chunks[0] = first.subarray(part.length);
    }
    return bytes;
  }

  put(bytes: Uint8Array): void {
    const last = this.chunks.at(-1);
    // Many small writes must not cost an object each.
    if (last !== undefined && last.length + bytes.length <= PIPE_BUF) {
      const joined = new Uint8Array(last.length + bytes.length);
      joined.set(last);
      joined.set(bytes, last.length);
      this.chunks[this.chunks.length - 1] = joined;
    } else {
      this.chunks.push(bytes.slice());
    }
    this.held += bytes.length;
    this.quota.charge(bytes.length);
    this.arrivals += 1;
  }

  /** An end of a FIFO; who opens it waits while it is alone, unless that is not wanted (fifo(7)). */
  openEnd(path: string | (() => string), flags: number, status: () => FileStatus): PipeEnd {
    const mode = flags & O_ACCMODE;
    const nonBlocking = (flags & O_NONBLOCK) !== 0;
    if (mode !== O_RDONLY && mode !== O_RDWR && this.readers === 0 && nonBlocking) {
      return refuse(ERRNO.ENXIO, 'nobody reads the FIFO');
    }
    return new PipeEnd(this, path, flags, status);
  }
}

/** One end of a pipe, or both of a FIFO that is open for reading and writing. */
export class PipeEnd extends OpenFile {
  constructor(
    readonly pipe: Pipe,
    path: string | (() => string),
    flags: number,
    private readonly describe: () => FileStatus = () => pipe.status(),
  ) {
    super(path, flags);
    if (this.canRead) pipe.readers += 1;
    if (this.canWrite) pipe.writers += 1;
  }

  override get activity(): number {
    const { arrivals, departures } = this.pipe;
    return (this.canRead ? arrivals : 0) + (this.canWrite ? departures : 0);
  }

  /** True while a FIFO's other end is not there, for which an open waits. */
  get isAlone(): boolean {
    return this.pipe.readers === 0 || this.pipe.writers === 0;
  }

  override status(): FileStatus {
    return this.describe();
  }

  override read(max: number): ReadResult {
    if (this.pipe.bytes === 0) return this.pipe.writers === 0 ? 'eof' : 'wait';
    return this.pipe.take(max);
  }

  override write(bytes: Uint8Array): number | 'wait' {
    if (this.pipe.readers === 0) return -ERRNO.EPIPE;
    const { room } = this.pipe;
    if (room === 0 || (bytes.length <= PIPE_BUF && room < bytes.length)) return 'wait';
    const part = bytes.subarray(0, room);
    this.pipe.put(part);
    return part.length;
  }

  override available(): number {
    return this.pipe.bytes;
  }

  override readiness(): number {
    const { pipe } = this;
    let ready = 0;
    if (this.canRead) {
      if (pipe.bytes > 0) ready |= POLLIN | POLLRDNORM;
      if (pipe.writers === 0) ready |= POLLHUP;
    }
    if (this.canWrite) {
      if (pipe.room >= PIPE_BUF) ready |= POLLOUT | POLLWRNORM;
      if (pipe.readers === 0) ready |= POLLERR;
    }
    return ready;
  }

  override close(): void {
    const { pipe } = this;
    if (this.canRead) {
      pipe.readers -= 1;
      pipe.departures += 1;
    }
    if (this.canWrite) {
      pipe.writers -= 1;
      pipe.arrivals += 1;
    }
    if (pipe.readers === 0 && pipe.writers === 0) pipe.drop();
  }
}
