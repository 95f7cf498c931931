import { afterEach, describe, expect, test } from 'vitest';
import { CapturedStreams } from '../../support/captured-streams';
import {
  disposeGuests,
  act,
  alarmIn,
  block,
  DATA,
  EXIT,
  guest,
  type Guest,
  raise,
  RESTART,
  SIGALRM,
  SIGILL,
  SIGSEGV,
  SIGTRAP,
  SIGUSR1,
} from './signal-guest';

/* Handlers of faults, of signals from outside, and calls whose numbers `multiprocess` has too. */

afterEach(disposeGuests);

describe('a fault', () => {
  /** A handler that notes signal, code and address, and goes on behind the instruction. */
  const SKIP = `
    skip:
      sd a0, 0(s11)
      lwu t0, 8(a1)
      sd t0, 8(s11)
      ld t0, 16(a1)
      sd t0, 16(s11)
      ld t0, 176(a2)
      addi t0, t0, 4
      sd t0, 176(a2)
      ret
  `;
  test.each([
    ['a load from nowhere', SIGSEGV, 1, 'li t0, 0x5008\n', 'ld t1, 0(t0)', 0x5008],
    ['a store to code', SIGSEGV, 2, 'li t0, 0x30000\n', 'sd t1, 0(t0)', 0x30000],
    ['a load from below 0', SIGSEGV, 1, '', 'ld t1, -8(zero)', Number((1n << 64n) - 8n)],
    ['what is no instruction', SIGILL, 1, '', '.word 0xffffffff', undefined],
    ['an ebreak', SIGTRAP, 1, '', 'ebreak', undefined],
    [
      'an atomic access that is not aligned',
      7,
      1,
      'addi t0, s11, 2\n',
      'amoadd.d t1, t1, (t0)',
      undefined,
    ],
  ] as const)(
    'by %s runs its handler, which goes on behind it',
    (_, signal, code, prepare, bad, address) => {
      const program = guest(`
      li a0, 0x30000
      li a1, 4096
      li a2, 1                # PROT_READ
      li a3, 0x32             # MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
      li a4, -1
      li a5, 0
      li a7, 222
      ecall
      ${act(signal, 'skip')}
      ${prepare}
    bad:
      ${bad}
      ${EXIT}
      ${SKIP}
    `);
      expect(program.end()).toBe(0);
      const expected = [signal, code, address ?? program.label('bad')];
      expect([0, 1, 2].map((n) => program.word(n))).toEqual(expected);
    },
  );

  test('whose cause the handler takes away happens no more', () => {
    const program = guest(`
      ${act(SIGSEGV, 'repair')}
      li s0, 0x40000
      li t1, 5
      sd t1, 8(s0)
      ld a0, 8(s0)
      call exit
    repair:
      li a0, 0x40000
      li a1, 4096
      li a2, 3
      li a3, 0x32
      li a4, -1
      li a5, 0
      li a7, 222
      ecall
      ret
    `);
    expect(program.end()).toBe(5);
  });

  test.each([
    ['is blocked', block(SIGSEGV)],
    ['comes in its own handler', 'li t0, 0\n ld t0, 0(t0)'],
  ])('whose signal %s ends the process', (_, prepare) => {
    const program = guest(`
      ${act(SIGSEGV, 'handler')}
      ${prepare}
      ld t0, 8(zero)
      ${EXIT}
    handler:
      ld t0, 16(zero)
      ret
    `);
    const stop = program.machine.runToEnd(10_000);
    expect(stop).toMatchObject({ kind: 'killed', signal: 'SIGSEGV' });
  });

  test('stops in a debugger first; going on runs the handler', () => {
    const program = guest(
      `
      ${act(SIGSEGV, 'skip')}
      li t0, 0x5008
    bad:
      ld t1, 0(t0)
      li a0, 3
      call exit
      ${SKIP}
    `,
      { stopAtFaults: true },
    );
    const { machine } = program;
    expect(machine.runToEnd(10_000)).toMatchObject({ kind: 'fault', address: 0x5008 });
    expect(machine.hart.pc).toBe(program.label('bad'));
    expect(machine.run(1)).toEqual({ kind: 'fuel' });
    expect(machine.hart.pc).toBe(program.label('skip') + 4);
    expect(program.end()).toBe(3);
  });

  test('by an ebreak in a debugger goes on behind it, or runs the handler of SIGTRAP', () => {
    for (const install of [false, true]) {
      const program = guest(
        `
        ${install ? act(SIGTRAP, 'skip') : ''}
        ebreak
        ld a0, 0(s11)
        call exit
        ${SKIP}
      `,
        { stopAtFaults: true },
      );
      expect(program.machine.runToEnd(10_000)).toMatchObject({ kind: 'ebreak' });
      expect(program.end()).toBe(install ? SIGTRAP : 0);
    }
  });
});

describe('a signal from outside', () => {
  test('or a timer interrupts a loop', () => {
    const program = guest(`
      ${act(SIGUSR1, 'handler')}
      ${act(SIGALRM, 'handler')}
    1:
      ld t0, 0(s11)
      beqz t0, 1b
      sd zero, 0(s11)
      ${alarmIn(1000)}
    2:
      ld a0, 0(s11)
      beqz a0, 2b
      call exit
    handler:
      sd a0, 0(s11)
      ret
    `);
    const { machine } = program;
    expect(machine.run(10_000)).toEqual({ kind: 'fuel' });
    machine.kernel.raise(SIGUSR1);
    const before = machine.instructions;
    machine.run(10_000);
    expect(program.word(0)).toBe(0);
    expect(machine.instructions).toBe(before + 10_000);
    // Time passes by itself: the loop may be long.
    for (let stop = machine.run(1e6); stop.kind === 'fuel';) stop = machine.run(1e6);
    expect(machine.run(1)).toMatchObject({ kind: 'exited', status: SIGALRM });
  });

  /** Waits in `read` for input that never comes. */
  const reader = (flags: number): Guest => {
    const stdin = { isTerminal: false, read: (): 'wait' => 'wait', readable: () => false };
    return guest(
      `
      ${act(SIGUSR1, 'handler', flags)}
      li a0, 0
      mv a1, s11
      li a2, 1
      li a7, 63
      ecall
      neg a0, a0
      call exit
    handler:
      ld t0, 8(s11)
      addi t0, t0, 1
      sd t0, 8(s11)
      ret
    `,
      { streams: { ...new CapturedStreams(), stdin, stdout: new CapturedStreams().stdout } },
    );
  };

  test('ends a call that waits with EINTR', () => {
    const program = reader(0);
    expect(program.run()).toMatchObject({ kind: 'waiting' });
    program.machine.kernel.raise(SIGUSR1);
    expect(program.end()).toBe(4);
    expect(program.word(1)).toBe(1);
  });

  test('whose handler has SA_RESTART lets it wait on', () => {
    const program = reader(RESTART);
    for (let times = 0; times < 3; times++) {
      expect(program.run()).toMatchObject({ kind: 'waiting' });
      expect(program.word(1)).toBe(times);
      program.machine.kernel.raise(SIGUSR1);
    }
    program.machine.kernel.raise(15);
    expect(program.run()).toMatchObject({ kind: 'killed', signal: 'SIGTERM' });
  });

  test('that is ignored or blocked does not end it', () => {
    const program = reader(0);
    expect(program.run()).toMatchObject({ kind: 'waiting' });
    for (const signal of [17, 20, 28]) program.machine.kernel.raise(signal);
    expect(program.run()).toMatchObject({ kind: 'waiting' });
    expect(program.word(1)).toBe(0);
  });

  test('is the same at every step: run(n) is n single steps', () => {
    const text = `
      ${act(SIGUSR1, 'handler')}
      ${raise(SIGUSR1)}
      ${raise(SIGUSR1)}
      ${EXIT}
    handler:
      addi s0, s0, 1
      ret
    `;
    const [whole, single] = [guest(text), guest(text)];
    for (let n = 1; n < 12; n++) {
      expect(whole.machine.run(n)).toEqual(single.machine.step(n));
      expect(whole.machine.hart.pc).toBe(single.machine.hart.pc);
    }
  });
});

describe('the numbers 110 and 111', () => {
  test('are timer_settime and timer_delete once a process has called timer_create', () => {
    const timer = (call: number, ...args: string[]): string =>
      args.map((arg, i) => `li a${i}, ${arg}`).join('\n') + `\n li a7, ${call}\n ecall\n`;
    const program = guest(`
      ${timer(111)}
      sd a0, 0(s11)           # multiprocess_wait: there is nothing to wait for
      ${act(SIGALRM, 'handler')}
      ${timer(107, '1', '0', String(DATA + 8))}
      sd a0, 16(s11)
      li t0, 1000
      sd t0, 56(s11)          # it_value: 1 µs
      ${timer(110, '0', '0', String(DATA + 32), '0')}
      sd a0, 64(s11)
    1:
      ld t0, 72(s11)
      beqz t0, 1b
      ${timer(111, '0')}
      sd a0, 80(s11)
      ${timer(111, '0')}
      neg a0, a0
      call exit
    handler:
      ld t0, 24(a1)
      addi t0, t0, 1
      sd t0, 72(s11)
      ret
    `);
    expect(program.machine.runToEnd()).toMatchObject({ kind: 'exited', status: 22 });
    expect([0, 2, 8, 9, 10].map((n) => program.word(n))).toEqual([0, 0, 0, 1, 0]);
  });
});
