import { ERRNO } from '../abi/errno';
import { SyscallError } from '../call';
import type { StandardStreams } from '../streams';
import type { DescriptorTable } from './descriptors';
import type { FileStatus, OpenFile } from './open-file';

export type NodeKind = 'directory' | 'file' | 'link' | 'device' | 'fifo' | 'socket';

/** A mounted file system. */
export interface FileSystem {
  /** st_dev. */
  readonly device: number;
  /** As /proc/mounts names it. */
  readonly type: string;
  /** f_type of statfs (include/uapi/linux/magic.h). */
  readonly magic: number;
  readonly readOnly: boolean;
  /** Bytes and files in all, and how many are left. */
  usage(): { bytes: number; freeBytes: number; files: number; freeFiles: number };
}

/** What files need to know of the process that opens or looks at them. */
export interface ProcessView {
  readonly pid: number;
  readonly parentPid: number;
  /** Ids of the process group and session. */
  readonly processGroup: number;
  readonly session: number;
  /** The terminal, when it is the session's. */
  readonly terminal: { readonly foreground: number } | undefined;
  /** Running, sleeping, stopped, zombie. */
  readonly runState: 'R' | 'S' | 'T' | 'Z';
  /** Nanoseconds. */
  readonly processorTime: bigint;
  readonly user: number;
  readonly group: number;
  readonly name: string;
  readonly descriptors: DescriptorTable;
  readonly streams: StandardStreams;
  /** Path of the program, and its file. */
  executablePath(): string;
  executable(): FileNode | undefined;
  commandLine(): Uint8Array;
  environment(): Uint8Array;
  auxiliaryVector(): Uint8Array;
  workingDirectory(): DirectoryNode;
  /** Threads that live, the first one with the process's number. */
  threads(): readonly { readonly tid: number; readonly name: string }[];
  /** Lines of /proc/self/maps. */
  memoryMap(): string;
  /** Pages: in all, resident. */
  memorySize(): { total: number; resident: number };
  /** Signals: pending, blocked, ignored, caught, bit n - 1 for signal n. */
  signalSets(): { pending: bigint; blocked: bigint; ignored: bigint; caught: bigint };
  fillRandom(bytes: Uint8Array): void;
  /** Monotonic nanoseconds since the system's start, and at the process's. */
  uptime(): bigint;
  startTime(): bigint;
}

/** Where a look-up has ended: a name in a directory, and what it names. */
export interface Place {
  readonly directory: DirectoryNode;
  readonly name: string;
  /** Undefined when there is nothing of that name. */
  readonly node: FileNode | undefined;
}

/** How a file is opened. */
export interface OpenRequest {
  readonly flags: number;
  readonly process: ProcessView;
  /** Its path, which changes when a directory above it is renamed. */
  readonly path: () => string;
}

/** Times for utimensat in nanoseconds; undefined leaves one as it is. */
export interface NewTimes {
  readonly access: bigint | undefined;
  readonly modify: bigint | undefined;
}

export function refuse(errno: number, message: string): never {
  throw new SyscallError(errno, message);
}

/** A file, directory, link or device: what names refer to. Methods throw SyscallError. */
export abstract class FileNode {
  abstract readonly kind: NodeKind;
  abstract readonly fileSystem: FileSystem;

  abstract status(): FileStatus;

  /** A new open file description. */
  abstract open(request: OpenRequest): OpenFile;

  truncate(size: number): void {
    refuse(ERRNO.EINVAL, `nothing to cut to ${size} bytes`);
  }

  setMode(mode: number): void {
    refuse(ERRNO.EPERM, `permissions ${mode.toString(8)} cannot be given to this file`);
  }

  setOwner(user: number | undefined, group: number | undefined): void {
    refuse(ERRNO.EPERM, `the file cannot be given to ${user ?? '-'}:${group ?? '-'}`);
  }

  setTimes(times: NewTimes): void {
    refuse(ERRNO.EPERM, `times cannot be changed here: ${Object.keys(times).join()}`);
  }
}

/** A symbolic link. */
export abstract class LinkNode extends FileNode {
  readonly kind = 'link';

  /** What readlink tells. */
  abstract target(process: ProcessView): string;

  /** What the link leads to without a look at its text, as those of /proc/self/fd do. */
  jump?(process: ProcessView): Place;

  open(): OpenFile {
    return refuse(ERRNO.ELOOP, 'the file is a symbolic link');
  }
}

export interface DirectoryEntry {
  readonly name: string;
  readonly inode: number;
  /** S_IFMT bits. */
  readonly type: number;
}

/** What can be made under a new name. */
export type NewNode =
  | { readonly kind: 'file' | 'directory' | 'fifo' | 'socket'; readonly mode: number }
  | { readonly kind: 'link'; readonly target: string };

/**
 * A directory. It knows its own place, since a directory has one name only. Callers have checked
 * permissions, and that names are single components that exist or not, as the operation needs.
 */
export abstract class DirectoryNode extends FileNode {
  readonly kind = 'directory';
  parent: DirectoryNode | undefined;
  name = '';

  abstract lookup(name: string, process: ProcessView): FileNode | undefined;

  /** Entries without `.` and `..`. */
  abstract list(process: ProcessView): DirectoryEntry[];

  /** True once the directory is removed. */
  get removed(): boolean {
    return false;
  }

  /** A process has the directory open, or is in it: it goes on with this one when its name is given away. */
  hold?(): void;

  create(name: string, node: NewNode, process: ProcessView): FileNode {
    return refuse(
      ERRNO.EACCES,
      `no ${node.kind} ${name} can be made here by process ${process.pid}`,
    );
  }

  /** One more name for a file of the same file system. */
  link(name: string, node: FileNode): void {
    refuse(ERRNO.EPERM, `a ${node.kind} cannot be linked as ${name} here`);
  }

  /** Takes a name away. */
  remove(name: string, node: FileNode): void {
    refuse(ERRNO.EPERM, `the ${node.kind} ${name} cannot be removed`);
  }

  /** Moves a name to a directory of the same file system, where it replaces what is there. */
  rename(name: string, target: DirectoryNode, newName: string, exchange: boolean): void {
    const what = exchange ? 'exchanged with' : 'moved to';
    refuse(ERRNO.EPERM, `${name} cannot be ${what} ${newName} of ${target.name}`);
  }
}

/** The absolute path of a directory. */
export function directoryPath(directory: DirectoryNode): string {
  const names: string[] = [];
  for (
    let at: DirectoryNode | undefined = directory;
    at?.parent !== undefined && at.parent !== at;
    at = at.parent
  ) {
    names.push(at.name);
  }
  return `/${names.reverse().join('/')}`;
}

/** The absolute path of a place, as /proc shows it. */
export function placePath({ directory, name, node }: Place): string {
  const gone = node?.status().links === 0 ? ' (deleted)' : '';
  if (node instanceof DirectoryNode) return directoryPath(node) + gone;
  const above = directoryPath(directory);
  return (above === '/' ? `/${name}` : `${above}/${name}`) + gone;
}
