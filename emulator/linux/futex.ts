import type { HartState } from '../engine/hart-state';
import { ENTRY_FRAME_SHIFT } from '../memory/arena-layout';
import { PAGE_SIZE } from '../memory/layout';
import { ENTRY } from '../memory/page-entry';
import type { ProcessMemory } from './process-memory';
import type { Thread, Wait } from './thread';

/** Bit set of a waiter or waker that takes any (FUTEX_BITSET_MATCH_ANY). */
export const ANY_BIT = 0xffff_ffff;

const ADDRESSES = 2 ** 32;

/**
 * Tells the futexes of all processes from each other: memory that several processes share has the number of its frame in
 * the key, any other the number of its process's memory.
 */
export function futexKey({ id, space }: ProcessMemory, address: number): number {
  const entry = address < ADDRESSES ? space.entry(Math.floor(address / PAGE_SIZE)) : 0;
  if ((entry & ENTRY.shared) === 0) return id * ADDRESSES + address;
  return -((entry >>> ENTRY_FRAME_SHIFT) * PAGE_SIZE + (address % PAGE_SIZE)) - 1;
}

/** A thread that waits for a futex, as long as it stays at this call. */
export class FutexWaiter {
  woken = false;

  constructor(
    readonly thread: Thread,
    readonly wait: Wait,
    readonly bits: number,
  ) {}

  /** False when a signal's handler, a debugger or its end has led the thread away from its call. */
  get waits(): boolean {
    const { thread, wait } = this;
    const { pc, instret } = thread.hart;
    return thread.wait === wait && pc === wait.pc && instret === wait.instret;
  }
}

/**
 * Who waits for the futexes of all processes, by key (`futexKey`), in the order of their coming (kernel/futex/). Whoever
 * has left is dropped when a queue is looked at.
 */
export class FutexQueues {
  private readonly queues = new Map<number, FutexWaiter[]>();

  /** @param wake lets a waiter try its call again */
  constructor(private readonly wakeHart: (hart: HartState) => void) {}

  wait(address: number, thread: Thread, wait: Wait, bits: number): FutexWaiter {
    const waiter = new FutexWaiter(thread, wait, bits);
    this.queues.set(address, [...this.waiters(address), waiter]);
    return waiter;
  }

  /** A waiter gives up, wherever it has been moved to. */
  leave(waiter: FutexWaiter): void {
    for (const [address, queue] of this.queues) {
      if (queue.includes(waiter)) this.keep(address, without(queue, [waiter]));
    }
  }

  /**
   * Wakes the first waiters whose bits are among `bits`.
   * @param count how many at most; Linux takes anything below 1 for 1
   * @returns how many were woken
   */
  wake(address: number, count: number, bits = ANY_BIT): number {
    const queue = this.waiters(address);
    const woken = queue.filter((waiter) => (waiter.bits & bits) !== 0).slice(0, Math.max(count, 1));
    this.keep(address, without(queue, woken));
    woken.forEach((waiter) => this.release(waiter));
    return woken.length;
  }

  /**
   * Wakes the first `wakes` waiters and lets the `moves` next ones wait for another futex.
   * @returns how many were woken or moved
   */
  requeue(address: number, target: number, wakes: number, moves: number): number {
    const queue = this.waiters(address);
    const woken = queue.slice(0, wakes);
    const moved = queue.slice(wakes, wakes + moves);
    this.keep(address, queue.slice(wakes + moves));
    if (moved.length > 0) this.queues.set(target, [...this.waiters(target), ...moved]);
    woken.forEach((waiter) => this.release(waiter));
    return woken.length + moved.length;
  }

  private release(waiter: FutexWaiter): void {
    waiter.woken = true;
    this.wakeHart(waiter.thread.hart);
  }

  private waiters(address: number): FutexWaiter[] {
    return this.queues.get(address)?.filter(({ waits }) => waits) ?? [];
  }

  private keep(address: number, queue: FutexWaiter[]): void {
    if (queue.length > 0) this.queues.set(address, queue);
    else this.queues.delete(address);
  }
}

function without(queue: FutexWaiter[], others: FutexWaiter[]): FutexWaiter[] {
  return others.length === 0 ? queue : queue.filter((waiter) => !others.includes(waiter));
}
