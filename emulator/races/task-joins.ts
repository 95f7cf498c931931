import { MULTIPROCESS_CALLS } from '../multiprocess/abi';
import type { Hart } from '../multiprocess/hart';
import type { Mode } from '../multiprocess/abi';
import type { PendingCall } from './kernel-orders';
import type { Strand } from './strands';
import { VectorClock } from './vector-clock';

/** What the vCPUs of a task have done that have ended. */
interface Ended {
  readonly owner: Hart;
  readonly mode: Mode;
  readonly plain: boolean;
  readonly clock: VectorClock;
}

/** Tasks that nobody has joined yet; of more the oldest are taken for tasks that nobody will. */
const MOST_TASKS = 1 << 16;

/** The order that joins make: what ended vCPUs did is known to the hart that has waited for them. */
export class TaskJoins {
  private readonly tasks = new Map<number, Ended>();
  /** Harts that have such tasks. */
  private readonly owners = new Set<Hart>();

  /** A hart has ended. Nobody joins its tasks any more. */
  ended(hart: Hart, strand: Strand): void {
    if (this.owners.delete(hart)) {
      for (const [id, { owner }] of this.tasks) if (owner === hart) this.tasks.delete(id);
    }
    const task = hart.vcpu?.task;
    if (!task) return;
    const { id, owner, mode, plain } = task;
    let known = this.tasks.get(id);
    if (!known) {
      known = { owner, mode, plain, clock: new VectorClock() };
      this.tasks.set(id, known);
      this.owners.add(owner);
      const [oldest] = this.tasks.keys();
      if (this.tasks.size > MOST_TASKS) this.tasks.delete(oldest);
    }
    known.clock.join(strand.clock);
  }

  /** A hart has returned from one of the calls that join. */
  returned(hart: Hart, strand: Strand, { number, args }: PendingCall, result: number): void {
    const { multiprocess, multiprocess_wait, multiprocess_start } = MULTIPROCESS_CALLS;
    const { multiprocess_join, multiprocess_poll } = MULTIPROCESS_CALLS;
    switch (number) {
      // In mode fork-here the caller comes back when all have ended.
      case multiprocess:
        this.join(hart, strand, (_, { plain, mode }) => plain && mode === 'fork-here');
        break;
      case multiprocess_start:
        this.join(hart, strand, (id, { mode }) => id === result && mode === 'fork-here');
        break;
      case multiprocess_wait:
        this.join(hart, strand, (_, { plain }) => plain);
        break;
      case multiprocess_join: {
        const wanted = args[0] | 0;
        if (result >= 0) this.join(hart, strand, (id) => wanted === -1 || id === wanted);
        break;
      }
      case multiprocess_poll:
        if (result === 0) this.join(hart, strand, (id) => id === (args[0] | 0), true);
    }
  }

  private join(
    hart: Hart,
    strand: Strand,
    isMeant: (id: number, task: Ended) => boolean,
    keep = false,
  ): void {
    for (const [id, task] of this.tasks) {
      if (task.owner !== hart || !isMeant(id, task)) continue;
      strand.clock.join(task.clock);
      if (!keep) this.tasks.delete(id);
    }
  }
}
