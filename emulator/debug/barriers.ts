import type { Hart } from '../multiprocess/hart';
import type { BreakpointSpec, HartId, StopReason } from './protocol';

/**
 * Harts that stand at a barrier point until the others have come: all vCPUs of the task, or all threads of
 * the program, or those that the breakpoint names. Who has ended is not waited for.
 */
export class Barriers {
  /** The breakpoint that each held hart stands at. */
  private readonly held = new Map<Hart, number>();

  /** The barrier point that a hart is held at. */
  of(hart: Hart): number | undefined {
    return this.held.get(hart);
  }

  /** A hart has come to a barrier point and stays there. */
  hold(hart: Hart, id: number): void {
    hart.held = true;
    this.held.set(hart, id);
  }

  release(hart: Hart): void {
    if (this.held.delete(hart)) hart.held = false;
  }

  releaseAll(): void {
    for (const hart of [...this.held.keys()]) this.release(hart);
  }

  /**
   * The harts of a barrier where all have come; they are not held any more.
   * @param spec what the breakpoint of a number is, undefined when it is no barrier any more
   */
  complete(
    harts: readonly Hart[],
    spec: (id: number) => BreakpointSpec | undefined,
  ): (StopReason & { kind: 'barrier' }) | undefined {
    for (const [hart, id] of this.held) {
      const barrier = spec(id);
      if (!barrier || hart.ended) {
        this.release(hart);
        continue;
      }
      const group = harts.filter((other) => belong(hart, other, barrier.harts));
      if (group.some((other) => this.held.get(other) !== id)) continue;
      for (const other of group) this.release(other);
      return { kind: 'barrier', id, harts: group.map(({ index }) => index) };
    }
    return undefined;
  }
}

function belong(hart: Hart, other: Hart, named: readonly HartId[] | undefined): boolean {
  if (named) return named.includes(other.index);
  return other.vcpu?.task === hart.vcpu?.task;
}
