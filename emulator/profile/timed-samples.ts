import type { HartProfile } from './model';
import { Samples, type SampledFrame } from './samples';

/** Host time in milliseconds since 1970. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/** A call stack, and the time that it stands for. */
interface TimedSample extends TimeRange {
  readonly hart: number;
  /** The hart's: numbers are given again, names are not. */
  readonly name: string;
  /** The outermost first, at least one. */
  readonly frames: readonly SampledFrame[];
  /** Instructions or nanoseconds. */
  readonly weight: number;
}

/** Samples whose times are kept: four minutes of one hart at a sample each millisecond. */
const MOST_KEPT = 1 << 18;

/** Samples that can be added up for a part of their time; of a very long run only for its newest part. */
export class TimedSamples {
  private readonly whole = new Samples();
  /** Stacks that were seen, by what is in them: few stacks have many samples. */
  private readonly stacks = new Map<string, readonly SampledFrame[]>();
  private kept: TimedSample[] = [];

  get count(): number {
    return this.whole.count;
  }

  add(sample: TimedSample): void {
    this.whole.add(sample.hart, sample.name, sample.frames, sample.weight);
    if (this.kept.length >= MOST_KEPT) this.kept = this.kept.slice(MOST_KEPT / 2);
    const key = sample.frames.map(({ entry, at }) => `${entry}:${at}`).join();
    const frames = this.stacks.get(key) ?? sample.frames;
    this.stacks.set(key, frames);
    this.kept.push({ ...sample, frames });
  }

  /** How many samples lie in a part of the time, or reach into it. */
  countIn(range: TimeRange): number {
    return this.kept.filter(({ from, to }) => Math.min(to, range.to) > Math.max(from, range.from))
      .length;
  }

  /** @param range [everything]; a sample that lies in it in part counts in part */
  profiles(range?: TimeRange): HartProfile[] {
    if (!range) return this.whole.profiles();
    const samples = new Samples();
    for (const { hart, name, frames, weight, from, to } of this.kept) {
      const inside = Math.min(to, range.to) - Math.max(from, range.from);
      if (inside <= 0) continue;
      samples.add(hart, name, frames, Math.round((weight * inside) / (to - from)));
    }
    return samples.profiles();
  }
}
