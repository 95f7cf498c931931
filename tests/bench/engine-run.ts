import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineKind } from '../../emulator/engine/engine';
import type { EngineStatistics } from '../../emulator/engine/statistics';
import { Machine } from '../../emulator/machine';
import { ArenaPool } from '../../emulator/memory/arena-pool';
import { CapturedStreams } from '../support/captured-streams';

export interface EngineRun {
  readonly text: string;
  readonly instructions: number;
  readonly statistics: EngineStatistics;
}

const arenas = new ArenaPool({ limitBytes: 2 ** 28 });

export const guestFile = (guest: string): string => join('guests', 'bin', `${guest}.elf`);

/**
 * Runs a bundled guest to its end in this process.
 * @throws Error when it does not end with status 0
 */
export function runGuest(guest: string, args: readonly string[], engine: EngineKind): EngineRun {
  const arena = arenas.take();
  const streams = new CapturedStreams();
  const elf = readFileSync(guestFile(guest));
  const machine = Machine.create({ elf, args: [guest, ...args], streams, arena, engine });
  try {
    const stop = machine.runToEnd();
    if (stop.kind !== 'exited' || stop.status !== 0) {
      throw new Error(`${guest} ended with ${JSON.stringify(stop)}: ${streams.text()}`);
    }
    const { instructions, engineStatistics: statistics } = machine;
    return { text: streams.text(), instructions, statistics };
  } finally {
    machine.dispose();
    arenas.giveBack(arena);
  }
}
