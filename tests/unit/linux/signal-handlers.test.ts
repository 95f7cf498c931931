import { afterEach, describe, expect, test } from 'vitest';
import { Machine, type MachineOptions, type MachineStop } from '../../../emulator';
import { assemble } from '../../../emulator/isa';
import { CapturedStreams } from '../../support/captured-streams';
import { writeElf } from '../../support/elf-writer';

/*
 * Signal handlers as the guest meets them: programs from assembly text on a whole machine. A program leaves what it
 * has seen in its registers and ends with exit, or with the ebreak that `stopAtFaults` stops at.
 */

const CODE = 0x10000;
const DATA = 0x20000;
const machines: Machine[] = [];
afterEach(() => {
  for (const machine of machines.splice(0)) machine.dispose();
});

/** `act` installs the handler a1 for signal a0 with the flags a2 and the mask a3. */
const LIBRARY = `
act:
  addi sp, sp, -32
  sd a1, 0(sp)
  sd a2, 8(sp)
  sd a3, 16(sp)
  mv a1, sp
  li a2, 0
  li a3, 8
  li a7, 134
  ecall
  addi sp, sp, 32
  ret
# mask: sets the set of blocked signals to a0
mask:
  addi sp, sp, -16
  sd a0, 0(sp)
  li a0, 2
  mv a1, sp
  li a2, 0
  li a3, 8
  li a7, 135
  ecall
  addi sp, sp, 16
  ret
# raise: sends signal a0 to this thread
raise:
  mv a1, a0
  li a0, 1000
  li a7, 130
  ecall
  ret
exit:
  li a7, 93
  ecall
`;

interface Guest {
  readonly machine: Machine;
  run(budget?: number): MachineStop;
  /** Runs to the program's end; its status. */
  end(): number;
  /** A word of the data page. */
  word(index: number): number;
  label(name: string): number;
}

/** A machine with a program; `s11` points to a page of data. */
function guest(text: string, options: Partial<MachineOptions> = {}): Guest {
  const source = `li s11, ${DATA}\n${text}\n${LIBRARY}`;
  const { bytes, symbols } = assemble(source, { base: CODE });
  const elf = writeElf(CODE, [
    { address: CODE, bytes, writable: true, executable: true },
    { address: DATA, bytes: new Uint8Array(4096), writable: true, executable: false },
  ]);
  const streams = new CapturedStreams();
  const machine = Machine.create({ elf, memoryLimit: 32 << 20, streams, ...options });
  machines.push(machine);
  return {
    machine,
    run: (budget = 1_000_000) => machine.run(budget),
    end() {
      const stop = machine.runToEnd(10_000_000);
      if (stop.kind !== 'exited') throw new Error(JSON.stringify(stop));
      return stop.status;
    },
    word: (index) => machine.space.readNumber64(DATA + 8 * index) ?? NaN,
    label: (name) => symbols.get(name) ?? NaN,
  };
}

const [SIGILL, SIGTRAP, SIGUSR1, SIGSEGV, SIGUSR2, SIGALRM] = [4, 5, 10, 11, 12, 14];
const [NODEFER, RESETHAND, ONSTACK, RESTART] = [0x40000000, 0x80000000, 0x08000000, 0x10000000];

/** Installs `handler` for a signal. */
const act = (signal: number, handler: string, flags = 0, mask = 0): string =>
  `li a0, ${signal}\n la a1, ${handler}\n li a2, ${flags}\n li a3, ${mask}\n call act\n`;
const raise = (signal: number): string => `li a0, ${signal}\n call raise\n`;
const block = (...signals: number[]): string =>
  `li a0, ${signals.reduce((set, signal) => set + 2 ** (signal - 1), 0)}\n call mask\n`;
/** A handler that adds its signal to the list of words from word 1 on; word 0 is its length. */
const NOTE = `
note:
  ld t0, 0(s11)
  addi t0, t0, 1
  sd t0, 0(s11)
  slli t0, t0, 3
  add t0, t0, s11
  sd a0, 0(t0)
  ret
`;
const EXIT = 'li a0, 0\n call exit\n';
/** `setitimer(ITIMER_REAL)`: once, after so many microseconds. */
const alarmIn = (microseconds: number): string => `
  li t0, ${microseconds}
  addi sp, sp, -32
  sd zero, 0(sp)
  sd zero, 8(sp)
  sd zero, 16(sp)
  sd t0, 24(sp)
  li a0, 0
  mv a1, sp
  li a2, 0
  li a7, 103
  ecall
  addi sp, sp, 32
`;

describe('a handler', () => {
  test('runs with the signal, its information and the context, and returns to where it was', () => {
    const program = guest(`
      ${act(SIGUSR1, 'handler', 4)}
      li s0, 7
      li t0, 77
      ${raise(SIGUSR1)}
      sd a0, 64(s11)          # the result of tkill
      add a0, s0, t0
      call exit
    handler:
      sd a0, 0(s11)
      lwu t0, 0(a1)
      sd t0, 8(s11)           # si_signo
      lwu t0, 8(a1)
      sd t0, 16(s11)          # si_code
      lwu t0, 16(a1)
      sd t0, 24(s11)          # si_pid
      sub t0, a2, a1
      sd t0, 32(s11)
      andi t0, sp, 15
      sd t0, 40(s11)
      ld t0, 176(a2)          # pc
      sd t0, 48(s11)
      li s0, 1000
      li t0, 1000
      ret
    `);
    expect(program.end()).toBe(84);
    const words = [0, 1, 2, 3, 4, 5].map((n) => program.word(n));
    expect(words.map((word) => word | 0)).toEqual([10, 10, -6, 1000, 128, 0]);
    expect(program.word(6)).toBe(program.label('raise') + 16);
    expect(program.word(8)).toBe(0);
  });

  test('finds all registers in the context, and what it changes there is what goes on', () => {
    const program = guest(`
      ${act(SIGUSR1, 'handler')}
      li s3, 33
      li t6, 66
      fcvt.d.w fs2, s3
      li t0, 0x45
      fscsr t0
      ${raise(SIGUSR1)}
      sd s3, 0(s11)
      fcvt.w.d t0, fs2, rtz
      sd t0, 8(s11)
      frcsr t0
      sd t0, 16(s11)
      ${EXIT}
    handler:
      ld t0, 328(a2)          # s3: 176 + 8 × 19
      ld t1, 424(a2)          # t6: 176 + 8 × 31
      lwu t2, 688(a2)         # fcsr: 176 + 256 + 256
      sd t0, 24(s11)
      sd t1, 32(s11)
      sd t2, 40(s11)
      ld t0, 576(a2)          # fs2 = f18: 176 + 256 + 144
      sd t0, 48(s11)
      li t0, 1033
      sd t0, 328(a2)
      li t0, 7
      fcvt.d.w ft0, t0
      fsd ft0, 576(a2)
      li t0, 0x21
      sw t0, 688(a2)
      ret
    `);
    expect(program.end()).toBe(0);
    expect([3, 4, 5].map((n) => program.word(n))).toEqual([33, 66, 0x45]);
    expect(program.word(6)).toBe(0x4040800000000000);
    expect([0, 1].map((n) => program.word(n))).toEqual([1033, 7]);
    expect(program.word(2) & 0xe0).toBe(0x20);
  });

  test('of the signal that comes later interrupts the one before', () => {
    const program = guest(`
      ${act(SIGUSR1, 'note')}
      ${act(SIGUSR2, 'note')}
      ${block(SIGUSR1, SIGUSR2)}
      ${raise(SIGUSR1)}
      ${raise(SIGUSR2)}
      ${block()}
      ${EXIT}
      ${NOTE}
    `);
    expect(program.end()).toBe(0);
    expect([0, 1, 2].map((n) => program.word(n))).toEqual([2, SIGUSR2, SIGUSR1]);
    const nested = guest(`
      ${act(SIGUSR1, 'outer')}
      ${act(SIGUSR2, 'inner')}
      ${raise(SIGUSR1)}
      ${EXIT}
    outer:
      addi sp, sp, -16
      sd ra, 0(sp)
      sd a0, 0(s11)
      ${raise(SIGUSR2)}
      ld t0, 8(s11)
      sd t0, 16(s11)          # the inner one has run by now
      ld ra, 0(sp)
      addi sp, sp, 16
      ret
    inner:
      sd a0, 8(s11)
      ret
    `);
    expect(nested.end()).toBe(0);
    expect([0, 1, 2].map((n) => nested.word(n))).toEqual([SIGUSR1, SIGUSR2, SIGUSR2]);
  });

  test.each([
    ['blocks its own signal and its mask', 0, 2 ** 9 + 2 ** 11],
    ['with SA_NODEFER only its mask', NODEFER, 2 ** 11],
  ])('%s', (_, flags, expected) => {
    const program = guest(`
      ${act(SIGUSR1, 'handler', flags, 2 ** 11)}
      ${raise(SIGUSR1)}
      li a0, 0
      addi a2, s11, 8
      li a1, 0
      li a3, 8
      li a7, 135
      ecall
      ${EXIT}
    handler:
      li a0, 0
      li a1, 0
      mv a2, s11
      li a3, 8
      li a7, 135
      ecall
      ret
    `);
    expect(program.end()).toBe(0);
    expect(program.word(0)).toBe(expected);
    expect(program.word(1)).toBe(0);
  });

  test('with SA_RESETHAND runs once: the next signal ends the process', () => {
    const program = guest(`
      ${act(SIGUSR1, 'handler', RESETHAND)}
      ${raise(SIGUSR1)}
      ${raise(SIGUSR1)}
      ${EXIT}
    handler:
      ret
    `);
    expect(program.machine.runToEnd(10_000)).toMatchObject({ kind: 'killed', signal: 'SIGUSR1' });
  });

  test('runs on the alternate stack when it asks for it', () => {
    const program = guest(`
      addi sp, sp, -32
      addi t0, s11, 1024
      sd t0, 0(sp)
      sw zero, 8(sp)
      li t0, 2048
      sd t0, 16(sp)
      mv a0, sp
      li a1, 0
      li a7, 132
      ecall
      ${act(SIGUSR1, 'handler', ONSTACK)}
      ${raise(SIGUSR1)}
      ${EXIT}
    handler:
      sd sp, 0(s11)
      li a0, 0
      addi a1, s11, 8
      li a7, 132
      ecall                   # how is the stack now?
      addi a0, s11, 8
      li a1, 0
      li a7, 132
      ecall                   # it cannot be changed
      neg a0, a0
      sd a0, 40(s11)
      ret
    `);
    expect(program.end()).toBe(0);
    expect(program.word(0)).toBe(DATA + 1024 + 2048 - 1088);
    expect([program.word(1), program.word(2), program.word(3)]).toEqual([DATA + 1024, 1, 2048]);
    expect(program.word(5)).toBe(1);
  });

  test('that finds no room for its frame is SIGSEGV, whose handler has another stack', () => {
    const text = (segv: string): string => `
      addi sp, sp, -32
      addi t0, s11, 1024
      sd t0, 0(sp)
      sw zero, 8(sp)
      li t0, 2048
      sd t0, 16(sp)
      mv a0, sp
      li a1, 0
      li a7, 132
      ecall
      ${act(SIGUSR1, 'handler')}
      ${segv}
      li sp, 0x2000
      ${raise(SIGUSR1)}
      ${EXIT}
    handler:
      li a0, 1
      call exit
    rescue:
      lwu a0, 8(a1)           # SI_KERNEL
      call exit
    `;
    expect(guest(text(act(SIGSEGV, 'rescue', ONSTACK))).end()).toBe(0x80);
    const stop = guest(text('')).machine.runToEnd(10_000);
    expect(stop).toMatchObject({ kind: 'killed', signal: 'SIGSEGV' });
  });

  test.each([
    ['nowhere', 'li sp, 0x2000'],
    ['with extensions that are not there', 'li t0, 1\n sw t0, 1080(sp)'],
    ['with something in the reserved word', 'li t0, 1\n sw t0, 1076(sp)'],
  ])('that returns to a frame %s ends with SIGSEGV', (_, spoil) => {
    const program = guest(`
      ${act(SIGUSR1, 'handler')}
      ${raise(SIGUSR1)}
      ${EXIT}
    handler:
      ${spoil}
      ret
    `);
    const stop = program.machine.runToEnd(10_000);
    expect(stop).toMatchObject({ kind: 'killed', signal: 'SIGSEGV' });
  });
});

describe('the code that ends a handler', () => {
  test('lies in a page of its own, above the stack, that cannot be written', () => {
    const { machine } = guest(EXIT);
    const part = machine.memoryMap().find(({ label }) => label === 'signal return');
    expect(part).toMatchObject({ start: 0xffff_8000, end: 0xffff_9000, permissions: 'r-x' });
    expect(machine.space.readU32(0xffff_8000)).toBe(0x08b0_0893);
    expect(machine.space.readU32(0xffff_8004)).toBe(0x73);
  });
});

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
