import type { TerminalSettings } from '../streams';
import type { FileNode } from './node';

/** Kinds of a file in `st_mode` (include/uapi/linux/stat.h). */
export const S_IFIFO = 0o010000;
export const S_IFCHR = 0o020000;
export const S_IFDIR = 0o040000;
export const S_IFREG = 0o100000;
export const S_IFLNK = 0o120000;

export const S_IFMT = 0o170000;
export const S_IFBLK = 0o060000;
export const S_IFSOCK = 0o140000;

/** Nanoseconds since 1970. */
export interface FileTimes {
  readonly access: bigint;
  readonly modify: bigint;
  readonly change: bigint;
}

/** What stat tells. What is left out has the value in brackets. */
export interface FileStatus {
  readonly inode: number;
  /** Kind and permissions. */
  readonly mode: number;
  readonly size: number;
  /** Major and minor number of a device, as `makeDevice` packs them [0]. */
  readonly device?: number;
  /** Names of the file [1]. */
  readonly links?: number;
  readonly user?: number;
  readonly group?: number;
  /** [the epoch] */
  readonly times?: FileTimes;
  /** Number of the file system (st_dev) [1]. */
  readonly fileSystem?: number;
  /** Blocks of 512 bytes that are really in use [as many as the size needs]. */
  readonly blocks?: number;
}

/** Packs a device number as Linux's new_encode_dev does for minors below 256. */
export function makeDevice(major: number, minor: number): number {
  return (major << 8) | minor;
}

/** Access modes and flags of openat (include/uapi/asm-generic/fcntl.h). */
export const O_ACCMODE = 3;
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_DIRECTORY = 0o200000;
export const O_NOFOLLOW = 0o400000;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;
export const O_TMPFILE = 0o20000000 | O_DIRECTORY;

/** Readiness as poll tells it (include/uapi/asm-generic/poll.h). */
export const POLLIN = 0x1;
export const POLLOUT = 0x4;
export const POLLERR = 0x8;
export const POLLHUP = 0x10;
export const POLLNVAL = 0x20;
export const POLLRDNORM = 0x40;
export const POLLWRNORM = 0x100;

/** Bytes, nothing yet, the end, or a negative errno. */
export type ReadResult = Uint8Array | 'wait' | 'eof' | number;

/**
 * An open file description: what descriptors refer to, several of them after a dup. A kind of file
 * has the methods for what it can do; what it lacks is EINVAL, ESPIPE or ENODEV to the guest.
 */
export abstract class OpenFile {
  /** Descriptors that refer to this description, of all processes. */
  private references = 0;
  /** What was opened, when that can be opened once more (/proc/self/fd). */
  node?: FileNode;
  /** Position in a file or directory. */
  position = 0;

  constructor(
    private readonly name: string | (() => string),
    /** O_ flags of the open; fcntl changes O_APPEND and O_NONBLOCK. */
    public flags: number,
  ) {}

  /** Absolute path in the guest, as /proc/self/fd shows it. */
  get path(): string {
    return typeof this.name === 'string' ? this.name : this.name();
  }

  /** Counts what has made the file ready, for edge-triggered epoll. */
  get activity(): number {
    return 0;
  }

  /** Whether any descriptor refers to this. */
  get isOpen(): boolean {
    return this.references > 0;
  }

  /** One more descriptor refers to this. */
  retain(): this {
    this.references += 1;
    return this;
  }

  /** A descriptor is gone; the last one closes the file. */
  release(): void {
    this.references -= 1;
    if (this.references === 0) this.close?.();
  }

  /** Whether one descriptor only refers to this. */
  get isLast(): boolean {
    return this.references === 1;
  }

  /** Called once, with the last descriptor gone. */
  close?(): void;

  abstract status(): FileStatus;

  /** At most `max` bytes from the file's position. @param timedOut see `InputStream.read` */
  read?(max: number, timedOut: boolean): ReadResult;

  /** How many bytes were taken, `wait`, or a negative errno. */
  write?(bytes: Uint8Array): number | 'wait';

  /** Bytes at a position, without moving the file's own. */
  readAt?(max: number, position: number): ReadResult;

  writeAt?(bytes: Uint8Array, position: number): number | 'wait';

  /** The new position, or a negative errno. */
  seek?(offset: bigint, whence: number): bigint | number;

  /** When a waiting read gives up; undefined = never. */
  readDeadline?(waitingSince: number): number | undefined;

  /** Bytes that a read would give at once (FIONREAD), when the file can tell. */
  available?(): number | undefined;

  /** What a mapping of the file begins with; undefined when it cannot be mapped. */
  mappedBytes?(offset: number, length: number): Uint8Array | 'zero' | undefined;

  /** Cuts or lengthens the file (ftruncate). */
  truncate?(size: number): void;

  /** fallocate: makes room, or a hole. */
  allocate?(mode: number, offset: number, length: number): void;

  /** Writes what the host keeps back to its disk. */
  sync?(): void;

  /** When a file that is not ready may become so by itself, in monotonic milliseconds. */
  readyAt?(): number | undefined;

  /** POLLIN and POLLOUT bits that hold now. */
  readiness(): number {
    return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
  }

  /** True when writes do not look at the bytes: they need not be read from the guest. */
  get discardsWrites(): boolean {
    return false;
  }

  get terminal(): TerminalSettings | undefined {
    return undefined;
  }

  get canRead(): boolean {
    return (this.flags & O_ACCMODE) !== O_WRONLY && (this.flags & O_PATH) === 0;
  }

  get canWrite(): boolean {
    return (this.flags & O_ACCMODE) !== O_RDONLY && (this.flags & O_PATH) === 0;
  }
}
