import { ERRNO, errnoName } from '../../../emulator/linux/abi/errno';
import { DATA, TestProcess } from './process';

export const AT_FDCWD = -100;
export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  DIRECTORY: 0o200000,
  NOFOLLOW: 0o400000,
  CLOEXEC: 0o2000000,
  PATH: 0o10000000,
  TMPFILE: 0o20200000,
} as const;

/** Where results go; strings of arguments lie behind it. */
export const OUT = DATA + 0x8000;
const STRINGS = DATA + 0x1000;
const BUFFER = DATA + 0xa000;

/** System calls by hand, with strings as arguments and errors by name. */
export class Calls {
  constructor(readonly process = new TestProcess()) {}

  /** The result, or the name of the error. */
  do(name: string, ...args: (number | bigint | string)[]): number | string {
    const result = this.raw(name, ...args);
    return result < 0 && result > -ERRNO.EHWPOISON ? errnoName(-result) : result;
  }

  raw(name: string, ...args: (number | bigint | string)[]): number {
    return this.process.call(name, ...this.place(args));
  }

  /** Strings in the guest's memory, numbers as they are. */
  place(args: readonly (number | bigint | string)[]): (number | bigint)[] {
    return args.map((value, index) =>
      typeof value === 'string' ? this.process.text(value, STRINGS + 0x1000 * index) : value,
    );
  }

  open(path: string, flags: number = O.RDONLY, mode = 0o644): number {
    const fd = this.raw('openat', AT_FDCWD, path, flags, mode);
    if (fd < 0) throw new Error(`${path}: ${errnoName(-fd)}`);
    return fd;
  }

  write(fd: number, text: string): number | string {
    this.process.space.write(BUFFER, Buffer.from(text));
    return this.do('write', fd, BUFFER, Buffer.byteLength(text));
  }

  read(fd: number, max = 4096): string {
    const count = this.raw('read', fd, BUFFER, max);
    if (count < 0) return errnoName(-count);
    return Buffer.from(this.process.bytes(BUFFER, count)).toString();
  }

  /** Makes a file with this text. */
  file(path: string, text: string): this {
    const fd = this.open(path, O.WRONLY | O.CREAT | O.TRUNC);
    this.write(fd, text);
    this.raw('close', fd);
    return this;
  }

  /** The text of a file, or the name of the error. */
  text(path: string): string {
    const fd = this.raw('openat', AT_FDCWD, path, O.RDONLY, 0);
    if (fd < 0) return errnoName(-fd);
    const text = this.read(fd);
    this.raw('close', fd);
    return text;
  }

  stat(path: string, flags = 0): { mode: number; links: number; size: number; inode: number } {
    const result = this.raw('newfstatat', AT_FDCWD, path, OUT, flags);
    if (result < 0) throw new Error(`${path}: ${errnoName(-result)}`);
    const { space } = this.process;
    return {
      inode: this.process.u64(OUT + 8),
      mode: space.readU32(OUT + 16) ?? 0,
      links: space.readU32(OUT + 20) ?? 0,
      size: this.process.u64(OUT + 48),
    };
  }

  /** Names in a directory, sorted, as getdents64 gives them to a buffer of `room` bytes. */
  list(path: string, room = 4096): string[] {
    const fd = this.open(path, O.RDONLY | O.DIRECTORY);
    const names: string[] = [];
    for (;;) {
      const count = this.raw('getdents64', fd, OUT, room);
      if (count <= 0) break;
      const bytes = Buffer.from(this.process.bytes(OUT, count));
      for (let at = 0; at < count; at += bytes.readUInt16LE(at + 16)) {
        names.push(bytes.toString('utf8', at + 19, bytes.indexOf(0, at + 19)));
      }
    }
    this.raw('close', fd);
    return names.sort();
  }
}
