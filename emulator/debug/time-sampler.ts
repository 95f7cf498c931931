import type { Hart } from '../multiprocess/hart';
import type { HartProfile } from '../profile/model';
import { hartName } from '../profile/profiler';
import type { SampledFrame } from '../profile/samples';
import { TimedSamples, type TimeRange } from '../profile/timed-samples';
import { sourceOf } from './source-debugger';
import type { DebugTarget } from './target';

/** What samples stand for. */
export type SampleClock = 'instructions' | 'nanoseconds';

/** Deeper frames are not looked for. */
const DEEPEST = 200;
const NANOSECONDS = 1e6;
/** Milliseconds since 1970 at which `performance.now()` began. */
const EPOCH = performance.timeOrigin;

/**
 * Looks at the call stacks of a machine's harts now and then. By instructions it is the hart whose turn it is, and two runs
 * on one thread give the same profile; by host time it is each hart that has run since the last look. A hart that has ended
 * stands at its last system call, which says nothing about what it did before: what it ran since the last look is left out.
 */
export class TimeSampler {
  private readonly samples = new TimedSamples();
  private readonly retired = new Map<Hart, number>();
  private lastTime: number;
  private lastInstructions: number;
  /** Since when the guest stands still, and what it had retired then. */
  private pausedAt: { readonly time: number; readonly instructions: number } | undefined;

  /** @param every instructions or nanoseconds between two looks, at least */
  constructor(
    private readonly target: DebugTarget,
    private readonly clock: SampleClock,
    private readonly every: number,
    private readonly now = (): number => performance.now(),
  ) {
    this.lastTime = now();
    this.lastInstructions = target.instructions;
    this.noteRetired();
  }

  /** How many stacks were looked at. */
  get count(): number {
    return this.samples.count;
  }

  /** Those of a part of the time. */
  countIn(range: TimeRange): number {
    return this.samples.countIn(range);
  }

  /** @param range host time in milliseconds since 1970 [everything] */
  profiles(range?: TimeRange): HartProfile[] {
    return this.samples.profiles(range);
  }

  /** The machine has run for a while. */
  take(): void {
    this.pausedAt = undefined;
    if (this.clock === 'instructions') this.takeInstructions();
    else this.takeTime();
  }

  /** The guest stands still, or waits for what may come from outside. */
  pause(): void {
    this.pausedAt ??= { time: this.now(), instructions: this.target.instructions };
  }

  /** It goes on: the time in which no hart has run is nobody's. */
  resume(): void {
    const { pausedAt } = this;
    this.pausedAt = undefined;
    if (pausedAt?.instructions === this.target.instructions) {
      this.lastTime += this.now() - pausedAt.time;
    }
  }

  private takeInstructions(): void {
    const { target } = this;
    const passed = target.instructions - this.lastInstructions;
    if (passed < this.every) return;
    this.lastInstructions = target.instructions;
    this.look(target.current, passed, this.now());
  }

  private takeTime(): void {
    const { target } = this;
    const time = this.now();
    const passed = Math.round((time - this.lastTime) * NANOSECONDS);
    if (passed < this.every) return;
    target.halt();
    const ran = target.liveHarts
      .map((hart) => ({ hart, by: hart.state.instret - (this.retired.get(hart) ?? 0) }))
      .filter(({ by }) => by > 0);
    const all = ran.reduce((sum, { by }) => sum + by, 0);
    this.noteRetired();
    for (const { hart, by } of ran) {
      // More harts than threads take turns: then a hart's share is that of its instructions.
      const share = ran.length <= target.threads ? 1 : (target.threads * by) / all;
      this.look(hart, Math.round(passed * share), time);
    }
    // What looking takes is not the guest's time.
    this.lastTime = this.now();
  }

  private noteRetired(): void {
    this.retired.clear();
    for (const hart of this.target.liveHarts) this.retired.set(hart, hart.state.instret);
  }

  private look(hart: Hart, weight: number, time: number): void {
    if (hart.ended) return;
    const { unwinder, modules } = sourceOf(this.target, hart);
    const frames = unwinder.frames(hart, DEEPEST).map(({ lookup }): SampledFrame => {
      const symbols = modules.at(lookup)?.symbols ?? this.target.symbolsOf(hart);
      // Of a call the address lies inside of the instruction.
      return {
        entry: symbols.functionAt(lookup)?.symbol.address ?? lookup,
        at: (lookup & ~1) >>> 0,
      };
    });
    if (frames.length === 0 || weight <= 0) return;
    this.samples.add({
      hart: hart.index,
      name: hartName(hart),
      frames: frames.reverse(),
      weight,
      from: EPOCH + this.lastTime,
      to: EPOCH + time,
    });
  }
}
