import { afterEach, describe, expect, test } from 'vitest';
import {
  disposeGuests,
  act,
  block,
  DATA,
  EXIT,
  guest,
  NODEFER,
  NOTE,
  ONSTACK,
  raise,
  RESETHAND,
  SIGSEGV,
  SIGUSR1,
  SIGUSR2,
} from './signal-guest';

/* Signal handlers as the guest meets them: programs from assembly text on a whole machine. */

afterEach(disposeGuests);

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
