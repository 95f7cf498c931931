import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  opendirSync,
  openSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeSync,
  type BigIntStats,
  type Dirent,
} from 'node:fs';
import { ERRNO } from '../abi/errno';
import { DEFAULT_GROUP, DEFAULT_USER } from '../identity';
import type { HostFolder } from './host-folder';
import {
  DirectoryNode,
  FileNode,
  LinkNode,
  refuse,
  type DirectoryEntry,
  type NewNode,
  type NewTimes,
  type NodeKind,
  type OpenRequest,
} from './node';
import {
  O_ACCMODE,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  type FileStatus,
  type OpenFile,
} from './open-file';
import { RegularFile, type FileContent } from './regular-file';

const KINDS: Readonly<Record<number, NodeKind>> = {
  [S_IFREG]: 'file',
  [S_IFDIR]: 'directory',
  [S_IFLNK]: 'link',
  [S_IFIFO]: 'fifo',
  [S_IFSOCK]: 'socket',
  [S_IFCHR]: 'device',
  [S_IFBLK]: 'device',
};

/** What the guest is told of a host file: everything is its own. */
function guestStatus(folder: HostFolder, status: BigIntStats): FileStatus {
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

function seconds(nanoseconds: bigint): number {
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
const PERMISSIONS = 0o777;

/** A regular file of the host. */
class HostFile extends FileNode {
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
function setOwner(folder: HostFolder, user: number | undefined, group: number | undefined): void {
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
class HostLink extends LinkNode {
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
class HostSpecial extends FileNode {
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

/** A directory of the host. */
export class HostDirectory extends DirectoryNode {
  /** Directories below that were found before: a directory is one object as long as it is used. */
  private readonly below = new Map<string, HostDirectory>();
  /** The guest has removed it. */
  private gone = false;

  constructor(
    readonly folder: HostFolder,
    /** The directory that this one is in; undefined for the granted folder itself. */
    public above: HostDirectory | undefined,
    public hostName: string,
    private found: BigIntStats,
  ) {
    super();
    this.parent = above;
    this.name = hostName;
  }

  get fileSystem(): HostFolder {
    return this.folder;
  }

  override get removed(): boolean {
    return this.gone;
  }

  /** The names from the granted folder down to this directory. */
  names(): string[] {
    const names: string[] = [];
    let { above, hostName } = this as HostDirectory;
    while (above !== undefined) {
      names.push(hostName);
      ({ above, hostName } = above);
    }
    return names.reverse();
  }

  status(): FileStatus {
    return guestStatus(this.folder, this.found);
  }

  open(): OpenFile {
    return refuse(ERRNO.EISDIR, 'a directory is opened by the tree');
  }

  override lookup(name: string): FileNode | undefined {
    const status = this.folder.at(this, name, (path) =>
      lstatSync(path, { bigint: true, throwIfNoEntry: false }),
    );
    if (status === undefined) {
      this.drop(name);
      return undefined;
    }
    return this.node(name, status);
  }

  override list(): DirectoryEntry[] {
    return this.folder.within(this, (path) => {
      const entries: DirectoryEntry[] = [];
      const directory = opendirSync(path);
      try {
        for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
          const status = this.folder.at(this, entry.name, (file) =>
            lstatSync(file, { bigint: true, throwIfNoEntry: false }),
          );
          if (status === undefined) continue;
          entries.push({ name: entry.name, inode: Number(status.ino), type: typeOf(entry) });
        }
      } finally {
        directory.closeSync();
      }
      return entries;
    });
  }

  override create(name: string, what: NewNode): FileNode {
    const { folder } = this;
    folder.assertWritable();
    folder.at(this, name, (path) => {
      switch (what.kind) {
        case 'directory':
          mkdirSync(path, what.mode & PERMISSIONS);
          chmodSync(path, what.mode & PERMISSIONS);
          return;
        case 'link':
          symlinkSync(what.target, path);
          return;
        case 'file': {
          const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY;
          const fd = openSync(path, flags | constants.O_NOFOLLOW, what.mode & PERMISSIONS);
          fchmodSync(fd, what.mode & PERMISSIONS);
          closeSync(fd);
          return;
        }
        case 'fifo':
        case 'socket':
          refuse(ERRNO.EPERM, `a ${what.kind} cannot be made in a folder of the host`);
      }
    });
    return this.lookup(name) ?? refuse(ERRNO.ENOENT, `${name} is gone again`);
  }

  override link(name: string, node: FileNode): void {
    const { folder } = this;
    folder.assertWritable();
    if (!(node instanceof HostFile) || node.folder !== folder) {
      return refuse(ERRNO.EXDEV, 'the file is of another file system');
    }
    // The path of the name itself: link(2) does not follow it when it has become a link.
    folder.at(node.directory, node.name, (from) => {
      if (!lstatSync(from).isFile()) refuse(ERRNO.EPERM, 'only regular files are linked');
      folder.at(this, name, (to) => linkSync(from, to));
    });
  }

  override remove(name: string, node: FileNode): void {
    this.folder.assertWritable();
    this.folder.at(this, name, (path) => {
      if (node instanceof DirectoryNode) rmdirSync(path);
      else unlinkSync(path);
    });
    if (node instanceof HostDirectory) node.gone = true;
    this.drop(name);
  }

  override rename(name: string, target: DirectoryNode, newName: string, exchange: boolean): void {
    const { folder } = this;
    folder.assertWritable();
    if (!(target instanceof HostDirectory) || target.folder !== folder) {
      return refuse(ERRNO.EXDEV, 'the directories are of different file systems');
    }
    if (exchange) refuse(ERRNO.EINVAL, 'files of the host cannot be exchanged');
    folder.at(this, name, (from) => folder.at(target, newName, (to) => renameSync(from, to)));
    const moved = this.below.get(name);
    this.below.delete(name);
    target.drop(newName);
    if (moved === undefined) return;
    moved.above = target;
    moved.parent = target;
    moved.hostName = newName;
    moved.name = newName;
    target.below.set(newName, moved);
  }

  override setMode(mode: number): void {
    this.onItself((path) => chmodSync(path, mode & PERMISSIONS));
  }

  override setOwner(user: number | undefined, group: number | undefined): void {
    setOwner(this.folder, user, group);
  }

  override setTimes({ access, modify }: NewTimes): void {
    this.onItself((path) => {
      const { atimeNs, mtimeNs } = this.found;
      utimesSync(path, seconds(access ?? atimeNs), seconds(modify ?? mtimeNs));
    });
  }

  override hold(): void {
    this.folder.within(this, () => undefined);
  }

  private onItself(use: (path: string) => void): void {
    this.folder.assertWritable();
    this.folder.within(this, (path) => {
      use(path);
      this.found = lstatSync(`${path}/.`, { bigint: true });
    });
  }

  private node(name: string, status: BigIntStats): FileNode {
    const kind = KINDS[Number(status.mode) & S_IFMT] ?? 'device';
    switch (kind) {
      case 'directory':
        return this.directoryNode(name, status);
      case 'file':
        return new HostFile(this.folder, this, name, status);
      case 'link':
        return new HostLink(this.folder, this, name, status);
      case 'device':
      case 'fifo':
      case 'socket':
        return new HostSpecial(this.folder, kind, status);
    }
  }

  private directoryNode(name: string, status: BigIntStats): HostDirectory {
    const known = this.below.get(name);
    if (known !== undefined) {
      if (known.isSame(status)) {
        known.found = status;
        return known;
      }
      this.drop(name);
    }
    const node = new HostDirectory(this.folder, this, name, status);
    this.below.set(name, node);
    return node;
  }

  /** Forgets a directory below. Who has it open goes on with it: its handle stays until others need the place. */
  private drop(name: string): void {
    this.below.delete(name);
  }

  /** Whether this is the directory that was found, under whatever name. */
  isSame(status: BigIntStats): boolean {
    return status.ino === this.found.ino && status.dev === this.found.dev;
  }
}

function typeOf(entry: Dirent): number {
  if (entry.isDirectory()) return S_IFDIR;
  if (entry.isSymbolicLink()) return S_IFLNK;
  if (entry.isFile()) return S_IFREG;
  if (entry.isFIFO()) return S_IFIFO;
  if (entry.isSocket()) return S_IFSOCK;
  return entry.isBlockDevice() ? S_IFBLK : S_IFCHR;
}
