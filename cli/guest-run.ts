import { setImmediate } from 'node:timers/promises';
import { describeStop, type Machine, type MachineStop } from '../emulator';
import { describeAddress } from '../emulator/elf/symbols';
import { STATUS } from './errors';
import type { HostStreams } from './host';
import { sleep } from './host-streams';
import type { Interruption } from './interruption';
import type { RepeatableRun } from './repeatable';

/** Instructions and milliseconds between turns of the event loop, which a terminal needs and signals. */
const TURN_SLICE = 4_000_000;
const TURN_MS = 5;
const SLICE = 1_000_000_000;

/**
 * The guest gets no variable of the host but TERM, and that only with a terminal: a run does not depend
 * on who starts it.
 */
export function environmentOf(
  env: ReadonlyMap<string, string> | undefined,
  { stdin, stdout }: HostStreams,
): string[] {
  const { TERM } = process.env;
  const withTerminal = TERM !== undefined && (stdin.isTerminal || stdout.isTerminal);
  const variables = new Map([...(withTerminal ? [['TERM', TERM] as const] : []), ...(env ?? [])]);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

/** Streams without output, where the guest's would only be in the way. */
export function silent(streams: HostStreams): HostStreams {
  const swallow = { isTerminal: false, write: (bytes: Uint8Array) => bytes.length };
  return {
    ...streams,
    stdin: streams.stdin,
    stdout: swallow,
    stderr: swallow,
    close: () => streams.close(),
  };
}

/** What looks on while a guest runs. */
type Onlooker = Pick<RepeatableRun, 'collect'> &
  Partial<Pick<RepeatableRun, 'recording'>> & { readonly slice?: number };

/** Runs until the program has ended, `limit` instructions have, or the run is interrupted: then it stops by `fuel`. */
export async function runToEnd(
  machine: Machine,
  { terminal }: HostStreams,
  limit: number,
  repeatable?: Onlooker,
  interruption?: Interruption,
): Promise<MachineStop> {
  const turns = terminal !== undefined || interruption !== undefined;
  const slice = repeatable?.slice ?? (turns ? TURN_SLICE : SLICE);
  let turned = performance.now();
  for (;;) {
    const stop = machine.run(Math.min(slice, limit - machine.instructions));
    repeatable?.collect(machine);
    if (stop.kind === 'waiting') {
      // Nothing more will come than what was recorded.
      if (repeatable?.recording) return stop;
      const wait = stop.deadline === undefined ? undefined : stop.deadline - machine.now();
      if (terminal !== undefined) await terminal.nextEvent(wait);
      else if (interruption) await interruption.wait(wait);
      else sleep(wait);
    } else if (stop.kind !== 'fuel' || machine.instructions >= limit) {
      return stop;
    } else if (turns && performance.now() - turned > TURN_MS) {
      await setImmediate();
      turned = performance.now();
    }
    if (interruption?.signal !== undefined) return { kind: 'fuel' };
  }
}

/** Says what must be said about the end, and answers the exit status. */
export function conclude(
  machine: Machine,
  stop: MachineStop,
  say: (text: string) => void,
  interruption?: Interruption,
): number {
  if (interruption?.status !== undefined) {
    const where = describeAddress(machine.symbols, machine.hart.pc);
    say(`${interruption.signal} after ${machine.instructions} instructions at ${where}`);
    return interruption.status;
  }
  switch (stop.kind) {
    case 'exited':
      return stop.status;
    case 'killed':
      // Like a shell, not a word about a reader that has left or a person who wanted it so.
      if (!['SIGPIPE', 'SIGINT'].includes(stop.signal)) say(stop.message);
      return stop.status;
    case 'fuel': {
      const where = describeAddress(machine.symbols, machine.hart.pc);
      say(`ended after ${machine.instructions} instructions (--max-instructions) at ${where}`);
      return STATUS.limit;
    }
    case 'waiting':
      say(`the recording ends after ${machine.instructions} instructions: ${describeStop(stop)}`);
      return STATUS.failed;
    case 'breakpoint':
    case 'watch':
    case 'syscall':
    case 'event':
    case 'ebreak':
    case 'fault':
      throw new Error(`the machine stopped without an end: ${stop.kind}`);
  }
}

/** One line about a run. */
export function statistics(machine: Machine, milliseconds: number): string {
  const { instructions } = machine;
  const calls = machine.kernel.usage().reduce((sum, use) => sum + use.count, 0);
  const seconds = (milliseconds / 1000).toFixed(3);
  const mips = (instructions / 1000 / Math.max(milliseconds, 0.001)).toFixed(1);
  const memory = (machine.mostResidentBytes / 2 ** 20).toFixed(1);
  const { workspaceTraffic: traffic } = machine;
  return (
    `${instructions} instructions in ${seconds} s (${mips} MIPS), ` +
    `${calls} system calls, ${memory} MiB of memory at most` +
    (traffic && traffic.messages > 0
      ? `, ${traffic.sent} pages to processes and ${traffic.returned} back`
      : '')
  );
}
