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
    expect(process.kernel.interruption(process.hart)).toBeUndefined();
    expect(process.kernel.state.stoppedBy).toBe(0);
  });
});

describe('waiting for signals', () => {
  const set = (process: TestProcess, ...signals: number[]): number => {
    const bits = signals.reduce((all, signal) => all | (1n << BigInt(signal - 1)), 0n);
    process.space.writeU64(DATA + 128, bits);
    return DATA + 128;
  };
  const timespec = (process: TestProcess, milliseconds: number): number => {
    process.space.writeU64(DATA + 144, BigInt(Math.floor(milliseconds / 1000)));
    process.space.writeU64(DATA + 152, BigInt((milliseconds % 1000) * 1e6));
    return DATA + 144;
  };
  const catching = (signal: number, flags = 0): TestProcess => {
    const process = new TestProcess().start();
    process.hart.setX(2, BigInt(process.sp));
    process.space.writeU64(DATA, 0x1_0100);
    process.space.writeU64(DATA + 8, flags);
    process.space.writeU64(DATA + 16, 0);
    expect(process.call('rt_sigaction', signal, DATA, 0, 8)).toBe(0);
    return process;
  };

  test('takes one of a set without its handler, also one that comes later', () => {
    const process = catching(SIGUSR1);
    mask(process, SIG_BLOCK, SIGUSR1);
    process.call('kill', PID, SIGUSR1);
    const wanted = set(process, SIGUSR1, SIGTERM);
    expect(process.call('rt_sigtimedwait', wanted, DATA + 256, 0, 8)).toBe(SIGUSR1);
    expect(process.space.readU32(DATA + 256)).toBe(SIGUSR1);
    expect(process.space.readU32(DATA + 272)).toBe(PID);
    const timeout = timespec(process, 50);
    const deadline = process.clock.milliseconds + 50;
    const park = { kind: 'park', reason: 'signal', deadline };
    expect(process.outcome('rt_sigtimedwait', wanted, 0, timeout, 8)).toEqual(park);
    process.kernel.raise(SIGUSR1);
    expect(process.again()).toEqual({ kind: 'done' });
    expect(process.result).toBe(SIGUSR1);
    expect(process.outcome('rt_sigtimedwait', wanted, 0, timeout, 8)).toEqual(park);
    process.clock.milliseconds += 50;
    process.again();
    expect(process.result).toBe(-ERRNO.EAGAIN);
    expect(process.call('rt_sigtimedwait', wanted, 0, timeout, 4)).toBe(-ERRNO.EINVAL);
    expect(process.call('rt_sigtimedwait', 8, 0, timeout, 8)).toBe(-ERRNO.EFAULT);
  });

  test('keeps a blocked signal that is ignored by default', () => {
    const process = new TestProcess();
    mask(process, SIG_BLOCK, 17);
    process.kernel.raise(17);
    expect(process.call('rt_sigtimedwait', set(process, 17), 0, 0, 8)).toBe(17);
  });

  test.each([
    ['rt_sigsuspend', (at: number) => [at, 8]],
    ['ppoll', (at: number) => [0, 0, 0, at, 8]],
    ['pselect6', (_at: number, pair: number) => [0, 0, 0, 0, 0, pair]],
  ] as const)('%s lends a mask until a handler has run', (name, args) => {
    const process = catching(SIGUSR1, 0x10000000);
    mask(process, SIG_BLOCK, SIGUSR1);
    const empty = set(process);
    process.space.writeU64(DATA + 160, BigInt(empty));
    process.space.writeU64(DATA + 168, 8n);
    const { pc } = process.hart;
    const sp = process.hart.x(2);
    expect(process.outcome(name, ...args(empty, DATA + 160)).kind).toBe('park');
    expect(process.again().kind).toBe('park');
    process.kernel.raise(SIGUSR1);
    expect(process.again()).toEqual({ kind: 'done', pcSet: true });
    expect(process.hart.pc).toBe(0x1_0100);
    process.hart.pc = Number(process.hart.x(1));
    expect(process.call('rt_sigreturn')).toBe(-ERRNO.EINTR);
    expect([process.hart.pc, process.hart.x(2)]).toEqual([pc + 4, sp]);
    process.call('rt_sigprocmask', 0, 0, DATA, 8);
    expect(process.u64(DATA)).toBe(1 << (SIGUSR1 - 1));
  });

  test('ends a sleep, which tells what is left of it', () => {
    const process = catching(SIGUSR1, 0x10000000);
    expect(process.outcome('nanosleep', timespec(process, 2500), DATA + 256).kind).toBe('park');
    process.clock.milliseconds += 1000;
    process.kernel.raise(SIGUSR1);
    expect(process.again()).toEqual({ kind: 'done', pcSet: true });
    expect([process.u64(DATA + 256), process.u64(DATA + 264)]).toEqual([1, 500_000_000]);
    expect(process.call('rt_sigreturn')).toBe(-ERRNO.EINTR);
  });

  test('makes a call again after a handler with SA_RESTART', () => {
    const process = catching(SIGUSR1, 0x10000000);
    const { pc } = process.hart;
    expect(process.outcome('read', 0, DATA, 5).kind).toBe('park');
    process.kernel.raise(SIGUSR1);
    expect(process.again()).toEqual({ kind: 'done', pcSet: true });
    process.outcome('rt_sigreturn');
    expect([process.hart.pc, process.hart.x(10), process.hart.x(17)]).toEqual([pc, 0n, 63n]);
    process.stdin.give('text');
    process.again();
    expect(process.result).toBe(4);
  });
});

describe('a terminal', () => {
  test.each([
    ['^C', SIGINT, (terminal: Terminal) => terminal.input(Uint8Array.of(3))],
    ['^\\', 3, (terminal: Terminal) => terminal.input(Uint8Array.of(28))],
    ['^Z', 20, (terminal: Terminal) => terminal.input(Uint8Array.of(26))],
    [
      'a new size',
      28,
      (terminal: Terminal, size: number) => terminal.setWindowSize({ columns: size, rows: 9 }),
    ],
  ] as const)('runs the handler for %s, also in a read', (_, signal, act) => {
    const terminal = new Terminal({ columns: 80, rows: 24, now: () => 0, output: () => undefined });
    const streams = { stdin: terminal, stdout: terminal, stderr: terminal };
    const process = new TestProcess({ streams }).start();
    process.hart.setX(2, BigInt(process.sp));
    setAction(process, signal, 0x1_0100);
    for (const [size, reads] of [true, false].entries()) {
      if (reads) expect(process.outcome('read', 0, DATA, 10).kind).toBe('park');
      act(terminal, size + 1);
      if (reads) expect(process.again()).toEqual({ kind: 'done', pcSet: true });
      else expect(process.kernel.deliverPending(process.hart)).toBeUndefined();
      expect([process.hart.pc, process.hart.xInt(10)]).toEqual([0x1_0100, signal]);
      process.outcome('rt_sigreturn');
      if (reads) expect(process.result).toBe(-ERRNO.EINTR);
    }
  });
});

describe('the trace', () => {
  test('shows a call that a signal ends, and what the handler gets', () => {
    const lines: string[] = [];
    const process = new TestProcess().start();
    process.hart.setX(2, BigInt(process.sp));
    process.kernel.onTrace = (line) => lines.push(line);
    setAction(process, SIGUSR1, 0x1_0100);
    process.outcome('read', 0, DATA, 1);
    process.kernel.raise(SIGUSR1);
    process.again();
    setAction(process, 11, 0x1_0100);
    const fault = { kind: 'unmapped', access: 'read', address: 8, pc: 0x1_0000 } as const;
    expect(process.kernel.deliverFault(process.hart, fault)).toBe('handled');
    expect(lines.filter((line) => !line.startsWith('rt_sigaction'))).toEqual([
      'read(0, 0x100000, 1) = -1 EINTR',
      '--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=0, si_uid=0} ---',
      '--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8} ---',
    ]);
  });
});

describe('queued signals', () => {
  const RT = 40;
  const info = (process: TestProcess, code: number, value: number): number => {
    process.space.write(DATA + 256, new Uint8Array(128));
    process.space.writeU64(DATA + 256 + 8, BigInt.asUintN(32, BigInt(code)));
    process.space.writeU64(DATA + 256 + 24, value);
    return DATA + 256;
  };

  test('come each with its value, in their order', () => {
    const process = new TestProcess();
    mask(process, SIG_BLOCK, RT);
    for (const value of [1, 2, 3]) {
      expect(process.call('rt_sigqueueinfo', PID, RT, info(process, -1, value))).toBe(0);
    }
    expect(process.call('rt_tgsigqueueinfo', PID, PID, RT, info(process, -1, 0))).toBe(0);
    process.space.writeU64(DATA, 1n << BigInt(RT - 1));
    const values = [1, 2, 3, 4].map(() => {
      expect(process.call('rt_sigtimedwait', DATA, DATA + 512, 0, 8)).toBe(RT);
      return process.u64(DATA + 512 + 24);
    });
    // What is for the thread itself comes first.
    expect(values).toEqual([0, 1, 2, 3]);
  });

  test('are limited by RLIMIT_SIGPENDING', () => {
    const process = new TestProcess();
    mask(process, SIG_BLOCK, RT);
    process.space.writeU64(DATA, 2n);
    process.space.writeU64(DATA + 8, 2n);
    expect(process.call('prlimit64', 0, 11, DATA, 0)).toBe(0);
    const results = [1, 2, 3].map(() =>
      process.call('rt_sigqueueinfo', PID, RT, info(process, -1, 0)),
    );
    expect(results).toEqual([0, 0, -ERRNO.EAGAIN]);
  });

  test('go to nobody else, and need a signal', () => {
    const process = new TestProcess();
    expect(process.call('rt_sigqueueinfo', 4711, RT, info(process, -1, 0))).toBe(-ERRNO.ESRCH);
    expect(process.call('rt_sigqueueinfo', PID, 65, info(process, -1, 0))).toBe(-ERRNO.EINVAL);
    expect(process.call('rt_sigqueueinfo', PID, RT, 8)).toBe(-ERRNO.EFAULT);
    expect(process.call('rt_tgsigqueueinfo', PID, 0, RT, DATA)).toBe(-ERRNO.EINVAL);
    expect(process.call('rt_tgsigqueueinfo', PID, 4711, RT, DATA)).toBe(-ERRNO.ESRCH);
    expect(process.call('restart_syscall')).toBe(-ERRNO.EINTR);
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
