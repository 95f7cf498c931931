import { Machine, type MachineOptions } from '../../../emulator';
import type { MachineStop } from '../../../emulator/debug/target';
import { assemble } from '../../../emulator/isa';
import { systemCallNumber } from '../../../emulator/linux/syscalls/table';
import { writeElf } from '../../support/elf-writer';
import { TESTED_MACHINE } from '../../support/tested-machine';

const CODE = 0x10000;
/** Two pages that a program can write. */
export const DATA = 0x20000;
/** The signal that the programs' children send at their end. */
const SIGCHLD = 17;
const MOST = 200_000_000;

type Operand = number | string;

/** A system call with these arguments: numbers, or registers by name. The result is in a0. */
export function call(name: string, ...args: readonly Operand[]): string {
  const moves = args.map((arg, i) =>
    typeof arg === 'number' ? `li a${i}, ${arg}` : arg === `a${i}` ? '' : `mv a${i}, ${arg}`,
  );
  return ['', ...moves, `li a7, ${systemCallNumber(name)}`, 'ecall', ''].join('\n');
}

/** Prints one character. */
export function say(character: string): string {
  return `\nli t0, ${character.charCodeAt(0)}\nli t1, ${DATA + 0x1f00}\nsb t0, 0(t1)\n${call('write', 1, DATA + 0x1f00, 1)}`;
}

/** Prints a register as 16 hexadecimal digits and a space, by a loop with a name of its own. */
export function show(register: string, label: string): string {
  return `
    mv t2, ${register}
    li t3, ${DATA + 0x1f10}
    li t4, 60
    ${label}: srl t5, t2, t4
    andi t5, t5, 15
    li t6, 10
    blt t5, t6, ${label}_digit
    addi t5, t5, 39
    ${label}_digit: addi t5, t5, 48
    sb t5, 0(t3)
    addi t3, t3, 1
    addi t4, t4, -4
    bge t4, zero, ${label}
    li t5, 32
    sb t5, 0(t3)
    ${call('write', 1, DATA + 0x1f10, 17)}`;
}

/** fork: behind it the child goes to `child`, the parent goes on with the child's pid in s1. */
export function fork(child: string): string {
  return `${call('clone', SIGCHLD, 0, 0, 0, 0)}\nbeqz a0, ${child}\nmv s1, a0\n`;
}

export const exit = (status: number): string => call('exit_group', status);

/** Waits for the child in s1; its status word is at DATA and in s2. */
export const wait = (options = 0): string =>
  `${call('wait4', 's1', DATA, options, 0)}\nmv s3, a0\nli t0, ${DATA}\nlw s2, 0(t0)\n`;

/** The program of a text, with its code read-only and two pages of data. */
export function program(text: string, data: string | Uint8Array = ''): Uint8Array {
  const { bytes } = assemble(text, { base: CODE });
  const content = new Uint8Array(8192);
  content.set(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
  return writeElf(CODE, [
    { address: CODE, bytes, writable: false, executable: true },
    { address: DATA, bytes: content, writable: true, executable: false },
  ]);
}

/** A machine whose output is kept. */
export function machineOf(
  elf: Uint8Array,
  options: Partial<MachineOptions> = {},
): { machine: Machine; output: () => string } {
  const pieces: Uint8Array[] = [];
  const out = {
    isTerminal: false,
    write(bytes: Uint8Array): number {
      pieces.push(bytes.slice());
      return bytes.length;
    },
  };
  const machine = Machine.create({
    elf,
    args: ['prog'],
    memoryLimit: 32 << 20,
    streams: { stdin: { isTerminal: false, read: () => 'eof' }, stdout: out, stderr: out },
    ...TESTED_MACHINE,
    ...options,
  });
  return { machine, output: () => Buffer.concat(pieces).toString('latin1') };
}

/** Runs to the end, also through waits; what it printed and how it ended. */
export function outcome(
  text: string,
  data: string | Uint8Array = '',
  options: Partial<MachineOptions> = {},
): { output: string; stop: MachineStop } {
  const { machine, output } = machineOf(program(text, data), options);
  try {
    for (;;) {
      const stop = machine.run(1_000_000);
      if (stop.kind === 'fuel' && machine.instructions < MOST) continue;
      if (stop.kind === 'waiting' && stop.deadline !== undefined) continue;
      return { output: output(), stop };
    }
  } finally {
    machine.dispose();
  }
}
