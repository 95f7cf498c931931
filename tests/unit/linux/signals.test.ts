import { afterEach, describe, expect, test } from 'vitest';
import { ERRNO } from '../../../emulator/linux/abi/errno';
import { defaultAction, signalName } from '../../../emulator/linux/abi/signals';
import { Terminal } from '../../../emulator/linux/terminal';
import { DATA, endProcesses, TestProcess } from './process';

afterEach(endProcesses);

const PID = 1000;
const SIGINT = 2;
const SIGKILL = 9;
const SIGUSR1 = 10;
const SIGTERM = 15;
const SIG_BLOCK = 0;
const SIG_UNBLOCK = 1;
const IGNORE = 1;

function setAction(process: TestProcess, signal: number, handler: number): number {
  process.space.writeU64(DATA, handler);
  process.space.writeU64(DATA + 8, 0);
  process.space.writeU64(DATA + 16, 0);
  return process.call('rt_sigaction', signal, DATA, 0, 8);
}

function mask(process: TestProcess, how: number, signal: number): number {
  process.space.writeU64(DATA, 1n << BigInt(signal - 1));
  return process.call('rt_sigprocmask', how, DATA, 0, 8);
}

describe('a signal', () => {
  test('without an action ends the process, sent by kill, tkill or tgkill', () => {
    for (const [name, ...args] of [
      ['kill', PID, SIGTERM],
      ['kill', 0, SIGTERM],
      ['tkill', PID, SIGTERM],
      ['tgkill', PID, PID, SIGTERM],
    ] as const) {
      const outcome = new TestProcess().outcome(name, ...args);
      expect(outcome, name).toEqual({ kind: 'killed', signal: SIGTERM });
    }
  });

  test('of number 0 only asks whether the process is there', () => {
    const process = new TestProcess();
    expect(process.call('kill', PID, 0)).toBe(0);
    expect(process.call('kill', 4711, 0)).toBe(-ERRNO.ESRCH);
    expect(process.call('kill', PID, 65)).toBe(-ERRNO.EINVAL);
    expect(process.call('tgkill', PID, 0, SIGTERM)).toBe(-ERRNO.EINVAL);
  });

  test('that is ignored, by default or by wish, does nothing', () => {
    const process = new TestProcess();
    expect(process.call('kill', PID, 17)).toBe(0);
    expect(setAction(process, SIGUSR1, IGNORE)).toBe(0);
    expect(process.call('kill', PID, SIGUSR1)).toBe(0);
    expect(process.kernel.interruption(process.hart)).toBeUndefined();
  });

  test('that is blocked waits until it is not', () => {
    const process = new TestProcess();
    expect(mask(process, SIG_BLOCK, SIGUSR1)).toBe(0);
    expect(process.call('kill', PID, SIGUSR1)).toBe(0);
    expect(process.call('rt_sigpending', DATA, 8)).toBe(0);
    expect(process.u64(DATA)).toBe(1 << (SIGUSR1 - 1));
    process.space.writeU64(DATA, 1n << BigInt(SIGUSR1 - 1));
    const outcome = process.outcome('rt_sigprocmask', SIG_UNBLOCK, DATA, 0, 8);
    expect(outcome).toEqual({ kind: 'killed', signal: SIGUSR1 });
  });

  test('SIGKILL cannot be blocked, ignored or caught', () => {
    const process = new TestProcess();
    expect(setAction(process, SIGKILL, IGNORE)).toBe(-ERRNO.EINVAL);
    expect(mask(process, SIG_BLOCK, SIGKILL)).toBe(0);
    expect(process.outcome('kill', PID, SIGKILL)).toEqual({ kind: 'killed', signal: SIGKILL });
  });

  test('from the terminal ends a process that computes, and one that waits', () => {
    const terminal = new Terminal({ columns: 80, rows: 24, now: () => 0, output: () => undefined });
    const streams = { stdin: terminal, stdout: terminal, stderr: terminal };
    const process = new TestProcess({ streams });
    expect(process.outcome('read', 0, DATA, 10).kind).toBe('park');
    terminal.input(Uint8Array.of(3));
    expect(process.again()).toEqual({ kind: 'killed', signal: SIGINT });
    terminal.input(Uint8Array.of(3));
    expect(process.kernel.interruption(process.hart)).toEqual({ kind: 'killed', signal: SIGINT });
  });

  test('that would stop the process is ignored, as there is no shell to continue it', () => {
    const process = new TestProcess();
    expect(process.call('kill', PID, 20)).toBe(0);
    expect(process.log).toEqual(['SIGTSTP is ignored: there is no job control']);
  });
});

describe('the settings of signals', () => {
  test('can be read back', () => {
    const process = new TestProcess();
    setAction(process, SIGUSR1, 0x1234);
    expect(process.call('rt_sigaction', SIGUSR1, 0, DATA + 64, 8)).toBe(0);
    expect(process.u64(DATA + 64)).toBe(0x1234);
    mask(process, SIG_BLOCK, SIGUSR1);
    expect(process.call('rt_sigprocmask', 0, 0, DATA, 8)).toBe(0);
    expect(process.u64(DATA)).toBe(1 << (SIGUSR1 - 1));
  });

  test('that make no sense are EINVAL', () => {
    const process = new TestProcess();
    expect(process.call('rt_sigaction', 0, 0, DATA, 8)).toBe(-ERRNO.EINVAL);
    expect(process.call('rt_sigaction', 65, 0, DATA, 8)).toBe(-ERRNO.EINVAL);
    expect(process.call('rt_sigaction', SIGUSR1, 0, DATA, 4)).toBe(-ERRNO.EINVAL);
    expect(process.call('rt_sigprocmask', 9, DATA, 0, 8)).toBe(-ERRNO.EINVAL);
  });

  test('include an alternate stack', () => {
    const process = new TestProcess();
    expect(process.call('sigaltstack', 0, DATA)).toBe(0);
    expect(process.space.readU32(DATA + 8)).toBe(2);
    process.space.writeU64(DATA, 0x5000_0000);
    process.space.writeU64(DATA + 8, 0);
    process.space.writeU64(DATA + 16, 8192);
    expect(process.call('sigaltstack', DATA, 0)).toBe(0);
    expect(process.call('sigaltstack', 0, DATA + 64)).toBe(0);
    expect([process.u64(DATA + 64), process.u64(DATA + 80)]).toEqual([0x5000_0000, 8192]);
    process.space.writeU64(DATA + 16, 100);
    expect(process.call('sigaltstack', DATA, 0)).toBe(-ERRNO.ENOMEM);
  });

  test('have names and default actions', () => {
    expect([11, 32, 34, 70].map(signalName)).toEqual([
      'SIGSEGV',
      'SIGRTMIN',
      'SIGRTMIN+2',
      'signal 70',
    ]);
    expect([11, 17, 18, 19].map(defaultAction)).toEqual([
      'terminate',
      'ignore',
      'continue',
      'stop',
    ]);
  });
});
