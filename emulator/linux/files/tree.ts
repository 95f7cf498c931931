import { ERRNO } from '../abi/errno';
import { SyscallError } from '../call';
import { DEFAULT_GROUP, DEFAULT_USER, PROCESSORS, UTSNAME } from '../identity';
import { MemoryQuota } from './bytes';
import { makeDevices } from './device-tree';
import type { HostDirectory } from './host-nodes';
import { HostFolder } from './host-folder';
import { MemoryFileSystem } from './attributes';
import { FixedFile, MemoryDirectory } from './memory-nodes';
import {
  DirectoryNode,
  LinkNode,
  refuse,
  type DirectoryEntry,
  type FileNode,
  type Place,
  type ProcessView,
} from './node';
import { O_RDONLY, S_IFDIR, type FileStatus } from './open-file';
import { ProcTree, type SystemView } from './proc';
import { FileLocks } from './locks';
import { minimalFiles } from './minimal-files';

/** A folder of the host that the guest may use. */
export interface FolderGrant {
  readonly hostPath: string;
  /** Absolute path in the guest; `/` makes it the root. */
  readonly guestPath: string;
  readonly writable: boolean;
}

export interface FileTreeOptions {
  /** Folders of the host [none]. */
  readonly grants?: readonly FolderGrant[];
  /** Bytes that files in memory may have together [512 MiB]. */
  readonly fileBytes?: number;
  /** Files that there may be in memory [100,000]. */
  readonly files?: number;
  /** Nanoseconds since 1970 [the host's clock]. */
  readonly now?: () => bigint;
}

const DEFAULT_FILE_BYTES = 512 * 1024 * 1024;
const DEFAULT_FILES = 100_000;
const PROC_MAGIC = 0x9fa0;

/** Symbolic links that one look-up follows at most. */
const MAX_LINKS = 40;
const NAME_MAX = 255;

/** Bits of access(2). */
export const MAY_EXECUTE = 1;
export const MAY_WRITE = 2;
export const MAY_READ = 4;

/** RESOLVE_ flags of openat2 (include/uapi/linux/openat2.h). */
export const RESOLVE = {
  NO_XDEV: 1,
  NO_MAGICLINKS: 2,
  NO_SYMLINKS: 4,
  BENEATH: 8,
  IN_ROOT: 16,
  CACHED: 32,
} as const;

export interface WalkOptions {
  /** Whether a link at the end is followed [true]. */
  readonly followLast?: boolean;
  /** Whether a slash at the end follows a link there all the same; rmdir and rename do not [true]. */
  readonly slashFollows?: boolean;
  /** RESOLVE_ flags [0]. */
  readonly resolve?: number;
}

/** Where a path leads, and whether it was written as a directory's. */
export interface Walked extends Place {
  /** The path ends with a slash. */
  readonly asDirectory: boolean;
  /** The last component as it was written: `.` and `..` matter to unlink. */
  readonly last: string;
}

class ProcFileSystem extends MemoryFileSystem {
  override readonly type = 'proc';
  override readonly magic = PROC_MAGIC;
}

/**
 * The guest's files: one tree of mounted file systems. By default all of it is in memory; granted
 * folders of the host are mounted over it. All processes of a machine share it.
 */
export class FileTree implements SystemView {
  readonly root: DirectoryNode;
  readonly hostName = UTSNAME[1];
  readonly processors = PROCESSORS;
  /** What /proc/meminfo tells; set by the kernel. */
  memory: () => { total: number; free: number } = () => ({ total: 0, free: 0 });
  /** Files in memory without a name (memfd_create). */
  readonly anonymous: MemoryFileSystem;

  /** Advisory locks of all processes. */
  readonly locks: FileLocks;
  /** What all of its memory comes from. */
  readonly quota: MemoryQuota;

  private readonly mounted = new Map<string, Map<string, DirectoryNode>>();
  private readonly mountLines: string[] = [];
  private readonly views = new Map<number, ProcessView>();
  private readonly folders: HostFolder[] = [];
  private readonly proc: ProcTree;
  private devices = 0;

  /** @throws Error when a granted folder is not there */
  constructor(options: FileTreeOptions = {}) {
    const now = options.now ?? (() => BigInt(Date.now()) * 1_000_000n);
    const quota = new MemoryQuota(
      options.fileBytes ?? DEFAULT_FILE_BYTES,
      options.files ?? DEFAULT_FILES,
    );
    this.quota = quota;
    this.locks = new FileLocks(quota);
    const memory = (): MemoryFileSystem => new MemoryFileSystem(++this.devices, quota, now);
    const grants = [...(options.grants ?? [])].sort(
      (a, b) => a.guestPath.length - b.guestPath.length,
    );
    const rootGrant = grants.find(({ guestPath }) => guestPath === '/');
    const fileSystem = memory();
    if (rootGrant === undefined) {
      const root = new MemoryDirectory(fileSystem);
      this.root = root;
      minimalFiles(root);
    } else {
      this.root = this.hostDirectory(rootGrant);
    }
    this.note('rootfs', '/', this.root);
    this.root.parent = this.root;
    this.anonymous = memory();
    const devices = memory();
    this.mount('/dev', makeDevices(devices), 'devtmpfs');
    this.proc = new ProcTree(new ProcFileSystem(++this.devices, quota, now), this);
    this.mount('/proc', this.proc.root, 'proc');
    this.mount('/tmp', new MemoryDirectory(memory(), 0o1777), 'tmpfs');
    for (const grant of grants) {
      if (grant !== rootGrant) {
        this.mount(grant.guestPath, this.hostDirectory(grant), 'host', fileSystem);
      }
    }
  }

  /** A process is there to be seen in /proc. */
  register(view: ProcessView): void {
    this.views.set(view.pid, view);
  }

  unregister(pid: number): void {
    this.views.delete(pid);
    this.proc.forget(pid);
  }

  process(pid: number): ProcessView | undefined {
    return this.views.get(pid);
  }

  processes(): readonly ProcessView[] {
    return [...this.views.values()];
  }

  mounts(): string {
    return this.mountLines.join('');
  }

  /**
   * Reads a program by its path in the guest.
   * @returns undefined when there is no such file
   * @throws SyscallError when there is one that cannot be run
   */
  readProgram(path: string): Uint8Array | undefined {
    const { node } = this.walkIfThere(path) ?? {};
    if (node === undefined) return undefined;
    if (node.kind !== 'file') return refuse(ERRNO.EACCES, `${path} is no regular file`);
    this.check(NOBODY, node, MAY_EXECUTE);
    const request = { flags: O_RDONLY, process: NOBODY, path: () => path };
    const file = node.open(request).retain();
    try {
      const bytes = file.mappedBytes?.(0, node.status().size);
      return bytes instanceof Uint8Array ? bytes : refuse(ERRNO.EACCES, `${path} cannot be read`);
    } finally {
      file.release();
    }
  }

  /**
   * Shows a program that was started from outside. In a root in memory it lies at its path, unless
   * something else does.
   */
  provide(path: string, bytes: Uint8Array): FileNode {
    const file = new FixedFile(this.anonymous, bytes);
    let directory: FileNode | undefined = this.root;
    const names = components(path);
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      if (!(directory instanceof MemoryDirectory) || name === '.' || name === '..') return file;
      const found = this.child(directory, name, NOBODY);
      if (names.length === 0) {
        if (found === undefined) directory.add(name, file);
        return file;
      }
      directory = found ?? directory.add(name, new MemoryDirectory(directory.fileSystem));
    }
    return file;
  }

  /** Gives the host's descriptors back. */
  dispose(): void {
    for (const folder of this.folders) folder.dispose();
  }

  /** What a host path is called in the guest, when a grant shows it. */
  guestPath(hostPath: string): string | undefined {
    for (const folder of [...this.folders].reverse()) {
      const inside = folder.inside(hostPath);
      if (inside === undefined) continue;
      const path = `${folder.guestPath}/${inside}`.replace(/\/+/g, '/');
      return path.length > 1 ? path.replace(/\/$/, '') : path;
    }
    return undefined;
  }

  /** The entry of a directory: what is mounted there, or its own. */
  child(directory: DirectoryNode, name: string, process: ProcessView): FileNode | undefined {
    return this.mountsOf(directory)?.get(name) ?? directory.lookup(name, process);
  }

  isMountPoint(node: FileNode): boolean {
    if (!(node instanceof DirectoryNode) || node.parent === undefined) return false;
    return node.parent === node || this.mountsOf(node.parent)?.get(node.name) === node;
  }

  /** A directory's entries, mounted ones among them. */
  list(directory: DirectoryNode, process: ProcessView): DirectoryEntry[] {
    const mounted = this.mountsOf(directory);
    const own = directory.list(process);
    if (mounted === undefined) return own;
    const hidden = own.filter(({ name }) => !mounted.has(name));
    const over = [...mounted].map(([name, node]) => {
      return { name, inode: node.status().inode, type: S_IFDIR };
    });
    return [...hidden, ...over];
  }

  /**
   * Follows a path, component by component. What the last one names need not be there.
   * @throws SyscallError ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, EXDEV
   */
  walk(
    process: ProcessView,
    start: DirectoryNode,
    path: string,
    { followLast = true, slashFollows = true, resolve = 0 }: WalkOptions = {},
  ): Walked {
    if (path === '') refuse(ERRNO.ENOENT, 'the path is empty');
    const beneath = (resolve & RESOLVE.BENEATH) !== 0;
    const confined = beneath || (resolve & RESOLVE.IN_ROOT) !== 0;
    const top = confined ? start : this.root;
    const absolute = (text: string): boolean => {
      if (!text.startsWith('/')) return false;
      if (beneath) refuse(ERRNO.EXDEV, `${text} leads out of the directory`);
      return true;
    };
    const rest = components(path);
    let place = placeOf(absolute(path) ? top : start);
    let asDirectory = path.endsWith('/');
    let last = rest[0] ?? '/';
    let links = 0;
    for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
      const directory = place.node;
      if (!(directory instanceof DirectoryNode)) {
        return refuse(
          directory === undefined ? ERRNO.ENOENT : ERRNO.ENOTDIR,
          `${path}: ${place.name} is no directory`,
        );
      }
      this.check(process, directory, MAY_EXECUTE);
      if (name === '.') continue;
      if (name === '..') {
        if (directory === top && beneath) refuse(ERRNO.EXDEV, `${path} leads out`);
        if (directory !== top) place = placeOf(directory.parent ?? this.root);
        continue;
      }
      if (Buffer.byteLength(name) > NAME_MAX) {
        refuse(ERRNO.ENAMETOOLONG, 'a name in the path has more than 255 bytes');
      }
      const node = this.child(directory, name, process);
      const isLast = rest.length === 0;
      if (node instanceof LinkNode && (!isLast || followLast || (asDirectory && slashFollows))) {
        links += 1;
        if (links > MAX_LINKS || resolve & RESOLVE.NO_SYMLINKS) {
          refuse(ERRNO.ELOOP, `${path}: too many symbolic links`);
        }
        if (node.jump !== undefined) {
          if (resolve & RESOLVE.NO_MAGICLINKS) refuse(ERRNO.ELOOP, `${path}: a magic link`);
          if (confined) refuse(ERRNO.EXDEV, `${path} leads out of the directory`);
          place = node.jump(process);
          continue;
        }
        const target = node.target(process);
        if (target === '') refuse(ERRNO.ENOENT, `${name} is an empty link`);
        place = placeOf(absolute(target) ? top : directory);
        const more = components(target);
        if (isLast) {
          asDirectory ||= target.endsWith('/');
          last = more[0] ?? '/';
        }
        rest.push(...more);
        continue;
      }
      if (resolve & RESOLVE.NO_XDEV && node && node.fileSystem !== directory.fileSystem) {
        refuse(ERRNO.EXDEV, `${name} is of another file system`);
      }
      place = { directory, name, node };
    }
    if (asDirectory && place.node !== undefined && !(place.node instanceof DirectoryNode)) {
      refuse(ERRNO.ENOTDIR, `${path} is no directory`);
    }
    return { ...place, asDirectory, last };
  }

  /** @throws SyscallError EACCES when the process may not do that with the file */
  check(process: ProcessView, node: FileNode, wanted: number): void {
    if (!allows(process, node.status(), wanted)) {
      refuse(ERRNO.EACCES, 'the permissions of the file do not allow that');
    }
  }

  private walkIfThere(path: string): Walked | undefined {
    try {
      return this.walk(NOBODY, this.root, path);
    } catch (error) {
      const missing: readonly number[] = [ERRNO.ENOENT, ERRNO.ENOTDIR];
      if (error instanceof SyscallError && missing.includes(error.errno)) return undefined;
      throw error;
    }
  }

  private hostDirectory({ hostPath, guestPath, writable }: FolderGrant): HostDirectory {
    const folder = new HostFolder(hostPath, guestPath, writable, ++this.devices);
    this.folders.push(folder);
    return folder.root;
  }

  /** Mounts a directory; what of its path is not there is made up in memory. */
  private mount(
    path: string,
    node: DirectoryNode,
    source: string,
    filler?: MemoryFileSystem,
  ): void {
    const names = components(path).reverse();
    const name = names.pop();
    if (name === undefined || [name, ...names].some((part) => part === '.' || part === '..')) {
      throw new Error(`${path}: nothing can be mounted there`);
    }
    let directory = this.root;
    for (const part of names) {
      const found = this.child(directory, part, NOBODY);
      if (found instanceof DirectoryNode) {
        directory = found;
        continue;
      }
      if (filler === undefined || (found !== undefined && !(found instanceof LinkNode))) {
        throw new Error(`${path}: ${part} is no directory in the guest`);
      }
      if (found instanceof LinkNode) {
        throw new Error(`${path}: ${part} is a symbolic link in the guest: name its target`);
      }
      const made = new MemoryDirectory(filler);
      this.attach(directory, part, made);
      directory = made;
    }
    this.attach(directory, name, node);
    this.note(source, path, node);
  }

  private attach(directory: DirectoryNode, name: string, node: DirectoryNode): void {
    node.parent = directory;
    node.name = name;
    const key = keyOf(directory);
    const known = this.mounted.get(key) ?? new Map<string, DirectoryNode>();
    this.mounted.set(key, known.set(name, node));
  }

  private note(source: string, path: string, { fileSystem }: DirectoryNode): void {
    const access = fileSystem.readOnly ? 'ro' : 'rw';
    this.mountLines.push(`${source} ${path} ${fileSystem.type} ${access},relatime 0 0\n`);
  }

  private mountsOf(directory: DirectoryNode): Map<string, DirectoryNode> | undefined {
    return this.mounted.get(keyOf(directory));
  }
}

/** Directories are known by their numbers: those of the host come and go as objects. */
function keyOf(directory: DirectoryNode): string {
  return `${directory.fileSystem.device}:${directory.status().inode}`;
}

/** The components of a path, the last one first. */
function components(path: string): string[] {
  return path
    .split('/')
    .filter((part) => part !== '')
    .reverse();
}

function placeOf(node: DirectoryNode): Place {
  return { directory: node.parent ?? node, name: node.name, node };
}

/** Whether permissions let the process read, write or execute. */
export function allows(
  { user, group }: Pick<ProcessView, 'user' | 'group'>,
  status: FileStatus,
  wanted: number,
): boolean {
  if (user === 0) return true;
  const shift = (status.user ?? user) === user ? 6 : status.group === group ? 3 : 0;
  return ((status.mode >> shift) & wanted) === wanted;
}

/** Who builds the tree: look-ups of /proc need somebody. */
const NOBODY: ProcessView = {
  user: DEFAULT_USER,
  group: DEFAULT_GROUP,
  get pid(): number {
    return refuse(ERRNO.ESRCH, 'there is no process yet');
  },
} as ProcessView;
