import { ERRNO } from '../abi/errno';
import { SyscallError, type Call, type SyscallHandlers, type SyscallResult } from '../call';
import { NANOSECONDS, toMilliseconds } from '../clock';
import type { LinuxKernel } from '../kernel';
import type { Thread } from '../thread';
import { TICK } from '../vdso';

/** Clock ids (include/uapi/linux/time.h). */
export const CLOCK = {
  REALTIME: 0,
  MONOTONIC: 1,
  PROCESS_CPUTIME_ID: 2,
  THREAD_CPUTIME_ID: 3,
  MONOTONIC_RAW: 4,
  REALTIME_COARSE: 5,
  MONOTONIC_COARSE: 6,
  BOOTTIME: 7,
  REALTIME_ALARM: 8,
  BOOTTIME_ALARM: 9,
  TAI: 11,
} as const;

const TIMER_ABSTIME = 1;
/** Resolution of the coarse clocks: the tick of a kernel with HZ = 250. */
const COARSE_RESOLUTION = 4_000_000n;
/** Nanoseconds of a clock tick as times(2) counts them: 100 a second. */
const USER_TICK = 10_000_000n;
const MICROSECOND = 1000n;
const MAX_SECONDS = 2n ** 63n / NANOSECONDS;

/** Bits of the clock of another process or thread: which clock, and whose (include/linux/posix-timers.h). */
const CPUCLOCK_CLOCK_MASK = 3;
const CPUCLOCK_MAX = 2;
const CPUCLOCK_PERTHREAD = 4;

/**
 * Whose processor time a clock with a negative id tells: a thread's, or the process's (undefined).
 * @throws SyscallError when there is no such clock here
 */
export function clockThread({ kernel, thread }: Call, id: number): Thread | undefined {
  const pid = ~(id >> 3);
  const perThread = (id & CPUCLOCK_PERTHREAD) !== 0;
  const owner = pid === 0 ? thread : kernel.findThread(pid);
  if ((id & CPUCLOCK_CLOCK_MASK) > CPUCLOCK_MAX || owner === undefined) {
    throw new SyscallError(ERRNO.EINVAL, `there is no clock ${id}`);
  }
  return perThread ? owner : undefined;
}

/** As the `time` CSR has it, from which the vDSO tells the time: so that neither is behind the other. */
function inTicks(nanoseconds: bigint): bigint {
  return nanoseconds - (nanoseconds % TICK);
}

/** The time of a clock in nanoseconds; undefined when Linux has no such clock. */
function clockTime(call: Call, id: number): bigint | undefined {
  const { kernel } = call;
  switch (id) {
    case CLOCK.REALTIME:
    case CLOCK.REALTIME_COARSE:
    case CLOCK.REALTIME_ALARM:
    case CLOCK.TAI:
      return inTicks(kernel.clock.realtime());
    case CLOCK.MONOTONIC:
    case CLOCK.MONOTONIC_RAW:
    case CLOCK.MONOTONIC_COARSE:
    case CLOCK.BOOTTIME:
    case CLOCK.BOOTTIME_ALARM:
      return inTicks(kernel.clock.monotonic());
    case CLOCK.PROCESS_CPUTIME_ID:
      return kernel.processorTime();
    case CLOCK.THREAD_CPUTIME_ID:
      return kernel.processorTime(call.thread);
    default:
      return id < 0 ? kernel.processorTime(clockThread(call, id)) : undefined;
  }
}

const USAGE_BYTES = 144;

/** `struct rusage`: user time, system time, then 14 counts, the first the peak of resident KiB. */
export function encodeUsage({ space }: LinuxKernel, nanoseconds: bigint): Uint8Array {
  const bytes = new Uint8Array(USAGE_BYTES);
  bytes.set(encodeTimeval(nanoseconds));
  const resident = BigInt(space.arena.frames.used * 4);
  new DataView(bytes.buffer).setBigInt64(32, resident, true);
  return bytes;
}

/** `struct timespec` of a time in nanoseconds. */
export function encodeTimespec(nanoseconds: bigint): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, nanoseconds / NANOSECONDS, true);
  view.setBigInt64(8, nanoseconds % NANOSECONDS, true);
  return bytes;
}

/** For `putTimespec`, which programs call in loops. */
const scratch = new BigInt64Array(2);
const scratchBytes = new Uint8Array(scratch.buffer);

function putTimespec(call: Call, address: number, nanoseconds: bigint): void {
  scratch[0] = nanoseconds / NANOSECONDS;
  scratch[1] = nanoseconds % NANOSECONDS;
  call.kernel.memory.write(address, scratchBytes);
}

/** Reads `struct timespec` as nanoseconds; what is no time is EINVAL. */
export function readTimespec(call: Call, address: number): bigint {
  const view = new DataView(call.kernel.memory.read(address, 16).buffer);
  const seconds = view.getBigInt64(0, true);
  const nanoseconds = view.getBigInt64(8, true);
  if (seconds < 0n || nanoseconds < 0n || nanoseconds >= NANOSECONDS) {
    throw new SyscallError(ERRNO.EINVAL, `${seconds} s ${nanoseconds} ns is no time`);
  }
  return (seconds > MAX_SECONDS ? MAX_SECONDS : seconds) * NANOSECONDS + nanoseconds;
}

/** `struct timeval` as nanoseconds. */
export function encodeTimeval(nanoseconds: bigint): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, nanoseconds / NANOSECONDS, true);
  view.setBigInt64(8, (nanoseconds % NANOSECONDS) / MICROSECOND, true);
  return bytes;
}

/**
 * Sleeps until `deadline` in monotonic nanoseconds, which the first try of the call has fixed.
 * @param remaining where the time that is left goes when a signal ends the sleep; 0 = nowhere
 */
function sleepUntil(call: Call, deadline: bigint, remaining: number): SyscallResult {
  const now = call.kernel.clock.monotonic();
  if (now >= deadline) return 0;
  const answer = call.parkInterruptible('sleep', toMilliseconds(deadline));
  const isInterrupted = typeof answer === 'object' && answer.kind === 'interrupted';
  if (isInterrupted && remaining !== 0) putTimespec(call, remaining, deadline - now);
  return answer;
}

/** The deadline that the first try has fixed; `compute` makes it then. */
export function fixedDeadline(call: Call, compute: () => bigint): bigint {
  const { wait } = call.thread;
  if (wait === undefined) return compute();
  wait.deadline ??= compute();
  return wait.deadline;
}

function clockNanosleep(call: Call): SyscallResult {
  const { clock } = call.kernel;
  const id = call.int(0);
  const sleepable = id === CLOCK.REALTIME || id === CLOCK.TAI;
  if (!sleepable && id !== CLOCK.MONOTONIC && id !== CLOCK.BOOTTIME) {
    return clockTime(call, id) === undefined || id === CLOCK.THREAD_CPUTIME_ID
      ? -ERRNO.EINVAL
      : -ERRNO.EOPNOTSUPP;
  }
  const absolute = (call.int(1) & TIMER_ABSTIME) !== 0;
  const deadline = fixedDeadline(call, () => {
    const time = readTimespec(call, call.number(2));
    const base = absolute && sleepable ? clock.monotonic() - clock.realtime() : 0n;
    return absolute ? time + base : clock.monotonic() + time;
  });
  return sleepUntil(call, deadline, absolute ? 0 : call.number(3));
}

/** Reads `struct timeval` as nanoseconds; what is no time is EINVAL. */
export function readTimeval(call: Call, address: number): bigint {
  const view = new DataView(call.kernel.memory.read(address, 16).buffer);
  const seconds = view.getBigInt64(0, true);
  const microseconds = view.getBigInt64(8, true);
  if (seconds < 0n || microseconds < 0n || microseconds >= 1_000_000n) {
    throw new SyscallError(ERRNO.EINVAL, `${seconds} s ${microseconds} µs is no time`);
  }
  return (seconds > MAX_SECONDS ? MAX_SECONDS : seconds) * NANOSECONDS + microseconds * MICROSECOND;
}

/** Clocks and sleeping. */
export const timeCalls: SyscallHandlers = {
  clock_gettime(call) {
    const time = clockTime(call, call.int(0));
    if (time === undefined) return -ERRNO.EINVAL;
    putTimespec(call, call.number(1), time);
    return 0;
  },
  clock_getres(call) {
    const id = call.int(0);
    if (clockTime(call, id) === undefined) return -ERRNO.EINVAL;
    const coarse = id === CLOCK.REALTIME_COARSE || id === CLOCK.MONOTONIC_COARSE;
    if (call.number(1) !== 0) putTimespec(call, call.number(1), coarse ? COARSE_RESOLUTION : 1n);
    return 0;
  },
  clock_settime: (call) => (call.int(0) === CLOCK.REALTIME ? -ERRNO.EPERM : -ERRNO.EINVAL),
  settimeofday: () => -ERRNO.EPERM,
  gettimeofday(call) {
    const { clock, memory } = call.kernel;
    if (call.number(0) !== 0) memory.write(call.number(0), encodeTimeval(clock.realtime()));
    // The time zone of the kernel is always that of Greenwich.
    if (call.number(1) !== 0) memory.setU64(call.number(1), 0n);
    return 0;
  },
  nanosleep(call) {
    const deadline = fixedDeadline(
      call,
      () => call.kernel.clock.monotonic() + readTimespec(call, call.number(0)),
    );
    return sleepUntil(call, deadline, call.number(1));
  },
  clock_nanosleep: clockNanosleep,
  times(call) {
    const { clock, memory } = call.kernel;
    if (call.number(0) !== 0) {
      memory.write(call.number(0), new Uint8Array(32));
      memory.setU64(call.number(0), call.kernel.processorTime() / USER_TICK);
      memory.setU64(call.number(0) + 16, call.kernel.childrenTime() / USER_TICK);
    }
    return clock.monotonic() / USER_TICK;
  },
};
