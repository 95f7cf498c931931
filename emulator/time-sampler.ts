import { SourceModules } from './debug/source-modules';
import { Unwinder } from './debug/stack-unwinder';
import type { Machine } from './machine';
import type { Hart } from './multiprocess/hart';
import type { HartProfile } from './profile/model';
import { hartName } from './profile/profiler';
import { Samples, type SampledFrame } from './profile/samples';

/** What samples stand for. */
export type SampleClock = 'instructions' | 'nanoseconds';

/** Deeper frames are not looked for. */
const DEEPEST = 200;
const NANOSECONDS = 1e6;

/**
 * Looks at the call stacks of a machine's harts now and then. By instructions it is the hart whose turn it is, and two runs
 * on one thread give the same profile; by host time it is each hart that has run since the last look.
 */
export class TimeSampler {
  private readonly samples = new Samples();
  private readonly unwinder: Unwinder;
  private readonly modules: SourceModules;
  private readonly retired = new Map<Hart, number>();
  private lastTime: number;
  private lastInstructions: number;

  /**
   * @param every instructions or nanoseconds between two looks, at least
   * @param threads that run harts
   */
  constructor(
    private readonly machine: Machine,
    private readonly clock: SampleClock,
    private readonly every: number,
    private readonly threads: number,
    private readonly now = (): number => performance.now(),
  ) {
    this.modules = new SourceModules(() => machine.images);
    this.unwinder = new Unwinder(this.modules);
    this.lastTime = now();
    this.lastInstructions = machine.instructions;
  }

  /** How many stacks were looked at. */
  get count(): number {
    return this.samples.count;
  }

  profiles(): HartProfile[] {
    return this.samples.profiles();
  }

  /** The machine has run for a while. */
  take(): void {
    if (this.clock === 'instructions') this.takeInstructions();
    else this.takeTime();
  }

  private takeInstructions(): void {
    const { machine } = this;
    const passed = machine.instructions - this.lastInstructions;
    if (passed < this.every) return;
    this.lastInstructions = machine.instructions;
    this.look(machine.current, passed);
  }

  private takeTime(): void {
    const { machine, threads } = this;
    const passed = Math.round((this.now() - this.lastTime) * NANOSECONDS);
    if (passed < this.every) return;
    machine.halt();
    const ran = machine.liveHarts
      .map((hart) => ({ hart, by: hart.state.instret - (this.retired.get(hart) ?? 0) }))
      .filter(({ by }) => by > 0);
    const all = ran.reduce((sum, { by }) => sum + by, 0);
    this.retired.clear();
    for (const hart of machine.liveHarts) this.retired.set(hart, hart.state.instret);
    for (const { hart, by } of ran) {
      // More harts than threads take turns: then a hart's share is that of its instructions.
      const share = ran.length <= threads ? 1 : (threads * by) / all;
      this.look(hart, Math.round(passed * share));
    }
    // What looking takes is not the guest's time.
    this.lastTime = this.now();
  }

  private look(hart: Hart, weight: number): void {
    const frames = this.unwinder.frames(hart, DEEPEST).map(({ lookup }): SampledFrame => {
      const symbols = this.modules.at(lookup)?.symbols ?? this.machine.symbolsOf(hart);
      // Of a call the address lies inside of the instruction.
      return { entry: symbols.functionAt(lookup)?.symbol.address ?? lookup, at: lookup & ~1 };
    });
    if (frames.length > 0 && weight > 0) {
      this.samples.add(hart.index, hartName(hart), frames.reverse(), weight);
    }
  }
}
