import { Engine, type EngineStop } from '../engine/engine';
import { HartState } from '../engine/hart-state';
import { AddressSpace } from '../memory/address-space';
import { Arena } from '../memory/arena';
import { HART } from '../memory/layout';
import { PoolControl } from './pool-control';
import { writeStop } from './stop-code';

/** What a pool thread is started with. */
export interface PoolThreadData {
  readonly memory: WebAssembly.Memory;
  readonly control: SharedArrayBuffer;
  /** Id of the main VM's address space. */
  readonly root: number;
  /** Number of the thread, from 1, and of all threads that have an engine. */
  readonly part: { readonly index: number; readonly of: number };
  /** Ticks of the `time` CSR in a second. */
  readonly timebase: number;
}

/** Instructions between two safepoints of a pool thread: a fraction of a millisecond. */
const QUANTUM = 50_000;
const MILLISECONDS = 1000;

/**
 * A pool thread: takes ready harts and runs each until it needs the home thread (a system call, a fault,
 * its instruction limit) or everybody is to stop. Returns when the machine ends.
 */
export function runPoolThread({ memory, control, root, part, timebase }: PoolThreadData): void {
  const pool = new PoolControl(control);
  const arena = Arena.attach(memory);
  const environment = {
    time: () => BigInt(Math.floor((performance.now() * timebase) / MILLISECONDS)),
  };
  const engine = new Engine(AddressSpace.attach(arena, root), environment, part);
  engine.code.onChange = () => pool.newEpoch();
  let epoch = -1;
  while (!pool.ending) {
    const index = pool.claim();
    if (index < 0) continue;
    // The next sleeper is woken by whoever finds more work than it can do.
    pool.wakeOne();
    const hart = new HartState(memory, arena.hartAddress(index));
    const space = AddressSpace.attach(arena, hart.field(HART.space));
    space.hart = index;
    engine.watchCode(space);
    // The main VM's space has tables already, which its harts share; a fork gets some while it runs here.
    const own = space.readTable === 0 && space.takeTables();
    const slot = arena.safepoints.enter();
    let stop: EngineStop = { kind: 'fuel' };
    while (space.readTable !== 0 && stop.kind === 'fuel' && !pool.stopping && left(hart) > 0) {
      if (pool.epoch !== epoch) {
        epoch = pool.epoch;
        engine.code.restart(pool.breakpoints());
      }
      space.adopt();
      engine.attach(hart, space);
      stop = engine.run(hart, Math.min(QUANTUM, left(hart)));
      arena.safepoints.pass(slot);
    }
    arena.safepoints.leave(slot);
    if (own) space.releaseTables();
    writeStop(hart, stop);
    pool.finish(index);
  }
}

/** Instructions that a hart may still retire before its limit. */
function left(hart: HartState): number {
  const limit = hart.longField(HART.limit);
  return limit === 0 ? Infinity : limit - hart.instret;
}
