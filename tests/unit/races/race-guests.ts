import { Machine, type MachineOptions, type StandardStreams } from '../../../emulator';
import { assemble, type Assembly } from '../../../emulator/isa/assembler';
import type { RaceCheckOptions } from '../../../emulator/races/race-check';
import type { Race, RaceReport } from '../../../emulator/races/report';
import { writeElf } from '../../support/elf-writer';

const CODE = 0x10000;
/** Four pages of data behind the code. */
export const DATA = 0x20000;
const STACKS = DATA + 0x2000;
const OPTIONS = DATA + 0x1f00;

const silent: StandardStreams = {
  stdin: { isTerminal: false, read: () => 'eof' },
  stdout: { isTerminal: false, write: (bytes) => bytes.length },
  stderr: { isTerminal: false, write: (bytes) => bytes.length },
};

const machines: Machine[] = [];

/** For `afterEach`. */
export function closeMachines(): void {
  for (const machine of machines.splice(0)) machine.dispose();
}

export type Mode = 'shared' | 'call' | 'fork' | 'fork-here' | 'workspace';
const NUMBERS: Record<Mode, number> = { shared: 1, call: 2, fork: 3, 'fork-here': 4, workspace: 5 };

/** What a checked run came to. */
export interface Checked {
  readonly machine: Machine;
  readonly report: RaceReport;
  /** Address of a label. */
  readonly at: (label: string) => number;
}

/** Runs a program under the race check to its end. */
export function check(text: string, options: RaceCheckOptions = {}): Checked {
  const { machine, at } = run(text, { raceCheck: options });
  return { machine, report: machine.races!, at };
}

/** Runs a program to its end. */
export function run(
  text: string,
  options: Pick<MachineOptions, 'raceCheck'> = {},
): Omit<Checked, 'report'> {
  const assembly: Assembly = assemble(text, { base: CODE });
  const { bytes } = assembly;
  const elf = writeElf(CODE, [
    { address: CODE, bytes, writable: false, executable: true },
    { address: DATA, bytes: new Uint8Array(0x4000), writable: true, executable: false },
  ]);
  const machine = Machine.create({
    elf,
    memoryLimit: 16 << 20,
    streams: silent,
    ...options,
  });
  machines.push(machine);
  const stop = machine.runToEnd(50_000_000);
  if (stop.kind !== 'exited') throw new Error(`the guest did not exit: ${JSON.stringify(stop)}`);
  const at = (label: string): number => {
    const address = assembly.symbols.get(label);
    if (address === undefined) throw new Error(`there is no label ${label}`);
    return address;
  };
  return { machine, at };
}

/** Starts a task of `vcpus` that run `function`, with the id − 1 in a0; the task's id is in a0 then. */
export function start(mode: Mode, vcpus: number, target = 'work', flags = 0): string {
  const words = [72, NUMBERS[mode], vcpus, STACKS, 0x400, 0, 0, 0, flags];
  if (mode === 'fork-here' || mode === 'workspace' || mode === 'call') words[3] = words[4] = 0;
  const stores = words.map((word, i) => `li t0, ${word}\n sd t0, ${8 * i}(t6)\n`).join('');
  const behind =
    mode === 'shared' || mode === 'call'
      ? ''
      : `bnez a0, started_${target}
         addi a0, a1, -1
         jal ${target}
         li a7, 111
         ecall
        started_${target}:`;
  return `li t6, ${OPTIONS}
    ${stores}
    la t0, ${target}
    sd t0, 40(t6)
    mv a0, t6
    li a7, 2000
    ecall
    ${behind}\n`;
}

/** Joins the task in a0. */
export const JOIN = 'li a1, 0\n li a2, 0\n li a7, 2001\n ecall\n';
export const EXIT = 'li a0, 0\n li a7, 93\n ecall\n';

/** The races by what both sides did, in order. */
export function kinds({ report }: Checked): string[] {
  return report.races.map(({ first, second }: Race) => `${first.access}, ${second.access}`);
}
