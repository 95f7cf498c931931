import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  realpathSync,
  statfsSync,
  type BigIntStats,
} from 'node:fs';
import { join, relative, sep } from 'node:path';
import { ERRNO } from '../abi/errno';
import { SyscallError } from '../call';
import { HostDirectory } from './host-nodes';
import { refuse, type FileSystem } from './node';
import type { SharedView } from './regular-file';

const HOST_MAGIC = 0xef53;
/** O_PATH of Linux, which Node does not name: a descriptor that stands for a file without opening it. */
const O_PATH = 0o10000000;
/** Host descriptors that are kept for directories. */
const MAX_HANDLES = 64;

const hasDescriptorPaths = existsSync('/proc/self/fd');

/**
 * A folder of the host that is granted to the guest. Every access to the host goes through here: it
 * names one component below a directory that is held open, and never follows a symbolic link, so that
 * neither `..`, nor a link, nor a race with another process leads out of the folder (docs/sandbox.md).
 */
export class HostFolder implements FileSystem {
  readonly type = 'host';
  readonly magic = HOST_MAGIC;
  readonly root: HostDirectory;
  /** Mappings of files by the host's numbers. */
  readonly views = new Map<string, Set<SharedView>>();
  private readonly path: string;
  /** Open directories, the one used last at the end. */
  private readonly handles = new Map<HostDirectory, number>();
  private readonly rootHandle: number | undefined;

  /** @throws Error when the path is no folder of the host */
  constructor(
    hostPath: string,
    readonly guestPath: string,
    private readonly writable: boolean,
    readonly device: number,
  ) {
    this.path = realpathSync(hostPath);
    const status = lstatSync(this.path, { bigint: true });
    if (!status.isDirectory()) throw new Error(`${hostPath} is no folder`);
    if (hasDescriptorPaths) {
      this.rootHandle = openSync(this.path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    }
    this.root = new HostDirectory(this, undefined, '', status);
  }

  get readOnly(): boolean {
    return !this.writable;
  }

  usage(): { bytes: number; freeBytes: number; files: number; freeFiles: number } {
    const { bsize, blocks, bavail, files, ffree } = statfsSync(this.path);
    return { bytes: bsize * blocks, freeBytes: bsize * bavail, files, freeFiles: ffree };
  }

  /** A host path below this folder, seen from it; undefined when it is not below. */
  inside(hostPath: string): string | undefined {
    const path = relative(this.path, realpathSync(hostPath));
    return path === '..' || path.startsWith(`..${sep}`) || path.startsWith(sep) ? undefined : path;
  }

  /** Called before anything is changed. */
  assertWritable(): void {
    if (!this.writable) refuse(ERRNO.EROFS, 'the folder is granted for reading only');
  }

  /**
   * Calls `use` with a host path that names `name` in `directory`; a link there is not followed by the
   * calls that take it. Errors of the host become the guest's.
   */
  at<T>(directory: HostDirectory, name: string, use: (path: string) => T): T {
    if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
      refuse(ERRNO.EINVAL, 'that is no name of a file');
    }
    return hostCall(() => use(join(this.directoryPath(directory), name)));
  }

  /** Calls `use` with a host path that names the directory itself. */
  within<T>(directory: HostDirectory, use: (path: string) => T): T {
    return hostCall(() => use(this.directoryPath(directory)));
  }

  /**
   * Calls `use` with a host path that leads to this very file, whatever happens to its name meanwhile. What
   * is there must be of the kind that `accepts` names, and no link.
   */
  pinned<T>(
    directory: HostDirectory,
    name: string,
    accepts: (status: BigIntStats) => boolean,
    use: (path: string, status: BigIntStats) => T,
  ): T {
    return this.at(directory, name, (path) => {
      const check = (status: BigIntStats): BigIntStats =>
        accepts(status) ? status : refuse(ERRNO.EACCES, `${name} cannot be used in the sandbox`);
      if (!hasDescriptorPaths) return use(path, check(lstatSync(path, { bigint: true })));
      const fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
      try {
        return use(`/proc/self/fd/${fd}`, check(fstatSync(fd, { bigint: true })));
      } finally {
        closeSync(fd);
      }
    });
  }

  private forget(directory: HostDirectory): void {
    const fd = this.handles.get(directory);
    if (fd === undefined) return;
    this.handles.delete(directory);
    closeSync(fd);
  }

  dispose(): void {
    for (const directory of [...this.handles.keys()]) this.forget(directory);
    if (this.rootHandle !== undefined) closeSync(this.rootHandle);
  }

  /** A path of the host that leads to the directory as it was found, without any link. */
  private directoryPath(directory: HostDirectory): string {
    if (hasDescriptorPaths) return `/proc/self/fd/${this.handle(directory)}`;
    const path = join(this.path, ...directory.names());
    if (realpathSync(path) !== path) refuse(ERRNO.EACCES, 'a directory has become a link');
    return path;
  }

  /** The host's descriptor of a directory, opened from the nearest one above that is open. */
  private handle(directory: HostDirectory): number {
    // A loop, since the guest decides how deep its directories lie.
    const closed: HostDirectory[] = [];
    let at: HostDirectory = directory;
    let fd = this.known(at);
    while (fd === undefined) {
      closed.push(at);
      at = at.above ?? refuse(ERRNO.EIO, 'the folder is closed');
      fd = this.known(at);
    }
    for (const next of closed.reverse()) fd = this.openBelow(fd, next);
    return fd;
  }

  private known(directory: HostDirectory): number | undefined {
    if (directory.above === undefined) return this.rootHandle;
    const fd = this.handles.get(directory);
    if (fd === undefined) return undefined;
    this.handles.delete(directory);
    this.handles.set(directory, fd);
    return fd;
  }

  private openBelow(above: number, directory: HostDirectory): number {
    const path = `/proc/self/fd/${above}/${directory.hostName}`;
    const fd = openSync(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    if (!directory.isSame(fstatSync(fd, { bigint: true }))) {
      closeSync(fd);
      refuse(ERRNO.ENOENT, 'the directory is no longer there');
    }
    this.handles.set(directory, fd);
    if (this.handles.size > MAX_HANDLES) {
      const [oldest] = this.handles.keys();
      if (oldest !== undefined) this.forget(oldest);
    }
    return fd;
  }
}

/** Runs calls of the host; their errors are the guest's. */
function hostCall<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof SyscallError) throw error;
    const code = (error as NodeJS.ErrnoException | undefined)?.code;
    if (code === undefined) throw error;
    // A host out of descriptors is a system out of files for the guest.
    const name = code === 'EMFILE' ? 'ENFILE' : code;
    const errno = (ERRNO as Readonly<Record<string, number>>)[name];
    return refuse(errno ?? ERRNO.EIO, `the host says ${code}`);
  }
}
