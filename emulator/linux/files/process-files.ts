import { ERRNO } from '../abi/errno';
import { DirectoryFile, PathFile } from './devices';
import { MemoryFile } from './memory-nodes';
import type { FileNode } from './node';
import { DirectoryNode, LinkNode, placePath, refuse, type NewNode, type ProcessView } from './node';
import {
  O_ACCMODE,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_TMPFILE,
  O_TRUNC,
  type OpenFile,
} from './open-file';
import {
  allows,
  MAY_EXECUTE,
  MAY_READ,
  MAY_WRITE,
  type FileTree,
  type Walked,
  type WalkOptions,
} from './tree';

/** The current directory in place of a descriptor. */
export const AT_FDCWD = -100;

const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;
const STICKY = 0o1000;

/** What a process has of the file tree: its current directory and umask, and what it may do. */
export class ProcessFiles {
  /** umask(2). */
  modeMask = 0o022;
  private current: DirectoryNode;

  constructor(
    readonly tree: FileTree,
    private readonly process: ProcessView,
  ) {
    this.current = tree.root;
  }

  get workingDirectory(): DirectoryNode {
    return this.current;
  }

  /** The same for a new process (fork). */
  copy(process: ProcessView): ProcessFiles {
    const files = new ProcessFiles(this.tree, process);
    files.current = this.current;
    files.modeMask = this.modeMask;
    return files;
  }

  /** Where a path leads that is seen from the directory of descriptor `from`. */
  find(from: number, path: string, options: WalkOptions = {}): Walked {
    return this.tree.walk(this.process, this.directory(from, path), path, options);
  }

  /** What a path names; ENOENT when there is nothing. */
  existing(from: number, path: string, options: WalkOptions = {}): FileNode {
    return this.find(from, path, options).node ?? refuse(ERRNO.ENOENT, `${path} is not there`);
  }

  /** What readlink tells of a link. */
  linkTarget(link: LinkNode): string {
    return link.target(this.process);
  }

  /** A regular file's content as a whole, for the program loader. */
  readFile(path: string): Uint8Array {
    return this.readNode(this.existing(AT_FDCWD, path), path);
  }

  /** The same of a file that has been found. */
  readNode(node: FileNode, path: string): Uint8Array {
    if (node.kind !== 'file') refuse(ERRNO.EACCES, `${path} is no regular file`);
    const file = node.open({ flags: O_RDONLY, process: this.process, path: () => path }).retain();
    try {
      const bytes = file.mappedBytes?.(0, node.status().size);
      return bytes instanceof Uint8Array ? bytes : refuse(ERRNO.EACCES, `${path} cannot be read`);
    } finally {
      file.release();
    }
  }

  changeDirectory(node: FileNode): void {
    if (!(node instanceof DirectoryNode)) return refuse(ERRNO.ENOTDIR, 'that is no directory');
    this.tree.check(this.process, node, MAY_EXECUTE);
    node.hold?.();
    this.current = node;
  }

  /** Opens or creates a file as openat does. */
  open(from: number, path: string, flags: number, mode: number, resolve = 0): OpenFile {
    if ((flags & O_TMPFILE) === O_TMPFILE) return this.openUnnamed(from, path, flags, mode);
    const exclusive = (flags & O_CREAT) !== 0 && (flags & O_EXCL) !== 0;
    const followLast = (flags & O_NOFOLLOW) === 0 && !exclusive;
    let walked = this.find(from, path, { followLast, resolve });
    let created = false;
    if (flags & O_CREAT && (flags & O_PATH) === 0) {
      if (walked.asDirectory && !(walked.node && flags & O_DIRECTORY)) {
        refuse(ERRNO.EISDIR, `${path} ends with a slash`);
      }
      if (exclusive && walked.node !== undefined) refuse(ERRNO.EEXIST, `${path} is there already`);
      if (walked.node === undefined) {
        walked = { ...walked, node: this.make(walked, { kind: 'file', mode }) };
        created = true;
      }
    }
    const node = walked.node ?? refuse(ERRNO.ENOENT, `${path} is not there`);
    if (flags & O_DIRECTORY && !(node instanceof DirectoryNode)) {
      refuse(ERRNO.ENOTDIR, `${path} is no directory`);
    }
    const place = { ...walked, node };
    return this.openNode(node, created ? flags & ~O_TRUNC : flags, () => placePath(place), created);
  }

  /** Opens what has been found. */
  openNode(node: FileNode, flags: number, path: () => string, created = false): OpenFile {
    const { process, tree } = this;
    const kept = flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_NOFOLLOW | O_DIRECTORY);
    if (flags & O_PATH) {
      if (node instanceof DirectoryNode) return this.openDirectory(node, kept);
      return new PathFile({ flags: kept, process, path }, node);
    }
    if (node instanceof LinkNode) refuse(ERRNO.ELOOP, 'the file is a symbolic link');
    const writes = (flags & O_ACCMODE) !== O_RDONLY;
    if (node instanceof DirectoryNode) {
      if (writes || flags & O_CREAT) refuse(ERRNO.EISDIR, 'the file is a directory');
      tree.check(process, node, MAY_READ);
      return this.openDirectory(node, kept);
    }
    // Who has just made a file may write it, whatever its permissions.
    if (!created) {
      const reads = (flags & O_ACCMODE) !== 1;
      const truncates = (flags & O_TRUNC) !== 0;
      tree.check(process, node, (reads ? MAY_READ : 0) | (writes || truncates ? MAY_WRITE : 0));
      if (node.kind === 'file' && (writes || truncates) && node.fileSystem.readOnly) {
        refuse(ERRNO.EROFS, 'the file system is read-only');
      }
    }
    const file = node.open({ flags: kept | (flags & O_TRUNC), process, path });
    file.flags &= ~O_TRUNC;
    return file;
  }

  /** A file in memory without a name (memfd_create). */
  openAnonymous(name: string, flags: number): OpenFile {
    const node = new MemoryFile(this.tree.anonymous, 0o777);
    node.attributes.links = 0;
    return node.open({ flags, process: this.process, path: () => `${name} (deleted)` });
  }

  /** mkdirat, mknodat, symlinkat. */
  create(from: number, path: string, what: NewNode): FileNode {
    const walked = this.find(from, path, { followLast: false });
    if (walked.node !== undefined) refuse(ERRNO.EEXIST, `${path} is there already`);
    if (walked.asDirectory && what.kind !== 'directory') {
      refuse(ERRNO.ENOENT, `${path} ends with a slash`);
    }
    return this.make(walked, what);
  }

  /** unlinkat. */
  remove(from: number, path: string, directory: boolean): void {
    const {
      directory: above,
      name,
      node,
      last,
      asDirectory,
    } = this.find(from, path, {
      followLast: false,
      slashFollows: false,
    });
    if (directory && last === '.') refuse(ERRNO.EINVAL, 'the last component is .');
    if (directory && last === '..') refuse(ERRNO.ENOTEMPTY, 'the last component is ..');
    if (node === undefined) return refuse(ERRNO.ENOENT, `${path} is not there`);
    if (directory && !(node instanceof DirectoryNode)) {
      refuse(ERRNO.ENOTDIR, `${path} is no directory`);
    }
    if (!directory && node instanceof DirectoryNode) {
      refuse(ERRNO.EISDIR, `${path} is a directory`);
    }
    if (!directory && asDirectory) refuse(ERRNO.ENOTDIR, `${path} ends with a slash`);
    this.checkRemoval(above, node);
    above.remove(name, node);
  }

  /** linkat for a file that has been found. */
  link(node: FileNode, to: number, path: string): void {
    const walked = this.find(to, path, { followLast: false });
    if (walked.node !== undefined) refuse(ERRNO.EEXIST, `${path} is there already`);
    if (node instanceof DirectoryNode) refuse(ERRNO.EPERM, 'a directory has one name only');
    if (walked.asDirectory) refuse(ERRNO.ENOENT, `${path} ends with a slash`);
    if (node.fileSystem !== walked.directory.fileSystem) {
      refuse(ERRNO.EXDEV, 'the name would be of another file system');
    }
    this.checkChange(walked.directory);
    walked.directory.link(walked.name, node);
  }

  /** renameat2. */
  rename(from: number, oldPath: string, to: number, newPath: string, flags: number): void {
    const options = { followLast: false, slashFollows: false };
    const source = this.find(from, oldPath, options);
    const target = this.find(to, newPath, options);
    for (const { last } of [source, target]) {
      if (last === '.' || last === '..') refuse(ERRNO.EBUSY, `${last} cannot be renamed`);
    }
    const { node } = source;
    if (node === undefined) return refuse(ERRNO.ENOENT, `${oldPath} is not there`);
    const exchange = (flags & RENAME_EXCHANGE) !== 0;
    if (exchange && target.node === undefined) refuse(ERRNO.ENOENT, `${newPath} is not there`);
    if (flags & RENAME_NOREPLACE && target.node !== undefined) {
      refuse(ERRNO.EEXIST, `${newPath} is there already`);
    }
    if (node.fileSystem !== target.directory.fileSystem) {
      refuse(ERRNO.EXDEV, 'the new name would be of another file system');
    }
    const isDirectory = node instanceof DirectoryNode;
    if (!isDirectory && (target.asDirectory || source.asDirectory)) {
      refuse(ERRNO.ENOTDIR, 'a path ends with a slash');
    }
    if (isDirectory && isWithin(target.directory, node)) {
      refuse(ERRNO.EINVAL, 'a directory cannot be moved into itself');
    }
    this.checkRemoval(source.directory, node);
    this.checkChange(target.directory);
    if (target.node !== undefined && target.node !== node) {
      this.checkRemoval(target.directory, target.node);
      if (target.node instanceof DirectoryNode && isWithin(source.directory, target.node)) {
        refuse(ERRNO.ENOTEMPTY, `${newPath} is not empty`);
      }
      if (!exchange) checkReplacement(isDirectory, target.node instanceof DirectoryNode);
    }
    source.directory.rename(source.name, target.directory, target.name, exchange);
  }

  /** access(2): whether the process may do `wanted` with the file. */
  mayAccess(node: FileNode, wanted: number): void {
    const { kind, fileSystem } = node;
    if (wanted & MAY_WRITE && fileSystem.readOnly && ['file', 'directory'].includes(kind)) {
      refuse(ERRNO.EROFS, 'the file system is read-only');
    }
    this.tree.check(this.process, node, wanted);
  }

  /** Before a file's attributes or content change. */
  checkOwner(node: FileNode): void {
    if (node.fileSystem.readOnly) refuse(ERRNO.EROFS, 'the file system is read-only');
    if (node.status().user !== this.process.user && this.process.user !== 0) {
      refuse(ERRNO.EPERM, 'the file belongs to somebody else');
    }
  }

  private openDirectory(node: DirectoryNode, flags: number): DirectoryFile {
    node.hold?.();
    return new DirectoryFile(flags, node, () => this.tree.list(node, this.process));
  }

  private openUnnamed(from: number, path: string, flags: number, mode: number): OpenFile {
    if ((flags & O_ACCMODE) === O_RDONLY) refuse(ERRNO.EINVAL, 'O_TMPFILE is for writing');
    const directory = this.existing(from, path);
    if (!(directory instanceof DirectoryNode)) {
      return refuse(ERRNO.ENOTDIR, `${path} is no directory`);
    }
    this.checkChange(directory);
    const { fileSystem } = directory;
    if (fileSystem.type !== 'tmpfs') refuse(ERRNO.EOPNOTSUPP, 'O_TMPFILE is not there');
    const node = new MemoryFile(this.tree.anonymous, mode & ~this.modeMask);
    node.attributes.links = 0;
    const number = node.attributes.inode;
    const kept = flags & ~O_TMPFILE;
    const name = (): string => `${path}/#${number} (deleted)`;
    return node.open({ flags: kept, process: this.process, path: name });
  }

  private directory(from: number, path: string): DirectoryNode {
    if (path === '' || path.startsWith('/') || from === AT_FDCWD) return this.current;
    const { node } = this.process.descriptors.file(from);
    if (node instanceof DirectoryNode) return node;
    return refuse(ERRNO.ENOTDIR, `descriptor ${from} is no directory`);
  }

  private make({ directory, name }: Walked, what: NewNode): FileNode {
    this.checkChange(directory);
    if (directory.removed) refuse(ERRNO.ENOENT, 'the directory has been removed');
    const masked =
      what.kind === 'link' ? what : { kind: what.kind, mode: what.mode & 0o7777 & ~this.modeMask };
    return directory.create(name, masked, this.process);
  }

  private checkChange(directory: DirectoryNode): void {
    this.tree.check(this.process, directory, MAY_WRITE | MAY_EXECUTE);
    if (directory.fileSystem.readOnly) refuse(ERRNO.EROFS, 'the file system is read-only');
  }

  private checkRemoval(directory: DirectoryNode, node: FileNode): void {
    if (this.tree.isMountPoint(node)) refuse(ERRNO.EBUSY, 'something is mounted there');
    this.checkChange(directory);
    const { mode, user } = directory.status();
    const mine = [user, node.status().user].includes(this.process.user);
    if (mode & STICKY && !mine && !allows(this.process, { ...node.status(), mode: 0 }, 1)) {
      refuse(ERRNO.EPERM, 'the directory is sticky and the file belongs to somebody else');
    }
  }
}

function isWithin(directory: DirectoryNode, above: DirectoryNode): boolean {
  for (let at: DirectoryNode | undefined = directory; at !== undefined; at = at.parent) {
    if (at === above) return true;
    if (at.parent === at) return false;
  }
  return false;
}

function checkReplacement(isDirectory: boolean, replacesDirectory: boolean): void {
  if (isDirectory && !replacesDirectory) refuse(ERRNO.ENOTDIR, 'the new name is no directory');
  if (!isDirectory && replacesDirectory) refuse(ERRNO.EISDIR, 'the new name is a directory');
}
