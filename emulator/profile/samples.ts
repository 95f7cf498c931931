import type { CallArc, CallNode, HartProfile } from './model';

/** A function on a call stack. */
export interface SampledFrame {
  /** Address of the function. */
  readonly entry: number;
  /** An instruction of it: where it is, or the call that it waits for. */
  readonly at: number;
}

interface Growing extends CallNode {
  self: number;
  readonly children: Growing[];
}

/** What the samples of one hart add up to. */
class HartSamples {
  private readonly places = new Map<number, number>();
  private readonly arcs = new Map<string, { site: number; callee: number; inclusive: number }>();
  /** What is outside of all functions' callers: the first function of the first sample is below it. */
  private readonly roots: Growing[] = [];

  constructor(
    private readonly hart: number,
    private readonly name: string,
  ) {}

  /** @param frames the outermost first, at least one */
  add(frames: readonly SampledFrame[], weight: number): void {
    const path: Growing[] = [];
    const seen = new Set<string>();
    frames.forEach(({ entry }, depth) => {
      const site = frames[depth - 1]?.at ?? entry;
      const known = path.findIndex((node) => node.entry === entry);
      if (depth > 0 && known < 0) this.addArc(site, entry, weight, seen);
      // A recursion is one node.
      if (known >= 0) path.splice(known + 1);
      else path.push(childOf(path.at(-1)?.children ?? this.roots, entry, site));
    });
    path[path.length - 1].self += weight;
    const { at } = frames[frames.length - 1];
    this.places.set(at, (this.places.get(at) ?? 0) + weight);
  }

  profile(): HartProfile {
    const ordered = [...this.places].sort(([a], [b]) => a - b);
    const [first] = this.roots;
    const arcs = [...this.arcs.values()].map((arc): CallArc => ({ ...arc, calls: 0 }));
    return {
      hart: this.hart,
      name: this.name,
      counts: {
        addresses: Float64Array.from(ordered, ([address]) => address),
        executions: Float64Array.from(ordered, ([, weight]) => weight),
        taken: new Float64Array(ordered.length),
      },
      root:
        this.roots.length === 1
          ? first
          : { entry: 0, callSite: 0, calls: 0, self: 0, children: this.roots },
      arcs,
    };
  }

  private addArc(site: number, callee: number, weight: number, seen: Set<string>): void {
    const key = `${site}:${callee}`;
    if (seen.has(key)) return;
    seen.add(key);
    const arc = this.arcs.get(key) ?? { site, callee, inclusive: 0 };
    arc.inclusive += weight;
    this.arcs.set(key, arc);
  }
}

function childOf(children: Growing[], entry: number, callSite: number): Growing {
  let child = children.find((each) => each.entry === entry);
  if (!child) children.push((child = { entry, callSite, calls: 0, self: 0, children: [] }));
  return child;
}

/** Call stacks that were looked at now and then, and what each stands for: instructions or nanoseconds. */
export class Samples {
  private readonly harts = new Map<string, HartSamples>();
  count = 0;

  /**
   * @param name of the hart: numbers are given again, names are not
   * @param frames the outermost first, at least one
   */
  add(hart: number, name: string, frames: readonly SampledFrame[], weight: number): void {
    let samples = this.harts.get(name);
    if (!samples) this.harts.set(name, (samples = new HartSamples(hart, name)));
    samples.add(frames, weight);
    this.count += 1;
  }

  /** A profile in which instructions have weights instead of executions, and nothing has calls. */
  profiles(): HartProfile[] {
    return [...this.harts.values()]
      .map((samples) => samples.profile())
      .sort((a, b) => a.hart - b.hart);
  }
}
