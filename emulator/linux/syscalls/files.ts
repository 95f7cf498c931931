import { ERRNO } from '../abi/errno';
import { SyscallError, type Call, type SyscallHandlers, type SyscallResult } from '../call';
import { O_CLOEXEC, O_NONBLOCK, S_IFDIR, type FileStatus } from '../files/open-file';
import { encodeStat, encodeStatx } from '../files/status';
import { encodeText, PATH_MAX } from '../guest-memory';
import { PROCESS_ID } from '../identity';

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const S_IFMT = 0o170000;
const W_OK = 2;
const X_OK = 1;
/** Paths of the process's own descriptors. */
const DESCRIPTOR_PATH = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/;

/** fcntl commands (include/uapi/asm-generic/fcntl.h). */
const F_DUPFD = 0;
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const FD_CLOEXEC = 1;
/** The only flags that F_SETFL changes here: O_APPEND, O_NONBLOCK. */
const SETTABLE = 0o2000 | O_NONBLOCK;

/** The path at argument `index`, absolute, seen from the directory of descriptor argument 0. */
function pathArgument(call: Call, index: number): string {
  const path = call.kernel.memory.cString(call.number(index));
  if (path === '') throw new SyscallError(ERRNO.ENOENT, 'the path is empty');
  if (path.startsWith('/')) return normalize(path);
  return normalize(`${directory(call, call.int(0))}/${path}`);
}

function directory(call: Call, fd: number): string {
  if (fd === AT_FDCWD) return call.kernel.workingDirectory;
  const file = call.kernel.descriptors.file(fd);
  if ((file.status().mode & S_IFMT) !== S_IFDIR) {
    throw new SyscallError(ERRNO.ENOTDIR, `descriptor ${fd} is no directory`);
  }
  return file.path;
}

/** Resolves `.`, `..` and repeated slashes; the process finds itself under its number too. */
function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  if (parts[0] === 'proc' && parts[1] === String(PROCESS_ID)) parts[1] = 'self';
  return `/${parts.join('/')}`;
}

function descriptorOf(path: string): number | undefined {
  const match = DESCRIPTOR_PATH.exec(path);
  return match === null ? undefined : Number(match[1]);
}

function openat(call: Call): SyscallResult {
  const { kernel } = call;
  const path = pathArgument(call, 1);
  const flags = call.uint(2);
  const closeOnExec = (flags & O_CLOEXEC) !== 0;
  const fd = descriptorOf(path);
  if (fd !== undefined) {
    if (!kernel.descriptors.has(fd)) return -ERRNO.ENOENT;
    return kernel.descriptors.add(kernel.descriptors.file(fd), closeOnExec);
  }
  const file = kernel.files.open(path, flags & ~O_CLOEXEC);
  return typeof file === 'number' ? file : kernel.descriptors.add(file, closeOnExec);
}

/** What stat tells of the path at argument 1, or of descriptor argument 0 when the path is empty. */
function statusOf(call: Call, flags: number): FileStatus {
  const { kernel } = call;
  if (flags & AT_EMPTY_PATH) {
    const address = call.number(1);
    const isEmpty = address === 0 || kernel.memory.read(address, 1)[0] === 0;
    if (isEmpty && call.int(0) !== AT_FDCWD) return kernel.descriptors.file(call.int(0)).status();
    if (isEmpty) return pathStatus(call, kernel.workingDirectory, true);
  }
  return pathStatus(call, pathArgument(call, 1), (flags & AT_SYMLINK_NOFOLLOW) === 0);
}

function pathStatus(call: Call, path: string, followLast: boolean): FileStatus {
  const fd = descriptorOf(path);
  if (fd !== undefined && call.kernel.descriptors.has(fd)) {
    return call.kernel.descriptors.file(fd).status();
  }
  const status = call.kernel.files.status(path, followLast);
  if (typeof status === 'number') throw new SyscallError(-status, `${path} is not there`);
  return status;
}

function access(call: Call): SyscallResult {
  const mode = call.uint(2);
  if (mode & ~7) return -ERRNO.EINVAL;
  const path = pathArgument(call, 1);
  const status = pathStatus(call, path, true);
  if (mode & W_OK && call.kernel.files.isWritable(path) !== true) return -ERRNO.EACCES;
  return mode & X_OK && (status.mode & 0o111) === 0 ? -ERRNO.EACCES : 0;
}

function readlinkat(call: Call): SyscallResult {
  const { kernel } = call;
  const size = call.int(3);
  if (size <= 0) return -ERRNO.EINVAL;
  const path = pathArgument(call, 1);
  const fd = descriptorOf(path);
  const target =
    fd !== undefined && kernel.descriptors.has(fd)
      ? kernel.descriptors.file(fd).path
      : kernel.files.readLink(path);
  if (typeof target === 'number') return target;
  const bytes = encodeText(target).subarray(0, size);
  kernel.memory.write(call.number(2), bytes);
  return bytes.length;
}

function fcntl(call: Call): SyscallResult {
  const { descriptors, limits } = call.kernel;
  const fd = call.int(0);
  const file = descriptors.file(fd);
  const argument = call.int(2);
  const command = call.int(1);
  switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
      if (argument < 0 || argument >= limits.openFiles) return -ERRNO.EINVAL;
      return descriptors.add(file, command === F_DUPFD_CLOEXEC, argument);
    case F_GETFD:
      return descriptors.closeOnExec(fd) ? FD_CLOEXEC : 0;
    case F_SETFD:
      descriptors.setCloseOnExec(fd, (argument & FD_CLOEXEC) !== 0);
      return 0;
    case F_GETFL:
      return file.flags;
    case F_SETFL:
      file.flags = (file.flags & ~SETTABLE) | (argument & SETTABLE);
      return 0;
    default:
      return -ERRNO.EINVAL;
  }
}

/** Descriptors, and names of files in the small tree that the guest sees. */
export const fileCalls: SyscallHandlers = {
  openat,
  readlinkat,
  fcntl,
  close(call) {
    call.kernel.descriptors.close(call.int(0));
    return 0;
  },
  close_range(call) {
    const [first, last, flags] = [call.uint(0), call.uint(1), call.uint(2)];
    if (first > last || flags !== 0) return -ERRNO.EINVAL;
    call.kernel.descriptors.closeRange(first, last);
    return 0;
  },
  dup: (call) => {
    const { descriptors } = call.kernel;
    return descriptors.add(descriptors.file(call.int(0)), false);
  },
  dup3(call) {
    const { descriptors } = call.kernel;
    const [from, to, flags] = [call.int(0), call.int(1), call.uint(2)];
    if (flags & ~O_CLOEXEC || from === to) return -ERRNO.EINVAL;
    descriptors.set(to, descriptors.file(from), flags !== 0);
    return to;
  },
  fstat(call) {
    const status = call.kernel.descriptors.file(call.int(0)).status();
    call.kernel.memory.write(call.number(1), encodeStat(status));
    return 0;
  },
  newfstatat(call) {
    call.kernel.memory.write(call.number(2), encodeStat(statusOf(call, call.uint(3))));
    return 0;
  },
  statx(call) {
    call.kernel.memory.write(call.number(4), encodeStatx(statusOf(call, call.uint(2))));
    return 0;
  },
  faccessat: access,
  faccessat2: access,
  getcwd(call) {
    const path = encodeText(`${call.kernel.workingDirectory}\0`);
    if (path.length > Math.min(call.number(1), PATH_MAX)) return -ERRNO.ERANGE;
    call.kernel.memory.write(call.number(0), path);
    return path.length;
  },
  chdir(call) {
    const path = normalizeFromWorking(call);
    if ((pathStatus(call, path, true).mode & S_IFMT) !== S_IFDIR) return -ERRNO.ENOTDIR;
    call.kernel.workingDirectory = path;
    return 0;
  },
  fchdir(call) {
    call.kernel.workingDirectory = directory(call, call.int(0));
    return 0;
  },
  umask(call) {
    const before = call.kernel.fileModeMask;
    call.kernel.fileModeMask = call.uint(0) & 0o777;
    return before;
  },
  sync: () => 0,
  fsync: notSyncable,
  fdatasync: notSyncable,
};

/** The path at argument 0, for calls that take no directory. */
function normalizeFromWorking(call: Call): string {
  const path = call.kernel.memory.cString(call.number(0));
  if (path === '') throw new SyscallError(ERRNO.ENOENT, 'the path is empty');
  return normalize(path.startsWith('/') ? path : `${call.kernel.workingDirectory}/${path}`);
}

/** Terminals, pipes and devices have nothing to write back. */
function notSyncable(call: Call): SyscallResult {
  call.kernel.descriptors.file(call.int(0));
  return -ERRNO.EINVAL;
}
