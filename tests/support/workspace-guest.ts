import { Machine, type MachineOptions } from '../../emulator';
import { assemble } from '../../emulator/isa';
import { CapturedStreams } from './captured-streams';
import { writeElf } from './elf-writer';
import { TESTED_MACHINE } from './tested-machine';

/** Where the guest's data lies: DATA for the vCPUs' own use, statuses at STATUS. */
export const DATA = 0x20000;
const CODE = 0x10000;
const OPTIONS = DATA + 0x1000;
export const STATUS = DATA + 0x1800;
export const STATUS_BYTES = 72;
const DATA_BYTES = 0x40000;

/** So much work that a vCPU does not end before it has left; s0 and t0 stay. */
export const LONG = `li t6, 40000
    busy:
      addi t6, t6, -1
      bnez t6, busy`;
/** Without end, until somebody stores to the own memory, which nobody does. */
export const FOREVER = `forever:
      addi t6, t6, 1
      j forever`;

export interface WorkspaceGuest {
  readonly vcpus?: number;
  readonly flags?: number;
  /** Instructions that each vCPU may retire. */
  readonly limit?: number;
  /** Bottom and bytes of the stack that main tells of [0, 0: as the kernel knows it]. */
  readonly stack?: readonly [number, number];
  /** What main does before it starts the task, and between start and join. */
  readonly before?: string;
  readonly after?: string;
}

/** What a joined task came to. */
export interface Outcome {
  readonly stop: unknown;
  readonly text: string;
  readonly statuses: readonly bigint[][];
  /** The data, in hexadecimal: a string, for vitest compares arrays byte by byte. */
  readonly data: string;
  readonly instructions: number;
  readonly conflicts: Machine['conflicts']['conflicts'];
}

/**
 * A program whose vCPUs (id in s0) run `work` in workspaces and end, and whose main joins them and exits with how
 * many failed.
 */
export function workspaceElf(
  work: string,
  { vcpus = 3, flags = 0, limit = 0, stack = [0, 0], before = '', after = '' }: WorkspaceGuest,
): Uint8Array {
  const words = [72, 5, vcpus, ...stack, 0, 0, limit, flags];
  const store = words
    .map((word, i) => `li t0, ${word}\n li t1, ${OPTIONS + 8 * i}\n sd t0, 0(t1)\n`)
    .join('');
  const text = `
      ${before}
      ${store}
      li a0, ${OPTIONS}
      li a7, 2000
      ecall
      bnez a0, main
      mv s0, a1
      ${work}
      li a7, 111
      ecall
    main:
      mv s1, a0
      ${after}
      mv a0, s1
      li a1, ${STATUS}
      li t0, ${STATUS_BYTES}
      sd t0, 0(a1)
      li a2, ${vcpus}
      li a7, 2001
      ecall
      li a7, 93
      ecall
  `;
  const { bytes } = assemble(text, { base: CODE });
  return writeElf(CODE, [
    { address: CODE, bytes, writable: false, executable: true },
    { address: DATA, bytes: new Uint8Array(DATA_BYTES), writable: true, executable: false },
  ]);
}

/** A machine with such a program. */
export function workspaceMachine(
  work: string,
  guest: WorkspaceGuest,
  options: Partial<MachineOptions>,
): { readonly machine: Machine; readonly streams: CapturedStreams } {
  const streams = new CapturedStreams();
  const elf = workspaceElf(work, guest);
  return {
    machine: Machine.create({ elf, memoryLimit: 16 << 20, streams, ...TESTED_MACHINE, ...options }),
    streams,
  };
}

/** Runs a machine to its end, and what its task came to then. */
export function outcome(
  { machine, streams }: ReturnType<typeof workspaceMachine>,
  vcpus = 3,
): Outcome {
  const stop = toEnd(machine);
  const status = (id: number): bigint[] =>
    Array.from({ length: STATUS_BYTES / 8 }, (_, i) => {
      const at = STATUS + STATUS_BYTES * (id - 1) + 8 * i;
      return machine.space.readU64(at) ?? -1n;
    });
  return {
    stop,
    text: streams.text(),
    statuses: Array.from({ length: vcpus }, (_, i) => status(i + 1)),
    data: Buffer.from(machine.space.peek(DATA, DATA_BYTES)).toString('hex'),
    instructions: machine.instructions,
    conflicts: machine.conflicts.conflicts,
  };
}

/** The data as words of 64 bits. */
export const dataWords = ({ data }: Outcome): BigUint64Array =>
  new BigUint64Array(Uint8Array.from(Buffer.from(data, 'hex')).buffer);

/** Runs until the program has ended. */
export function toEnd(machine: Machine): unknown {
  for (;;) {
    const stop = machine.run(1e9);
    if (stop.kind !== 'fuel' && stop.kind !== 'waiting') return stop;
  }
}
