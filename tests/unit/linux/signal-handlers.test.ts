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

const SIGUSR1 = 10;

/** Installs `handler` for a signal. */
const act = (signal: number, handler: string, flags = 0, mask = 0): string =>
  `li a0, ${signal}\n la a1, ${handler}\n li a2, ${flags}\n li a3, ${mask}\n call act\n`;
const raise = (signal: number): string => `li a0, ${signal}\n call raise\n`;

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
      lw t0, 0(a1)
      sd t0, 8(s11)           # si_signo
      lwu t0, 8(a1)
      sd t0, 16(s11)          # si_code
      lw t0, 16(a1)
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
});
