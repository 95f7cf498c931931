import { ERRNO } from '../abi/errno';
import type { Call, SyscallHandlers, SyscallResult } from '../call';
import { toMilliseconds } from '../clock';
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT } from '../files/open-file';
import { fixedDeadline, readTimespec } from './time';

/** `struct pollfd`: fd (i32), events (i16), revents (i16). */
const POLLFD_BYTES = 8;
/** Most descriptors that a `fd_set` has room for here. */
const FD_SETSIZE = 1024;

/** The end of a wait whose `struct timespec` is at `timeout`, which the first try fixes; undefined without one. */
function deadlineOf(call: Call, timeout: number): bigint | undefined {
  if (timeout === 0) return undefined;
  return fixedDeadline(call, () => call.kernel.clock.monotonic() + readTimespec(call, timeout));
}

/**
 * Waits until `count` says that something is ready, or the deadline has come.
 * @param deadline in monotonic nanoseconds, undefined = never
 * @param readyAt when a file may become ready by itself, in monotonic milliseconds
 */
export function waitReady(
  call: Call,
  deadline: bigint | undefined,
  count: number,
  readyAt: number | undefined,
): SyscallResult {
  if (count > 0) return count;
  if (deadline === undefined) return call.parkInterruptible('input', readyAt);
  if (call.kernel.clock.monotonic() >= deadline) return 0;
  return call.parkInterruptible('input', Math.min(toMilliseconds(deadline), readyAt ?? Infinity));
}

/** When one of the files may become ready by itself. */
function earliest(call: Call, fds: readonly number[]): number | undefined {
  const { descriptors } = call.kernel;
  const times = fds.flatMap((fd) =>
    descriptors.has(fd) ? (descriptors.file(fd).readyAt?.() ?? []) : [],
  );
  return times.length === 0 ? undefined : Math.min(...times);
}

/** What holds of the events asked for; closed descriptors are POLLNVAL. */
function readiness(call: Call, fd: number, events: number): number {
  if (!call.kernel.descriptors.has(fd)) return POLLNVAL;
  return call.kernel.descriptors.file(fd).readiness() & (events | POLLERR | POLLHUP);
}

function ppoll(call: Call): SyscallResult {
  const { memory, limits } = call.kernel;
  const address = call.number(0);
  const count = call.uint(1);
  call.borrowMask(call.number(3), call.number(4));
  if (count > limits.openFiles) return -ERRNO.EINVAL;
  const table = memory.read(address, count * POLLFD_BYTES);
  const view = new DataView(table.buffer);
  let ready = 0;
  const asked: number[] = [];
  const deadline = deadlineOf(call, call.number(2));
  for (let at = 0; at < table.length; at += POLLFD_BYTES) {
    const fd = view.getInt32(at, true);
    asked.push(fd);
    const found = fd < 0 ? 0 : readiness(call, fd, view.getUint16(at + 4, true));
    view.setUint16(at + 6, found, true);
    if (found !== 0) ready++;
  }
  const result = waitReady(call, deadline, ready, earliest(call, asked));
  if (typeof result !== 'object' && table.length > 0) memory.write(address, table);
  return result;
}

const SETS: readonly { readonly argument: number; readonly events: number }[] = [
  { argument: 1, events: POLLIN | POLLHUP | POLLERR },
  { argument: 2, events: POLLOUT | POLLERR },
  { argument: 3, events: 0 },
];

function pselect6(call: Call): SyscallResult {
  const { memory, descriptors } = call.kernel;
  const wanted = call.int(0);
  if (wanted < 0) return -ERRNO.EINVAL;
  // Argument 5: the address of a signal set, and its size.
  const lent = call.number(5);
  if (lent !== 0) call.borrowMask(Number(memory.u64(lent)), Number(memory.u64(lent + 8)));
  const count = Math.min(wanted, FD_SETSIZE);
  const bytes = Math.ceil(count / 64) * 8;
  let ready = 0;
  const watched: number[] = [];
  const deadline = deadlineOf(call, call.number(4));
  const answers: { address: number; set: Uint8Array }[] = [];
  for (const { argument, events } of SETS) {
    const address = call.number(argument);
    if (address === 0) continue;
    const asked = memory.read(address, bytes);
    const set = new Uint8Array(bytes);
    for (let fd = 0; fd < count; fd++) {
      if (((asked[fd >> 3] ?? 0) & (1 << (fd & 7))) === 0) continue;
      if (!descriptors.has(fd)) return -ERRNO.EBADF;
      watched.push(fd);
      if ((readiness(call, fd, events) & events) === 0) continue;
      set[fd >> 3] = (set[fd >> 3] ?? 0) | (1 << (fd & 7));
      ready++;
    }
    answers.push({ address, set });
  }
  const result = waitReady(call, deadline, ready, earliest(call, watched));
  if (typeof result !== 'object' && result >= 0) {
    for (const { address, set } of answers) memory.write(address, set);
  }
  return result;
}

/** Waiting for several descriptors. */
export const pollCalls: SyscallHandlers = { ppoll, pselect6 };
