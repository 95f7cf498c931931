import {
  chmodSync,
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  lutimesSync,
  openSync,
  readlinkSync,
  readSync,
  truncateSync,
  utimesSync,
  writeSync,
  type BigIntStats,
} from 'node:fs';
import { ERRNO } from '../abi/errno';
import { DEFAULT_GROUP, DEFAULT_USER } from '../identity';
import type { HostFolder } from './host-folder';
import type { HostDirectory } from './host-nodes';
import { FileNode, LinkNode, refuse, type NewTimes, type OpenRequest } from './node';
import { O_ACCMODE, O_RDONLY, O_RDWR, O_TRUNC, type FileStatus, type OpenFile } from './open-file';
import { RegularFile, type FileContent } from './regular-file';

/** What the guest is told of a host file: everything is its own. */
export function guestStatus(folder: HostFolder, status: BigIntStats): FileStatus {
  return {
    inode: Number(status.ino),
    mode: Number(status.mode),
    size: Number(status.size),
    links: Number(status.nlink),
    user: DEFAULT_USER,
    group: DEFAULT_GROUP,
    times: { access: status.atimeNs, modify: status.mtimeNs, change: status.ctimeNs },
    fileSystem: folder.device,
    blocks: Number(status.blocks),
  };
}

const isFile = (status: BigIntStats): boolean => status.isFile();
const isFileOrDirectory = (status: BigIntStats): boolean => status.isFile() || status.isDirectory();

export function seconds(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e9;
}

/** What files and directories of a granted folder have in common. */
function change(
  node: { folder: HostFolder; directory: HostDirectory; name: string },
  use: (path: string, status: BigIntStats) => void,
): void {
  node.folder.assertWritable();
  node.folder.pinned(node.directory, node.name, isFileOrDirectory, use);
}

/** Never the set-user-ID, set-group-ID and sticky bits: the host's users could run such a file. */
export const PERMISSIONS = 0o777;

/** A regular file of the host. */
export class HostFile extends FileNode {
  readonly kind = 'file';

  constructor(
    readonly folder: HostFolder,
    readonly directory: HostDirectory,
    readonly name: string,
    private readonly found: BigIntStats,
  ) {
    super();
  }

  get fileSystem(): HostFolder {
    return this.folder;
  }

  status(): FileStatus {
    return guestStatus(this.folder, this.found);
  }

  open({ flags, path }: OpenRequest): OpenFile {
    const { folder } = this;
    const wanted = flags & O_ACCMODE;
    if (wanted !== O_RDONLY || flags & O_TRUNC) folder.assertWritable();
    // Shared mappings are written back with the same descriptor, so that writing needs reading.
    const mode = wanted === O_RDONLY ? constants.O_RDONLY : constants.O_RDWR;
    const fd = folder.pinned(this.directory, this.name, isFile, (pinned) => {
      const truncate = flags & O_TRUNC ? constants.O_TRUNC : 0;
      try {
        return openSync(pinned, mode | truncate | constants.O_NONBLOCK);
      } catch (error) {
        const denied = (error as NodeJS.ErrnoException).code === 'EACCES';
        if (!denied || wanted === O_RDONLY || wanted === O_RDWR) throw error;
        return openSync(pinned, constants.O_WRONLY | truncate | constants.O_NONBLOCK);
      }
    });
    const file = new RegularFile(path, flags, hostContent(folder, fd));
    file.node = this;
    return file;
  }

  override truncate(size: number): void {
    this.folder.assertWritable();
    this.folder.pinned(this.directory, this.name, isFile, (path) => truncateSync(path, size));
  }

  override setMode(mode: number): void {
    change(this, (path) => chmodSync(path, mode & PERMISSIONS));
  }

  override setOwner(user: number | undefined, group: number | undefined): void {
    setOwner(this.folder, user, group);
  }

  override setTimes(times: NewTimes): void {
    change(this, (path, status) => {
      const { access = status.atimeNs, modify = status.mtimeNs } = times;
      utimesSync(path, seconds(access), seconds(modify));
    });
  }
}

/** Everything is shown as the guest's own: only that can be asked for. */
export function setOwner(
  folder: HostFolder,
  user: number | undefined,
  group: number | undefined,
): void {
  folder.assertWritable();
  if ((user ?? DEFAULT_USER) !== DEFAULT_USER || (group ?? DEFAULT_GROUP) !== DEFAULT_GROUP) {
    refuse(ERRNO.EPERM, 'only root gives files away');
  }
}

/** Calls of the host on an open descriptor. */
function onDescriptor<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    const errno = (ERRNO as Readonly<Record<string, number>>)[code];
    return refuse(errno ?? ERRNO.EIO, `the host says ${code}`);
  }
}

function hostContent(folder: HostFolder, fd: number): FileContent {
  const stat = (): BigIntStats => onDescriptor(() => fstatSync(fd, { bigint: true }));
  const { dev, ino } = stat();
  const key = `${dev}:${ino}`;
  const views = folder.views.get(key) ?? new Set();
  folder.views.set(key, views);
  return {
    views,
    status: () => guestStatus(folder, stat()),
    size: () => Number(stat().size),
    readAt(max, position) {
      const bytes = new Uint8Array(max);
      const count = onDescriptor(() => readSync(fd, bytes, 0, max, position));
      return bytes.subarray(0, count);
    },
    writeAt(bytes, position) {
      folder.assertWritable();
      return onDescriptor(() => writeSync(fd, bytes, 0, bytes.length, position));
    },
    truncate(size) {
      folder.assertWritable();
      onDescriptor(() => ftruncateSync(fd, size));
    },
    // Node has no fallocate: zeros read the same as a hole.
    punch(offset, length) {
      folder.assertWritable();
      const end = Math.min(offset + length, Number(stat().size));
      for (let at = offset; at < end;) {
        const count = Math.min(end - at, 1 << 20);
        const position = at;
        onDescriptor(() => writeSync(fd, new Uint8Array(count), 0, count, position));
        at += count;
      }
    },
    reserve() {
      folder.assertWritable();
    },
    // One stretch of data with a hole at the end, as file systems without holes answer.
    seek: (position, data) => (data ? position : Number(stat().size)),
    sync: () => onDescriptor(() => fdatasyncSync(fd)),
    close() {
      if (views.size === 0) folder.views.delete(key);
      closeSync(fd);
    },
  };
}

/** A symbolic link of the host: its text is followed in the guest's tree. */
export class HostLink extends LinkNode {
  constructor(
    private readonly folder: HostFolder,
    private readonly directory: HostDirectory,
    private readonly name: string,
    private readonly found: BigIntStats,
  ) {
    super();
  }

  get fileSystem(): HostFolder {
    return this.folder;
  }

  status(): FileStatus {
    return guestStatus(this.folder, this.found);
  }

  target(): string {
    return this.folder.at(this.directory, this.name, (path) => readlinkSync(path, 'utf8'));
  }

  override setOwner(user: number | undefined, group: number | undefined): void {
    setOwner(this.folder, user, group);
  }

  override setTimes({ access, modify }: NewTimes): void {
    this.folder.assertWritable();
    this.folder.at(this.directory, this.name, (path) => {
      const { atimeNs, mtimeNs } = this.found;
      lutimesSync(path, seconds(access ?? atimeNs), seconds(modify ?? mtimeNs));
    });
  }
}

/** A device, FIFO or socket of the host: it can be seen and removed, not opened. */
export class HostSpecial extends FileNode {
  constructor(
    private readonly folder: HostFolder,
    readonly kind: 'device' | 'fifo' | 'socket',
    private readonly found: BigIntStats,
  ) {
    super();
  }

  get fileSystem(): HostFolder {
    return this.folder;
  }

  status(): FileStatus {
    return guestStatus(this.folder, this.found);
  }

  open(): OpenFile {
    return refuse(ERRNO.EACCES, `a ${this.kind} of the host is not opened in the sandbox`);
  }
}
