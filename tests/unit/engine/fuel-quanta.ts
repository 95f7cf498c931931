import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { Machine, type EngineKind, type MachineStop } from '../../../emulator';
import { ArenaPool } from '../../../emulator/memory/arena-pool';
import { CapturedStreams } from '../../support/captured-streams';
import { snapshotOf, type Snapshot } from '../../support/guest-hart';
import { Random } from '../../support/random';

/** Guests that compute for long in loops, calls, indirect jumps and floating point. */
export const FUEL_GUESTS = [
  ...['dot', 'sieve', 'matmul', 'sha256', 'intmix', 'fib', 'xorshift'],
  ...['copy', 'bytecode', 'mandelbrot'],
];
const MOST_QUANTUM = 1_000_000;

const arenas = new ArenaPool({ frames: 16384, tablePairs: 1, codeTables: 1, harts: 4, spaces: 4 });
const clock = { monotonic: () => 1_000_000_000n, realtime: () => 1_700_000_000_000_000_000n };

interface Place {
  readonly stop: MachineStop;
  readonly state: Snapshot;
  /** Hash of all memory. */
  readonly memory: string;
  /** Part of the instructions that ran in translated code. */
  readonly translated: number;
}

/** Where a guest is after so many instructions in pieces that `quantum` tells. */
function placeAfter(
  guest: string,
  instructions: number,
  engine: EngineKind,
  quantum: () => number,
): Place {
  const arena = arenas.take();
  const machine = Machine.create({
    elf: readFileSync(`guests/bin/${guest}.elf`),
    args: [guest, '100', '100'],
    ...{ arena, clock, engine, streams: new CapturedStreams() },
    random: (bytes) => bytes.fill(7),
  });
  try {
    let stop: MachineStop = { kind: 'fuel' };
    while (stop.kind === 'fuel' && machine.instructions < instructions) {
      stop = machine.run(Math.min(quantum(), instructions - machine.instructions));
    }
    const memory = createHash('sha256');
    for (const { start, end } of machine.memoryMap()) {
      memory.update(machine.space.peek(start, end - start));
    }
    const { translatedInstructions } = machine.engineStatistics;
    return {
      stop,
      state: snapshotOf(machine.hart),
      memory: memory.digest('hex'),
      translated: translatedInstructions / machine.instructions,
    };
  } finally {
    machine.dispose();
    arenas.giveBack(arena);
  }
}

/**
 * Runs a guest in translated code by random quanta from 1 to 10⁶, small ones as often as large ones, and compares all state with
 * that of the interpreter, which runs in one piece.
 * @returns the part of the instructions that ran in translated code
 */
export function compareQuanta(
  guest: string,
  instructions: number,
  engine: 'translator' | 'auto',
  seed: number,
): number {
  const random = new Random(seed);
  const quantum = (): number => Math.ceil(MOST_QUANTUM ** (random.u32() / 2 ** 32));
  const { translated, ...place } = placeAfter(guest, instructions, engine, quantum);
  const { translated: none, ...reference } = placeAfter(
    guest,
    instructions,
    'interpreter',
    () => instructions,
  );
  expect(place, `${guest}, seed ${seed}`).toEqual(reference);
  expect(none).toBe(0);
  return translated;
}
