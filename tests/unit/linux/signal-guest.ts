import { Machine, type MachineOptions, type MachineStop } from '../../../emulator';
import { assemble } from '../../../emulator/isa';
import { CapturedStreams } from '../../support/captured-streams';
import { writeElf } from '../../support/elf-writer';
import { TESTED_MACHINE } from '../../support/tested-machine';

/*
 * Signal handlers as the guest meets them: programs from assembly text on a whole machine. A program leaves what it
 * has seen in its registers and ends with exit, or with the ebreak that `stopAtFaults` stops at.
 */

const CODE = 0x10000;
export const DATA = 0x20000;
const machines: Machine[] = [];
/** Every machine that a test has made goes. */
export function disposeGuests(): void {
  for (const machine of machines.splice(0)) machine.dispose();
}

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

export interface Guest {
  readonly machine: Machine;
  run(budget?: number): MachineStop;
  /** Runs to the program's end; its status. */
  end(): number;
  /** A word of the data page. */
  word(index: number): number;
  label(name: string): number;
}

/** A machine with a program; `s11` points to a page of data. */
export function guest(text: string, options: Partial<MachineOptions> = {}): Guest {
  const source = `li s11, ${DATA}\n${text}\n${LIBRARY}`;
  const { bytes, symbols } = assemble(source, { base: CODE });
  const elf = writeElf(CODE, [
    { address: CODE, bytes, writable: true, executable: true },
    { address: DATA, bytes: new Uint8Array(4096), writable: true, executable: false },
  ]);
  const streams = new CapturedStreams();
  const machine = Machine.create({
    elf,
    memoryLimit: 32 << 20,
    streams,
    ...TESTED_MACHINE,
    ...options,
  });
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

export const [SIGILL, SIGTRAP, SIGUSR1, SIGSEGV, SIGUSR2, SIGALRM] = [4, 5, 10, 11, 12, 14];
export const [NODEFER, RESETHAND, ONSTACK, RESTART] = [
  0x40000000, 0x80000000, 0x08000000, 0x10000000,
];

/** Installs `handler` for a signal. */
export const act = (signal: number, handler: string, flags = 0, mask = 0): string =>
  `li a0, ${signal}\n la a1, ${handler}\n li a2, ${flags}\n li a3, ${mask}\n call act\n`;
export const raise = (signal: number): string => `li a0, ${signal}\n call raise\n`;
export const block = (...signals: number[]): string =>
  `li a0, ${signals.reduce((set, signal) => set + 2 ** (signal - 1), 0)}\n call mask\n`;
/** A handler that adds its signal to the list of words from word 1 on; word 0 is its length. */
export const NOTE = `
note:
  ld t0, 0(s11)
  addi t0, t0, 1
  sd t0, 0(s11)
  slli t0, t0, 3
  add t0, t0, s11
  sd a0, 0(t0)
  ret
`;
export const EXIT = 'li a0, 0\n call exit\n';
/** `setitimer(ITIMER_REAL)`: once, after so many microseconds. */
export const alarmIn = (microseconds: number): string => `
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
