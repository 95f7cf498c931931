import { readFileSync } from 'node:fs';
import { Machine, Terminal, type MachineOptions } from '../../../emulator';
import { formatEvent } from '../../../emulator/memory/events';
import { stateHash } from '../../../emulator/schedule/state-hash';

/** All that can be seen of a run. */
export interface Seen {
  readonly stop: string;
  readonly text: string;
  readonly instructions: number;
  /** Event log without host times. */
  readonly events: string[];
  /** Hash of memory and registers at the end. */
  readonly state: string;
}

/** A run that is watched. */
export class Watched {
  readonly machine: Machine;
  readonly events: string[] = [];
  readonly terminal: Terminal;
  private readonly bytes: number[] = [];

  /** @param program name of a guest, or an ELF file */
  constructor(
    program: string | Uint8Array,
    args: readonly string[],
    options: Partial<MachineOptions> = {},
  ) {
    const write = (part: Uint8Array): number => {
      this.bytes.push(...part);
      return part.length;
    };
    const stdout = { isTerminal: false, write };
    const elf = typeof program === 'string' ? readFileSync(`guests/bin/${program}.elf`) : program;
    this.terminal = new Terminal({
      columns: 80,
      rows: 24,
      now: () => performance.now(),
      output: (part) => void write(part),
    });
    this.machine = Machine.create({
      elf,
      args: ['program', ...args],
      memoryLimit: 64 << 20,
      streams: { stdin: { isTerminal: false, read: () => 'eof' }, stdout, stderr: stdout },
      ...options,
    });
    this.machine.arena.events.listener = (event) => this.events.push(formatEvent(event));
  }

  get text(): string {
    return new TextDecoder().decode(Uint8Array.from(this.bytes));
  }

  /**
   * Runs to the end.
   * @param budget instructions that each run takes
   */
  finish(budget: (n: number) => number = () => 1e9): Seen {
    for (let n = 0; ; n++) {
      const stop = this.machine.run(budget(n));
      if (stop.kind !== 'fuel') return this.seen(JSON.stringify(stop));
    }
  }

  seen(stop: string): Seen {
    const { machine, events, text } = this;
    const state = stateHash(machine.liveHarts);
    const { instructions } = machine;
    machine.dispose();
    return { stop, text, instructions, events, state };
  }
}
