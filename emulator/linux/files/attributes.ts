import { ERRNO } from '../abi/errno';
import { DEFAULT_GROUP, DEFAULT_USER } from '../identity';
import type { MemoryQuota } from './bytes';
import { refuse, type FileSystem, type NewTimes, type NodeKind } from './node';
import {
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  type FileTimes,
  type FileStatus,
} from './open-file';

const TMPFS_MAGIC = 0x0102_1994;

/** A file system in memory (tmpfs). */
export class MemoryFileSystem implements FileSystem {
  readonly type: string = 'tmpfs';
  readonly magic: number = TMPFS_MAGIC;
  readonly readOnly = false;
  private lastInode = 1;

  /** @param now nanoseconds since 1970 */
  constructor(
    readonly device: number,
    readonly quota: MemoryQuota,
    readonly now: () => bigint,
  ) {}

  nextInode(): number {
    return this.lastInode++;
  }

  usage(): { bytes: number; freeBytes: number; files: number; freeFiles: number } {
    const { bytes, freeBytes, files, freeFiles } = this.quota;
    return { bytes, freeBytes, files, freeFiles };
  }
}

const TYPES: Readonly<Record<NodeKind, number>> = {
  directory: S_IFDIR,
  file: S_IFREG,
  link: S_IFLNK,
  device: S_IFCHR,
  fifo: S_IFIFO,
  socket: S_IFSOCK,
};

/** What every file in memory has: number, permissions, owner, times, names. */
export class Attributes {
  readonly inode: number;
  mode: number;
  user = DEFAULT_USER;
  group = DEFAULT_GROUP;
  links = 1;
  times: FileTimes;

  constructor(
    readonly fileSystem: MemoryFileSystem,
    kind: NodeKind,
    permissions: number,
  ) {
    this.inode = fileSystem.nextInode();
    this.mode = TYPES[kind] | (permissions & 0o7777);
    const now = fileSystem.now();
    this.times = { access: now, modify: now, change: now };
  }

  setMode(mode: number): void {
    this.mode = (this.mode & S_IFMT) | (mode & 0o7777);
    this.changed();
  }

  /** The guest has one user: only giving a file to that one is no change and allowed. */
  setOwner(user: number | undefined, group: number | undefined): void {
    if ((user ?? this.user) !== this.user || (group ?? this.group) !== this.group) {
      refuse(ERRNO.EPERM, 'only root gives files away');
    }
    this.changed();
  }

  setTimes({ access, modify }: NewTimes): void {
    const { times } = this;
    this.times = {
      access: access ?? times.access,
      modify: modify ?? times.modify,
      change: this.fileSystem.now(),
    };
  }

  /** The content has changed. */
  modified(): void {
    const now = this.fileSystem.now();
    this.times = { ...this.times, modify: now, change: now };
  }

  changed(): void {
    this.times = { ...this.times, change: this.fileSystem.now() };
  }

  accessed(): void {
    // As with the option relatime: only when the file has changed since.
    const { access, modify } = this.times;
    if (access <= modify) this.times = { ...this.times, access: this.fileSystem.now() };
  }

  status(size: number, more: Partial<FileStatus> = {}): FileStatus {
    const { inode, mode, user, group, links, times } = this;
    const fileSystem = this.fileSystem.device;
    return { inode, mode, size, user, group, links, times, fileSystem, blocks: 0, ...more };
  }
}
