import { ERRNO } from '../abi/errno';
import type { Call, SyscallHandlers, SyscallResult } from '../call';
import {
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_NONBLOCK,
  O_PATH,
  O_TMPFILE,
  type OpenFile,
} from '../files/open-file';
import { Pipe, PipeEnd } from '../files/pipe';
import { RESOLVE } from '../files/tree';
import { fcntlLock, isLockCommand } from './locks';
import { pathText } from './paths';

/** Flags that openat knows (include/linux/fcntl.h, VALID_OPEN_FLAGS); the others it ignores, openat2 refuses. */
const OPEN_FLAGS =
  O_ACCMODE |
  0o100 |
  0o200 |
  0o400 |
  0o1000 |
  0o2000 |
  0o4000 |
  0o10000 |
  0o4010000 |
  0o20000 |
  0o40000 |
  0o100000 |
  0o200000 |
  0o400000 |
  0o1000000 |
  O_CLOEXEC |
  O_PATH |
  O_TMPFILE;
const O_LARGEFILE = 0o100000;
const RESOLVE_ALL = Object.values(RESOLVE).reduce((all, flag) => all | flag, 0);
const OPEN_HOW_BYTES = 24;
const MODE_BITS = 0o7777;

/** fcntl commands (include/uapi/asm-generic/fcntl.h). */
const F_DUPFD = 0;
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_SETOWN = 8;
const F_GETOWN = 9;
const F_DUPFD_CLOEXEC = 1030;
const F_SETPIPE_SZ = 1031;
const F_GETPIPE_SZ = 1032;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
const FD_CLOEXEC = 1;
const PIPE_SIZE = 65536;
/** The only flags that F_SETFL changes here. */
const SETTABLE = O_APPEND | O_NONBLOCK;

const CLOSE_RANGE_UNSHARE = 2;
const CLOSE_RANGE_CLOEXEC = 4;

function open(call: Call, flags: number, mode: number, resolve: number): SyscallResult {
  const { kernel, thread } = call;
  // The first try of an open that waits has the FIFO's end already.
  const waiting = thread.wait?.file;
  const known = (flags & O_PATH) === 0 ? flags : flags & (O_PATH | 0o200000 | 0o400000 | O_CLOEXEC);
  const file =
    waiting ??
    kernel.files.open(
      call.int(0),
      pathText(call, 1),
      (known & OPEN_FLAGS & ~O_CLOEXEC) | (flags & O_PATH ? 0 : O_LARGEFILE),
      mode & MODE_BITS,
      resolve,
    );
  if (isWaitingForOther(file)) {
    if (thread.wait !== undefined) thread.wait.file ??= file.retain();
    return call.parkInterruptible('input');
  }
  try {
    return kernel.descriptors.add(file, (flags & O_CLOEXEC) !== 0);
  } catch (error) {
    file.retain().release();
    throw error;
  } finally {
    waiting?.release();
  }
}

/** A FIFO's end that was opened to wait for the other one (fifo(7)). */
function isWaitingForOther(file: OpenFile): boolean {
  const waits = file instanceof PipeEnd && file.isAlone && (file.flags & O_NONBLOCK) === 0;
  return waits && file.node !== undefined;
}

/** `struct open_how`: flags, mode, resolve, each of 8 bytes. */
function openat2(call: Call): SyscallResult {
  const { memory } = call.kernel;
  const size = call.number(3);
  if (size < OPEN_HOW_BYTES) return -ERRNO.EINVAL;
  if (size > 4096) return -ERRNO.E2BIG;
  const how = memory.read(call.number(2), size);
  const view = new DataView(how.buffer);
  if (how.subarray(OPEN_HOW_BYTES).some((byte) => byte !== 0)) return -ERRNO.E2BIG;
  const flags = view.getBigUint64(0, true);
  const mode = view.getBigUint64(8, true);
  const resolve = view.getBigUint64(16, true);
  if (flags & ~BigInt(OPEN_FLAGS) || resolve & ~BigInt(RESOLVE_ALL)) return -ERRNO.EINVAL;
  const creates = (Number(flags) & (O_CREAT | (O_TMPFILE & ~0o200000))) !== 0;
  if (mode & ~BigInt(MODE_BITS) || (mode !== 0n && !creates)) return -ERRNO.EINVAL;
  const scope = Number(resolve) & (RESOLVE.BENEATH | RESOLVE.IN_ROOT);
  if (scope === (RESOLVE.BENEATH | RESOLVE.IN_ROOT)) return -ERRNO.EINVAL;
  if (Number(resolve) & RESOLVE.CACHED) return -ERRNO.EAGAIN;
  return open(call, Number(flags), Number(mode), Number(resolve));
}

function fcntl(call: Call): SyscallResult {
  const { descriptors, limits } = call.kernel;
  const fd = call.int(0);
  const file = descriptors.file(fd);
  const argument = call.int(2);
  const command = call.int(1);
  if (
    file.flags & O_PATH &&
    ![F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL].includes(command)
  ) {
    return -ERRNO.EBADF;
  }
  if (isLockCommand(command)) return fcntlLock(call, file, command);
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
    case F_SETOWN:
      return 0;
    case F_GETOWN:
      return 0;
    case F_SETPIPE_SZ:
    case F_GETPIPE_SZ:
      if (!(file instanceof PipeEnd)) return -ERRNO.EBADF;
      return argument > PIPE_SIZE && command === F_SETPIPE_SZ ? -ERRNO.EPERM : PIPE_SIZE;
    case F_ADD_SEALS:
    case F_GET_SEALS:
      return -ERRNO.EINVAL;
    default:
      return -ERRNO.EINVAL;
  }
}

function closeRange(call: Call): SyscallResult {
  const { descriptors } = call.kernel;
  const [first, last, flags] = [call.uint(0), call.uint(1), call.uint(2)];
  if (first > last || flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) return -ERRNO.EINVAL;
  if (flags & CLOSE_RANGE_CLOEXEC) {
    for (const fd of descriptors.numbers()) {
      if (fd >= first && fd <= last) descriptors.setCloseOnExec(fd, true);
    }
  } else {
    descriptors.closeRange(first, last);
  }
  return 0;
}

function pipe2(call: Call): SyscallResult {
  const flags = call.uint(1);
  if (flags & ~(O_CLOEXEC | O_NONBLOCK | 0o40000)) return -ERRNO.EINVAL;
  const pipe = new Pipe(call.kernel.system.tree.quota);
  const kept = flags & O_NONBLOCK;
  const ends = [new PipeEnd(pipe, pipe.name, kept), new PipeEnd(pipe, pipe.name, 1 | kept)];
  return addPair(call, ends, (flags & O_CLOEXEC) !== 0, call.number(0));
}

/** Gives two files descriptors and writes their numbers; none stays when that fails. */
export function addPair(
  call: Call,
  files: readonly OpenFile[],
  closeOnExec: boolean,
  address: number,
): SyscallResult {
  const { descriptors, memory } = call.kernel;
  const added: number[] = [];
  try {
    for (const file of files) added.push(descriptors.add(file, closeOnExec));
    memory.write(address, new Uint8Array(Int32Array.from(added).buffer));
    return 0;
  } catch (error) {
    for (const fd of added) descriptors.close(fd);
    throw error;
  }
}

/** Opening and closing: openat(2), dup(2), fcntl(2), pipe(2). */
export const fileCalls: SyscallHandlers = {
  openat: (call) => open(call, call.uint(2), call.uint(3), 0),
  openat2,
  fcntl,
  close(call) {
    call.kernel.descriptors.close(call.int(0));
    return 0;
  },
  close_range: closeRange,
  dup(call) {
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
  pipe2,
  memfd_create(call) {
    const name = call.kernel.memory.cString(call.number(0), 250);
    const flags = call.uint(1);
    // MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_NOEXEC_SEAL, MFD_EXEC; no huge pages.
    if (flags & ~0x1b) return -ERRNO.EINVAL;
    const file = call.kernel.files.openAnonymous(`/memfd:${name}`, 2 | O_LARGEFILE);
    return call.kernel.descriptors.add(file, (flags & 1) !== 0);
  },
};
