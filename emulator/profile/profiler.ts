import type { Engine } from '../engine/engine';
import type { CountingHeap } from '../engine/counting-heap';
import { HartCounts } from '../engine/hart-counts';
import type { InstructionCounter } from '../engine/instruction-counter';
import type { Hart } from '../multiprocess/hart';
import { HART } from '../memory/layout';
import { callsOf } from './call-nodes';
import { CountTimes } from './count-times';
import { addCounts, type CallNode, type HartProfile } from './model';

/** Harts that are kept apart; what further ones did is added up in one. */
const MOST_HARTS = 1024;
const REST = 'further harts';

/** Counts what the harts of a machine run, on all threads. The machine tells it what becomes of them. */
export class Profiler {
  private readonly counters = new Map<Engine, InstructionCounter>();
  private readonly live = new Set<Hart>();
  private readonly done: HartProfile[] = [];
  private times: CountTimes | undefined;

  /**
   * @param engineOf what runs a hart on this thread
   * @param heap where counts are kept; also for other threads
   */
  constructor(
    private readonly engineOf: (hart: Hart) => Engine,
    private readonly heap: CountingHeap,
  ) {
    heap.clear();
  }

  made(hart: Hart): void {
    hart.state.setField(HART.profile, 0);
    this.live.add(hart);
    this.times?.begin(hart);
  }

  /** From now on it is known when what was counted has run. No hart has run yet. */
  keepTimes(): CountTimes {
    if (!this.times) {
      this.times = new CountTimes((hart) => this.profileOf(hart));
      for (const hart of this.live) this.times.begin(hart);
    }
    return this.times;
  }

  entered(hart: Hart): void {
    this.live.add(hart);
    const engine = this.engineOf(hart);
    if (!this.counters.has(engine)) this.counters.set(engine, engine.count(this.heap));
  }

  /** It is about to run on another thread. */
  left({ state }: Hart): void {
    for (const counter of this.counters.values()) counter.release(state);
  }

  /** Counters see by themselves what the host runs. */
  calls(hart: Hart): void {
    this.times?.calls(hart);
  }

  returned(hart: Hart): void {
    this.times?.returned(hart);
  }

  ended(hart: Hart): void {
    const profile = this.profileOf(hart);
    this.times?.ended(hart, profile);
    this.live.delete(hart);
    HartCounts.of(this.heap, hart.state)?.free(hart.state);
    if (profile) this.done.push(profile);
    if (this.done.length > MOST_HARTS) this.done.splice(0, 2, merge(this.done[0], this.done[1]));
  }

  /** What all harts have run so far, those that have ended included; the main VM's first. All must be at home. */
  harts(): readonly HartProfile[] {
    const live = [...this.live].flatMap((hart) => this.profileOf(hart) ?? []);
    return [...live, ...this.done].sort((a, b) => a.hart - b.hart);
  }

  private profileOf(hart: Hart): HartProfile | undefined {
    this.left(hart);
    const read = HartCounts.of(this.heap, hart.state)?.read(hart.state);
    return (
      read && {
        hart: hart.index,
        name: hartName(hart),
        counts: read.counts,
        events: read.events,
        ...callsOf(read.calls),
      }
    );
  }
}

/** What a hart is called in profiles; no two harts of a run have the same name. */
export function hartName({ index, vcpu, tid, owner }: Hart): string {
  if (vcpu) return `task ${vcpu.task.id} vCPU ${vcpu.id}`;
  if (tid !== undefined) return `thread ${tid}`;
  return index === 0 ? 'main' : `process ${owner.pid}`;
}

/** Two harts as one: their calls side by side. */
function merge(a: HartProfile, b: HartProfile): HartProfile {
  const children: CallNode[] = [];
  for (const { name, root } of [a, b]) {
    if (name === REST) children.push(...root.children);
    else children.push(root);
  }
  return {
    hart: a.hart,
    name: REST,
    counts: addCounts([a.counts, b.counts]),
    root: { entry: 0, callSite: 0, calls: 0, self: 0, children },
    arcs: [...a.arcs, ...b.arcs],
  };
}
