import { ERRNO } from '../abi/errno';
import type { Call, SyscallHandlers, SyscallResult } from '../call';
import type { RecordLock } from '../files/locks';
import type { OpenFile } from '../files/open-file';

/** fcntl commands for locks (include/uapi/asm-generic/fcntl.h); between these two lie the SETLK ones. */
const F_GETLK = 5;
const F_SETLKW = 7;
const F_OFD_GETLK = 36;
const F_OFD_SETLKW = 38;

const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;

/** `struct flock`: l_type i16, l_whence i16, 4 bytes, l_start i64, l_len i64, l_pid i32. */
const FLOCK_BYTES = 32;

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;

export function isLockCommand(command: number): boolean {
  return (
    (command >= F_GETLK && command <= F_SETLKW) ||
    (command >= F_OFD_GETLK && command <= F_OFD_SETLKW)
  );
}

/** Record locks: F_GETLK and the like. */
export function fcntlLock(call: Call, file: OpenFile, command: number): SyscallResult {
  const { memory, files } = call.kernel;
  const address = call.number(2);
  const bytes = memory.read(address, FLOCK_BYTES);
  const view = new DataView(bytes.buffer);
  const type = view.getInt16(0, true);
  const ofd = command >= F_OFD_GETLK;
  if (type < F_RDLCK || type > F_UNLCK) return -ERRNO.EINVAL;
  if (ofd && view.getInt32(24, true) !== 0) return -ERRNO.EINVAL;
  const range = lockRange(view, file);
  if (range === undefined) return -ERRNO.EINVAL;
  const { locks } = files.tree;
  const owner = ofd ? file : call.kernel.pid;
  const wanted: RecordLock = { owner, ...range, exclusive: type === F_WRLCK };
  if (command === F_GETLK || command === F_OFD_GETLK) {
    const conflict = type === F_UNLCK ? undefined : locks.conflict(file, wanted);
    view.setInt16(
      0,
      conflict === undefined ? F_UNLCK : conflict.exclusive ? F_WRLCK : F_RDLCK,
      true,
    );
    if (conflict !== undefined) describe(view, conflict);
    memory.write(address, bytes);
    return 0;
  }
  if (type === F_UNLCK) {
    locks.set(file, { owner, ...range, exclusive: undefined });
    return 0;
  }
  if (type === F_RDLCK ? !file.canRead : !file.canWrite) return -ERRNO.EBADF;
  if (locks.conflict(file, wanted) !== undefined) {
    const waits = command === F_SETLKW || command === F_OFD_SETLKW;
    return waits ? call.parkInterruptible('input') : -ERRNO.EAGAIN;
  }
  if (!locks.hasRoom) return -ERRNO.ENOLCK;
  locks.set(file, wanted);
  return 0;
}

function lockRange(view: DataView, file: OpenFile): { start: number; end: number } | undefined {
  const whence = view.getInt16(2, true);
  const bases = [0, file.position, file.status().size];
  const base = bases[whence];
  if (base === undefined) return undefined;
  const length = Number(view.getBigInt64(16, true));
  const from = base + Number(view.getBigInt64(8, true));
  const [start, end] = length < 0 ? [from + length, from] : [from, from + length];
  if (start < 0) return undefined;
  return { start, end: length === 0 ? Infinity : end };
}

function describe(view: DataView, { start, end, owner }: RecordLock): void {
  view.setInt16(2, 0, true);
  view.setBigInt64(8, BigInt(start), true);
  view.setBigInt64(16, end === Infinity ? 0n : BigInt(end - start), true);
  view.setInt32(24, typeof owner === 'number' ? owner : -1, true);
}

/** flock(2). */
export const lockCalls: SyscallHandlers = {
  flock(call) {
    const file = call.kernel.descriptors.file(call.int(0));
    const operation = call.int(1);
    const { locks } = call.kernel.files.tree;
    const kind = operation & ~LOCK_NB;
    if (kind === LOCK_UN) {
      locks.unlockWhole(file);
      return 0;
    }
    if (kind !== LOCK_SH && kind !== LOCK_EX) return -ERRNO.EINVAL;
    if (locks.lockWhole(file, kind === LOCK_EX)) return 0;
    return operation & LOCK_NB ? -ERRNO.EAGAIN : call.parkInterruptible('input');
  },
};
