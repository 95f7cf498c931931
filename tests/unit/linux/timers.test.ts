import { afterEach, describe, expect, test } from 'vitest';
import { ERRNO } from '../../../emulator/linux/abi/errno';
import { DATA, endProcesses, TestProcess } from './process';

afterEach(endProcesses);

const [REALTIME, MONOTONIC, CPUTIME] = [0, 1, 2];
const [SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD_ID] = [0, 1, 4];
const ABSTIME = 1;
const RT = 40;

/** `struct itimerspec`, or `struct itimerval` with microseconds. */
function setting(process: TestProcess, interval: number, value: number, unit = 1e9): number {
  [interval, value].forEach((seconds, i) => {
    process.space.writeU64(DATA + 16 * i, BigInt(Math.floor(seconds)));
    process.space.writeU64(DATA + 16 * i + 8, BigInt(Math.round((seconds % 1) * unit)));
  });
  return DATA;
}

function told(process: TestProcess, at: number, unit = 1e9): number[] {
  return [0, 16].map((part) => process.u64(at + part) + process.u64(at + part + 8) / unit);
}

function blocked(signal: number): TestProcess {
  const process = new TestProcess();
  process.space.writeU64(DATA, 1n << BigInt(signal - 1));
  process.call('rt_sigprocmask', 0, DATA, 0, 8);
  return process;
}

/** The pending signal; its overrun count and value. */
function take(process: TestProcess, signal: number): number[] | undefined {
  process.space.writeU64(DATA + 512, 1n << BigInt(signal - 1));
  process.space.write(DATA + 520, new Uint8Array(16));
  process.kernel.interruption(process.hart);
  const taken = process.call('rt_sigtimedwait', DATA + 512, DATA + 640, DATA + 520, 8);
  if (taken === -ERRNO.EAGAIN) return undefined;
  return [process.space.readU32(DATA + 640 + 20) ?? NaN, process.u64(DATA + 640 + 24)];
}

function create(
  process: TestProcess,
  clock: number,
  kind: number,
  signal = RT,
  tid = 1000,
): number {
  process.space.writeU64(DATA + 256, 77);
  process.space.writeU32(DATA + 264, signal);
  process.space.writeU32(DATA + 268, kind);
  process.space.writeU32(DATA + 272, tid);
  return process.call('timer_create', clock, DATA + 256, DATA + 400);
}

describe('a timer of timer_create', () => {
  test('sends its signal with its value, and counts what comes meanwhile', () => {
    const process = blocked(RT);
    expect(create(process, MONOTONIC, SIGEV_SIGNAL)).toBe(0);
    expect(process.space.readU32(DATA + 400)).toBe(0);
    expect(process.call('timer_settime', 0, 0, setting(process, 0.01, 0.05), 0)).toBe(0);
    process.clock.milliseconds += 49;
    expect(take(process, RT)).toBeUndefined();
    process.clock.milliseconds += 1;
    expect(take(process, RT)).toEqual([0, 77]);
    process.clock.milliseconds += 35;
    process.kernel.interruption(process.hart);
    process.clock.milliseconds += 20;
    expect(take(process, RT)).toEqual([4, 77]);
    expect(process.call('timer_getoverrun', 0)).toBe(4);
    expect(process.call('timer_gettime', 0, DATA + 64)).toBe(0);
    expect(told(process, DATA + 64)).toEqual([0.01, 0.005]);
    expect(process.call('timer_delete', 0)).toBe(0);
    process.clock.milliseconds += 1000;
    expect(take(process, RT)).toBeUndefined();
    expect(process.call('timer_delete', 0)).toBe(-ERRNO.EINVAL);
  });

  test('can be set to a time of day, and to processor time', () => {
    const process = blocked(RT);
    create(process, REALTIME, SIGEV_THREAD_ID);
    create(process, CPUTIME, SIGEV_SIGNAL);
    process.call('clock_gettime', REALTIME, DATA + 128);
    process.call('timer_settime', 0, ABSTIME, setting(process, 0, process.u64(DATA + 128) + 2), 0);
    process.clock.milliseconds += 1999;
    expect(take(process, RT)).toBeUndefined();
    process.clock.milliseconds += 1;
    expect(take(process, RT)).toEqual([0, 77]);
    process.call('timer_settime', 1, 0, setting(process, 0, 1), 0);
    process.clock.milliseconds += 5000;
    expect(take(process, RT)).toBeUndefined();
    process.hart.instret += 500_000_001;
    expect(take(process, RT)).toEqual([0, 77]);
  });

  test('without a signal only counts', () => {
    const process = new TestProcess();
    expect(create(process, MONOTONIC, SIGEV_NONE, 0)).toBe(0);
    process.call('timer_settime', 0, 0, setting(process, 0, 2), 0);
    process.clock.milliseconds += 500;
    expect(process.call('timer_settime', 0, 0, setting(process, 0, 0), DATA + 64)).toBe(0);
    expect(told(process, DATA + 64)).toEqual([0, 1.5]);
  });

  test('that nobody asked for sends SIGALRM with its id', () => {
    const process = blocked(14);
    process.call('timer_create', MONOTONIC, 0, DATA + 400);
    process.call('timer_create', MONOTONIC, 0, DATA + 400);
    process.call('timer_settime', 1, 0, setting(process, 0, 1), 0);
    process.clock.milliseconds += 1000;
    expect(take(process, 14)).toEqual([0, 1]);
  });

  test('wakes a hart that waits', () => {
    const process = blocked(RT);
    create(process, MONOTONIC, SIGEV_SIGNAL);
    process.call('timer_settime', 0, 0, setting(process, 0, 3), 0);
    const deadline = process.clock.milliseconds + 3000;
    expect(process.outcome('read', 0, DATA, 1)).toMatchObject({ kind: 'park', deadline });
  });

  test('that cannot be is an error', () => {
    const process = new TestProcess();
    expect(create(process, 77, SIGEV_SIGNAL)).toBe(-ERRNO.EINVAL);
    expect(create(process, 4, SIGEV_SIGNAL)).toBe(-ERRNO.EOPNOTSUPP);
    expect(create(process, MONOTONIC, 9)).toBe(-ERRNO.EINVAL);
    expect(create(process, MONOTONIC, SIGEV_SIGNAL, 65)).toBe(-ERRNO.EINVAL);
    expect(create(process, MONOTONIC, SIGEV_THREAD_ID, RT, 4711)).toBe(-ERRNO.EINVAL);
    expect(process.call('timer_create', MONOTONIC, 0, 8)).toBe(-ERRNO.EFAULT);
    expect(process.kernel.timers.count).toBe(0);
    create(process, MONOTONIC, SIGEV_SIGNAL);
    expect(process.call('timer_settime', 0, 0, 0, 0)).toBe(-ERRNO.EINVAL);
    expect(process.call('timer_settime', 5, 0, setting(process, 0, 1), 0)).toBe(-ERRNO.EINVAL);
    process.space.writeU64(DATA + 24, 2e9);
    expect(process.call('timer_settime', 0, 0, DATA, 0)).toBe(-ERRNO.EINVAL);
    expect(process.call('timer_gettime', 0, 0)).toBe(-ERRNO.EFAULT);
    expect(process.call('timer_getoverrun', -1)).toBe(-ERRNO.EINVAL);
  });
});

describe('an interval timer', () => {
  test.each([
    ['ITIMER_VIRTUAL', 1, 26],
    ['ITIMER_PROF', 2, 27],
  ])('%s counts processor time', (_, which, signal) => {
    const process = blocked(signal);
    expect(process.call('setitimer', which, setting(process, 0.5, 1, 1e6), 0)).toBe(0);
    process.clock.milliseconds += 10_000;
    expect(take(process, signal)).toBeUndefined();
    process.hart.instret += 600_000_000;
    expect(take(process, signal)).toBeDefined();
    expect(process.call('getitimer', which, DATA + 64)).toBe(0);
    const [interval, left] = told(process, DATA + 64, 1e6);
    expect(interval).toBe(0.5);
    expect(left).toBeCloseTo(0.3, 4);
  });

  test('of a number or time that is none is an error', () => {
    const process = new TestProcess();
    expect(process.call('setitimer', 3, setting(process, 0, 1, 1e6), 0)).toBe(-ERRNO.EINVAL);
    expect(process.call('getitimer', 3, DATA)).toBe(-ERRNO.EINVAL);
    expect(process.call('getitimer', 0, 0)).toBe(-ERRNO.EFAULT);
    process.space.writeU64(DATA + 24, 1e6);
    expect(process.call('setitimer', 0, DATA, 0)).toBe(-ERRNO.EINVAL);
  });
});
