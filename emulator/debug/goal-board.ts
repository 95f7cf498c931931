import type { Hart } from '../multiprocess/hart';
import type { BreakpointTable } from './breakpoints';
import type { Arrival, Goal } from './goals';

interface Pending {
  goal: Goal;
  withdraw: () => void;
}

/** The goals of a run that have not been reached yet; harts stop at their addresses meanwhile. */
export class GoalBoard {
  private readonly pending = new Map<Hart, Pending>();
  private readonly any: Pending | undefined;
  private anyReached = false;
  private readonly hadGoals: boolean;

  constructor(
    private readonly breakpoints: BreakpointTable,
    goals: ReadonlyMap<Hart, Goal> = new Map(),
    anyGoal?: Goal,
  ) {
    for (const [hart, goal] of goals) this.pending.set(hart, this.plant(goal));
    this.any = anyGoal && this.plant(anyGoal);
    this.hadGoals = goals.size > 0;
  }

  /** Everybody is where they wanted to be, or has ended. */
  get done(): boolean {
    if (this.anyReached) return true;
    return this.hadGoals && [...this.pending.keys()].every(({ ended }) => ended);
  }

  /**
   * What it means for its own goal that a hart stands where it does.
   * @param wasShown the user has seen it there
   */
  arrived(hart: Hart, wasShown: boolean): Arrival {
    if (!wasShown && this.any?.goal.addresses.includes(hart.state.pc) === true) {
      this.anyReached = true;
      return 'done';
    }
    const mine = this.pending.get(hart)?.goal;
    if (mine?.addresses.includes(hart.state.pc) !== true) return 'pass';
    return wasShown && mine.fromStart !== true ? 'pass' : mine.arrived();
  }

  /** After a `leave`, once the instruction has run, or a `next`: whether the hart is where it wanted to be. */
  left(hart: Hart): boolean {
    const mine = this.pending.get(hart);
    const next = mine?.goal.left?.();
    if (!mine || !next) return true;
    mine.withdraw();
    Object.assign(mine, this.plant(next));
    return false;
  }

  reached(hart: Hart): void {
    this.pending.get(hart)?.withdraw();
    this.pending.delete(hart);
  }

  withdraw(): void {
    for (const { withdraw } of this.pending.values()) withdraw();
    this.any?.withdraw();
    this.pending.clear();
  }

  private plant(goal: Goal): Pending {
    return { goal, withdraw: this.breakpoints.plantTemporarily(goal.addresses) };
  }
}
