import { ADDRESS_LIMIT } from '../../memory/layout';
import { ERRNO } from '../abi/errno';
import { SyscallError, type Call, type SyscallHandler, type SyscallResult } from '../call';
import { toMilliseconds } from '../clock';
import { ANY_BIT } from '../futex';
import { fixedDeadline, readTimespec } from './time';

/** Operations of futex(2) (include/uapi/linux/futex.h). Those with priority inheritance are not there. */
const FUTEX = {
  WAIT: 0,
  WAKE: 1,
  REQUEUE: 3,
  CMP_REQUEUE: 4,
  WAKE_OP: 5,
  WAIT_BITSET: 9,
  WAKE_BITSET: 10,
} as const;

const PRIVATE_FLAG = 128;
const CLOCK_REALTIME_FLAG = 256;
const COMMAND_MASK = ~(PRIVATE_FLAG | CLOCK_REALTIME_FLAG);
const FUTEX_BYTES = 4;

/** The address of a futex, which must be aligned and, unless the futex is private, writable. */
function futexAt(call: Call, argument: number): number {
  const address = call.number(argument);
  if (address % FUTEX_BYTES !== 0) {
    throw new SyscallError(ERRNO.EINVAL, `a futex at 0x${address.toString(16)} is not aligned`);
  }
  if (address >= ADDRESS_LIMIT || (call.uint(1) & PRIVATE_FLAG) === 0) {
    call.kernel.memory.writableLength(address, FUTEX_BYTES);
  }
  return address;
}

/** Monotonic nanoseconds at which a wait ends; undefined without a timeout. */
function deadlineOf(call: Call, isAbsolute: boolean): bigint | undefined {
  const timeout = call.number(3);
  if (timeout === 0) return undefined;
  const { clock } = call.kernel;
  return fixedDeadline(call, () => {
    const time = readTimespec(call, timeout);
    if (!isAbsolute) return clock.monotonic() + time;
    const isRealtime = (call.uint(1) & CLOCK_REALTIME_FLAG) !== 0;
    return isRealtime ? time - clock.realtime() + clock.monotonic() : time;
  });
}

/** Waits unless the futex has another value by now; a try after the first one only looks whether it is over. */
function wait(call: Call, bits: number, isAbsolute: boolean): SyscallResult {
  const { clock, futexes, memory } = call.kernel;
  const { thread } = call;
  const current = thread.wait;
  if (bits === 0 || current === undefined) return -ERRNO.EINVAL;
  if (current.futex?.woken === true) return 0;
  const deadline = deadlineOf(call, isAbsolute);
  if (current.futex === undefined) {
    const address = futexAt(call, 0);
    if (memory.u32(address) !== call.uint(2)) return -ERRNO.EAGAIN;
    current.futex = futexes.wait(call.kernel.futexKey(address), thread, current, bits);
  }
  if (deadline === undefined) return call.parkInterruptible('futex');
  if (clock.monotonic() >= deadline) {
    futexes.leave(current.futex);
    return -ERRNO.ETIMEDOUT;
  }
  return call.parkInterruptible('futex', toMilliseconds(deadline));
}

function requeue(call: Call, compares: boolean): SyscallResult {
  const { futexes, memory } = call.kernel;
  const [wakes, moves] = [call.int(2), call.int(3)];
  if (wakes < 0 || moves < 0) return -ERRNO.EINVAL;
  const from = futexAt(call, 0);
  const to = futexAt(call, 4);
  if (compares && memory.u32(from) !== call.uint(5)) return -ERRNO.EAGAIN;
  const { kernel } = call;
  return futexes.requeue(kernel.futexKey(from), kernel.futexKey(to), wakes, moves);
}

/** What FUTEX_WAKE_OP stores, by the number of its operation: of the old value and the argument. */
const OPERATIONS: readonly ((old: number, argument: number) => number)[] = [
  (_, argument) => argument,
  (old, argument) => old + argument,
  (old, argument) => old | argument,
  (old, argument) => old & ~argument,
  (old, argument) => old ^ argument,
];

/** By number, what the old value is compared for, both signed. */
const COMPARISONS: readonly ((old: number, argument: number) => boolean)[] = [
  (old, argument) => old === argument,
  (old, argument) => old !== argument,
  (old, argument) => old < argument,
  (old, argument) => old <= argument,
  (old, argument) => old > argument,
  (old, argument) => old >= argument,
];

/** The operation's argument is a shift count of 1. */
const OPARG_SHIFT = 8;

/**
 * Changes the second futex, wakes waiters of the first one, and of the second one when its old value compares
 * true. Argument 5: operation in bits 31:28, comparison in 27:24, their arguments in 23:12 and 11:0.
 */
function wakeOperation(call: Call): SyscallResult {
  const { futexes, memory } = call.kernel;
  const code = call.int(5);
  const first = futexAt(call, 0);
  const second = futexAt(call, 4);
  const operation = OPERATIONS[(code >>> 28) & (OPARG_SHIFT - 1)];
  const compare = COMPARISONS[(code >>> 24) & 15];
  if (operation === undefined) return -ERRNO.ENOSYS;
  const given = (code << 8) >> 20;
  const argument = (code >>> 28) & OPARG_SHIFT ? 1 << (given & 31) : given;
  const old = memory.i32(second);
  memory.setU32(second, operation(old, argument) >>> 0);
  if (compare === undefined) return -ERRNO.ENOSYS;
  const wake = (address: number, count: number): number =>
    futexes.wake(call.kernel.futexKey(address), count);
  const woken = wake(first, call.int(2));
  return compare(old, (code << 20) >> 20) ? woken + wake(second, call.int(3)) : woken;
}

/** futex(2): address, operation, value, timeout or second count, second address, third value. */
export const futex: SyscallHandler = (call) => {
  const { futexes } = call.kernel;
  const command = call.uint(1) & COMMAND_MASK;
  const isRealtime = (call.uint(1) & CLOCK_REALTIME_FLAG) !== 0;
  if (isRealtime && command !== FUTEX.WAIT_BITSET) return -ERRNO.ENOSYS;
  switch (command) {
    case FUTEX.WAIT:
      return wait(call, ANY_BIT, false);
    case FUTEX.WAIT_BITSET:
      return wait(call, call.uint(5), true);
    case FUTEX.WAKE:
      return futexes.wake(call.kernel.futexKey(futexAt(call, 0)), call.int(2));
    case FUTEX.WAKE_BITSET:
      if (call.uint(5) === 0) return -ERRNO.EINVAL;
      return futexes.wake(call.kernel.futexKey(futexAt(call, 0)), call.int(2), call.uint(5));
    case FUTEX.REQUEUE:
      return requeue(call, false);
    case FUTEX.CMP_REQUEUE:
      return requeue(call, true);
    case FUTEX.WAKE_OP:
      return wakeOperation(call);
    default:
      return -ERRNO.ENOSYS;
  }
};
