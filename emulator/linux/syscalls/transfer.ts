import { ERRNO } from '../abi/errno';
import { SIGNAL } from '../abi/signals';
import { SyscallError, type Call, type SyscallHandlers, type SyscallResult } from '../call';
import { O_NONBLOCK, type OpenFile } from '../files/open-file';
import { PipeEnd } from '../files/pipe';
import { RegularFile } from '../files/regular-file';

/** Bytes moved at a time, and most of one call: the caller goes on with the next. */
const CHUNK = 65536;
const SLICE = 4 << 20;
const SPLICE_F_NONBLOCK = 2;
const SPLICE_FLAGS = 15;

/** A side of a transfer: a file at a position that the caller keeps, or at its own. */
interface Side {
  readonly file: OpenFile;
  /** Address of the position, 0 = the file's own. */
  readonly pointer: number;
}

/** Moves up to `length` bytes; what waits is parked before anything is moved, later it ends the call. */
function transfer(call: Call, from: Side, to: Side, length: number, waits: boolean): SyscallResult {
  const { memory } = call.kernel;
  if (!from.file.canRead || !to.file.canWrite) return -ERRNO.EBADF;
  const start = from.pointer === 0 ? undefined : position(call, from.pointer);
  const target = to.pointer === 0 ? undefined : position(call, to.pointer);
  const most = Math.min(length, SLICE);
  let done = 0;
  let result: SyscallResult | undefined;
  while (done < most && result === undefined) {
    const wanted = Math.min(most - done, CHUNK, roomOf(to.file));
    if (wanted === 0) {
      result = park(call, to.file, 'output', waits);
      break;
    }
    const piece =
      start === undefined
        ? from.file.read?.(wanted, false)
        : from.file.readAt?.(wanted, start + done);
    if (piece === 'eof') break;
    if (piece === 'wait') result = park(call, from.file, 'input', waits);
    else if (piece === undefined) result = start === undefined ? -ERRNO.EINVAL : -ERRNO.ESPIPE;
    else if (typeof piece === 'number') result = piece;
    else {
      const written =
        target === undefined ? to.file.write?.(piece) : to.file.writeAt?.(piece, target + done);
      const count = typeof written === 'number' && written > 0 ? written : 0;
      // What the other side did not take is still to be read.
      if (count < piece.length && start === undefined) giveBack(from.file, piece.length - count);
      done += count;
      if (written === 'wait') result = park(call, to.file, 'output', waits);
      else if (written === undefined) result = target === undefined ? -ERRNO.EINVAL : -ERRNO.ESPIPE;
      else if (written < 0) result = failed(call, written);
    }
  }
  if (done === 0 && result !== undefined) return result;
  if (start !== undefined) memory.setU64(from.pointer, BigInt(start + done));
  if (target !== undefined) memory.setU64(to.pointer, BigInt(target + done));
  return done;
}

/** Bytes that a write takes at once, where that is known: nothing may be read that has no place to go. */
function roomOf(file: OpenFile): number {
  return file instanceof PipeEnd ? file.pipe.room : CHUNK;
}

function giveBack(file: OpenFile, count: number): void {
  if (file instanceof RegularFile) file.position -= count;
}

function failed(call: Call, errno: number): number {
  if (errno === -ERRNO.EPIPE) call.raise(SIGNAL.SIGPIPE);
  return errno;
}

function park(
  call: Call,
  file: OpenFile,
  reason: 'input' | 'output',
  waits: boolean,
): SyscallResult {
  return waits && (file.flags & O_NONBLOCK) === 0 ? call.parkInterruptible(reason) : -ERRNO.EAGAIN;
}

function position(call: Call, address: number): number {
  const value = call.kernel.memory.i64(address);
  if (value < 0n) throw new SyscallError(ERRNO.EINVAL, 'the position is negative');
  return Number(value);
}

function sendfile(call: Call): SyscallResult {
  const { descriptors } = call.kernel;
  const to = descriptors.file(call.int(0));
  const from = descriptors.file(call.int(1));
  if (!from.canRead || !to.canWrite) return -ERRNO.EBADF;
  // Only files that can be mapped are sent from.
  if (!(from instanceof RegularFile)) return -ERRNO.EINVAL;
  const source = { file: from, pointer: call.number(2) };
  return transfer(call, source, { file: to, pointer: 0 }, call.number(3), true);
}

function copyFileRange(call: Call): SyscallResult {
  const { descriptors } = call.kernel;
  if (call.uint(5) !== 0) return -ERRNO.EINVAL;
  const from = descriptors.file(call.int(0));
  const to = descriptors.file(call.int(2));
  if (!(from instanceof RegularFile) || !(to instanceof RegularFile)) {
    const directory = [from, to].some(({ node }) => node?.kind === 'directory');
    return directory ? -ERRNO.EISDIR : -ERRNO.EINVAL;
  }
  if (from.status().fileSystem !== to.status().fileSystem) return -ERRNO.EXDEV;
  const source = { file: from, pointer: call.number(1) };
  return transfer(call, source, { file: to, pointer: call.number(3) }, call.number(4), false);
}

function splice(call: Call): SyscallResult {
  const { descriptors } = call.kernel;
  const flags = call.uint(5);
  if (flags & ~SPLICE_FLAGS) return -ERRNO.EINVAL;
  const from = { file: descriptors.file(call.int(0)), pointer: call.number(1) };
  const to = { file: descriptors.file(call.int(2)), pointer: call.number(3) };
  const pipes = [from, to].filter(({ file }) => file instanceof PipeEnd);
  if (pipes.length === 0) return -ERRNO.EINVAL;
  if (pipes.some(({ pointer }) => pointer !== 0)) return -ERRNO.ESPIPE;
  return transfer(call, from, to, call.number(4), (flags & SPLICE_F_NONBLOCK) === 0);
}

/** Moving bytes between files: sendfile(2), splice(2), copy_file_range(2). */
export const transferCalls: SyscallHandlers = {
  sendfile,
  splice,
  copy_file_range: copyFileRange,
};
