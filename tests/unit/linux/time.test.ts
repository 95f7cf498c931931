import { afterEach, describe, expect, test } from 'vitest';
import { ERRNO } from '../../../emulator/linux/abi/errno';
import { DATA, endProcesses, TestProcess } from './process';

afterEach(endProcesses);

const REALTIME = 0;
const MONOTONIC = 1;
const ABSTIME = 1;

function timespec(process: TestProcess, seconds: number, nanoseconds: number, at = DATA): number {
  process.space.writeU64(at, BigInt(seconds));
  process.space.writeU64(at + 8, BigInt(nanoseconds));
  return at;
}

describe('clocks', () => {
  test('tell the host’s time, in ticks of the time CSR', () => {
    const process = new TestProcess();
    expect(process.call('clock_gettime', REALTIME, DATA)).toBe(0);
    expect(process.u64(DATA)).toBe(1_700_001_000);
    process.clock.milliseconds = 1234.567891;
    expect(process.call('clock_gettime', MONOTONIC, DATA)).toBe(0);
    expect([process.u64(DATA), process.u64(DATA + 8)]).toEqual([1, 234567800]);
    expect(process.call('gettimeofday', DATA, 0)).toBe(0);
    expect([process.u64(DATA), process.u64(DATA + 8)]).toEqual([1_700_000_001, 234567]);
  });

  test('of processor time count instructions, 500 million a second', () => {
    const process = new TestProcess().start();
    process.hart.instret = 1_250_000_000;
    process.clock.milliseconds += 60_000;
    expect(process.call('clock_gettime', 2, DATA)).toBe(0);
    expect([process.u64(DATA), process.u64(DATA + 8)]).toEqual([2, 500_000_000]);
    expect(process.call('clock_gettime', 3, DATA)).toBe(0);
    expect(process.u64(DATA)).toBe(2);
    expect(process.call('times', DATA)).toBeGreaterThan(0);
    expect(process.u64(DATA)).toBe(250);
    expect(process.call('getrusage', 0, DATA)).toBe(0);
    expect(process.u64(DATA)).toBe(2);
  });

  test('that do not exist are EINVAL, a bad pointer is EFAULT', () => {
    const process = new TestProcess();
    expect(process.call('clock_gettime', 99, DATA)).toBe(-ERRNO.EINVAL);
    expect(process.call('clock_getres', 99, DATA)).toBe(-ERRNO.EINVAL);
    expect(process.call('clock_gettime', REALTIME, 8)).toBe(-ERRNO.EFAULT);
    expect(process.call('clock_getres', MONOTONIC, DATA)).toBe(0);
    expect(process.u64(DATA + 8)).toBe(1);
  });
});

describe('sleeping', () => {
  test('parks the hart until its time, counted from the first try', () => {
    const process = new TestProcess();
    const deadline = process.clock.milliseconds + 1500;
    const park = { kind: 'park', reason: 'sleep', deadline };
    expect(process.outcome('nanosleep', timespec(process, 1, 5e8), 0)).toEqual(park);
    process.clock.milliseconds += 1000;
    expect(process.again()).toEqual(park);
    process.clock.milliseconds += 500;
    expect(process.again()).toEqual({ kind: 'done' });
    expect(process.result).toBe(0);
  });

  test('of no time at all does not park', () => {
    const process = new TestProcess();
    expect(process.call('nanosleep', timespec(process, 0, 0), 0)).toBe(0);
  });

  test('can end at a time of day', () => {
    const process = new TestProcess();
    process.call('clock_gettime', REALTIME, DATA);
    const wake = timespec(process, process.u64(DATA) + 3, 0);
    const outcome = process.outcome('clock_nanosleep', REALTIME, ABSTIME, wake, 0);
    expect(outcome).toEqual({
      kind: 'park',
      reason: 'sleep',
      deadline: process.clock.milliseconds + 3000,
    });
  });

  test('until a time that has passed ends at once', () => {
    const process = new TestProcess();
    expect(process.call('clock_nanosleep', MONOTONIC, ABSTIME, timespec(process, 1, 0), 0)).toBe(0);
  });

  test('for what is no time is EINVAL', () => {
    const process = new TestProcess();
    expect(process.call('nanosleep', timespec(process, 0, 1e9), 0)).toBe(-ERRNO.EINVAL);
    expect(process.call('nanosleep', timespec(process, -1, 0), 0)).toBe(-ERRNO.EINVAL);
    expect(process.call('nanosleep', 8, 0)).toBe(-ERRNO.EFAULT);
    expect(process.call('clock_nanosleep', 77, 0, timespec(process, 1, 0), 0)).toBe(-ERRNO.EINVAL);
  });

  test('twice at the same place sleeps twice', () => {
    const process = new TestProcess();
    for (let i = 0; i < 2; i++) {
      expect(process.outcome('nanosleep', timespec(process, 1, 0), 0).kind).toBe('park');
      process.clock.milliseconds += 1000;
      expect(process.again().kind).toBe('done');
      process.hart.pc -= 4;
    }
  });
});

describe('the alarm', () => {
  test('rings while the hart runs and while it waits', () => {
    const process = new TestProcess();
    timespec(process, 0, 0);
    timespec(process, 2, 0, DATA + 16);
    expect(process.call('setitimer', 0, DATA, 0)).toBe(0);
    expect(process.kernel.interruption(process.hart)).toBeUndefined();
    const deadline = process.clock.milliseconds + 2000;
    expect(process.outcome('read', 0, DATA, 1)).toEqual({
      kind: 'park',
      reason: 'input',
      deadline,
    });
    process.clock.milliseconds = deadline;
    expect(process.again()).toEqual({ kind: 'killed', signal: 14 });
  });

  test('tells what is left and can be switched off', () => {
    const process = new TestProcess();
    timespec(process, 1, 0);
    timespec(process, 2, 0, DATA + 16);
    process.call('setitimer', 0, DATA, 0);
    process.clock.milliseconds += 500;
    expect(process.call('setitimer', 0, 0, DATA + 64)).toBe(0);
    expect([0, 8, 16, 24].map((at) => process.u64(DATA + 64 + at))).toEqual([1, 0, 1, 500_000]);
    process.clock.milliseconds += 10_000;
    expect(process.kernel.interruption(process.hart)).toBeUndefined();
  });
});
