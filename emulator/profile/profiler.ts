import type { Engine } from '../engine/engine';
import { InstructionCounter } from '../engine/instruction-counter';
import type { Hart } from '../multiprocess/hart';
import { callsOf } from './call-nodes';
import { addCounts, type CallNode, type HartProfile } from './model';

/** Harts that are kept apart; what further ones did is added up in one. */
const MOST_HARTS = 1024;
const REST = 'further harts';

/** What is counted besides executions. */
export interface ProfileOptions {
  /** Who called whom; costs more [true]. */
  readonly calls?: boolean;
}

/** Counts what the harts of a machine run. The machine tells it what becomes of them. */
export class Profiler {
  private readonly counters = new Map<Engine, InstructionCounter>();
  private readonly ran = new Map<Hart, Set<InstructionCounter>>();
  private readonly done: HartProfile[] = [];

  /** @param engineOf what runs a hart on this thread */
  constructor(
    private readonly engineOf: (hart: Hart) => Engine,
    private readonly options: ProfileOptions = {},
  ) {}

  made(): void {
    // Counting begins when it runs.
  }

  entered(hart: Hart): void {
    const engine = this.engineOf(hart);
    let counter = this.counters.get(engine);
    if (!counter) {
      const { memory } = hart.space.arena;
      counter = new InstructionCounter(memory, engine.code, this.options.calls ?? true);
      engine.count(counter);
      this.counters.set(engine, counter);
    }
    const known = this.ran.get(hart);
    if (known) known.add(counter);
    else this.ran.set(hart, new Set([counter]));
  }

  calls(): void {
    // The counter sees by itself what the host runs.
  }

  returned(): void {
    // As above.
  }

  ended(hart: Hart): void {
    this.done.push(...this.profilesOf(hart));
    for (const counter of this.ran.get(hart) ?? []) counter.forget(hart.state);
    this.ran.delete(hart);
    if (this.done.length > MOST_HARTS) this.done.splice(0, 2, merge(this.done[0], this.done[1]));
  }

  /** What all harts have run so far, those that have ended included; the main VM's first. */
  harts(): readonly HartProfile[] {
    const live = [...this.ran.keys()].flatMap((hart) => this.profilesOf(hart));
    return [...live, ...this.done].sort((a, b) => a.hart - b.hart);
  }

  /** A hart has one, or one for each program that its process has run. */
  private profilesOf(hart: Hart): HartProfile[] {
    return [...(this.ran.get(hart) ?? [])].flatMap((counter) => {
      const read = counter.read(hart.state);
      if (!read) return [];
      const calls = read.calls.length > 1 ? callsOf(read.calls) : flat(read.counts);
      return { hart: hart.index, name: hartName(hart), counts: read.counts, ...calls };
    });
  }
}

/** What a hart is called in profiles; no two harts of a run have the same name. */
export function hartName({ index, vcpu, owner }: Hart): string {
  if (vcpu) return `task ${vcpu.task.id} vCPU ${vcpu.id}`;
  return index === 0 ? 'main' : `process ${owner.pid} hart ${index}`;
}

/** Without calls everything is one function. */
function flat({
  addresses,
  executions,
}: HartProfile['counts']): Pick<HartProfile, 'root' | 'arcs'> {
  const self = executions.reduce((sum, count) => sum + count, 0);
  const entry = addresses.at(0) ?? 0;
  return { root: { entry, callSite: entry, calls: 1, self, children: [] }, arcs: [] };
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
