import { HEADER, THREAD_SLOTS, type ArenaViews } from './arena-layout';
import { ArenaError } from './errors';

/**
 * Which threads run guest code on the arena, and how far each has come. A thread in generated code may just have loaded
 * a delta of a frame that another thread gives back: such a frame is used again only when every thread has passed a
 * safepoint since (quiescent-state based reclamation). The arena counts epochs; a thread notes the present one whenever
 * it holds no arena address. Threads that do not run guest code stay out; with at most one thread frames are used again
 * at once.
 */
export class Safepoints {
  constructor(private readonly views: ArenaViews) {}

  reset(): void {
    this.views.u32.fill(0, HEADER.threads, HEADER.threads + THREAD_SLOTS);
    this.views.u32[HEADER.threadEpoch] = 1;
    this.views.u32[HEADER.threadsRunning] = 0;
  }

  /**
   * Called by a thread before it runs guest code. Returns its slot, for `pass` and `leave`.
   * @throws ArenaError when 64 threads run already
   */
  enter(): number {
    const { u32 } = this.views;
    for (let slot = 0; slot < THREAD_SLOTS; slot++) {
      const epoch = Atomics.load(u32, HEADER.threadEpoch);
      if (Atomics.compareExchange(u32, HEADER.threads + slot, 0, epoch) === 0) {
        Atomics.add(u32, HEADER.threadsRunning, 1);
        return slot;
      }
    }
    throw new ArenaError(`${THREAD_SLOTS} threads run on the arena already`);
  }

  /** Called by a thread that holds no arena address just now: at the end of a quantum at the latest. */
  pass(slot: number): void {
    const { u32 } = this.views;
    const epoch = Atomics.load(u32, HEADER.threadEpoch);
    // Nobody else writes the slot.
    if (u32[HEADER.threads + slot] !== epoch) Atomics.store(u32, HEADER.threads + slot, epoch);
  }

  /** Called by a thread that is about to sleep or to end. */
  leave(slot: number): void {
    const { u32 } = this.views;
    if (Atomics.exchange(u32, HEADER.threads + slot, 0) !== 0) {
      Atomics.sub(u32, HEADER.threadsRunning, 1);
    }
  }

  /** Whether another thread than the caller may run guest code. */
  get areOthersRunning(): boolean {
    return Atomics.load(this.views.u32, HEADER.threadsRunning) > 1;
  }

  /** Begins a new epoch if every thread has passed a safepoint in the present one. The caller holds the frame lock. */
  advance(): boolean {
    const { u32 } = this.views;
    const epoch = u32[HEADER.threadEpoch];
    if (this.areOthersRunning) {
      for (let slot = HEADER.threads; slot < HEADER.threads + THREAD_SLOTS; slot++) {
        const passed = Atomics.load(u32, slot);
        if (passed !== 0 && passed !== epoch) return false;
      }
    }
    // 0 stands for a thread that does not run.
    Atomics.store(u32, HEADER.threadEpoch, (epoch + 1) >>> 0 || 1);
    return true;
  }
}
