import type { MachineStop } from './debug/target';
import { QUANTUM } from './engine/engine';
import type { Executor } from './executor';
import type { Hart } from './multiprocess/hart';
import type { HartPool } from './multiprocess/hart-pool';
import { isRefusal, readStop } from './multiprocess/stop-code';

/** How long the home thread runs before its caller gets a chance to look up, in milliseconds. */
const SLICE_MS = 4;
/** The home thread's turns while others run: short, so that harts that come home are served soon. */
const HOME_TURN = 50_000;
/** A task of tiny vCPUs is done by the waiting thread alone before anybody is woken. */
const FIRST_TURN = 10_000;

/**
 * System calls that take away rights of pages which other threads may be using: everybody comes home
 * before them (brk munmap mremap mprotect madvise, and mmap over existing pages).
 */
const TAKES_RIGHTS = new Set([214, 215, 216, 222, 226, 233]);
/** These fork the caller's space, which withdraws its write deltas. */
const FORKS = new Set([110, 2000]);
const A7 = 17;

/**
 * Runs a machine's vCPUs on the pool's threads and on this one. The home thread runs the main VM's hart,
 * serves the harts that come home with a system call or a fault, and, when it has nothing else to do,
 * takes ready harts itself: the waiter helps.
 */
export class Parallel {
  constructor(
    private readonly executor: Executor,
    private readonly pool: HartPool,
  ) {
    executor.halt = () => this.stopAll();
    executor.beforeCall = (hart) => this.beforeCall(hart);
  }

  /**
   * Runs for some milliseconds, or until something stops the machine, or at most about `budget`
   * instructions on this thread. The pool's threads run on after a return with `fuel` or `waiting`;
   * after any other, every hart is at home.
   */
  run(budget: number, through: boolean): MachineStop {
    const stop =
      this.executor.begin() ?? (through ? this.passBreakpoint() : undefined) ?? this.slice(budget);
    if (stop.kind !== 'fuel' && stop.kind !== 'waiting') this.stopAll();
    return stop;
  }

  /** Every hart comes home and stays until the next run. What it stopped for comes again then. */
  stopAll(): void {
    this.pool.stopAll((hart) => this.executor.harts.arrived(hart));
  }

  end(): void {
    this.stopAll();
    this.pool.end();
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
    let turn = FIRST_TURN;
    let alone: boolean;
    do {
      pass();
      pool.noteCode();
      const ended = executor.interrupted() ?? this.welcome();
      if (ended) return ended;
      this.offerAll();
      alone = harts.list().length === 1;
      const hart = this.continuing() ?? this.choose(alone ? QUANTUM : turn);
      if (hart) {
        // The main VM keeps this thread busy: what is ready is for others.
        if (hart === harts.main) pool.wake();
        const stop = executor.runTurn(hart, end - harts.retired);
        if (stop) harts.current = hart;
        if (stop ?? executor.ended) return stop ?? executor.ended!;
        // The first turn is over and there is still work: now it is worth waking somebody.
        pool.wake();
        turn = HOME_TURN;
      } else if (pool.active > 0) {
        pool.wake();
        pool.waitForHart();
      } else return executor.waits();
    } while (harts.retired < end && (alone || performance.now() < until));
    return { kind: 'fuel' };
  }

  /** Serves the harts that have come home. */
  private welcome(): MachineStop | undefined {
    const { executor } = this;
    for (let hart = this.pool.collect(); hart; hart = this.pool.collect()) {
      executor.harts.arrived(hart);
      hart.stays = isRefusal(hart.state);
      executor.serve(hart);
      const stop = executor.settleStop(hart, readStop(hart.state));
      if (stop) executor.harts.current = hart;
      if (stop ?? executor.ended) return stop ?? executor.ended;
    }
    return undefined;
  }

  /** Lends every vCPU that can run and that no other fork shares its memory with. */
  private offerAll(): void {
    const { harts } = this.executor;
    for (const hart of harts.list()) {
      if (!hart.vcpu || !hart.runnable || this.pool.isLent(hart)) continue;
      if (harts.leave(hart)) this.pool.offer(hart);
    }
  }

  /** The hart whose turn is not over, unless it waits or has left. */
  private continuing(): Hart | undefined {
    const { current } = this.executor.harts;
    const goesOn = current.turn > 0 && current.runnable && !this.pool.isLent(current);
    return goesOn ? current : undefined;
  }

  /** Whose turn begins here: a thread of the guest, a hart that cannot leave, or one that nobody has taken yet. */
  private choose(turn: number): Hart | undefined {
    const { executor, pool } = this;
    executor.endWaits();
    const mine = executor.harts.inTurn((hart) => hart.runnable && !pool.isLent(hart));
    const hart = mine ?? pool.help();
    if (hart) hart.turn = turn;
    return hart;
  }

  private beforeCall(hart: Hart): void {
    if (this.pool.active === 0) return;
    const call = hart.state.xNumber(A7);
    if (TAKES_RIGHTS.has(call) || (FORKS.has(call) && !this.executor.harts.isAlone(hart)))
      this.stopAll();
  }
}
