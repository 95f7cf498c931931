import { HartState } from './engine/hart-state';
import type { Engine, EngineStop } from './engine/engine';
import { adoptNews } from './engine/page-miss';
import { takeOut, type TableHolders } from './family';
import { HART } from './memory/layout';
import { Hart, type HartOwner, type StackRange, type Waiting } from './multiprocess/hart';
import { noteCall } from './multiprocess/hart-events';
import type { AddressSpace } from './memory/address-space';
import type { Arena } from './memory/arena';
import { EqualTurns, TURN, type Turns } from './schedule/turns';

const A0 = 10;
const A7 = 17;
const ECALL_BYTES = 4;

/** Is told what becomes of harts. */
export interface HartObserver {
  /** A hart has been made, by the call that is being served. */
  made(hart: Hart): void;
  /** It is about to run on this thread. */
  entered(hart: Hart): void;
  /** It stands at an ecall that is about to be served; one that waits comes again. */
  calls(hart: Hart): void;
  /** Its system call is over; the result is in a0. */
  returned(hart: Hart): void;
  /** It is about to run on another thread. */
  left?(hart: Hart): void;
  /** It has ended; its space is still there. */
  ended(hart: Hart): void;
}

/** What runs harts. */
export interface HartsHost {
  /** The engine for a hart. */
  engineOf(hart: Hart): Engine;
  /** The last hart has left an address space, which ends. */
  spaceEnds(space: AddressSpace): void;
  /** Who has delta tables. */
  readonly tables: TableHolders;
}

/**
 * The harts of a machine and whose turn it is. Counting instructions instead of time makes the interleaving the
 * same in every run.
 */
export class Harts {
  private readonly all: Hart[] = [];
  /** Views of the contexts by their index: tasks come and go faster than views are made. */
  private readonly states: HartState[] = [];
  /** The hart whose turn it is. */
  current: Hart;
  /** Instructions retired, ended harts included, and of harts on other threads what was counted when they left. */
  retired = 0;
  /** Told about each hart that is made, before it runs. */
  onMade: (hart: Hart) => void = () => undefined;
  observer: HartObserver | undefined;
  /** The hart that has run last. */
  private last: Hart;
  /** The hart that the engine runs just now, and its count before. */
  private engaged: { readonly state: HartState; readonly from: number } | undefined;
  /** A turn has been given and has not begun yet. */
  private opening = false;
  /** A system call has been made since waits were last looked at. */
  private called = false;

  /** The first process's space at the start: the pool's threads run its vCPUs only. */
  private readonly root: AddressSpace;

  /**
   * @param stack the main VM's
   * @param turns who is next, and for how long
   */
  constructor(
    private readonly arena: Arena,
    private readonly host: HartsHost,
    owner: HartOwner,
    stack: StackRange,
    private readonly turns: Turns = new EqualTurns(),
  ) {
    this.root = owner.space;
    const main = this.create(owner.space, () => stack, owner);
    if (!main) throw new Error('the arena has no hart context left');
    this.current = this.last = main;
    host.tables.keep(owner.space);
    this.enter(main);
  }

  /** The main VM's hart. */
  get main(): Hart {
    return this.all[0];
  }

  /** Instructions retired by all harts, those that are on other threads just now included. */
  get total(): number {
    return this.all.reduce(
      (sum, { away, state, counted }) => (away ? sum + state.instret - counted : sum),
      this.retired,
    );
  }

  /** The same on one thread, exact also while the engine runs a hart. */
  get elapsed(): number {
    const { engaged } = this;
    return this.retired + (engaged ? engaged.state.instret - engaged.from : 0);
  }

  /** Harts that have not ended. */
  list(): readonly Hart[] {
    return this.all;
  }

  /**
   * A new hart in `space`; undefined when the arena has no context left.
   * @param index of a context that is the caller's [the lowest free one]
   */
  create(
    space: AddressSpace,
    stack: () => StackRange,
    owner: HartOwner,
    index = this.arena.allocateHarts(),
  ): Hart | undefined {
    if (index < 0) return undefined;
    this.states[index] ??= new HartState(this.arena.memory, this.arena.hartAddress(index));
    const hart = new Hart(index, this.states[index], space, stack, owner);
    this.all.push(hart);
    // Who was alone had a longer turn.
    const turn = this.turns.length(false);
    for (const other of this.all) other.turn = Math.min(other.turn, turn);
    if (space !== owner.space) {
      this.host.engineOf(hart).watchCode(space);
      inheritHooks(owner.space, space);
    }
    this.observer?.made(hart);
    this.onMade(hart);
    return hart;
  }

  /** Takes a hart that has ended out, with its space when that was its own. */
  remove(hart: Hart): void {
    const at = this.all.indexOf(hart);
    if (at < 0) return;
    this.observer?.ended(hart);
    takeOut(this.all, at);
    if (this.last === hart) this.last = this.main;
    if (this.current === hart) {
      // The next one in turn is the one that came after it.
      this.current = this.all[Math.max(at - 1, 0)] ?? hart;
      this.current.turn = 0;
    }
    this.arena.freeHart(hart.index);
    const { space } = hart;
    this.left(space);
    this.giveUp(hart, space);
  }

  /** A hart goes on in another space. */
  move(hart: Hart, space: AddressSpace, stack: () => StackRange): void {
    const former = hart.space;
    hart.moveTo(space, stack);
    this.left(former);
  }

  /** A space ends with its last hart. */
  private left(space: AddressSpace): void {
    for (const other of this.all) if (other.space === space) return;
    const hadTables = this.host.tables.forget(space);
    this.host.spaceEnds(space);
    // The space may outlive its hart: tasks of its own, or a workspace that is merged later.
    if (!space.destroy() && hadTables) space.releaseTables();
  }

  /** Lets the handle of an ended vCPU's space, which nobody else has, serve the next one. */
  private giveUp(hart: Hart, space: AddressSpace): void {
    const task = hart.vcpu?.task;
    const lender = task?.owner.space;
    if (!lender || space === lender || !space.isBorrower || space.isAlive) return;
    hart.space = lender;
    lender.giveUp(space);
  }

  /**
   * The hart that runs next: the current one while its turn lasts, else the next that can.
   * @param now monotonic milliseconds, for waits that end by themselves
   * @returns undefined when every hart waits
   */
  next(now: () => number): Hart | undefined {
    if (this.current.runnable && this.current.turn > 0) return this.current;
    this.endWaits(now);
    const next = this.inTurn((hart) => hart.runnable);
    // Not by how many can run: a wait that is tried again in vain would change the turns.
    if (next) {
      next.turn = this.turns.length(this.all.length === 1);
      this.opening = true;
    }
    return next;
  }

  /** The first hart after the current one that fits; it is the current one from now on. */
  inTurn(fits: (hart: Hart) => boolean): Hart | undefined {
    const { all } = this;
    const next = this.turns.choose(all, all.indexOf(this.current) + 1, fits);
    if (next) this.current = next;
    return next;
  }

  /** Harts whose wait is over become runnable. */
  endWaits(now: () => number): void {
    if (this.called) this.retry((waiting) => waiting.shared === true);
    this.called = false;
    for (const hart of this.all) this.endWait(hart, now);
  }

  /** Whether no other hart runs in the hart's space. */
  isAlone({ index, space }: Hart): boolean {
    return this.all.every((other) => other.index === index || other.space !== space);
  }

  /**
   * Readies a hart for another thread, which gives its space delta tables of its own there.
   * @returns false when it must stay: its fork is shared with another hart
   */
  leave(hart: Hart): boolean {
    const { space } = hart;
    if (hart.stays || hart.owner.space !== this.root) return false;
    if (space !== this.root) {
      if (!this.isAlone(hart)) return false;
      this.host.tables.take(space);
    }
    this.observer?.left?.(hart);
    hart.away = true;
    hart.counted = hart.state.instret;
    return true;
  }

  /** A hart has come back from another thread. */
  arrived(hart: Hart): void {
    hart.away = false;
    this.retired += hart.state.instret - hart.counted;
    hart.owner.retired += hart.state.instret - hart.counted;
  }

  /** Only this hart is to run: undefined while it waits. */
  focus(hart: Hart, now: () => number): Hart | undefined {
    this.endWait(hart, now);
    if (!hart.runnable) return undefined;
    if (hart.turn <= 0) hart.turn = TURN;
    this.current = hart;
    return hart;
  }

  /** Harts that wait for what only a repeated system call can tell try again. */
  retry(which: (waiting: Waiting) => boolean = () => true): void {
    for (const hart of this.all) {
      if (hart.waiting && !hart.waiting.ready && which(hart.waiting)) hart.waiting = undefined;
    }
  }

  /** A system call is done: what other harts wait for may be there now. */
  noteCall(): void {
    this.called = true;
  }

  /**
   * Points the engine at a hart. A vCPU sees from here on what its lender has new.
   * @returns a fault when there is no memory for that
   */
  enter(hart: Hart): EngineStop | undefined {
    const { space } = hart;
    if (!this.host.tables.use(space)) throw new Error('the arena has no delta tables left');
    space.hart = hart.index;
    const stop = hart.vcpu && adoptNews(space, hart.state.pc);
    hart.state.setField(HART.thread, 0);
    hart.process = undefined;
    this.host.engineOf(hart).attach(hart.state, space);
    this.observer?.entered(hart);
    return stop;
  }

  /** Gives a space delta tables; false when all are in use. */
  giveTables(space: AddressSpace): boolean {
    return this.host.tables.give(space);
  }

  private endWait(hart: Hart, now: () => number): void {
    const { waiting } = hart;
    if (!waiting) return;
    if (waiting.ready) {
      this.arena.events.beginCall();
      const value = waiting.ready();
      if (value === undefined) return;
      hart.waiting = undefined;
      hart.state.setX(A0, value);
      noteCall(hart, hart.state.xNumber(A7));
      hart.state.pc += ECALL_BYTES;
      this.count(hart, 1);
      this.observer?.returned(hart);
    } else if (waiting.deadline !== undefined && now() >= waiting.deadline) {
      hart.waiting = undefined;
    }
  }

  /** The engine is about to run a hart; `ran` ends that. */
  runs({ state }: Hart): void {
    this.engaged = { state, from: state.instret };
  }

  /** Notes what the engine has run of a hart. */
  ran(hart: Hart, instructions: number): void {
    this.engaged = undefined;
    hart.turn -= instructions;
    this.retired += instructions;
    hart.owner.retired += instructions;
    if (instructions === 0) return;
    if (this.opening) this.turns.begun();
    this.opening = false;
    const { last } = this;
    if (hart === last) return;
    // What this one has stored is not seen by a reservation of the other's, which compares values.
    if (!last.away) last.state.clearReservation();
    this.last = hart;
  }

  /** Counts instructions that no engine runs: system calls. */
  count(hart: Hart, instructions: number): void {
    hart.state.instret += instructions;
    this.ran(hart, instructions);
  }
}

/** What the embedder wants to know of a process's pages it wants to know of its vCPUs' too. */
function inheritHooks({ hooks }: AddressSpace, fork: AddressSpace): void {
  const { onMissingPage, onFirstWrite } = hooks;
  if (onMissingPage) fork.hooks.onMissingPage = onMissingPage;
  if (onFirstWrite) fork.hooks.onFirstWrite = onFirstWrite;
}
