import { ERRNO } from '../abi/errno';
import type { Call, SyscallHandlers, SyscallResult } from '../call';
import { toMilliseconds } from '../clock';
import { POLLERR, POLLIN, POLLNVAL, POLLOUT } from '../files/open-file';
import { fixedDeadline, readTimespec } from './time';

/** `struct pollfd`: fd (i32), events (i16), revents (i16). */
const POLLFD_BYTES = 8;
const POLLHUP = 0x10;
/** Most descriptors that a `fd_set` has room for here. */
const FD_SETSIZE = 1024;

/** Waits until `ready` counts something or the time given at `timeout` is over. */
function waitReady(call: Call, timeout: number, count: number): SyscallResult {
  const { kernel } = call;
  if (timeout === 0) return count > 0 ? count : call.parkInterruptible('input');
  const deadline = fixedDeadline(
    call,
    () => kernel.clock.monotonic() + readTimespec(call, timeout),
  );
  if (count > 0) return count;
  if (kernel.clock.monotonic() >= deadline) return 0;
  return call.parkInterruptible('input', toMilliseconds(deadline));
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
  for (let at = 0; at < table.length; at += POLLFD_BYTES) {
    const fd = view.getInt32(at, true);
    const found = fd < 0 ? 0 : readiness(call, fd, view.getUint16(at + 4, true));
    view.setUint16(at + 6, found, true);
    if (found !== 0) ready++;
  }
  const result = waitReady(call, call.number(2), ready);
  if (typeof result !== 'object' && table.length > 0) memory.write(address, table);
  return result;
}

const SETS: readonly { readonly argument: number; readonly events: number }[] = [
  { argument: 1, events: POLLIN },
  { argument: 2, events: POLLOUT },
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
  const answers: { address: number; set: Uint8Array }[] = [];
  for (const { argument, events } of SETS) {
    const address = call.number(argument);
    if (address === 0) continue;
    const asked = memory.read(address, bytes);
    const set = new Uint8Array(bytes);
    for (let fd = 0; fd < count; fd++) {
      if (((asked[fd >> 3] ?? 0) & (1 << (fd & 7))) === 0) continue;
      if (!descriptors.has(fd)) return -ERRNO.EBADF;
      if ((readiness(call, fd, events) & events) === 0) continue;
      set[fd >> 3] = (set[fd >> 3] ?? 0) | (1 << (fd & 7));
      ready++;
    }
    answers.push({ address, set });
  }
  const result = waitReady(call, call.number(4), ready);
  if (typeof result !== 'object' && result >= 0) {
    for (const { address, set } of answers) memory.write(address, set);
  }
  return result;
}

/** Waiting for several descriptors. */
export const pollCalls: SyscallHandlers = { ppoll, pselect6 };
