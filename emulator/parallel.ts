import type { MachineStop } from './debug/target';
import { QUANTUM, RUN_SLACK } from './engine/engine';
import type { Executor } from './executor';
import { OTHER_PROCESS } from './memory/events';
import type { Hart } from './multiprocess/hart';
import type { HartPool } from './multiprocess/hart-pool';
import { Pace } from './multiprocess/pace';
import { isRefusal, readStop } from './multiprocess/stop-code';
import type { WorkspaceProcesses } from './multiprocess/workspace-processes';

/** How long the home thread runs before its caller gets a chance to look up, in milliseconds. */
const SLICE_MS = 4;
/** The home thread's first turns of a hart that others wait for. */
const HOME_TURN = 50_000;
/** How often signals and the clock are looked at, in instructions. */
const LOOK_AFTER = 10_000;
/** The turns of a thread that is alone with a task are so much shorter than the others'. */
const ALONE = 5;
/**
 * A task of tiny vCPUs is done by this thread alone. When it has run so much of one it finds it worth to share; in stretches
 * (`Pace`), 20 µs, because to read the clock takes as long as some vCPUs.
 */
const WORTH_SHARING = 1 / ALONE;
/** Who runs less than this, 10 µs, is not worth being lent: each first touch of a page locks those of all. */
const WORTH_LENDING = 0.1;
/**
 * The pool's threads start when the machine has run for so many instructions, some ten milliseconds, or has work for them:
 * a start takes longer than many a task, and a program that ends sooner does not pay for it.
 */
const START_AFTER = 4_000_000;
/** The home thread's turns are so much shorter while threads of the guest run elsewhere: their system calls do not wait. */
const SERVING = 5;
/** Stretches that this thread runs in a row when nobody needs it: signals and the clock wait for them. */
const STRETCHES = 4;
/** What a stop takes of a hart's turn: one that stops after a few instructions again and again leaves the others theirs. */
const STOP_TURN = 10_000;

const MMAP = 222;
const MPROTECT = 226;
const CLONE = 220;
const CLONE3 = 435;
const CLONE_VM = 0x100;
/**
 * System calls that may take away rights of pages which other threads are using, and those that all harts must take
 * notice of: everybody comes home before them (brk munmap mremap mmap mprotect madvise riscv_flush_icache, and those that
 * make a process or begin another program).
 */
const TAKES_RIGHTS = new Set([214, 215, 216, MMAP, MPROTECT, 233, 259, CLONE, CLONE3, 221, 281]);
/** These fork the caller's space, which withdraws its write deltas. */
const FORKS = new Set([110, 2000]);
const MAP_FIXED = 0x10;
const PROT_READ_WRITE = 3;
const PROT_EXEC = 4;
const A0 = 10;
const A1 = 11;
const A2 = 12;
const A3 = 13;
const A7 = 17;
const SIGKILL = 9;

/**
 * Runs a machine's vCPUs and the threads of its guest on the pool's threads and on this one. The home thread runs
 * the main VM's hart, serves the harts that come home with a system call or a fault, and, when it has nothing else to do,
 * takes ready harts itself: the waiter helps.
 */
export class Parallel {
  /** Harts are lent to the pool. */
  private sharing = false;
  /** Threads of the guest that are lent just now. */
  private threadsAway = 0;
  /** The hart that ran last has had its turn: all others come first. */
  private yields = false;
  /** Of turns while others run: short, so that harts that come home are served soon. */
  private readonly pace = new Pace();
  /** What this thread has run of the present task, in stretches; turns that are not worth lending are left out. */
  private spent = 0;
  /** The last task was worth sharing from its beginning: so is the next one, where a thread waits for work. */
  private expects = false;
  private readonly runsHere = (hart: Hart): boolean => hart.runnable && !this.isAway(hart);

  /** Arena addresses of the region blocks of the pool threads' engines. */
  poolBlocks(): number[] {
    return this.pool.regionBlocks();
  }

  constructor(
    private readonly executor: Executor,
    private readonly pool: HartPool,
    private readonly processes?: WorkspaceProcesses,
  ) {
    executor.stops.halt = () => this.stopAll();
    executor.stops.reclaim = () => processes?.forget() ?? false;
    executor.stops.beforeCall = (hart) => this.beforeCall(hart);
  }

  /**
   * Runs for some milliseconds, or until something stops the machine, or at most about `budget`
   * instructions on this thread. The pool's threads run on after a return with `fuel` or `waiting`;
   * after any other, every hart is at home.
   */
  run(budget: number, through: boolean): MachineStop {
    const stop =
      this.executor.begin() ?? (through ? this.passBreakpoint() : undefined) ?? this.slice(budget);
    if (stop.kind !== 'fuel' && stop.kind !== 'waiting') {
      this.stopAll();
      // A debugger that does not want this stop goes on at once, and the others have not run meanwhile.
      const { current } = this.executor.harts;
      current.turn -= STOP_TURN;
      this.yields = current.turn <= 0;
    }
    return stop;
  }

  /** Every hart comes home and stays until the next run. What it stopped for comes again then. */
  stopAll(): void {
    this.stopThreads();
    this.processes?.stopAll((hart) => this.executor.harts.arrived(hart));
  }

  end(): void {
    this.stopAll();
    this.pool.end();
    this.processes?.end();
  }

  private stopThreads(): void {
    this.pool.stopAll((hart) => this.arrived(hart));
  }

  private arrived(hart: Hart): void {
    this.executor.harts.arrived(hart);
    if (!hart.vcpu) this.threadsAway -= 1;
  }

  /** Whether the pool may run a hart: vCPUs, and threads of the main VM but for its first. */
  private mayLeave(hart: Hart): boolean {
    const { main } = this.executor.harts;
    return hart.vcpu !== undefined || (hart !== main && hart.space === main.space);
  }

  /** The instruction that the machine stopped at runs here, alone. */
  private passBreakpoint(): MachineStop | undefined {
    this.stopAll();
    const stop = this.executor.run(1, true, this.executor.harts.current);
    return stop.kind === 'fuel' || stop.kind === 'waiting' ? undefined : stop;
  }

  private slice(budget: number): MachineStop {
    const { safepoints } = this.executor.harts.main.space.arena;
    const slot = safepoints.enter();
    try {
      return this.turns(budget, () => safepoints.pass(slot));
    } finally {
      safepoints.leave(slot);
    }
  }

  /** @param pass is called where this thread holds no arena address */
  private turns(budget: number, pass: () => void): MachineStop {
    const { executor, pool } = this;
    const { harts } = executor;
    const end = harts.retired + budget;
    const until = performance.now() + SLICE_MS;
    let isTime = false;
    // Signals and the clock are not looked at before each turn: those of tiny tasks are shorter than that.
    let lookAt = harts.retired;
    let alone: boolean;
    do {
      pass();
      const looks = harts.retired >= lookAt;
      const ended =
        (looks ? executor.interrupted() : undefined) ?? this.welcome() ?? this.welcomeTravellers();
      if (ended) return ended;
      if (looks) lookAt = harts.retired + LOOK_AFTER;
      if (looks && harts.retired >= START_AFTER) pool.start();
      if (looks && this.threadsAway > 0 && this.isSignalled()) this.stopThreads();
      alone = harts.list().length === 1;
      if (alone && !this.sharing) this.spent = 0;
      if (this.expects && !this.sharing && !alone && pool.isAttentive) this.shareEarly();
      const unfit = this.sharing ? this.share() : undefined;
      if (unfit) return unfit;
      const hart = this.continuing() ?? this.choose(alone);
      if (hart) {
        const before = harts.retired;
        const most = alone ? QUANTUM : this.turnBesides();
        const began = this.sharing ? performance.now() : 0;
        const stop = this.runStretches(hart, most, end, pass);
        if (!alone) this.noteTurn(harts.retired - before, began);
        if (stop) harts.current = hart;
        if (stop ?? executor.stops.ended) return stop ?? executor.stops.ended!;
      } else if (pool.active > 0) {
        pool.wake();
        pool.waitForHart(executor.untilDeadline());
        lookAt = harts.retired;
      } else if (this.processes && this.processes.active > 0) {
        this.processes.wait();
        lookAt = harts.retired;
      } else if (looks) {
        {
          const waits = executor.waits();
          return executor.stops.leaveOrphans(waits) ?? waits;
        }
      } else lookAt = harts.retired;
      if (!alone && harts.retired >= lookAt) isTime = performance.now() >= until;
      isTime ||= executor.isLate;
    } while (harts.retired < end && !isTime);
    return { kind: 'fuel' };
  }

  /**
   * Runs a hart; when vCPUs are shared for some stretches, as long as nobody needs this thread: what comes between them
   * otherwise takes two hundredths of the time.
   * @param end of the budget, as `Harts.retired` counts
   */
  private runStretches(
    hart: Hart,
    length: number,
    end: number,
    pass: () => void,
  ): MachineStop | undefined {
    const { executor, pool } = this;
    const { harts } = executor;
    const slack = this.sharing ? RUN_SLACK : 0;
    for (let more = this.sharing && hart.vcpu ? STRETCHES - 1 : 0; ; more--) {
      const before = harts.retired;
      const stop = executor.runTurn(hart, Math.min(end - before, length), false, slack);
      const isWhole = harts.retired - before >= length - slack;
      if (stop || !isWhole || more === 0) return stop;
      if (!hart.runnable || hart.turn <= 0 || executor.stops.ended) return undefined;
      if (pool.hasArrivals || this.threadsAway > 0 || this.processes?.active) return undefined;
      pass();
    }
  }

  /** What has been run beside others tells whether to share is worth it, now and the next time. */
  private noteTurn(instructions: number, began: number): void {
    if (this.sharing) this.pace.note(instructions, performance.now() - began);
    const stretches = instructions / this.pace.instructions;
    if (stretches >= WORTH_LENDING) this.spent += stretches;
    if (this.spent >= WORTH_SHARING) this.sharing = true;
  }

  /** A task is expected to be worth it: this thread keeps the first of its harts and lends the others at once. */
  private shareEarly(): void {
    const hart = this.continuing() ?? this.choose(false);
    // Who has started the task goes on first: until it waits, most likely.
    this.sharing = hart !== undefined && this.mayLeave(hart);
  }

  /** There is nothing to share any more. */
  private endSharing(): void {
    this.sharing = false;
    // Of two threads each has half of a task.
    this.expects = this.spent >= WORTH_SHARING / 2;
    this.spent = 0;
  }

  /** Serves the harts that have come home. */
  private welcome(): MachineStop | undefined {
    const { executor } = this;
    for (let hart = this.pool.collect(); hart; hart = this.pool.collect()) {
      this.arrived(hart);
      hart.stays = isRefusal(hart.state);
      executor.serve(hart);
      const stop = executor.stops.settle(hart, readStop(hart.state));
      if (stop) executor.harts.current = hart;
      if (stop ?? executor.stops.ended) return stop ?? executor.stops.ended;
    }
    return undefined;
  }

  /** Serves the harts that come back from other processes. */
  private welcomeTravellers(): MachineStop | undefined {
    const { executor, processes } = this;
    for (let back = processes?.collect(); back; back = processes?.collect()) {
      const { hart } = back;
      executor.harts.arrived(hart);
      hart.space.arena.events.noteTurn(hart.index, 'turn-end', OTHER_PROCESS, true);
      if (back.lost !== undefined) {
        const end = { reason: 'killed', exitCode: SIGKILL, note: back.lost } as const;
        if (hart.vcpu) executor.tasks.end(hart.vcpu, end);
        continue;
      }
      executor.serve(hart);
      const stop = executor.stops.settle(hart, back.stop);
      if (stop) executor.harts.current = hart;
      if (stop ?? executor.stops.ended) return stop ?? executor.stops.ended;
    }
    return undefined;
  }

  /**
   * Sends the vCPUs of workspaces to other processes, and lends every other hart that can run elsewhere, but for
   * the one that this thread keeps: that one has its delta tables here.
   * @returns a stop when a signal for one of them ends the machine
   */
  private share(): MachineStop | undefined {
    const { executor, pool } = this;
    const kept = this.kept();
    const { current } = executor.harts;
    const list = executor.harts.list();
    const first = list.indexOf(current) + 1;
    let many = 0;
    for (const hart of [...list.slice(first), ...list.slice(0, first)]) {
      if (!this.mayLeave(hart)) continue;
      many += 1;
      if (hart === kept || !hart.runnable || this.isAway(hart)) continue;
      const stop = hart.vcpu ? undefined : executor.prepare(hart);
      if (stop) return stop;
      if (!hart.runnable) continue;
      const travels = this.processes?.takes(hart) === true;
      if (!executor.harts.leave(hart)) continue;
      executor.leaves(hart);
      if (!hart.vcpu) this.threadsAway += 1;
      if (travels) {
        hart.space.arena.events.noteTurn(hart.index, 'turn', OTHER_PROCESS);
        this.processes.offer(hart);
      } else pool.offer(hart);
    }
    if (many === 0) this.endSharing();
    else pool.wake();
    return undefined;
  }

  /** The hart that this thread goes on with: while nothing else has to run here and nobody waits for a turn. */
  private kept(): Hart | undefined {
    const { harts } = this.executor;
    const { current } = harts;
    if (!this.mayLeave(current) || !current.runnable || this.isAway(current)) return undefined;
    if (this.processes?.takes(current) === true) return undefined;
    const { yields } = this;
    this.yields = false;
    if (yields) return undefined;
    if (harts.list().some((hart) => !this.mayLeave(hart) && hart.runnable)) return undefined;
    if (current.turn <= 0 && this.pool.ready > 0) return undefined;
    if (current.turn <= 0) current.turn = this.pace.turn;
    return current;
  }

  /** Whether a thread that runs elsewhere has to come home for a signal. */
  private isSignalled(): boolean {
    const { executor } = this;
    return executor.harts.list().some((hart) => hart.away && executor.isSignalled(hart));
  }

  /** How long this thread runs one of several harts before it looks after the others. */
  private turnBesides(): number {
    const { instructions } = this.pace;
    if (!this.sharing) return Math.floor(instructions / ALONE);
    return this.threadsAway > 0 ? Math.floor(instructions / SERVING) : instructions;
  }

  /** The hart whose turn is not over, unless it waits or has left. */
  private continuing(): Hart | undefined {
    const { current } = this.executor.harts;
    const goesOn = current.turn > 0 && current.runnable && !this.isAway(current);
    return goesOn ? current : undefined;
  }

  /** Whose turn begins here: a thread of the guest, a hart that cannot leave, or one that nobody has taken yet. */
  private choose(alone: boolean): Hart | undefined {
    const { executor } = this;
    executor.endWaits();
    const mine = executor.harts.inTurn(this.runsHere);
    const hart = mine ?? this.help();
    if (hart)
      hart.turn = alone
        ? QUANTUM
        : this.sharing && this.mayLeave(hart)
          ? this.pace.turn
          : HOME_TURN;
    return hart;
  }

  /** A ready hart that no thread has taken yet: it is at home now. */
  private help(): Hart | undefined {
    const hart = this.pool.help();
    if (hart) {
      this.arrived(hart);
      this.executor.harts.current = hart;
    }
    return hart;
  }

  /** On another thread or in another process. */
  private isAway(hart: Hart): boolean {
    return this.pool.isLent(hart) || this.processes?.isAway(hart) === true;
  }

  private beforeCall(hart: Hart): void {
    if (this.pool.active === 0) return;
    const call = hart.state.xNumber(A7);
    if (takesRights(hart) || (FORKS.has(call) && !this.executor.harts.isAlone(hart)))
      this.stopThreads();
  }
}

/** Whether the system call that a hart stands at may take rights away from others; to give some is no matter. */
function takesRights({ state, space }: Hart): boolean {
  const call = state.xNumber(A7);
  if (!TAKES_RIGHTS.has(call)) return false;
  // A thread shares its memory; only a process has a fork of it.
  if (call === CLONE) return (state.xInt(A0) & CLONE_VM) === 0;
  if (call === CLONE3) return ((space.readNumber64(state.xNumber(A0)) ?? 0) & CLONE_VM) === 0;
  // Memory where there was none, and memory that may be read and written from now on, as heaps ask for.
  if (call === MMAP) return (state.xInt(A3) & MAP_FIXED) !== 0;
  if (call !== MPROTECT || (state.xInt(A2) & PROT_READ_WRITE) !== PROT_READ_WRITE) return true;
  // Unless it was code, which is no code any more.
  const runs = (state.xInt(A2) & PROT_EXEC) !== 0;
  return !runs && space.mayExecute(state.xNumber(A0), state.xNumber(A1));
}
