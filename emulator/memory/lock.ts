import { isMainThread } from 'node:worker_threads';

/**
 * A lock in one i32 of the arena: 0 = free, 1 = taken, 2 = taken and somebody may sleep on it
 * (Drepper, "Futexes are tricky", mutex 2). Sections under a lock are short (at most a walk over one page
 * table), never call a hook, and take no second lock of the same kind. Not re-entrant.
 */
const FREE = 0;
const TAKEN = 1;
const CONTENDED = 2;

const SPINS = 200;
/** A sleeper looks again by itself, so that a lost wake-up costs a millisecond and not the machine. */
const SLEEP_MS = 1;

/** Takes the lock at word `index` of `i32`. Only workers sleep: a process's main thread must stay responsive. */
export function acquire(i32: Int32Array, index: number): void {
  if (Atomics.compareExchange(i32, index, FREE, TAKEN) !== FREE) acquireContended(i32, index);
}

function acquireContended(i32: Int32Array, index: number): void {
  for (let spin = 0; spin < SPINS; spin++) {
    if (Atomics.compareExchange(i32, index, FREE, TAKEN) === FREE) return;
  }
  while (Atomics.exchange(i32, index, CONTENDED) !== FREE) {
    if (!isMainThread) Atomics.wait(i32, index, CONTENDED, SLEEP_MS);
  }
}

/** Gives back the lock at word `index` of `i32`. */
export function release(i32: Int32Array, index: number): void {
  if (Atomics.exchange(i32, index, FREE) === CONTENDED) Atomics.notify(i32, index, 1);
}
