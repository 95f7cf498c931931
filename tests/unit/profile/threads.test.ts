import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Machine } from '../../../emulator';
import type { EngineKind } from '../../../emulator/engine/engine';
import { addCounts, inclusive, retired, type HartProfile } from '../../../emulator/profile/model';
import { CapturedStreams } from '../../support/captured-streams';
import { poolOf } from '../../support/host-entries';

const THREADS = 2;
interface Run {
  readonly harts: readonly HartProfile[];
  readonly instructions: number;
  /** Harts that a thread of the pool has run. */
  readonly away: number;
}

function profiled(name: string, args: readonly string[], engine: EngineKind, threads: number): Run {
  const machine = Machine.create({
    elf: readFileSync(`guests/bin/${name}.elf`),
    args: [name, ...args],
    streams: new CapturedStreams(),
    memoryLimit: 64 << 20,
    clock: { realtime: () => 0n, monotonic: () => 0n },
    engine,
    profile: true,
    ...(threads > 0 && { pool: poolOf(threads) }),
  });
  try {
    let away = 0;
    for (let stop = machine.run(1e9); stop.kind !== 'exited'; stop = machine.run(1e9)) {
      away = Math.max(away, machine.liveHarts.filter((hart) => hart.away).length);
      if (stop.kind !== 'fuel' && stop.kind !== 'waiting') throw new Error(stop.kind);
    }
    return { harts: machine.profile!.harts, instructions: machine.instructions, away };
  } finally {
    machine.dispose();
  }
}

/** What a hart ran, whichever number it had. */
const byName = ({ harts }: Run): Map<string, Omit<HartProfile, 'hart'>> =>
  new Map(harts.map(({ name, counts, root, arcs }) => [name, { name, counts, root, arcs }]));

const GUESTS = [
  ['mp-dot', ['call', '4', '65536']],
  ['mp-histogram', []],
] as const;

describe.each(GUESTS)('the counts of %s', (name, args) => {
  const reference = (): Run => profiled(name, args, 'interpreter', 0);

  test.each([
    ['auto', 0],
    ['translator', 0],
    ['auto', THREADS],
    ['translator', THREADS],
  ] as const)('are those of the interpreter on one thread: %s, %i threads', (engine, threads) => {
    const run = profiled(name, args, engine, threads);
    expect(run.harts.reduce((sum, hart) => sum + retired(hart), 0)).toBe(run.instructions);
    for (const hart of run.harts) expect(inclusive(hart.root)).toBe(retired(hart));
    const expected = byName(reference());
    const found = byName(run);
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [hart, each] of expected) {
      // The caller of a task may look more or less often whether it is done.
      if (hart !== 'main') expect(found.get(hart)).toEqual(each);
    }
    const sums = addCounts(run.harts.map(({ counts }) => counts));
    expect(sums.executions.every((count) => count > 0)).toBe(true);
    if (threads > 0 && name === 'mp-dot') expect(run.away).toBeGreaterThan(0);
  });
});
