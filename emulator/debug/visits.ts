import type { Hart } from '../multiprocess/hart';

/**
 * - `shown`: the user has seen the hart there; breakpoints at its next instruction have not been looked at
 * - `judged`: they have been, and were told of or counted
 */
export type Visit = 'shown' | 'judged';

/**
 * What the user has seen: harts that stand where a stop has shown them. What lies at their next instruction
 * does not stop them again; a breakpoint that a hart has come to and that nobody was told of does.
 */
export class Visits {
  /** The hart's pc and instruction count when it was seen. */
  private readonly seen = new WeakMap<Hart, { pc: number; instret: number; visit: Visit }>();

  note(hart: Hart, visit: Visit): void {
    if (this.of(hart) === 'judged') return;
    const { pc, instret } = hart.state;
    this.seen.set(hart, { pc, instret, visit });
  }

  /** What is known of a hart where it stands now. */
  of(hart: Hart): Visit | undefined {
    const at = this.seen.get(hart);
    const same = at?.pc === hart.state.pc && at.instret === hart.state.instret;
    return same ? at.visit : undefined;
  }
}
