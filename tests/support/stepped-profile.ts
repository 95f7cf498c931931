import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { Machine, type MachineStop } from '../../emulator';
import type { EngineKind } from '../../emulator/engine/engine';
import { instructionLength } from '../../emulator/isa';
import type { Hart } from '../../emulator/multiprocess/hart';
import { flameTree } from '../../emulator/profile/flame';
import { inclusive, retired } from '../../emulator/profile/model';
import { hartName } from '../../emulator/profile/profiler';
import { functionCosts } from '../../emulator/profile/top';
import { MachineCode } from '../../emulator/profile-code';
import type { BundledRun } from './bundled-runs';
import { CapturedStreams } from './captured-streams';

/** How often an instruction retired, and of a conditional branch how often it was taken. */
interface Count {
  executions: number;
  taken: number;
}

/** Counts by address, by the hart's name. */
type Counts = Map<string, Map<number, Count>>;

/** What single steps have counted. */
export interface SteppedProfile {
  readonly counts: Counts;
  readonly instructions: number;
  readonly end: MachineStop['kind'];
}

const MEMORY = 64 << 20;
/** Steps in a row that retire nothing: a machine whose time stands still waits for ever. */
const MOST_IDLE = 1000;

function machineOf(run: BundledRun, engine: EngineKind, profile: boolean): Machine {
  return Machine.create({
    elf: readFileSync(`guests/bin/${run.guest}.elf`),
    args: [run.guest, ...run.arguments],
    environment: Object.entries(run.environment).map(([name, value]) => `${name}=${value}`),
    streams: new CapturedStreams(run.input),
    memoryLimit: MEMORY,
    // Guests that print how long they took run as many instructions as the number has digits.
    clock: { realtime: () => 0n, monotonic: () => 0n },
    engine,
    profile,
  });
}

/** Counts what each hart retires by running one instruction after the other, at most so many. */
export function stepThrough(run: BundledRun, most: number): SteppedProfile {
  const machine = machineOf(run, 'interpreter', false);
  const code = new MachineCode(machine);
  const counts: Counts = new Map();
  // A hart may run in the very step that makes it: where it began is noted when an event tells of it.
  const begun = new Map<Hart, { pc: number; instret: number }>();
  const note = (): void => {
    for (const hart of machine.liveHarts) {
      const { pc, instret } = hart.state;
      if (!begun.has(hart)) begun.set(hart, { pc, instret });
    }
  };
  machine.arena.events.listener = note;
  // Where a conditional branch goes on when it is not taken; undefined of another instruction.
  const behind = new Map<number, number | undefined>();
  let end: MachineStop['kind'] = 'fuel';
  for (let idle = 0; end === 'fuel' && idle < MOST_IDLE && machine.instructions < most; idle++) {
    begun.clear();
    note();
    end = machine.step().kind;
    for (const [hart, { pc, instret }] of begun) {
      const by = hart.state.instret - instret;
      if (by === 0) continue;
      idle = 0;
      const name = hartName(hart);
      const ofHart = counts.get(name) ?? new Map<number, Count>();
      counts.set(name, ofHart);
      const count = ofHart.get(pc) ?? { executions: 0, taken: 0 };
      ofHart.set(pc, count);
      count.executions += by;
      if (!behind.has(pc)) {
        const length = instructionLength(hart.space.peek(pc, 2)[0]);
        behind.set(pc, code.kindAt(pc) === 'branch' ? pc + length : undefined);
      }
      const next = behind.get(pc);
      if (next !== undefined && next !== hart.state.pc) count.taken += by;
    }
  }
  const { instructions } = machine;
  machine.dispose();
  return { counts, instructions, end };
}

/** Runs the same profiled, and compares all its sums with each other and its counts with those of single steps. */
export function expectCounts(run: BundledRun, engine: EngineKind, stepped: SteppedProfile): void {
  const machine = machineOf(run, engine, true);
  try {
    const { instructions } = stepped;
    const stop = machine.run(instructions);
    if (stepped.end === 'exited') expect(stop.kind).toBe('exited');
    expect(machine.instructions).toBe(instructions);
    const { harts } = machine.profile!;
    const counted: Counts = new Map(
      harts.map(({ name, counts: { addresses, executions, taken } }) => [
        name,
        new Map(
          [...addresses].map((at, i) => [at, { executions: executions[i], taken: taken[i] }]),
        ),
      ]),
    );
    expect(differences(counted, stepped.counts)).toEqual([]);
    expect(harts.reduce((sum, hart) => sum + retired(hart), 0)).toBe(instructions);
    for (const hart of harts) expect(inclusive(hart.root)).toBe(retired(hart));
    const code = new MachineCode(machine);
    const flames = flameTree(harts, code);
    expect(flames.total[0]).toBe(instructions);
    expect(flames.self.reduce((sum, self) => sum + self, 0)).toBe(instructions);
    // Each hart alone, and all together.
    for (const some of [harts, ...harts.map((hart) => [hart])]) {
      const all = some.reduce((sum, hart) => sum + retired(hart), 0);
      const functions = functionCosts({ harts: some }, code);
      expect(functions.reduce((sum, { self }) => sum + self, 0)).toBe(all);
      const wrong = functions.filter(({ self, total = self }) => total < self || total > all);
      expect(wrong).toEqual([]);
    }
  } finally {
    machine.dispose();
  }
}

/** What the counts of a profile and those of single steps do not agree in. */
function differences(counted: Counts, stepped: Counts): string[] {
  return [...new Set([...counted.keys(), ...stepped.keys()])].flatMap((hart) => {
    const [mine, theirs] = [counted.get(hart), stepped.get(hart)];
    return [...new Set([...(mine?.keys() ?? []), ...(theirs?.keys() ?? [])])].flatMap((pc) => {
      const [a, b] = [textOf(mine?.get(pc)), textOf(theirs?.get(pc))];
      return a === b ? [] : [`${hart}, pc 0x${pc.toString(16)}: counted ${a}, stepped ${b}`];
    });
  });
}

const textOf = ({ executions, taken }: Count = { executions: 0, taken: 0 }): string =>
  `${executions} (${taken} taken)`;
