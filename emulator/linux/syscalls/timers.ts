import { ERRNO } from '../abi/errno';
import { MAX_SIGNAL, SIGNAL } from '../abi/signals';
import { SyscallError, type Call, type SyscallHandlers, type SyscallResult } from '../call';
import type { TimerClock, TimerNotice, TimerSetting } from '../timers';
import {
  CLOCK,
  clockThread,
  encodeTimespec,
  encodeTimeval,
  readTimespec,
  readTimeval,
} from './time';

const TIMER_ABSTIME = 1;

/** How a timer tells that it has expired (include/uapi/asm-generic/siginfo.h). */
const SIGEV = { SIGNAL: 0, NONE: 1, THREAD: 2, THREAD_ID: 4 } as const;

/** `struct itimerval` and `struct itimerspec`: interval, then what is left; 16 bytes each. */
function putSetting(
  call: Call,
  address: number,
  { value, interval }: TimerSetting,
  encode: (nanoseconds: bigint) => Uint8Array,
): void {
  if (address === 0) return;
  call.kernel.memory.write(address, encode(interval));
  call.kernel.memory.write(address + 16, encode(value));
}

function readSetting(
  call: Call,
  address: number,
  read: (call: Call, address: number) => bigint,
): TimerSetting {
  const interval = read(call, address);
  return { interval, value: read(call, address + 16) };
}

const OFF: TimerSetting = { value: 0n, interval: 0n };

/** What a timer counts that is made for a clock. */
function timerClock(call: Call, id: number): TimerClock {
  switch (id) {
    case CLOCK.REALTIME:
    case CLOCK.MONOTONIC:
    case CLOCK.BOOTTIME:
    case CLOCK.TAI:
      return 'wall';
    case CLOCK.PROCESS_CPUTIME_ID:
      return 'process';
    case CLOCK.THREAD_CPUTIME_ID:
      return call.thread;
    default: {
      if (id < 0) return clockThread(call, id) ?? 'process';
      const errno = id <= CLOCK.TAI && id !== 10 ? ERRNO.EOPNOTSUPP : ERRNO.EINVAL;
      throw new SyscallError(errno, `no timer counts by clock ${id}`);
    }
  }
}

/** `struct sigevent`: value u64, signal i32, kind i32, thread i32; 64 bytes. */
function readNotice(call: Call, address: number): (id: number) => TimerNotice {
  const { memory } = call.kernel;
  if (address === 0) {
    return (id) => ({ signal: SIGNAL.SIGALRM, value: BigInt(id), thread: undefined });
  }
  const view = new DataView(memory.read(address, 64).buffer);
  const value = view.getBigUint64(0, true);
  const signal = view.getInt32(8, true);
  const kind = view.getInt32(12, true);
  if (kind === SIGEV.NONE) return () => ({ signal: undefined, value, thread: undefined });
  const known: readonly number[] = [SIGEV.SIGNAL, SIGEV.THREAD, SIGEV.THREAD_ID];
  const thread =
    kind === SIGEV.THREAD_ID ? call.kernel.findThread(view.getInt32(16, true)) : undefined;
  const isLost = kind === SIGEV.THREAD_ID && thread === undefined;
  if (!known.includes(kind) || isLost || signal < 1 || signal > MAX_SIGNAL) {
    throw new SyscallError(ERRNO.EINVAL, `signal ${signal} cannot be sent as kind ${kind} says`);
  }
  return () => ({ signal, value, thread });
}

/** The timer of argument 0. */
function timerOf(call: Call): NonNullable<ReturnType<Call['kernel']['timers']['get']>> {
  const timer = call.kernel.timers.get(call.int(0));
  if (timer === undefined) throw new SyscallError(ERRNO.EINVAL, `there is no timer ${call.int(0)}`);
  return timer;
}

function timerSettime(call: Call): SyscallResult {
  if (call.number(2) === 0) return -ERRNO.EINVAL;
  const wanted = readSetting(call, call.number(2), readTimespec);
  const posix = timerOf(call);
  const before = posix.timer.setting;
  const absolute = (call.int(1) & TIMER_ABSTIME) !== 0 && wanted.value !== 0n;
  posix.set(absolute ? { ...wanted, value: posix.untilTime(wanted.value) } : wanted);
  putSetting(call, call.number(3), before, encodeTimespec);
  return 0;
}

/** Timers that send signals: setitimer(2) and timer_create(2). */
export const timerCalls: SyscallHandlers = {
  getitimer(call) {
    const timer = call.kernel.timers.interval(call.int(0));
    if (timer === undefined) return -ERRNO.EINVAL;
    if (call.number(1) === 0) return -ERRNO.EFAULT;
    putSetting(call, call.number(1), timer.setting, encodeTimeval);
    return 0;
  },
  setitimer(call) {
    const timer = call.kernel.timers.interval(call.int(0));
    const wanted = call.number(1) === 0 ? OFF : readSetting(call, call.number(1), readTimeval);
    if (timer === undefined) return -ERRNO.EINVAL;
    const before = timer.setting;
    timer.set(wanted);
    putSetting(call, call.number(2), before, encodeTimeval);
    return 0;
  },
  timer_create(call) {
    const { timers, limits, memory } = call.kernel;
    const clock = timerClock(call, call.int(0));
    const notice = readNotice(call, call.number(1));
    if (timers.count >= limits.pendingSignals) return -ERRNO.EAGAIN;
    const address = call.number(2);
    memory.writableLength(address, 4);
    memory.setU32(address, timers.create(clock, notice, call.int(0) === CLOCK.REALTIME));
    return 0;
  },
  timer_settime: timerSettime,
  timer_gettime(call) {
    const { timer } = timerOf(call);
    if (call.number(1) === 0) return -ERRNO.EFAULT;
    putSetting(call, call.number(1), timer.setting, encodeTimespec);
    return 0;
  },
  timer_getoverrun: (call) => timerOf(call).lastOverrun,
  timer_delete: (call) => (call.kernel.timers.delete(call.int(0)) ? 0 : -ERRNO.EINVAL),
};
