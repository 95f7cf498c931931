import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  type BigIntStats,
  type Dirent,
} from 'node:fs';
import { ERRNO } from '../abi/errno';
import type { HostFolder } from './host-folder';
import {
  guestStatus,
  HostFile,
  HostLink,
  HostSpecial,
  PERMISSIONS,
  seconds,
  setOwner,
} from './host-files';
import type { FileNode } from './node';
import {
  DirectoryNode,
  refuse,
  type DirectoryEntry,
  type NewNode,
  type NewTimes,
  type NodeKind,
} from './node';
import {
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

const KINDS: Readonly<Record<number, NodeKind>> = {
  [S_IFREG]: 'file',
  [S_IFDIR]: 'directory',
  [S_IFLNK]: 'link',
  [S_IFIFO]: 'fifo',
  [S_IFSOCK]: 'socket',
  [S_IFCHR]: 'device',
  [S_IFBLK]: 'device',
};

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
