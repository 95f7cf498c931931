import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { INSTRUCTIONS } from '../../../emulator/isa';
import { ERRNO, errnoName } from '../../../emulator/linux/abi/errno';
import { describeFault, type GuestFault } from '../../../emulator/linux/faults';
import { EXTENSION_BITS } from '../../../emulator/linux/identity';
import { HANDLERS } from '../../../emulator/linux/syscalls/handlers';
import {
  SYSTEM_CALLS,
  systemCallName,
  systemCallNumber,
} from '../../../emulator/linux/syscalls/table';
import { DATA, endProcesses, TestProcess } from './process';

afterEach(endProcesses);

describe('the table of system calls', () => {
  test('has every number once, in order, with at most six arguments', () => {
    const numbers = SYSTEM_CALLS.map((call) => call.number);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(SYSTEM_CALLS.length).toBeGreaterThan(320);
    expect(Math.max(...SYSTEM_CALLS.map((call) => call.arguments.length))).toBe(6);
  });

  test('knows the calls of riscv64 by number and by name', () => {
    expect(systemCallName(64)).toBe('write');
    expect(systemCallNumber('riscv_flush_icache')).toBe(259);
    expect(systemCallName(38)).toBe('system call 38');
    expect(() => systemCallNumber('open')).toThrow(/no system call named open/);
  });
});

test('the manual lists exactly the calls that are there', () => {
  const page = readFileSync(new URL('../../../docs/linux.md', import.meta.url), 'utf8');
  const section = /## System calls\n(.*?)\n## /s.exec(page)?.[1] ?? '';
  const listed = Array.from(section.matchAll(/`([a-z0-9_]+)`/g), (match) => match[1]);
  const there = [...HANDLERS.keys()].map(systemCallName);
  expect(listed.sort()).toEqual(there.sort());
});

describe('a call that is not there', () => {
  test('is ENOSYS and is logged once, with number, name and pc', () => {
    const process = new TestProcess();
    for (let i = 0; i < 3; i++) expect(process.call('keyctl', 0, 0)).toBe(-ERRNO.ENOSYS);
    expect(process.call(9999)).toBe(-ERRNO.ENOSYS);
    expect(process.call(-1)).toBe(-ERRNO.ENOSYS);
    expect(process.log.slice(0, 2)).toEqual([
      'system call 219 (keyctl) is not there: ENOSYS, first at pc 0x10000',
      'system call 9999, which Linux does not have, is not there: ENOSYS, first at pc 0x1000c',
    ]);
    expect(process.kernel.usage()[0]).toEqual({
      number: 219,
      name: 'keyctl',
      count: 3,
      known: false,
    });
  });

  test('is told of a hundred times at most, and counted as long as there are not too many', () => {
    const process = new TestProcess();
    for (let number = 3000; number < 6000; number++) process.call(number);
    expect(process.log).toHaveLength(101);
    expect(process.log.at(-1)).toBe('of further system calls that are not there nothing is said');
    expect(process.kernel.usage()).toHaveLength(1000);
  });
});

describe('a process', () => {
  test('ends with the low byte of its status', () => {
    expect(new TestProcess().outcome('exit_group', 3)).toEqual({ kind: 'exit', status: 3 });
    expect(new TestProcess().outcome('exit', -1)).toEqual({ kind: 'exit', status: 255 });
  });

  test('knows its ids', () => {
    const process = new TestProcess();
    const ids = ['getpid', 'gettid', 'getppid', 'getuid', 'getegid'];
    expect(ids.map((name) => process.call(name))).toEqual([1000, 1000, 1, 1000, 1000]);
    expect(process.call('setuid', 1000)).toBe(0);
    expect(process.call('setuid', 0)).toBe(-ERRNO.EPERM);
    expect(process.call('set_tid_address', DATA)).toBe(1000);
    expect(process.call('wait4', -1, 0, 0, 0)).toBe(-ERRNO.ECHILD);
  });

  test('runs on riscv64 Linux', () => {
    const process = new TestProcess();
    expect(process.call('uname', DATA)).toBe(0);
    expect(process.space.readString(DATA).text).toBe('Linux');
    expect(process.space.readString(DATA + 4 * 65).text).toBe('riscv64');
    expect(process.call('uname', 8)).toBe(-ERRNO.EFAULT);
  });

  test('sees its limits and can lower them', () => {
    const process = new TestProcess();
    expect(process.call('prlimit64', 0, 3, 0, DATA)).toBe(0);
    expect(process.u64(DATA)).toBe(8 * 1024 * 1024);
    process.space.writeU64(DATA, 4);
    process.space.writeU64(DATA + 8, 4);
    expect(process.call('prlimit64', 0, 7, DATA, 0)).toBe(0);
    expect(process.call('dup', 0)).toBe(3);
    expect(process.call('dup', 0)).toBe(-ERRNO.EMFILE);
    process.space.writeU64(DATA + 8, 100);
    expect(process.call('setrlimit', 7, DATA)).toBe(-ERRNO.EPERM);
    process.space.writeU64(DATA, 200);
    expect(process.call('prlimit64', 0, 7, DATA, 0)).toBe(-ERRNO.EINVAL);
    expect(process.call('prlimit64', 0, 99, 0, DATA)).toBe(-ERRNO.EINVAL);
  });

  test('has a name of 15 characters at most', () => {
    const process = new TestProcess().start(['/bin/a-rather-long-program-name']);
    expect(process.call('prctl', 16, DATA)).toBe(0);
    expect(process.space.readString(DATA).text).toBe('a-rather-long-p');
    expect(process.call('prctl', 15, process.text('worker'))).toBe(0);
    process.call('prctl', 16, DATA + 64);
    expect(process.space.readString(DATA + 64).text).toBe('worker');
    expect(process.call('prctl', 999)).toBe(-ERRNO.EINVAL);
  });

  test('has one processor', () => {
    const process = new TestProcess();
    expect(process.call('sched_getaffinity', 0, 128, DATA)).toBe(8);
    expect(process.u64(DATA)).toBe(1);
    expect(process.call('sched_yield')).toBe(0);
  });

  test('learns its extensions from riscv_hwprobe', () => {
    const process = new TestProcess();
    process.space.writeU64(DATA, 4n);
    process.space.writeU64(DATA + 16, 1000n);
    expect(process.call('riscv_hwprobe', DATA, 2, 0, 0, 0)).toBe(0);
    // FD, C, Zba and Zbb.
    expect(process.u64(DATA + 8) & 0b11011).toBe(0b11011);
    expect(process.space.readU64(DATA + 16)).toBe(2n ** 64n - 1n);
  });

  test('learns of every extension that the instruction table has and riscv_hwprobe knows', () => {
    const inTable = new Set<string>(INSTRUCTIONS.map(({ extension }) => extension));
    // The base (IMA) and what has no bit of its own; F and D share one.
    for (const name of ['I', 'M', 'A', 'F', 'D', 'Zicsr', 'Zifencei']) inTable.delete(name);
    const known: readonly string[] = Object.keys(EXTENSION_BITS);
    expect([...inTable].filter((name) => !known.includes(name))).toEqual([]);
  });

  test('gets random bytes', () => {
    const process = new TestProcess();
    expect(process.call('getrandom', DATA, 16, 0)).toBe(16);
    expect(process.bytes(DATA, 16)).toEqual(new Uint8Array(16).fill(7));
    expect(process.call('getrandom', DATA, 16, 8)).toBe(-ERRNO.EINVAL);
    expect(process.call('getrandom', 8, 16, 0)).toBe(-ERRNO.EFAULT);
    expect(process.call('getrandom', DATA + 0xfff0, 2 ** 40, 0)).toBe(16);
  });

  test('tells the machine when its code has changed', () => {
    const process = new TestProcess();
    let flushed = 0;
    process.kernel.onFlushInstructions = () => flushed++;
    expect(process.call('riscv_flush_icache', 0, 0, 0)).toBe(0);
    expect(flushed).toBe(1);
  });
});

describe('a futex', () => {
  test('whose value is another one does not wait', () => {
    const process = new TestProcess();
    process.space.writeU32(DATA, 5);
    expect(process.call('futex', DATA, 128, 4, 0)).toBe(-ERRNO.EAGAIN);
    expect(process.call('futex', DATA, 129, 1, 0)).toBe(0);
    expect(process.call('futex', DATA + 1, 128, 5, 0)).toBe(-ERRNO.EINVAL);
  });

  test('waits until its time is over', () => {
    const process = new TestProcess();
    process.space.writeU64(DATA + 16, 1);
    const deadline = process.clock.milliseconds + 1000;
    const park = { kind: 'park', reason: 'futex', deadline };
    expect(process.outcome('futex', DATA, 0, 0, DATA + 16)).toEqual(park);
    process.clock.milliseconds = deadline;
    expect(process.again().kind).toBe('done');
    expect(process.result).toBe(-ERRNO.ETIMEDOUT);
  });
});

describe('a fault', () => {
  const pc = 0x10abc;

  test.each<[string, number, GuestFault]>([
    [
      'SIGSEGV at pc 0x10abc: a read of 0x8: a null pointer, nothing is mapped there',
      11,
      { kind: 'unmapped', access: 'read', address: 8, pc },
    ],
    [
      'SIGSEGV at pc 0x10abc: a write to 0x12000: the page does not allow a write',
      11,
      { kind: 'protection', access: 'write', address: 0x12000, pc },
    ],
    [
      'SIGSEGV at pc 0x10abc: a jump to 0x10abc: nothing is mapped there',
      11,
      { kind: 'unmapped', access: 'execute', address: pc, pc },
    ],
    [
      'SIGSEGV at pc 0x10abc: a write to 0xff7eff00: the guard page of a stack, the stack has overflowed',
      11,
      { kind: 'guard', access: 'write', address: 0xff7eff00, pc },
    ],
    [
      'SIGSEGV at pc 0x10abc: a read of 0x1ffffffff: guest addresses end at 0x100000000',
      11,
      { kind: 'out-of-range', access: 'read', address: 0x1_ffff_ffff, pc },
    ],
    [
      'SIGILL at pc 0x10abc: 0x0000 is no instruction of this machine',
      4,
      { kind: 'illegal', bits: 0, size: 2, pc },
    ],
    ['SIGTRAP at pc 0x10abc: the program met an ebreak', 5, { kind: 'breakpoint', pc }],
    [
      'SIGBUS at pc 0x10abc: an atomic access to 0x12001 is not aligned',
      7,
      { kind: 'misaligned', address: 0x12001, pc },
    ],
    [
      "SIGKILL at pc 0x10abc: the machine's memory limit is reached at 0x5000: choose a larger one",
      9,
      { kind: 'out-of-memory', access: 'write', address: 0x5000, pc },
    ],
  ])('is told as: %s', (message, signal, fault) => {
    expect(describeFault(fault)).toMatchObject({ signal, message });
  });
});

describe('a trace', () => {
  function trace(name: string, ...args: number[]): string {
    const process = new TestProcess().start();
    process.stdin.give('typed\n').end();
    process.text('/dev/null', DATA + 0x100);
    process.text('a "quoted"\n', DATA + 0x200);
    const lines: string[] = [];
    process.kernel.onTrace = (line) => lines.push(line);
    process.outcome(name, ...args);
    return lines.join();
  }

  test.each<[string, string, ...number[]]>([
    ['write(1, "a \\"quot", 7) = 7', 'write', 1, DATA + 0x200, 7],
    ['read(0, "typed\\n", 100) = 6', 'read', 0, DATA, 100],
    ['openat(AT_FDCWD, "/dev/null", O_RDWR, 00) = 3', 'openat', -100, DATA + 0x100, 2, 0],
    ['close(9) = -1 EBADF', 'close', 9],
    [
      'mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0xff6ee000',
      'mmap',
      0,
      4096,
      3,
      0x22,
      -1,
      0,
    ],
    ['getrandom("\\7\\7\\7\\7", 4, 0x1) = 4', 'getrandom', DATA, 4, 1],
    ['kill(1000, SIGTERM) = ? (killed by SIGTERM)', 'kill', 1000, 15],
    ['exit_group(2) = ?', 'exit_group', 2],
    ['keyctl(0, 1, 2, 3, 4) = -1 ENOSYS (not there)', 'keyctl', 0, 1, 2, 3, 4],
  ])('shows %s', (line, name, ...args) => {
    expect(trace(name, ...args)).toBe(line);
  });

  test('names errors', () => {
    expect([2, 11, 4000].map(errnoName)).toEqual(['ENOENT', 'EAGAIN', 'errno 4000']);
  });
});
