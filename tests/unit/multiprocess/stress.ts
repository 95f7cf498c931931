import { readdirSync } from 'node:fs';
import { Machine, type MachineOptions } from '../../../emulator';
import { assemble } from '../../../emulator/isa';
import { CapturedStreams } from '../../support/captured-streams';
import { writeElf } from '../../support/elf-writer';

/** Where the programs and their data lie; the data is zero but for the options of a task at its beginning. */
const CODE = 0x10000;
export const DATA = 0x100000;
const DATA_BYTES = 0x80000;
const OPTIONS_BYTES = 72;
/** Modes of `multiprocess_start` by number. */
const MODES = { shared: 1, call: 2, fork: 3, 'fork-here': 4, workspace: 5 } as const;

/** A task of `multiprocess_start` in the data, at `DATA`. */
export interface TaskOptions {
  readonly mode: keyof typeof MODES;
  readonly vcpus: number;
  /** Name of a label. */
  readonly function?: string;
  readonly stackBase?: number;
  readonly stackSize?: number;
}

/** A system call with constant arguments. */
export const call = (number: number, ...args: readonly (number | string)[]): string =>
  [...args.map((value, i) => `li a${i}, ${value}`), `li a7, ${number}`, 'ecall'].join('\n');

export const exit = (status: number): string => call(94, status);

/** A program of assembly text, and where its labels are. */
export function programOf(
  text: string,
  task?: TaskOptions,
): { readonly elf: Uint8Array; readonly symbols: ReadonlyMap<string, number> } {
  const { bytes, symbols } = assemble(text, { base: CODE });
  const data = new Uint8Array(DATA_BYTES);
  if (task) {
    const { mode, vcpus, stackBase = 0, stackSize = 0 } = task;
    const start = task.function === undefined ? 0 : symbols.get(task.function)!;
    const fields = [OPTIONS_BYTES, MODES[mode], vcpus, stackBase, stackSize, start, 0, 0, 0];
    data.set(new Uint8Array(BigUint64Array.from(fields, BigInt).buffer));
  }
  const elf = writeElf(CODE, [
    { address: CODE, bytes, writable: false, executable: true },
    { address: DATA, bytes: data, writable: true, executable: false },
  ]);
  return { elf, symbols };
}

/** A machine with such a program; its vCPUs run on the threads of a pool, or in turns without one. */
export function machineOf(
  text: string,
  pool: { readonly entry: string; readonly threads: number } | undefined,
  task?: TaskOptions,
  options: Partial<MachineOptions> = {},
): Machine {
  const { elf } = programOf(text, task);
  const streams = new CapturedStreams();
  return Machine.create({ elf, memoryLimit: 64 << 20, streams, ...(pool && { pool }), ...options });
}

/** Runs to the end; waits of the guest last as long as they last. */
export function finish(machine: Machine, each: () => void = () => undefined): unknown {
  for (;;) {
    const stop = machine.run(1e8);
    if (stop.kind !== 'fuel' && stop.kind !== 'waiting') return stop;
    each();
  }
}

/** What a machine and its process use just now. */
export interface Use {
  readonly frames: number;
  readonly nodes: number;
  readonly spaces: number;
  readonly harts: number;
  /** Threads of this process; undefined where the system does not tell. */
  readonly threads: number | undefined;
}

export function useOf(machine: Machine): Use {
  const { frames, nodes, spaces } = machine.arena;
  const harts = machine.liveHarts.length;
  return { frames: frames.used, nodes: nodes.used, spaces: spaces.used, harts, threads: threads() };
}

function threads(): number | undefined {
  return process.platform === 'linux' ? readdirSync('/proc/self/task').length : undefined;
}

/** Tasks of four vCPUs that each write a page of main's and one of their own stack, one after another. */
export const TASKS_IN_A_ROW = (tasks: number): string => `
    li s0, ${tasks}
    addi sp, sp, -16
  task:
    sd s0, 0(sp)
    ${call(110, 4, 0)}
    beqz a0, main
    slli t0, a0, 12
    li t1, ${DATA}
    add t1, t1, t0
    amoadd.d x0, a0, (t1)
    sd a0, 8(sp)
    ${call(111)}
  main:
    ${call(111)}
    bnez a0, bad
    addi s0, s0, -1
    bnez s0, task
    ${exit(0)}
  bad:
    ${exit(1)}`;

/** vCPUs that hand a number round: each waits until it is its turn. */
export const RING = (vcpus: number, rounds: number): string => `
    ${call(110, vcpus, 0)}
    beqz a0, main
    addi s0, a0, -1
    li s1, ${rounds}
    li s2, ${DATA + 0x1000}
    li s3, ${vcpus}
  wait:
    amoor.d t0, x0, (s2)
    remu t0, t0, s3
    bne t0, s0, wait
    li t1, 1
    amoadd.d x0, t1, (s2)
    addi s1, s1, -1
    bnez s1, wait
    ${call(111)}
  main:
    ${call(111)}
    bnez a0, bad
    li t0, ${DATA + 0x1000}
    ld t0, 0(t0)
    li t1, ${vcpus * rounds}
    bne t0, t1, bad
    ${exit(0)}
  bad:
    ${exit(1)}`;

/** vCPUs that write fresh pages of main's while each of them makes tasks of its own, which write more. */
export const FORKS_AND_PAGES = (rounds: number): string => `
    addi sp, sp, -64
    ${call(110, 4, 0)}
    beqz a0, main
    mv s0, a0
    li s1, ${rounds}
  round:
    slli t0, s0, 14
    li t1, ${DATA}
    add s2, t1, t0
    andi t2, s1, 1
    slli t2, t2, 12
    add s2, s2, t2
    li t3, 1
    amoadd.d x0, t3, (s2)
    sd s1, 0(sp)
    ${call(110, 2, 0)}
    beqz a0, nested_main
    slli t0, a0, 3
    add t0, s2, t0
    li t1, 1
    amoadd.d x0, t1, (t0)
    sd a0, 8(sp)
    ${call(111)}
  nested_main:
    ld t0, 0(sp)
    bne t0, s1, lost
    addi s1, s1, -1
    bnez s1, round
    ${call(93, 0)}
  lost:
    ${call(93, 1)}
  main:
    ${call(111)}
    bnez a0, bad
    ${exit(0)}
  bad:
    ${exit(1)}`;

/** vCPUs without an end, while main does something else. */
export const ENDLESS = (meanwhile: string): string => `
    ${call(2000, DATA)}
    blez a0, bad
    li s0, 200000
  delay:
    addi s0, s0, -1
    bnez s0, delay
    ${meanwhile}
  bad:
    ${exit(1)}
  endless:
    li t1, ${DATA + 0x2000}
    slli t0, a0, 12
    add t1, t1, t0
  count:
    ld t0, 0(t1)
    addi t0, t0, 1
    sd t0, 0(t1)
    j count`;
