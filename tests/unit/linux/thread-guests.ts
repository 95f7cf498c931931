import { readFileSync } from 'node:fs';
import { Machine, type MachineOptions } from '../../../emulator';
import type { MachineStop } from '../../../emulator/debug/target';

/** Runs to the end; waits of the guest last as long as they last. */
export function finish(machine: Machine, piece = 1e9): MachineStop {
  for (;;) {
    const stop = machine.run(piece);
    if (stop.kind !== 'fuel' && stop.kind !== 'waiting') return stop;
  }
}

/** What a bundled guest prints, how it ends, and how many instructions that took. */
export function runGuest(
  guest: string,
  { piece, options }: { piece?: number; options?: Partial<MachineOptions> } = {},
): { output: string; stop: MachineStop; instructions: number } {
  const bytes: number[] = [];
  const out = {
    isTerminal: false,
    write(part: Uint8Array): number {
      bytes.push(...part);
      return part.length;
    },
  };
  const machine = Machine.create({
    elf: readFileSync(`guests/bin/${guest}.elf`),
    args: [guest],
    memoryLimit: 64 << 20,
    streams: { stdin: { isTerminal: false, read: () => 'eof' }, stdout: out, stderr: out },
    random: (random) => random.fill(7),
    ...options,
  });
  try {
    const stop = finish(machine, piece);
    const output = new TextDecoder().decode(Uint8Array.from(bytes));
    return { output, stop, instructions: machine.instructions };
  } finally {
    machine.dispose();
  }
}
