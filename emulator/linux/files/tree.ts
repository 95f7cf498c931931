import { ERRNO } from '../abi/errno';
import type { StandardStreams } from '../streams';
import { BytesFile, DirectoryFile, MemoryDevice } from './devices';
import {
  O_ACCMODE,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  S_IFLNK,
  type FileStatus,
  type OpenFile,
} from './open-file';
import { StreamFile } from './stream-file';

/** What the tree shows of the process. */
export interface TreeSource {
  readonly streams: StandardStreams;
  readonly fillRandom: (bytes: Uint8Array) => void;
  /** Path of the program. */
  executablePath(): string;
  executableBytes(): Uint8Array;
  commandLine(): Uint8Array;
}

interface Node {
  readonly inode: number;
  readonly open?: (path: string, flags: number, inode: number) => OpenFile;
  /** Target of a symbolic link. */
  readonly link?: () => string;
  readonly writable: boolean;
}

/** Links that one look-up follows at most. */
const MAX_LINKS = 40;

/**
 * The few files that a guest finds: devices, and itself in /proc. They are in memory; nothing of the
 * host can be reached.
 */
export class FileTree {
  private readonly nodes = new Map<string, Node>();

  constructor(private readonly source: TreeSource) {
    for (const path of ['/', '/dev', '/proc', '/proc/self', '/tmp', '/etc']) {
      this.add(path, (name, flags, inode) => new DirectoryFile(name, flags, inode));
    }
    const zero = (bytes: Uint8Array): Uint8Array => bytes.fill(0);
    this.addDevice('null', 3, undefined, undefined);
    this.addDevice('zero', 5, zero, undefined);
    this.addDevice('full', 7, zero, ERRNO.ENOSPC);
    this.addDevice('random', 8, source.fillRandom, undefined);
    this.addDevice('urandom', 9, source.fillRandom, undefined);
    this.addStreams();
    this.addLink('/proc/self/exe', () => source.executablePath());
    this.addBytes('/proc/self/cmdline', 0o444, () => source.commandLine());
  }

  /** An open file, or a negative errno. */
  open(path: string, flags: number): OpenFile | number {
    const found = this.find(path, true);
    if (typeof found === 'number') {
      // There is no directory that takes new files yet.
      return found === -ERRNO.ENOENT && flags & O_CREAT ? -ERRNO.EROFS : found;
    }
    const { node, name } = found;
    if (node.open === undefined) return -ERRNO.ELOOP;
    if (flags & O_CREAT && flags & O_EXCL) return -ERRNO.EEXIST;
    const file = node.open(name, flags, node.inode);
    const isDirectory = file instanceof DirectoryFile;
    if (flags & O_DIRECTORY && !isDirectory) return -ERRNO.ENOTDIR;
    if ((flags & O_ACCMODE) !== O_RDONLY && (flags & O_PATH) === 0) {
      if (isDirectory) return -ERRNO.EISDIR;
      if (!node.writable) return -ERRNO.EACCES;
    }
    return file;
  }

  /** What stat (or, without following the last link, lstat) tells; or a negative errno. */
  status(path: string, followLast: boolean): FileStatus | number {
    const found = this.find(path, followLast);
    if (typeof found === 'number') return found;
    const { node, name } = found;
    if (node.open !== undefined) return node.open(name, O_RDONLY, node.inode).status();
    const size = node.link?.().length ?? 0;
    return { inode: node.inode, mode: S_IFLNK | 0o777, size };
  }

  /** Target of a symbolic link; EINVAL for anything else. */
  readLink(path: string): string | number {
    const found = this.find(path, false);
    if (typeof found === 'number') return found;
    return found.node.link?.() ?? -ERRNO.EINVAL;
  }

  /** Whether a write would be allowed (access with W_OK); or a negative errno. */
  isWritable(path: string): boolean | number {
    const found = this.find(path, true);
    return typeof found === 'number' ? found : found.node.writable;
  }

  private find(path: string, followLast: boolean): { node: Node; name: string } | number {
    let name = path;
    for (let links = 0; links < MAX_LINKS; links++) {
      const executable = name === this.source.executablePath();
      const node = this.nodes.get(name) ?? (executable ? this.executableNode() : undefined);
      if (node === undefined) return this.hasFileAbove(name) ? -ERRNO.ENOTDIR : -ERRNO.ENOENT;
      if (node.link === undefined || !followLast) return { node, name };
      name = node.link();
    }
    return -ERRNO.ELOOP;
  }

  private hasFileAbove(path: string): boolean {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const node = this.nodes.get(path.slice(0, end));
      if (node === undefined) continue;
      const file = node.open?.(path, O_RDONLY, node.inode);
      return !(file instanceof DirectoryFile);
    }
    return false;
  }

  private executableNode(): Node {
    const bytes = this.source.executableBytes();
    return {
      inode: 2,
      writable: false,
      open: (name, flags, inode) => new BytesFile(name, flags, inode, 0o755, bytes),
    };
  }

  private add(path: string, open: Node['open'], writable = false): void {
    this.nodes.set(path, { inode: 10 + this.nodes.size, writable, ...(open && { open }) });
  }

  private addBytes(path: string, permissions: number, bytes: () => Uint8Array): void {
    this.add(path, (name, flags, inode) => new BytesFile(name, flags, inode, permissions, bytes()));
  }

  private addLink(path: string, link: () => string): void {
    this.nodes.set(path, { inode: 10 + this.nodes.size, writable: false, link });
  }

  private addDevice(
    name: string,
    minor: number,
    fill: ((bytes: Uint8Array) => void) | undefined,
    writeError: number | undefined,
  ): void {
    this.add(
      `/dev/${name}`,
      (path, flags, inode) => new MemoryDevice(path, flags, inode, minor, fill, writeError),
      true,
    );
  }

  private addStreams(): void {
    const { stdin, stdout, stderr } = this.source.streams;
    const streams = [
      { name: 'stdin', input: stdin, output: undefined },
      { name: 'stdout', input: undefined, output: stdout },
      { name: 'stderr', input: undefined, output: stderr },
    ];
    for (const { name, input, output } of streams) {
      const open: Node['open'] = (path, flags, inode) =>
        new StreamFile(path, flags, input, output, inode);
      this.add(`/dev/${name}`, open, output !== undefined);
    }
    // The controlling terminal is there only when a stream is one.
    if (stdin.isTerminal || stdout.isTerminal) {
      this.add(
        '/dev/tty',
        (path, flags, inode) => new StreamFile(path, flags, stdin, stdout, inode),
        true,
      );
    }
  }

  /** The files of descriptors 0, 1 and 2. */
  standardFiles(): readonly OpenFile[] {
    const { stdin, stdout, stderr } = this.source.streams;
    // On a terminal all three are the same open terminal, for reading and for writing.
    const both = stdin.isTerminal && stdout.isTerminal;
    const open = (stream: { isTerminal: boolean }, index: number): OpenFile => {
      const path = stream.isTerminal ? '/dev/pts/0' : `pipe:[${index + 4}]`;
      const flags = stream.isTerminal && both ? O_RDWR : index === 0 ? O_RDONLY : O_WRONLY;
      const input = index === 0 || flags === O_RDWR ? stdin : undefined;
      const output = index === 2 ? stderr : index === 1 || flags === O_RDWR ? stdout : undefined;
      return new StreamFile(path, flags, input, output, 3);
    };
    return [open(stdin, 0), open(stdout, 1), open(stderr, 2)];
  }
}
