import { ERRNO } from '../abi/errno';
import { SIGNAL } from '../abi/signals';
import { SyscallError, type Call, type SyscallHandlers, type SyscallResult } from '../call';
import { beforeReading, beforeWriting } from '../job-control';
import { O_NONBLOCK, O_PATH, type OpenFile, type ReadResult } from '../files/open-file';
import { RegularFile } from '../files/regular-file';

/** Bytes that are moved at a time, and most bytes that are moved before the hart looks up. */
const CHUNK = 65536;
const SLICE = 4 << 20;
/** Most bytes of one call (include/linux/fs.h). */
const MAX_RW_COUNT = 0x7fff_f000;
/** Most pieces of readv and writev. */
const IOV_MAX = 1024;
/** User addresses of RISC-V Linux with Sv39 end here: a longer buffer is EFAULT at once. */
const TASK_SIZE = 2 ** 38;

interface Buffer {
  readonly address: number;
  readonly length: number;
}

function singleBuffer(call: Call): Buffer[] {
  const address = call.number(1);
  const length = call.number(2);
  if (address + length > TASK_SIZE) throw new SyscallError(ERRNO.EFAULT, 'the buffer is too long');
  return [{ address, length: Math.min(length, MAX_RW_COUNT) }];
}

/** The buffers of a `struct iovec` array; together cut to the most bytes of one call. */
function vectorBuffers(call: Call): Buffer[] {
  const count = call.number(2);
  if (count > IOV_MAX) throw new SyscallError(ERRNO.EINVAL, `${count} buffers are too many`);
  const buffers: Buffer[] = [];
  let room = MAX_RW_COUNT;
  for (let i = 0; i < count; i++) {
    const entry = call.number(1) + 16 * i;
    const length = call.kernel.memory.i64(entry + 8);
    if (length < 0n) throw new SyscallError(ERRNO.EINVAL, 'a buffer has a negative length');
    const taken = Math.min(room, Number(length));
    buffers.push({ address: Number(call.kernel.memory.u64(entry)), length: taken });
    room -= taken;
  }
  return buffers;
}

function readableFile(call: Call): OpenFile {
  const file = call.kernel.descriptors.file(call.int(0));
  if (file.node?.kind === 'directory' && (file.flags & O_PATH) === 0) {
    throw new SyscallError(ERRNO.EISDIR, 'a directory is read with getdents');
  }
  if (!file.canRead) throw new SyscallError(ERRNO.EBADF, 'the descriptor is not open for reading');
  return file;
}

function writableFile(call: Call): OpenFile {
  const file = call.kernel.descriptors.file(call.int(0));
  if (!file.canWrite) throw new SyscallError(ERRNO.EBADF, 'the descriptor is not open for writing');
  return file;
}

/**
 * Fills the buffers in order. Ends with the first short piece, as a read from a pipe or terminal does. A
 * long read goes in slices, as a long write does.
 */
function readInto(
  call: Call,
  file: OpenFile,
  buffers: readonly Buffer[],
  next: (max: number, done: number) => ReadResult,
): SyscallResult {
  const { memory } = call.kernel;
  const { wait } = call.thread;
  const before = wait?.progress ?? 0;
  let done = 0;
  for (const { address, length } of buffers) {
    let filled = Math.min(length, before - Math.min(before, done));
    done += filled;
    while (filled < length) {
      if (done - before >= SLICE && wait !== undefined) {
        wait.progress = done;
        return call.park('input', call.kernel.now());
      }
      const wanted = Math.min(length - filled, CHUNK);
      const max = writableLength(call, address + filled, wanted, done);
      if (max === 0) return done;
      const piece = next(max, done);
      if (piece === 'wait') return done > 0 ? done : waitForInput(call, file);
      if (piece === 'eof') return done;
      if (typeof piece === 'number') return done > 0 ? done : piece;
      memory.write(address + filled, piece);
      filled += piece.length;
      done += piece.length;
      if (piece.length < wanted || file.terminal !== undefined) return done;
    }
  }
  return done;
}

/** What can be written of a buffer: EFAULT when nothing at all was, else the call ends early. */
function writableLength(call: Call, address: number, wanted: number, done: number): number {
  if (done === 0) return call.kernel.memory.writableLength(address, wanted);
  return call.kernel.space.accessible(address, wanted, 'write');
}

function waitForInput(call: Call, file: OpenFile): SyscallResult {
  if (file.flags & O_NONBLOCK) return -ERRNO.EAGAIN;
  return call.parkInterruptible('input', file.readDeadline?.(call.thread.wait?.since ?? 0));
}

function readNext(call: Call, file: OpenFile): (max: number) => ReadResult {
  const { since } = call.thread.wait ?? { since: 0 };
  return (max) => {
    const deadline = file.readDeadline?.(since);
    const timedOut = deadline !== undefined && call.kernel.now() >= deadline;
    return file.read?.(max, timedOut) ?? -ERRNO.EINVAL;
  };
}

function writeNext(file: OpenFile): (bytes: Uint8Array) => number | 'wait' {
  return (bytes) => file.write?.(bytes) ?? -ERRNO.EINVAL;
}

/**
 * Writes the buffers in order. A long write goes out in slices: between them the hart is parked for no
 * time, so that the machine hears what it is told meanwhile.
 */
function writeFrom(
  call: Call,
  file: OpenFile,
  buffers: readonly Buffer[],
  put: (bytes: Uint8Array, done: number) => number | 'wait',
): SyscallResult {
  const { wait } = call.thread;
  const before = wait?.progress ?? 0;
  let done = 0;
  for (const { address, length } of buffers) {
    if (file.discardsWrites) {
      done += length;
      continue;
    }
    for (let offset = 0; offset < length;) {
      if (done + (length - offset) <= before) {
        done += length - offset;
        break;
      }
      const skip = Math.max(0, before - done);
      offset += skip;
      done += skip;
      const bytes = call.kernel.space.read(address + offset, Math.min(length - offset, CHUNK));
      if (bytes.length === 0) return done > 0 ? done : -ERRNO.EFAULT;
      const written = put(bytes, done);
      if (written === 'wait') return waitForOutput(call, file, done);
      if (written < 0) return failedWrite(call, -written, done);
      offset += written;
      done += written;
      // A file takes less only when there is no more room.
      if (written < bytes.length && file instanceof RegularFile) return done;
      if (written < bytes.length) return waitForOutput(call, file, done, call.kernel.now());
      if (done - before >= SLICE && offset < length) {
        if (wait !== undefined) wait.progress = done;
        return call.park('output', call.kernel.now());
      }
    }
  }
  return done;
}

/** @param again when the call is tried again without a word from outside, in monotonic milliseconds */
function waitForOutput(call: Call, file: OpenFile, done: number, again?: number): SyscallResult {
  if (file.flags & O_NONBLOCK) return done > 0 ? done : -ERRNO.EAGAIN;
  if (done > 0 && call.kernel.signals.hasDeliverable(call.thread)) return done;
  if (call.thread.wait !== undefined) call.thread.wait.progress = done;
  return done > 0 ? call.park('output', again) : call.parkInterruptible('output');
}

function failedWrite(call: Call, errno: number, done: number): SyscallResult {
  if (done > 0) return done;
  if (errno === ERRNO.EPIPE) call.raise(SIGNAL.SIGPIPE);
  return -errno;
}

/** Offset of pread64 and the like; negative is EINVAL. */
function position(call: Call, index: number): number {
  const offset = call.long(index);
  if (offset < 0n) throw new SyscallError(ERRNO.EINVAL, 'the position is negative');
  return Number(offset);
}

function readAt(call: Call, buffers: readonly Buffer[]): SyscallResult {
  const file = readableFile(call);
  const start = position(call, 3);
  return readInto(call, file, buffers, (max, done) => {
    return file.readAt?.(max, start + done) ?? -ERRNO.ESPIPE;
  });
}

function writeAt(call: Call, buffers: readonly Buffer[]): SyscallResult {
  const file = writableFile(call);
  const start = position(call, 3);
  return writeFrom(call, file, buffers, (bytes, done) => {
    return file.writeAt?.(bytes, start + done) ?? -ERRNO.ESPIPE;
  });
}

/** preadv2 and pwritev2: at a position, or from the file's own when that is -1. */
function vectorAt(
  call: Call,
  at: (call: Call, buffers: readonly Buffer[]) => SyscallResult,
  next: (file: OpenFile, buffers: readonly Buffer[]) => SyscallResult,
): SyscallResult {
  // RWF_HIPRI, RWF_DSYNC, RWF_SYNC change nothing here; RWF_NOWAIT, RWF_APPEND are not there.
  if (call.uint(5) & ~7) return -ERRNO.EOPNOTSUPP;
  if (call.long(3) !== -1n) return at(call, vectorBuffers(call));
  const file = at === readAt ? readableFile(call) : writableFile(call);
  return next(file, vectorBuffers(call));
}

/** Reading and writing: read(2), readv(2), pread(2) and their counterparts. */
export const ioCalls: SyscallHandlers = {
  read(call) {
    const file = readableFile(call);
    return (
      beforeReading(call, file) ?? readInto(call, file, singleBuffer(call), readNext(call, file))
    );
  },
  write(call) {
    const file = writableFile(call);
    return beforeWriting(call, file) ?? writeFrom(call, file, singleBuffer(call), writeNext(file));
  },
  readv(call) {
    const file = readableFile(call);
    return (
      beforeReading(call, file) ?? readInto(call, file, vectorBuffers(call), readNext(call, file))
    );
  },
  writev(call) {
    const file = writableFile(call);
    return beforeWriting(call, file) ?? writeFrom(call, file, vectorBuffers(call), writeNext(file));
  },
  pread64: (call) => readAt(call, singleBuffer(call)),
  pwrite64: (call) => writeAt(call, singleBuffer(call)),
  preadv: (call) => readAt(call, vectorBuffers(call)),
  pwritev: (call) => writeAt(call, vectorBuffers(call)),
  preadv2: (call) =>
    vectorAt(call, readAt, (file, buffers) => readInto(call, file, buffers, readNext(call, file))),
  pwritev2: (call) =>
    vectorAt(call, writeAt, (file, buffers) => writeFrom(call, file, buffers, writeNext(file))),
  lseek(call) {
    const file = call.kernel.descriptors.file(call.int(0));
    const whence = call.int(2);
    if (whence < 0 || whence > 4) return -ERRNO.EINVAL;
    return file.seek?.(call.long(1), whence) ?? -ERRNO.ESPIPE;
  },
};
