import { availableParallelism } from 'node:os';
import { acquire, release } from '../memory/lock';

/**
 * What the home thread and the pool threads of a machine share beside the arena, in i32 words:
 *
 * | word | field |
 * |------|-------|
 * | 0    | phase: 0 = run, 1 = everybody stops at the next safepoint, 2 = the threads end |
 * | 1    | busy: pool threads that have a hart |
 * | 2    | epoch of the breakpoints: changes with them |
 * | 3    | lock of the queues |
 * | 4    | harts in the ready queue; threads without work sleep on it |
 * | 5    | harts in the done queue; the home thread sleeps on it |
 * | 6, 7 | next to take and next to put of the ready queue |
 * | 8, 9 | next to take and next to put of the done queue |
 * | 10   | pool threads that sleep |
 * | 11   | number of breakpoints |
 * | 12   | pool threads that look at the ready queue: they need not be woken |
 * | 16   | breakpoints: addresses |
 * | 1040 | ready queue: indices of harts |
 * | 3088 | done queue: indices of harts |
 */
const PHASE = 0;
const BUSY = 1;
const EPOCH = 2;
const LOCK = 3;
const READY = 4;
const DONE = 5;
const READY_TAKE = 6;
const DONE_TAKE = 8;
const SLEEPERS = 10;
const BREAKPOINTS = 11;
const LOOKERS = 12;
const ADDRESSES = 16;
const MAX_BREAKPOINTS = 1024;
const QUEUE = 2048;
const READY_QUEUE = ADDRESSES + MAX_BREAKPOINTS;
const DONE_QUEUE = READY_QUEUE + QUEUE;
const WORDS = DONE_QUEUE + QUEUE;

const RUN = 0;
const STOP = 1;
const END = 2;

/** Looks at a queue this often before sleeping on it: a few microseconds. */
const SPINS = 2000;
/**
 * Who has had work looks for so many milliseconds. To wake a thread takes a tenth of one, and it may find itself on the core
 * of the thread that has woken it, where both go on at half their speed for several milliseconds.
 */
const LOOK_MS = availableParallelism() > 1 ? 1 : 0;
/** The home thread looks around after so long. */
const AWAIT_MS = 5;
/** A sleeper looks by itself again, so that a lost wake-up costs this much and not the machine. */
const SLEEP_MS = 50;

/** The queues and flags of one machine's pool of hart threads. Any thread may use any method. */
export class PoolControl {
  private readonly words: Int32Array;
  /** Since when this pool thread has no hart, and whether its last one had come soon after the one before. */
  private idleSince = -Infinity;
  private comesSoon = true;
  /** Since when the home thread waits for harts that it has lent; undefined: it does not. */
  private waitsSince: number | undefined;

  constructor(readonly buffer = new SharedArrayBuffer(4 * WORDS)) {
    this.words = new Int32Array(buffer);
  }

  get stopping(): boolean {
    return Atomics.load(this.words, PHASE) !== RUN;
  }

  get ending(): boolean {
    return Atomics.load(this.words, PHASE) === END;
  }

  get busy(): number {
    return Atomics.load(this.words, BUSY);
  }

  get ready(): number {
    return Atomics.load(this.words, READY);
  }

  /** Harts in the done queue. */
  get done(): number {
    return Atomics.load(this.words, DONE);
  }

  /** Whether a pool thread would take work at once. */
  get isAttentive(): boolean {
    return Atomics.load(this.words, LOOKERS) > 0;
  }

  /** Changes with the breakpoints. */
  get epoch(): number {
    return Atomics.load(this.words, EPOCH);
  }

  run(): void {
    Atomics.store(this.words, PHASE, RUN);
  }

  stop(): void {
    Atomics.store(this.words, PHASE, STOP);
  }

  end(): void {
    Atomics.store(this.words, PHASE, END);
    Atomics.notify(this.words, READY);
  }

  setBreakpoints(addresses: Iterable<number>): void {
    let count = 0;
    for (const address of addresses) {
      if (count === MAX_BREAKPOINTS) throw new Error(`more than ${MAX_BREAKPOINTS} breakpoints`);
      this.words[ADDRESSES + count++] = address;
    }
    Atomics.store(this.words, BREAKPOINTS, count);
    Atomics.add(this.words, EPOCH, 1);
  }

  breakpoints(): number[] {
    const count = Atomics.load(this.words, BREAKPOINTS);
    return [...this.words.subarray(ADDRESSES, ADDRESSES + count)].map((address) => address >>> 0);
  }

  /** Puts a hart into the ready queue; nobody is woken. */
  putReady(index: number): void {
    this.waitsSince = undefined;
    this.put(READY, READY_TAKE, READY_QUEUE, index);
  }

  /** Wakes one sleeping thread, when there is work that nobody is about to take, and a sleeper. */
  wakeOne(): void {
    if (Atomics.load(this.words, SLEEPERS) === 0) return;
    if (this.ready > Atomics.load(this.words, LOOKERS)) Atomics.notify(this.words, READY, 1);
  }

  /** The next ready hart for the home thread, −1 when there is none. */
  takeReady(): number {
    return this.take(READY, READY_TAKE, READY_QUEUE);
  }

  /**
   * The next ready hart for a pool thread, which counts as busy from now on; −1 after a while without
   * work. Not called by the home thread, which must not sleep here.
   */
  claim(): number {
    const { words } = this;
    Atomics.add(words, LOOKERS, 1);
    const index = this.look();
    Atomics.sub(words, LOOKERS, 1);
    if (index >= 0 || this.ending) return index;
    Atomics.add(words, SLEEPERS, 1);
    Atomics.wait(words, READY, this.stopping ? this.ready : 0, SLEEP_MS);
    Atomics.sub(words, SLEEPERS, 1);
    return -1;
  }

  /** A ready hart, −1 when none came in time. The longer look is for those who find work again and again. */
  private look(): number {
    const until = this.idleSince + (this.comesSoon ? LOOK_MS : 0);
    do {
      for (let spin = 0; spin < SPINS && !this.stopping; spin++) {
        if (this.ready === 0) continue;
        // Busy before the hart leaves the queue, so that a stop never misses a hart in between.
        Atomics.add(this.words, BUSY, 1);
        const index = this.stopping ? -1 : this.takeReady();
        if (index >= 0) {
          this.comesSoon = performance.now() < this.idleSince + LOOK_MS;
          return index;
        }
        Atomics.sub(this.words, BUSY, 1);
        Atomics.notify(this.words, DONE);
      }
    } while (!this.stopping && performance.now() < until);
    return -1;
  }

  /** A pool thread has no hart any more. */
  private unclaim(): void {
    this.idleSince = performance.now();
    Atomics.sub(this.words, BUSY, 1);
    Atomics.notify(this.words, DONE);
  }

  /** A pool thread lets others run a hart whose turn is over: it is the last one in the ready queue. */
  giveBack(index: number): void {
    this.putReady(index);
    this.unclaim();
  }

  /** A pool thread hands a hart to the home thread. */
  finish(index: number): void {
    this.put(DONE, DONE_TAKE, DONE_QUEUE, index);
    this.unclaim();
  }

  /** The next hart that a pool thread has handed over, −1 when there is none. */
  takeDone(): number {
    const index = this.take(DONE, DONE_TAKE, DONE_QUEUE);
    if (index >= 0) this.waitsSince = undefined;
    return index;
  }

  /** Waits until a hart is handed over or a thread has become idle; at most so many milliseconds [5]. */
  awaitDone(most = AWAIT_MS): void {
    const now = performance.now();
    this.waitsSince ??= now;
    const until = Math.min(this.waitsSince + LOOK_MS, now + most);
    do {
      for (let spin = 0; spin < SPINS; spin++) if (this.done > 0) return;
    } while (performance.now() < until);
    if (most > 0) Atomics.wait(this.words, DONE, 0, Math.min(most, AWAIT_MS));
  }

  private put(count: number, take: number, queue: number, index: number): void {
    const { words } = this;
    acquire(words, LOCK);
    const at = words[take + 1];
    words[queue + at] = index;
    words[take + 1] = (at + 1) % QUEUE;
    Atomics.add(words, count, 1);
    release(words, LOCK);
  }

  private take(count: number, take: number, queue: number): number {
    const { words } = this;
    if (Atomics.load(words, count) === 0) return -1;
    acquire(words, LOCK);
    let index = -1;
    if (words[count] > 0) {
      const at = words[take];
      index = words[queue + at];
      words[take] = (at + 1) % QUEUE;
      Atomics.sub(words, count, 1);
    }
    release(words, LOCK);
    return index;
  }
}
