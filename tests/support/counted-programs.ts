import { expect } from 'vitest';
import type { EngineKind } from '../../emulator/engine/engine';
import type { HartReading } from '../../emulator/engine/hart-counts';
import type { Extension } from '../../emulator/isa/types';
import { countHart } from './counted-hart';
import { loopingProgram, startLooping, type LoopingProgram } from './looping-program';
import { Random } from './random';
import { streamInstructions } from './streams';

const EXTENSIONS: readonly Extension[] = ['I', 'M', 'A', 'F', 'D', 'C', 'Zicsr', 'Zifencei', 'Zbb'];
const MOST = 30_000;

/** How often each instruction retires in so many, one at a time, and how often control left it for elsewhere. */
function byStepping(
  program: LoopingProgram,
  count: number,
): { readonly executions: Map<number, number>; readonly left: Map<number, Map<number, number>> } {
  const hart = startLooping(program, 'interpreter');
  const executions = new Map<number, number>();
  const left = new Map<number, Map<number, number>>();
  for (let done = 0; done < count;) {
    const { pc, instret } = hart.state;
    const stop = hart.run(1);
    const retired = hart.state.instret - instret;
    if (retired > 0) {
      executions.set(pc, (executions.get(pc) ?? 0) + 1);
      const ways = left.get(pc) ?? new Map<number, number>();
      ways.set(hart.state.pc, (ways.get(hart.state.pc) ?? 0) + 1);
      left.set(pc, ways);
    }
    done += retired;
    if (stop.kind !== 'fuel') break;
  }
  hart.close();
  return { executions, left };
}

/** The same counted, in pieces of random length. */
function counted(
  program: LoopingProgram,
  engine: EngineKind,
  random: Random,
): { readonly reading: HartReading; readonly instret: number; readonly translated: number } {
  const hart = startLooping(program, engine);
  const counter = countHart(hart);
  while (hart.state.instret < MOST) {
    const budget = 1 + random.below(random.pick([10, 300, 3000, 100_000]));
    const stop = hart.run(Math.min(budget, MOST - hart.state.instret));
    if (stop.kind !== 'fuel') break;
    if (random.oneIn(8)) counter.read();
  }
  const { instret } = hart.state;
  const translated = hart.engine.stats.translatedInstructions / instret;
  const reading = counter.read()!;
  hart.close();
  return { reading, instret, translated };
}

/**
 * Counts random programs on an engine and compares with single steps and with the interpreter.
 * @returns the largest share of instructions that ran translated
 */
export function countPrograms(engine: EngineKind, first: number, last: number): number {
  let best = 0;
  for (let seed = first; seed <= last; seed++) {
    const random = new Random(seed);
    const program = loopingProgram(random, streamInstructions(EXTENSIONS));
    const { reading, instret, translated } = counted(program, engine, random);
    best = Math.max(best, translated);
    const { counts, calls } = reading;
    const stepped = byStepping(program, instret);
    const found = new Map([...counts.addresses].map((at, i) => [at, counts.executions[i]]));
    expect(found, `seed ${seed}`).toEqual(stepped.executions);
    counts.addresses.forEach((at, i) => {
      if (counts.taken[i] === 0) return;
      const elsewhere = [...stepped.left.get(at)!].filter(([to]) => to !== at + 4 && to !== at + 2);
      // A branch over nothing cannot be told from one that is not taken.
      if (elsewhere.length > 0) expect(counts.taken[i], `seed ${seed}`).toBe(elsewhere[0][1]);
    });
    const selves = calls.reduce((sum, { self }) => sum + self, 0);
    expect(selves, `seed ${seed}`).toBe(instret);
    const reference = counted(program, 'interpreter', new Random(seed + 1000));
    if (reference.instret === instret)
      expect(calls, `seed ${seed}`).toEqual(reference.reading.calls);
  }
  return best;
}
