import { ERRNO } from '../abi/errno';
import type { Call, SyscallHandlers, SyscallResult } from '../call';
import { NANOSECONDS } from '../clock';
import type { FileNode } from '../files/node';
import { O_PATH, type FileStatus, type OpenFile } from '../files/open-file';
import { AT_FDCWD } from '../files/process-files';
import { encodeStat, encodeStatfs, encodeStatx } from '../files/status';
import {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  descriptorNode,
  nodeArgument,
  openedNode,
  pathText,
} from './paths';

const AT_NO_AUTOMOUNT = 0x800;
const AT_STATX_SYNC_TYPE = 0x6000;
const STAT_FLAGS = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH;
const STATX_RESERVED = 0x8000_0000;
const UTIME_NOW = 0x3fff_ffff;
const UTIME_OMIT = 0x3fff_fffe;
const NO_ID = 0xffff_ffff;
const MAY_WRITE = 2;

/** What stat tells of the path at argument 1, or of descriptor argument 0 when the path is empty. */
function statusOf(call: Call, flags: number): FileStatus {
  const { kernel } = call;
  if (flags & AT_EMPTY_PATH && call.int(0) !== AT_FDCWD) {
    const address = call.number(1);
    const isEmpty = address === 0 || kernel.memory.read(address, 1)[0] === 0;
    if (isEmpty) return kernel.descriptors.file(call.int(0)).status();
  }
  return nodeArgument(call, 0, flags).status();
}

function statx(call: Call): SyscallResult {
  const flags = call.uint(2);
  if (flags & ~(STAT_FLAGS | AT_STATX_SYNC_TYPE)) return -ERRNO.EINVAL;
  if ((flags & AT_STATX_SYNC_TYPE) === AT_STATX_SYNC_TYPE) return -ERRNO.EINVAL;
  if (call.uint(3) & STATX_RESERVED) return -ERRNO.EINVAL;
  call.kernel.memory.write(call.number(4), encodeStatx(statusOf(call, flags)));
  return 0;
}

function access(call: Call, flags: number): SyscallResult {
  const mode = call.uint(2);
  if (mode & ~7 || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
    return -ERRNO.EINVAL;
  }
  call.kernel.files.mayAccess(nodeArgument(call, 0, flags & ~AT_EACCESS), mode);
  return 0;
}

function changeMode(call: Call, node: FileNode, mode: number): SyscallResult {
  call.kernel.files.checkOwner(node);
  if (node.kind === 'link') return -ERRNO.EOPNOTSUPP;
  node.setMode(mode & 0o7777);
  return 0;
}

function changeOwner(call: Call, node: FileNode, index: number): SyscallResult {
  const id = (value: number): number | undefined => (value === NO_ID ? undefined : value);
  call.kernel.files.checkOwner(node);
  node.setOwner(id(call.uint(index)), id(call.uint(index + 1)));
  return 0;
}

/** One of the two times of utimensat: nanoseconds since 1970, or undefined to leave it as it is. */
function newTime(view: DataView, at: number, now: bigint): bigint | undefined | 'wrong' {
  const nanoseconds = view.getBigInt64(at + 8, true);
  if (nanoseconds === BigInt(UTIME_NOW)) return now;
  if (nanoseconds === BigInt(UTIME_OMIT)) return undefined;
  if (nanoseconds < 0n || nanoseconds >= NANOSECONDS) return 'wrong';
  return view.getBigInt64(at, true) * NANOSECONDS + nanoseconds;
}

function utimensat(call: Call): SyscallResult {
  const { kernel } = call;
  const flags = call.uint(3);
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return -ERRNO.EINVAL;
  const now = kernel.clock.realtime();
  let times: { access: bigint | undefined; modify: bigint | undefined } = {
    access: now,
    modify: now,
  };
  let explicit = false;
  if (call.number(2) !== 0) {
    const view = new DataView(kernel.memory.read(call.number(2), 32).buffer);
    const access = newTime(view, 0, now);
    const modify = newTime(view, 16, now);
    if (access === 'wrong' || modify === 'wrong') return -ERRNO.EINVAL;
    explicit = access !== now || modify !== now;
    times = { access, modify };
  }
  const node = call.number(1) === 0 ? openedNode(call, call.int(0)) : nodeArgument(call, 0, flags);
  if (times.access === undefined && times.modify === undefined) return 0;
  if (explicit) kernel.files.checkOwner(node);
  else kernel.files.mayAccess(node, MAY_WRITE);
  node.setTimes(times);
  return 0;
}

function truncate(call: Call): SyscallResult {
  const size = call.long(1);
  if (size < 0n) return -ERRNO.EINVAL;
  const node = call.kernel.files.existing(AT_FDCWD, pathText(call, 0));
  if (node.kind === 'directory') return -ERRNO.EISDIR;
  if (node.kind !== 'file') return -ERRNO.EINVAL;
  call.kernel.files.mayAccess(node, MAY_WRITE);
  node.truncate(Number(size));
  return 0;
}

function writable(call: Call): OpenFile {
  return call.kernel.descriptors.file(call.int(0));
}

function ftruncate(call: Call): SyscallResult {
  const file = writable(call);
  const size = call.long(1);
  if (file.flags & O_PATH) return -ERRNO.EBADF;
  if (size < 0n || !file.canWrite || file.truncate === undefined) return -ERRNO.EINVAL;
  file.truncate(Number(size));
  return 0;
}

function fallocate(call: Call): SyscallResult {
  const file = writable(call);
  const [offset, length] = [call.long(2), call.long(3)];
  if (!file.canWrite) return -ERRNO.EBADF;
  if (offset < 0n || length <= 0n) return -ERRNO.EINVAL;
  if (offset + length > 2n ** 43n) return -ERRNO.EFBIG;
  if (file.allocate === undefined) return -ERRNO.ENODEV;
  file.allocate(call.uint(1), Number(offset), Number(length));
  return 0;
}

/** fsync and fdatasync: terminals, pipes and devices have nothing to write back. */
function sync(call: Call): SyscallResult {
  const file = call.kernel.descriptors.file(call.int(0));
  if (file.flags & O_PATH) return -ERRNO.EBADF;
  if (file.sync !== undefined) file.sync();
  else if (file.node?.kind !== 'directory') return -ERRNO.EINVAL;
  return 0;
}

/** What is known of files: stat(2), access(2), chmod(2), chown(2), utimensat(2), truncate(2), fsync(2). */
export const attributeCalls: SyscallHandlers = {
  fstat(call) {
    const status = call.kernel.descriptors.file(call.int(0)).status();
    call.kernel.memory.write(call.number(1), encodeStat(status));
    return 0;
  },
  newfstatat(call) {
    const flags = call.uint(3);
    if (flags & ~STAT_FLAGS) return -ERRNO.EINVAL;
    call.kernel.memory.write(call.number(2), encodeStat(statusOf(call, flags)));
    return 0;
  },
  statx,
  faccessat: (call) => access(call, 0),
  faccessat2: (call) => access(call, call.uint(3)),
  fchmod: (call) => changeMode(call, openedNode(call, call.int(0)), call.uint(1)),
  fchmodat: (call) => changeMode(call, nodeArgument(call, 0, 0), call.uint(2)),
  fchmodat2: (call) =>
    changeMode(call, nodeArgument(call, 0, call.uint(3) & STAT_FLAGS), call.uint(2)),
  fchown: (call) => changeOwner(call, openedNode(call, call.int(0)), 1),
  fchownat: (call) => changeOwner(call, nodeArgument(call, 0, call.uint(4) & STAT_FLAGS), 2),
  utimensat,
  truncate,
  ftruncate,
  fallocate,
  fsync: sync,
  fdatasync: sync,
  sync: () => 0,
  syncfs(call) {
    call.kernel.descriptors.file(call.int(0));
    return 0;
  },
  statfs(call) {
    const { fileSystem } = call.kernel.files.existing(AT_FDCWD, pathText(call, 0));
    call.kernel.memory.write(call.number(1), encodeStatfs(fileSystem));
    return 0;
  },
  fstatfs(call) {
    const { fileSystem } = descriptorNode(call, call.int(0));
    call.kernel.memory.write(call.number(1), encodeStatfs(fileSystem));
    return 0;
  },
  fadvise64(call) {
    call.kernel.descriptors.file(call.int(0));
    return 0;
  },
  readahead(call) {
    return call.kernel.descriptors.file(call.int(0)).canRead ? 0 : -ERRNO.EBADF;
  },
  // Extended attributes: no file has any.
  getxattr(call) {
    call.kernel.files.existing(AT_FDCWD, pathText(call, 0));
    return -ERRNO.ENODATA;
  },
  lgetxattr(call) {
    call.kernel.files.existing(AT_FDCWD, pathText(call, 0), { followLast: false });
    return -ERRNO.ENODATA;
  },
  fgetxattr(call) {
    call.kernel.descriptors.file(call.int(0));
    return -ERRNO.ENODATA;
  },
  listxattr(call) {
    call.kernel.files.existing(AT_FDCWD, pathText(call, 0));
    return 0;
  },
  llistxattr(call) {
    call.kernel.files.existing(AT_FDCWD, pathText(call, 0), { followLast: false });
    return 0;
  },
  flistxattr(call) {
    call.kernel.descriptors.file(call.int(0));
    return 0;
  },
};
