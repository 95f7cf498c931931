import { setImmediate } from 'node:timers/promises';
import { CountingHeap } from '../engine/counting-heap';
import { Engine, RUN_SLACK, type EngineKind, type EngineStop } from '../engine/engine';
import { countingPlace, type EnginePart } from '../engine/engine-part';
import type { InstructionCounter } from '../engine/instruction-counter';
import { RegionStore } from '../engine/translator/region-store';
import { HartState } from '../engine/hart-state';
import { shareInterpreter } from '../engine/interpreter-module';
import { AddressSpace } from '../memory/address-space';
import { Arena } from '../memory/arena';
import { OutOfMemory } from '../memory/errors';
import { HART, HOOK_FIRST_WRITE, HOOK_MISSING_PAGE } from '../memory/layout';
import { Pace } from './pace';
import { PoolControl } from './pool-control';
import { writeRefusal, writeStop } from './stop-code';

/** What a pool thread is started with. */
export interface PoolThreadData {
  readonly memory: WebAssembly.Memory;
  readonly control: SharedArrayBuffer;
  /** Id of the main VM's address space. */
  readonly root: number;
  /** Number of the thread, from 1, and of all threads that have an engine. */
  readonly part: EnginePart;
  /** Ticks of the `time` CSR in a second. */
  readonly timebase: number;
  /** What any thread has translated: a `RegionStore`. */
  readonly regions?: SharedArrayBuffer;
  /** Where it counts from: `process.hrtime.bigint()` in nanoseconds. */
  readonly timeOrigin: bigint;
  readonly kind: EngineKind;
  /** The interpreter that the home thread has compiled. */
  readonly interpreter: WebAssembly.Module;
  /** The same of the interpreter that counts, where what runs is counted. */
  readonly counting?: WebAssembly.Module;
}

/** Modules between turns of the event loop, in which V8 gives back the memory of those that nobody has any more. */
const TURN_AFTER = 256;
const FUEL: EngineStop = { kind: 'fuel' };
const NANOSECONDS = 1_000_000_000n;

/**
 * A pool thread: takes ready harts and runs each until it needs the home thread (a system call, a fault,
 * its instruction limit) or everybody is to stop. Returns when the machine ends.
 */
export async function runPoolThread(data: PoolThreadData): Promise<void> {
  shareInterpreter(data.interpreter, 'plain');
  if (data.counting) shareInterpreter(data.counting, 'counting');
  const thread = new PoolThread(data);
  let { modules } = thread;
  while (!thread.pool.ending) {
    thread.work();
    if (thread.modules - modules < TURN_AFTER) continue;
    await setImmediate();
    modules = thread.modules;
  }
}

class PoolThread {
  readonly pool: PoolControl;
  private readonly arena: Arena;
  private readonly engine: Engine;
  private readonly index: number;
  private readonly counter: InstructionCounter | undefined;
  /** Between two safepoints. */
  private readonly pace = new Pace();
  /** The epoch of the breakpoints that the engine stops at. */
  private epoch = -1;

  constructor({ memory, control, root, part, kind, regions, ...clock }: PoolThreadData) {
    this.pool = new PoolControl(control);
    this.arena = Arena.attach(memory);
    const nanosecondsPerTick = NANOSECONDS / BigInt(clock.timebase);
    const environment = {
      time: () => (process.hrtime.bigint() - clock.timeOrigin) / nanosecondsPerTick,
    };
    this.engine = new Engine(
      AddressSpace.attach(this.arena, root),
      environment,
      part,
      kind,
      regions && new RegionStore(regions),
    );
    this.index = part.index;
    this.engine.code.isConcurrent = true;
    if (part.counts === true) {
      this.counter = this.engine.count(new CountingHeap(memory, countingPlace(this.arena)));
    }
  }

  /** How many modules of translated code this thread has taken into use so far. */
  get modules(): number {
    return this.engine.translator?.installed ?? 0;
  }

  /** Waits for a hart, runs it, and hands it to the home thread. */
  work(): void {
    const { pool, arena } = this;
    const index = pool.claim();
    if (index < 0) return;
    // The next sleeper is woken by whoever finds more work than it can do.
    pool.wakeOne();
    const hart = new HartState(arena.memory, arena.hartAddress(index));
    hart.setField(HART.thread, this.index);
    const slot = arena.safepoints.enter();
    let turnIsOver = false;
    try {
      const stop = this.run(hart, index, slot);
      turnIsOver = stop === 'turn';
      if (stop !== 'turn') writeStop(hart, stop);
    } catch (error) {
      // The home thread runs the hart, meets the lack of memory or the hook itself, and knows what to do about it.
      writeRefusal(hart);
      // Anything else is a fault of this thread, which ends by it and is reported.
      if (!(error instanceof OutOfMemory || error instanceof NeedsHome)) throw error;
    } finally {
      this.counter?.release(hart);
      arena.safepoints.leave(slot);
      if (turnIsOver) pool.giveBack(index);
      else pool.finish(index);
    }
  }

  /** Runs a hart until it needs the home thread, or its turn is over and others wait for one. */
  private run(hart: HartState, index: number, slot: number): EngineStop | 'turn' {
    const { pool, engine } = this;
    const space = AddressSpace.attach(this.arena, hart.field(HART.space));
    space.hart = index;
    engine.watchCode(space);
    askAtHome(space, hart.field(HART.hooks));
    // The main VM's space has tables, which its harts share; a fork gets some while it runs here.
    const own = space.readTable === 0 && space.takeTables();
    let stop: EngineStop = FUEL;
    const { events } = this.arena;
    const end = hart.instret + this.pace.turn;
    events.noteTurn(index, 'turn', this.index);
    try {
      while (space.readTable !== 0 && stop.kind === 'fuel' && !pool.stopping && left(hart) > 0) {
        if (hart.instret >= end && pool.ready > 0) return 'turn';
        if (pool.epoch !== this.epoch) {
          this.epoch = pool.epoch;
          engine.code.restart(pool.breakpoints());
        }
        space.adopt();
        engine.attach(hart, space);
        this.arena.events.stamp();
        const [before, began] = [hart.instret, performance.now()];
        const budget = Math.min(this.pace.instructions, left(hart));
        stop = engine.run(hart, budget, false, RUN_SLACK);
        this.pace.note(hart.instret - before, performance.now() - began);
        this.arena.safepoints.pass(slot);
      }
    } finally {
      events.noteTurn(index, 'turn-end', this.index, stop.kind !== 'fuel');
      if (own) space.releaseTables();
    }
    return stop;
  }
}

/** Instructions that a hart may still retire before its limit. */
function left(hart: HartState): number {
  const limit = hart.longField(HART.limit);
  return limit === 0 ? Infinity : limit - hart.instret;
}

/** The embedder's hooks are on the home thread: so is the hart from here on. */
class NeedsHome extends Error {}

function askAtHome({ hooks }: AddressSpace, wanted: number): void {
  const goHome = (): never => {
    throw new NeedsHome();
  };
  if ((wanted & HOOK_MISSING_PAGE) !== 0) hooks.onMissingPage = goHome;
  if ((wanted & HOOK_FIRST_WRITE) !== 0) hooks.onFirstWrite = goHome;
}
