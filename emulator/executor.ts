import type { DebugHooks, MachineStop } from './debug/target';
import { QUANTUM, type Engine, type EngineStop } from './engine/engine';
import type { Engines } from './engines';
import type { TableHolders } from './family';
import { GuestProcess } from './guest-process';
import { GuestProcesses } from './guest-processes';
import { HartStops } from './hart-stops';
import { Harts } from './harts';
import type { LinuxKernel } from './linux/kernel';
import type { LinuxSystem } from './linux/system';
import type { Hart, StackRange } from './multiprocess/hart';
import { Tasks } from './multiprocess/tasks';
import { Replays } from './replay';
import type { Interleaving } from './schedule/interleaving';

/** Events get a new host time after so many instructions: reading the clock takes as long as some hundred. */
const STAMP_AFTER = 10_000;
/** A hart that is alone goes on after its system calls for so many instructions, then timers and signals are looked at. */
const LOOK_AFTER = 10_000;
/** The clock is looked at behind every so many system calls of a run that has a patience. */
const CALLS_BETWEEN_LOOKS = 8;
/** How often virtual time may jump in one run: a guest that sleeps in a loop does not keep the embedder waiting. */
const MOST_SLEEPS = 10_000;

export interface ExecutorOptions {
  readonly tables: TableHolders;
  readonly engines: Engines;
  /** The first process's. */
  readonly kernel: LinuxKernel;
  /** Prints for workspaces: descriptor 1 or 2. */
  readonly print: (descriptor: number, bytes: Uint8Array) => void;
  /** The main VM's stack. */
  readonly stack: StackRange;
  /** Faults and ebreak stop before their signal is delivered. */
  readonly stopAtFaults: boolean;
  /** Instructions that a vCPU of the plain multiprocess call may retire; 0 = as many as it wants. */
  readonly vcpuLimit: number;
  /** Milliseconds after which a run ends with `fuel` behind a system call [never]. */
  readonly patience: number | undefined;
  /** What makes the run repeatable; undefined: turns are equal, and time is the host's. */
  readonly interleaving: Interleaving | undefined;
}

/** Runs the harts of a machine on this thread: gives them turns. What they stop for is served by `stops`. */
export class Executor {
  readonly harts: Harts;
  readonly tasks: Tasks;
  readonly processes: GuestProcesses;
  readonly stops: HartStops;
  /** What a debugger wants to be asked and told. */
  readonly hooks: DebugHooks = {};
  private readonly system: LinuxSystem;
  /** Whose turn on this thread the events have told of, where they tell of turns. */
  private onTurn: Hart | undefined;
  private readonly readClock = (): number => this.system.now();
  /** The run has taken longer than its caller's patience: it ends. */
  isLate = false;
  private lateAt = Infinity;
  private calls = 0;

  constructor(private readonly options: ExecutorOptions) {
    const { engines, kernel, stack } = options;
    this.system = kernel.system;
    const leader = new GuestProcess(kernel);
    this.harts = new Harts(
      leader.space.arena,
      {
        engineOf: (hart) => engines.of(hart.owner.space),
        spaceEnds: (space) => engines.release(space),
        tables: options.tables,
      },
      leader,
      stack,
      options.interleaving?.turns,
    );
    leader.main = this.harts.main;
    this.harts.onMade = (hart) => this.hooks.hartMade?.(hart);
    const engineOf = ({ owner }: Hart): Engine => engines.of(owner.space);
    const replays = new Replays(engineOf, this.harts, (hart) => this.enter(hart));
    this.processes = new GuestProcesses(
      {
        harts: this.harts,
        engines,
        endTasks: (process) => this.tasks.endAll(process),
        programBegun: ({ main }) => this.hooks.programBegun?.(main),
        libraryMapped: ({ main }) => this.hooks.libraryMapped?.(main),
      },
      leader,
    );
    this.tasks = new Tasks(
      {
        createHart: (forked, forkedStack, { owner }, index) =>
          this.harts.create(forked, () => forkedStack, owner, index),
        isAlone: (hart) => this.harts.isAlone(hart),
        endHart: (hart) => {
          this.kernelOf(hart).endThread(hart.state);
          this.harts.remove(hart);
        },
        print: options.print,
        findStores: (owner, ...run) => replays.findStores(owner, ...run),
      },
      options.vcpuLimit,
    );
    this.stops = new HartStops({
      harts: this.harts,
      tasks: this.tasks,
      processes: this.processes,
      hooks: this.hooks,
      stopAtFaults: options.stopAtFaults,
    });
    this.system.host = this.processes;
  }

  /** The kernel of the process that a hart belongs to. */
  private kernelOf(hart: Hart): LinuxKernel {
    return this.processes.of(hart).kernel;
  }

  /** Runs at most `budget` instructions in turns; `only` as in `Machine.run`. */
  run(budget: number, through: boolean, only?: Hart): MachineStop {
    const begun = this.begin();
    if (begun) return begun;
    const passing = through ? (only ?? this.harts.current) : undefined;
    const end = this.harts.retired + budget;
    const { interleaving } = this.options;
    let sleeps = 0;
    for (let first = true; this.harts.retired < end; first = false) {
      if (interleaving?.lookUp()) this.harts.retry();
      const ended = this.interrupted();
      if (ended) return ended;
      const hart = this.choose(only);
      if (!hart) {
        const waits = this.waits(only);
        const over = only ? undefined : this.stops.leaveOrphans(waits);
        if (over) return over;
        if (!interleaving?.sleep(waits)) return waits;
        if (++sleeps === MOST_SLEEPS) break;
        continue;
      }
      const most = Math.min(end - this.harts.retired, interleaving?.budget ?? Infinity);
      const stop = this.runTurn(hart, most, first && hart === passing);
      if (this.stops.ended) return this.stops.ended;
      if (stop) return stop;
      if (this.isLate) break;
    }
    return { kind: 'fuel' };
  }

  /** What comes before any run: a fault's signal is delivered, parked harts may try again. */
  begin(): MachineStop | undefined {
    this.harts.main.space.arena.events.stamp();
    const { patience } = this.options;
    this.isLate = false;
    if (patience !== undefined) this.lateAt = performance.now() + patience;
    const delivered = this.stops.deliver();
    if (this.stops.ended) return this.stops.ended;
    this.harts.retry();
    return delivered;
  }

  /** Signals that end, stop or continue a process although it makes no call. One for a handler ends a hart's wait. */
  interrupted(): MachineStop | undefined {
    for (const { kernel, main } of this.processes.list()) {
      const interruption = kernel.interruption(main.state);
      const stop = interruption && this.stops.settleCall(main, interruption);
      if (stop) return stop;
    }
    for (const hart of this.harts.list()) {
      const { waiting } = hart;
      if (!waiting || waiting.ready || hart.ended) continue;
      if (this.kernelOf(hart).isInterrupted(hart.state)) hart.waiting = undefined;
    }
    return undefined;
  }

  /**
   * Runs one hart for what is left of its turn, or less.
   * @param slack as of `Engine.run`
   */
  runTurn(hart: Hart, budget: number, through = false, slack = 0): MachineStop | undefined {
    const failed = this.enter(hart);
    if (failed) return this.stops.settle(hart, failed);
    const { state, vcpu } = hart;
    const end = vcpu ? undefined : this.kernelOf(hart).deliverPending(state);
    if (end) return this.stops.settleCall(hart, end);
    const signalled = this.stops.eventStop(hart);
    if (signalled) {
      this.harts.current = hart;
      return signalled;
    }
    if (!hart.runnable) return undefined;
    if (hart !== this.onTurn) this.beginTurn(hart);
    const limit = vcpu && vcpu.limit > 0 ? vcpu.limit - state.instret : Infinity;
    const engine = this.options.engines.of(hart.owner.space);
    const { space } = hart;
    const start = state.instret;
    const most = Math.min(budget, QUANTUM, hart.turn, limit);
    for (let ran = 0; ; ran = state.instret - start) {
      const stop = this.runOn(hart, engine, most - ran, through && ran === 0, slack);
      const result = this.stops.settle(hart, stop);
      if (!hart.runnable) this.onTurn = undefined;
      if (stop.kind === 'ecall') this.noteCall();
      if (result || stop.kind !== 'ecall' || state.instret - start >= Math.min(most, LOOK_AFTER)) {
        return result;
      }
      if (this.isLate) return undefined;
      if (hart.space !== space || !this.goesOn(hart, engine)) return undefined;
    }
  }

  /** A few instructions can keep the kernel busy for long: instructions alone do not tell how long a run takes. */
  private noteCall(): void {
    this.calls += 1;
    if (this.calls % CALLS_BETWEEN_LOOKS !== 0 || this.lateAt === Infinity) return;
    this.isLate = performance.now() >= this.lateAt;
  }

  private beginTurn(hart: Hart): void {
    const { events } = hart.space.arena;
    if (!events.timed) return;
    this.endTurn();
    events.noteTurn(hart.index, 'turn', 0);
    this.onTurn = hart;
  }

  /** The hart that this thread ran last, if it has not begun to wait, stands still or goes elsewhere. */
  endTurn(): void {
    const { onTurn } = this;
    this.onTurn = undefined;
    if (onTurn && !onTurn.ended) onTurn.space.arena.events.noteTurn(onTurn.index, 'turn-end', 0);
  }

  /** A hart goes to another thread or process. */
  leaves(hart: Hart): void {
    if (hart === this.onTurn) this.endTurn();
  }

  private runOn(
    hart: Hart,
    engine: Engine,
    most: number,
    through: boolean,
    slack: number,
  ): EngineStop {
    const { state } = hart;
    const before = state.instret;
    this.harts.runs(hart);
    const stop = engine.run(state, most, through, slack);
    const ran = state.instret - before;
    if (ran > STAMP_AFTER) hart.space.arena.events.stamp();
    this.harts.ran(hart, ran);
    return stop;
  }

  /**
   * Whether a hart whose system call is done goes on at once, as it was entered: there is no other one that could have
   * a turn or be told about, and the engine is still its own.
   */
  private goesOn(hart: Hart, engine: Engine): boolean {
    const { harts, options } = this;
    if (harts.list().length > 1 || !hart.runnable || this.stops.ended || hart.turn <= 0)
      return false;
    if (options.interleaving || harts.observer || hart.vcpu) return false;
    return options.engines.of(hart.owner.space) === engine;
  }

  /**
   * Points engine and kernel at a hart.
   * @returns a fault when there is no memory for what its lender has new
   */
  enter(hart: Hart): EngineStop | undefined {
    const stop = this.harts.enter(hart);
    this.kernelOf(hart).memory.use(hart.space);
    return stop;
  }

  /**
   * A thread of the guest is about to run elsewhere: its pending signals begin their handlers.
   * @returns how one of them ends the machine, or that a debugger waits for them
   */
  prepare(hart: Hart): MachineStop | undefined {
    this.serve(hart);
    const end = this.kernelOf(hart).deliverPending(hart.state);
    const stop = end ? this.stops.settleCall(hart, end) : this.stops.eventStop(hart);
    if (stop) this.harts.current = hart;
    return stop;
  }

  /** Whether a thread of the guest that runs elsewhere has a signal to handle. */
  isSignalled(hart: Hart): boolean {
    return !hart.vcpu && this.kernelOf(hart).isSignalled(hart.state);
  }

  /** Lets the kernel work for a hart that runs elsewhere. */
  serve(hart: Hart): void {
    hart.space.hart = hart.index;
    this.kernelOf(hart).memory.use(hart.space);
  }

  /** Harts whose wait is over become runnable. */
  endWaits(): void {
    this.harts.endWaits(this.readClock);
  }

  /** Milliseconds until the first wait ends by itself; infinite when none does. */
  untilDeadline(): number {
    const deadlines = this.harts
      .list()
      .map(({ waiting, ended, stopped }) => (ended || stopped ? undefined : waiting?.deadline));
    return Math.min(...deadlines.map((deadline) => deadline ?? Infinity)) - this.system.now();
  }

  /** No hart can run: what they wait for, and until when. */
  waits(only?: Hart): MachineStop & { readonly kind: 'waiting' } {
    const harts = (only ? [only] : this.harts.list()).filter(
      ({ ended, stopped }) => !ended && !stopped,
    );
    const waiting = harts.flatMap((hart) => hart.waiting ?? []);
    const deadlines = waiting.flatMap(({ deadline }) => deadline ?? []);
    const outside =
      waiting.find((wait) => wait.shared) ?? waiting.find((wait) => !wait.ready) ?? waiting[0];
    return {
      kind: 'waiting',
      reason: outside?.reason ?? 'nothing',
      ...(deadlines.length > 0 && { deadline: Math.min(...deadlines) }),
    };
  }

  /** The hart to run now. */
  private choose(only: Hart | undefined): Hart | undefined {
    return only ? this.harts.focus(only, this.readClock) : this.harts.next(this.readClock);
  }
}
