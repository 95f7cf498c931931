import { afterEach, describe, expect, test } from 'vitest';
import { HartState } from '../../../emulator/engine/hart-state';
import { ERRNO } from '../../../emulator/linux/abi/errno';
import { SINGLE_PROCESS } from '../../../emulator/linux/process-host';
import type { SyscallOutcome } from '../../../emulator/linux/call';
import { systemCallNumber } from '../../../emulator/linux/syscalls/table';
import { READ } from '../../../emulator/memory/address-space';
import { DATA, endProcesses, TestProcess } from './process';

afterEach(endProcesses);

const WAIT = 0;
const WAKE = 1;
const REQUEUE = 3;
const CMP_REQUEUE = 4;
const WAKE_OP = 5;
const WAIT_BITSET = 9;
const WAKE_BITSET = 10;
const PRIVATE = 128;
const CLOCK_REALTIME = 256;
const THREAD = 0x10f00;
const FIRST = DATA + 0x100;
const SECOND = DATA + 0x200;
const TIMEOUT = DATA + 0x300;
const A0 = 10;
const A7 = 17;

/** A process whose threads make their system calls as the test says. */
class Threads extends TestProcess {
  readonly woken: HartState[] = [];
  readonly states: HartState[] = [this.hart];

  constructor(count: number) {
    super();
    const { arena } = this.space;
    this.kernel.system.host = {
      ...SINGLE_PROCESS,
      create: (caller, tid) => {
        expect(tid).toBe(1000 + this.states.length);
        const index = arena.allocateHarts();
        const state = new HartState(arena.memory, arena.hartAddress(index));
        state.mhartid = index;
        state.pc = caller.pc;
        this.states.push(state);
        return state;
      },
      wake: (hart) => this.woken.push(hart),
    };
    for (let i = 1; i < count; i++) expect(this.call('clone', THREAD, DATA)).toBe(1000 + i);
  }

  /** A call by one of the threads. */
  on(thread: number, name: string, ...args: readonly (number | bigint)[]): number | SyscallOutcome {
    const hart = this.states[thread];
    hart.setX(A7, BigInt(systemCallNumber(name)));
    for (let i = 0; i < 6; i++) hart.setX(A0 + i, BigInt.asUintN(64, BigInt(args[i] ?? 0)));
    return this.retry(thread);
  }

  retry(thread: number): number | SyscallOutcome {
    const hart = this.states[thread];
    const outcome = this.kernel.syscall(hart);
    if (outcome.kind !== 'done') return outcome;
    if (outcome.pcSet !== true) hart.pc += 4;
    hart.instret += 1;
    return Number(BigInt.asIntN(64, hart.x(A0)));
  }

  /** Lets threads wait for a futex of value 0, in this order. */
  park(threads: readonly number[], address = FIRST, bits?: number): void {
    for (const thread of threads) {
      const operation = bits === undefined ? WAIT : WAIT_BITSET;
      const outcome = this.on(thread, 'futex', address, operation | PRIVATE, 0, 0, 0, bits ?? 0);
      expect(outcome).toEqual({ kind: 'park', reason: 'futex' });
    }
  }

  /** Numbers of the threads that were woken since the last time. */
  wakes(): number[] {
    return this.woken.splice(0).map((hart) => this.states.indexOf(hart));
  }

  timespec(seconds: number, nanoseconds = 0): number {
    this.space.writeU64(TIMEOUT, seconds);
    this.space.writeU64(TIMEOUT + 8, nanoseconds);
    return TIMEOUT;
  }
}

describe('futex', () => {
  test('wakes the waiters in the order of their coming, each once', () => {
    const threads = new Threads(4);
    threads.park([2, 1, 3]);
    expect(threads.call('futex', FIRST, WAKE, 1)).toBe(1);
    expect(threads.wakes()).toEqual([2]);
    expect(threads.call('futex', FIRST, WAKE | PRIVATE, 5)).toBe(2);
    expect(threads.wakes()).toEqual([1, 3]);
    expect([1, 2, 3].map((thread) => threads.retry(thread))).toEqual([0, 0, 0]);
    expect(threads.call('futex', FIRST, WAKE, 5)).toBe(0);
  });

  test('a waiter that tries again without a wake keeps its place', () => {
    const threads = new Threads(3);
    threads.park([1, 2]);
    expect(threads.retry(1)).toEqual({ kind: 'park', reason: 'futex' });
    threads.call('futex', FIRST, WAKE, 1);
    expect(threads.wakes()).toEqual([1]);
  });

  test('a value that has changed is EAGAIN, and later values do not end a wait', () => {
    const threads = new Threads(2);
    expect(threads.on(1, 'futex', FIRST, WAIT, 1)).toBe(-ERRNO.EAGAIN);
    threads.park([1]);
    threads.space.writeU64(FIRST, 5);
    expect(threads.retry(1)).toEqual({ kind: 'park', reason: 'futex' });
  });

  test('wakes those whose bits are asked for', () => {
    const threads = new Threads(4);
    threads.park([1], FIRST, 1);
    threads.park([2], FIRST, 2);
    threads.park([3], FIRST);
    expect(threads.call('futex', FIRST, WAKE_BITSET, 9, 0, 0, 2)).toBe(2);
    expect(threads.wakes()).toEqual([2, 3]);
    expect(threads.call('futex', FIRST, WAKE, 9)).toBe(1);
  });

  test('requeues waiters behind those of another address', () => {
    const threads = new Threads(6);
    threads.park([5], SECOND);
    threads.park([1, 2, 3, 4]);
    expect(threads.call('futex', FIRST, REQUEUE, 1, 2, SECOND)).toBe(3);
    expect(threads.wakes()).toEqual([1]);
    expect(threads.call('futex', SECOND, WAKE, 9)).toBe(3);
    expect(threads.wakes()).toEqual([5, 2, 3]);
    expect(threads.call('futex', FIRST, WAKE, 9)).toBe(1);
    expect(threads.wakes()).toEqual([4]);
  });

  test('requeues only while the futex has the value', () => {
    const threads = new Threads(3);
    threads.park([1, 2]);
    expect(threads.call('futex', FIRST, CMP_REQUEUE, 0, 9, SECOND, 7)).toBe(-ERRNO.EAGAIN);
    expect(threads.call('futex', FIRST, CMP_REQUEUE, 0, 9, SECOND, 0)).toBe(2);
    expect(threads.wakes()).toEqual([]);
    expect(threads.call('futex', SECOND, WAKE, 1)).toBe(1);
    expect(threads.retry(1)).toBe(0);
  });

  const SET_7 = 0x0000_7000;
  test.each<[string, number, number, number]>([
    ['sets', SET_7, 5, 7],
    ['adds', 0x1000_3000, 5, 8],
    ['adds a negative number', 0x10ff_e000, 5, 3],
    ['ors', 0x2000_a000, 5, 15],
    ['clears bits', 0x3000_1000, 5, 4],
    ['exclusive-ors', 0x4000_6000, 5, 3],
    ['ors a bit by its number', 0xa000_3000, 5, 13],
  ])('an operation %s and wakes both when the old value compares', (_, operation, old, stored) => {
    const threads = new Threads(3);
    threads.park([1]);
    threads.park([2], SECOND);
    threads.space.writeU64(SECOND, old);
    const equal = BigInt(operation >>> 0) | BigInt(old);
    expect(threads.call('futex', FIRST, WAKE_OP, 1, 1, SECOND, equal)).toBe(2);
    expect(threads.u64(SECOND)).toBe(stored);
    expect(threads.wakes()).toEqual([1, 2]);
  });

  test.each<[string, number, number, boolean]>([
    ['=', 0, 5, true],
    ['≠', 1, 5, false],
    ['<', 2, 6, true],
    ['≤', 3, 4, false],
    ['>', 4, 4, true],
    ['≥', 5, 5, true],
    ['> a negative number', 4, 0xfff, true],
  ])('an operation compares 5 %s', (_, comparison, argument, holds) => {
    const threads = new Threads(3);
    threads.park([1]);
    threads.park([2], SECOND);
    threads.space.writeU64(SECOND, 5);
    const code = SET_7 | (comparison << 24) | argument;
    expect(threads.call('futex', FIRST, WAKE_OP, 1, 1, SECOND, code)).toBe(holds ? 2 : 1);
  });

  test('a wait ends at its relative timeout and leaves the queue', () => {
    const threads = new Threads(2);
    const outcome = threads.on(1, 'futex', FIRST, WAIT, 0, threads.timespec(0, 5_000_000));
    expect(outcome).toEqual({ kind: 'park', reason: 'futex', deadline: 1_000_005 });
    threads.clock.milliseconds += 5;
    expect(threads.retry(1)).toBe(-ERRNO.ETIMEDOUT);
    expect(threads.call('futex', FIRST, WAKE, 1)).toBe(0);
  });

  test('a wake just before the timeout counts', () => {
    const threads = new Threads(2);
    threads.on(1, 'futex', FIRST, WAIT, 0, threads.timespec(0, 5_000_000));
    threads.call('futex', FIRST, WAKE, 1);
    threads.clock.milliseconds += 5;
    expect(threads.retry(1)).toBe(0);
  });

  test('a bitset wait has an absolute timeout of either clock', () => {
    const threads = new Threads(2);
    const wait = (flags: number): unknown =>
      threads.on(1, 'futex', FIRST, WAIT_BITSET | flags, 0, TIMEOUT, 0, 1);
    threads.timespec(1000, 2_000_000);
    expect(wait(0)).toMatchObject({ kind: 'park', deadline: 1_000_002 });
    threads.clock.milliseconds += 2;
    expect(threads.retry(1)).toBe(-ERRNO.ETIMEDOUT);
    threads.timespec(1_700_001_000, 7_000_000);
    expect(wait(CLOCK_REALTIME)).toMatchObject({ kind: 'park', deadline: 1_000_007 });
  });

  test('a handler ends a wait, and the waiter is not woken any more', () => {
    const threads = new Threads(3);
    threads.space.writeU64(DATA, 0x1_0000);
    threads.space.writeU64(DATA + 8, 0);
    threads.space.writeU64(DATA + 16, 0);
    expect(threads.call('rt_sigaction', 10, DATA, 0, 8)).toBe(0);
    for (const thread of [1, 2]) threads.states[thread].setX(2, BigInt(DATA + 0x8000 * thread));
    threads.park([1, 2]);
    expect(threads.call('tgkill', 1000, 1001, 10)).toBe(0);
    expect(threads.kernel.isInterrupted(threads.states[1])).toBe(true);
    expect(threads.kernel.isInterrupted(threads.states[2])).toBe(false);
    threads.retry(1);
    expect(threads.states[1].pc).toBe(0x1_0000);
    expect(threads.call('futex', FIRST, WAKE, 1)).toBe(1);
    expect(threads.wakes()).toEqual([2]);
  });

  test.each<[string, number, number[]]>([
    ['an address that is not aligned', ERRNO.EINVAL, [FIRST + 2, WAIT, 0]],
    ['the same of a wake', ERRNO.EINVAL, [FIRST + 1, WAKE, 1]],
    ['an address that is not mapped', ERRNO.EFAULT, [0x4000, WAIT, 0]],
    ['a shared futex that is not mapped', ERRNO.EFAULT, [0x4000, WAKE, 1]],
    ['an address of the kernel', ERRNO.EFAULT, [2 ** 40, WAKE | PRIVATE, 1]],
    ['no bits to wait for', ERRNO.EINVAL, [FIRST, WAIT_BITSET, 0, 0, 0, 0]],
    ['no bits to wake', ERRNO.EINVAL, [FIRST, WAKE_BITSET, 1, 0, 0, 0]],
    ['a negative count of moves', ERRNO.EINVAL, [FIRST, REQUEUE, 1, -1, SECOND]],
    ['a second address that is not aligned', ERRNO.EINVAL, [FIRST, REQUEUE, 1, 1, SECOND + 2]],
    ['a timeout that is no time', ERRNO.EINVAL, [FIRST, WAIT, 0, DATA + 0x400]],
    ['a timeout that is not mapped', ERRNO.EFAULT, [FIRST, WAIT, 0, 0x4000]],
    ['the real-time clock of a relative wait', ERRNO.ENOSYS, [FIRST, WAIT | CLOCK_REALTIME, 0]],
    ['an operation that is none', ERRNO.ENOSYS, [FIRST, WAKE_OP, 1, 1, SECOND, 0x7000_0000]],
    ['a comparison that is none', ERRNO.ENOSYS, [FIRST, WAKE_OP, 1, 1, SECOND, 0x0600_0000]],
    ['FUTEX_FD', ERRNO.ENOSYS, [FIRST, 2, 0]],
    ['FUTEX_LOCK_PI', ERRNO.ENOSYS, [FIRST, 6, 0]],
    ['FUTEX_WAIT_REQUEUE_PI', ERRNO.ENOSYS, [FIRST, 11, 0, 0, SECOND]],
    ['a command that is none', ERRNO.ENOSYS, [FIRST, 64, 0]],
  ])('refuses %s', (_, errno, args) => {
    const threads = new Threads(1);
    threads.space.writeU64(DATA + 0x408, 1e9);
    expect(threads.call('futex', ...args)).toBe(-errno);
  });

  test('a private wake does not look at the memory', () => {
    expect(new Threads(1).call('futex', 0x4000, WAKE | PRIVATE, 1)).toBe(0);
  });

  test('memory that is only read has private futexes', () => {
    const threads = new Threads(1);
    threads.space.map(0x40_0000, 0x1000, READ);
    for (const operation of [WAIT, WAKE]) {
      expect(threads.call('futex', 0x40_0000, operation, 1)).toBe(-ERRNO.EFAULT);
    }
    expect(threads.call('futex', 0x40_0000, WAIT | PRIVATE, 1)).toBe(-ERRNO.EAGAIN);
    const stores = threads.call('futex', DATA, WAKE_OP | PRIVATE, 1, 1, 0x40_0000, SET_7);
    expect(stores).toBe(-ERRNO.EFAULT);
  });
});

describe('the end of a thread', () => {
  /** A robust list at DATA: head, then entries whose futexes lie 16 bytes behind them. */
  function robust(threads: Threads, entries: readonly number[], pending = 0): void {
    [...entries, DATA].reduce((at, next) => {
      threads.space.writeU64(at, next);
      return next;
    }, DATA);
    threads.space.writeU64(DATA + 8, 16);
    threads.space.writeU64(DATA + 16, pending);
    expect(threads.on(1, 'set_robust_list', DATA, 24)).toBe(0);
  }

  test('marks the robust futexes that it owns and wakes one waiter of each', () => {
    const threads = new Threads(4);
    robust(threads, [FIRST - 16, SECOND - 16, DATA + 0x400]);
    threads.park([2, 3]);
    threads.space.writeU64(FIRST, 0x8000_0000 + 1001);
    threads.space.writeU64(SECOND, 1001);
    threads.space.writeU64(DATA + 0x410, 1002);
    expect(threads.on(1, 'exit', 0)).toEqual({ kind: 'thread-ended' });
    expect(threads.wakes()).toEqual([2]);
    expect(threads.u64(FIRST)).toBe(0xc000_0000);
    expect(threads.u64(SECOND)).toBe(0x4000_0000);
    expect(threads.u64(DATA + 0x410)).toBe(1002);
  });

  test('marks the futex that it was about to take, and wakes for one it had given back', () => {
    const taken = new Threads(3);
    robust(taken, [], SECOND - 16);
    taken.space.writeU64(SECOND, 1001);
    taken.on(1, 'exit', 0);
    expect(taken.u64(SECOND)).toBe(0x4000_0000);
    const given = new Threads(3);
    robust(given, [], FIRST - 16);
    given.park([2]);
    given.on(1, 'exit', 0);
    expect(given.wakes()).toEqual([2]);
    expect(given.u64(FIRST)).toBe(0);
  });

  test('a robust list that is a circle, or leads nowhere, ends too', () => {
    const circle = new Threads(2);
    robust(circle, [DATA + 0x400]);
    circle.space.writeU64(DATA + 0x400, DATA + 0x400);
    expect(circle.on(1, 'exit', 0)).toEqual({ kind: 'thread-ended' });
    const nowhere = new Threads(2);
    robust(nowhere, []);
    nowhere.space.writeU64(DATA, 0x4000);
    expect(nowhere.on(1, 'exit', 0)).toEqual({ kind: 'thread-ended' });
  });

  test('clears its id where set_tid_address says, and wakes who joins it', () => {
    const threads = new Threads(3);
    expect(threads.on(1, 'set_tid_address', FIRST)).toBe(1001);
    threads.park([2]);
    threads.space.writeU64(FIRST, 1001);
    threads.on(1, 'exit', 0);
    expect(threads.u64(FIRST)).toBe(0);
    expect(threads.wakes()).toEqual([2]);
  });

  test('is the end of the process for the last one, with its status', () => {
    const threads = new Threads(3);
    expect(threads.on(0, 'exit', 1)).toEqual({ kind: 'thread-ended' });
    expect(threads.on(2, 'exit', 2)).toEqual({ kind: 'thread-ended' });
    expect(threads.on(1, 'exit', 0x103)).toEqual({ kind: 'exit', status: 3 });
  });

  test('exit_group ends the process at once', () => {
    expect(new Threads(3).on(1, 'exit_group', 9)).toEqual({ kind: 'exit', status: 9 });
  });
});

describe('clone', () => {
  test('refuses what makes no thread', () => {
    const threads = new Threads(1);
    // A process may share its memory with its parent, and nothing else.
    expect(threads.call('clone', 0x411)).toBe(-ERRNO.EINVAL);
    expect(threads.log).toEqual(['clone: a process cannot be made with 0x400 of its flags 0x400']);
    expect(threads.call('clone', 0x10100)).toBe(-ERRNO.EINVAL);
    expect(threads.call('clone', 0x800)).toBe(-ERRNO.EINVAL);
    expect(threads.call('clone', THREAD | 0x1000_0000)).toBe(-ERRNO.EINVAL);
  });

  test('tells the id where it is asked to, and never twice the same', () => {
    const threads = new Threads(1);
    expect(threads.call('clone', THREAD | 0x130_0000, DATA, FIRST, 0, SECOND)).toBe(1001);
    expect([threads.u64(FIRST), threads.u64(SECOND)]).toEqual([1001, 1001]);
    threads.on(1, 'exit', 0);
    threads.kernel.endThread(threads.states[1]);
    expect(threads.u64(SECOND)).toBe(0);
    expect(threads.call('clone', THREAD, DATA)).toBe(1002);
  });

  test('is EAGAIN beyond the limit of threads and without a hart', () => {
    const threads = new Threads(4);
    threads.space.writeU64(DATA, 4);
    threads.space.writeU64(DATA + 8, 5);
    expect(threads.call('prlimit64', 0, 6, DATA, 0)).toBe(0);
    expect(threads.call('clone', THREAD, DATA)).toBe(-ERRNO.EAGAIN);
    expect(new TestProcess().call('clone', THREAD, DATA)).toBe(-ERRNO.EAGAIN);
  });

  test.each<[string, number, Record<number, number | bigint>, number]>([
    ['too short', ERRNO.EINVAL, {}, 56],
    ['too long', ERRNO.E2BIG, {}, 4097],
    ['unknown fields', ERRNO.E2BIG, { 0: THREAD, 88: 1 }, 96],
    ['a stack without a size', ERRNO.EINVAL, { 0: THREAD, 40: DATA }, 88],
    ['a size without a stack', ERRNO.EINVAL, { 0: THREAD, 48: 4096 }, 88],
    ['a stack beyond 4 GiB', ERRNO.EINVAL, { 0: THREAD, 40: DATA, 48: 1n << 63n }, 88],
    ['a signal in the flags', ERRNO.EINVAL, { 0: THREAD | 17 }, 88],
    ['a signal at the end', ERRNO.EINVAL, { 0: THREAD, 32: 17 }, 88],
    ['a chosen id', ERRNO.EPERM, { 0: THREAD, 64: DATA, 72: 1 }, 88],
    ['a group', ERRNO.EINVAL, { 0: 0x2_0001_0f00n }, 88],
  ])('3 refuses %s', (_, errno, fields, size) => {
    const threads = new Threads(1);
    for (const [at, value] of Object.entries(fields)) {
      threads.space.writeU64(DATA + Number(at), value);
    }
    expect(threads.call('clone3', DATA, size)).toBe(-errno);
  });

  test('3 makes a thread at the upper end of its stack', () => {
    const threads = new Threads(1);
    threads.space.writeU64(DATA, THREAD | 0x8_0000);
    threads.space.writeU64(DATA + 40, DATA + 0x1000);
    threads.space.writeU64(DATA + 48, 0x2000);
    threads.space.writeU64(DATA + 56, 0x1234);
    expect(threads.call('clone3', DATA, 64)).toBe(1001);
    expect([2, 4, 10].map((n) => threads.states[1].xNumber(n))).toEqual([DATA + 0x3000, 0x1234, 0]);
    expect(threads.on(1, 'gettid')).toBe(1001);
    expect(threads.on(1, 'getpid')).toBe(1000);
  });
});
