import { Machine } from '../emulator';
import { environmentOf, runToEnd, silent } from './guest-run';
import type { Host } from './host';
import { json, table } from './print';
import { readProgram, RUN_FAILURE } from './program-file';

/**
 * Runs a program to its end and lists the system calls that it made, most frequent first; those that are not
 * there, and so answered ENOSYS, are marked.
 */
export async function usedCalls(
  host: Host,
  name: string,
  args: readonly string[],
  asJson: boolean,
): Promise<string> {
  const file = readProgram(name, false, RUN_FAILURE);
  const streams = silent(host.openStreams());
  try {
    const machine = Machine.create({
      elf: file.bytes,
      args: [file.name, ...args],
      environment: environmentOf(undefined, streams),
      streams,
    });
    try {
      await runToEnd(machine, streams, Infinity);
      const calls = machine.kernel.usage();
      if (asJson) return json({ calls });
      const rows = calls.map(({ number, name: call, count, known }) => [
        String(count),
        String(number),
        call,
        known ? '' : 'not there: ENOSYS',
      ]);
      return table([['count', 'number', 'call', ''], ...rows], { right: [0, 1] });
    } finally {
      machine.dispose();
    }
  } finally {
    streams.close();
  }
}
