import type { Hart } from '../multiprocess/hart';
import type { BreakpointTable } from './breakpoints';
import type { Goal } from './goals';
import type { StopReason } from './protocol';
import type { DebugTarget, MachineStop } from './target';

/** Instructions between two safepoints: a few milliseconds, so that a pause is seen at once. */
const QUANTUM = 1_000_000;
/** Instructions that the other harts run before it is seen whether a step's hart can go on. */
const HELP_QUANTUM = 50_000;

/** Instructions from the entry of a function that starts vCPUs to behind its ecall, at most. */
const MOST_STEPS_TO_FORK = 500;

/** What the runner needs from the session around it. */
export interface RunnerHost {
  /** Answers requests and flushes output; resolves when the guest may go on. */
  safepoint(): Promise<void>;
  pauseWanted(): boolean;
  /** Resolves on input, a pause request, or when `deadline` (monotonic milliseconds) has passed. */
  wake(reason: string, deadline: number | undefined): Promise<void>;
  /** Something the user should know, that is no stop. */
  note(text: string): void;
}

/** What one run is about. */
interface Run {
  /** Instructions of `only`, or of all harts. */
  readonly budget: number;
  readonly goal?: Goal;
  /** Steps run one hart; the others stand still, unless it waits for them. */
  readonly only?: Hart;
  /** Ends the run as a step, also while its hart waits. */
  readonly reached?: () => boolean;
}

/** Runs a target until something stops it: the one loop behind every run and step. */
export class Runner {
  constructor(
    private readonly target: DebugTarget,
    private readonly breakpoints: BreakpointTable,
    private readonly host: RunnerHost,
  ) {}

  /** One instruction of the hart, whatever lies there. */
  async step(hart: Hart): Promise<StopReason> {
    const stop = await this.until({ budget: 1, only: hart });
    return stop === 'left' ? { kind: 'step' } : stop;
  }

  /** All harts, until something stops the machine. */
  run(): Promise<StopReason> {
    return this.toGoals({ budget: Infinity });
  }

  /** One hart, until it has reached the goal or something else stops the machine. */
  runTo(goal: Goal, hart: Hart): Promise<StopReason> {
    return this.toGoals({ budget: Infinity, goal, only: hart });
  }

  /** All harts to a function that starts vCPUs, then its caller alone to where they are there. */
  async runToFork(functions: readonly number[]): Promise<StopReason> {
    const stop = await this.toGoals({
      budget: Infinity,
      goal: { addresses: functions, arrived: () => 'done' },
    });
    const { current, tasks } = this.target;
    if (stop.kind !== 'step' && !functions.includes(current.state.pc)) return stop;
    const newest = (): number => tasks.list().at(-1)?.id ?? 0;
    const before = newest();
    const reached = (): boolean => newest() !== before;
    for (let steps = 0; steps < MOST_STEPS_TO_FORK && !reached(); steps++) {
      const step = await this.until({ budget: 1, only: current, reached });
      if (step !== 'left' && step.kind !== 'step') return step;
    }
    return { kind: 'step' };
  }

  private async toGoals(run: Run): Promise<StopReason> {
    for (let goal = run.goal; ;) {
      const withdraw = this.breakpoints.plantTemporarily(goal?.addresses ?? []);
      let stop: StopReason | 'left';
      try {
        stop = await this.until({ ...run, goal });
      } finally {
        withdraw();
      }
      if (stop !== 'left') return stop;
      // The instruction that leaves the function has run: is this where the user wanted to be?
      const after = goal?.left?.();
      if (!after) return { kind: 'step' };
      goal = after;
    }
  }

  private async until({ budget, goal, only, reached }: Run): Promise<StopReason | 'left'> {
    const retired = (): number => (only ? only.state.instret : this.target.instructions);
    const end = retired() + budget;
    let through = true;
    for (;;) {
      const before = retired();
      const helping = only?.waiting?.ready !== undefined;
      const quantum = helping ? HELP_QUANTUM : Math.min(QUANTUM, end - before);
      let stop = this.target.run(quantum, through, helping ? undefined : only);
      if (retired() > before) through = false;
      if (only && stop.kind === 'waiting') stop = this.letOthersRun(only, stop);
      if (reached?.()) return { kind: 'step' };
      // The stepped hart has come to its end: nothing of it is left to run or to wait for.
      const over = stop.kind === 'fuel' || stop.kind === 'waiting';
      if (over && only?.ended === true) return { kind: 'step' };
      if (stop.kind === 'fuel') {
        if (retired() >= end) return { kind: 'step' };
        await this.host.safepoint();
      } else if (stop.kind === 'waiting') {
        if (only?.waiting?.ready === undefined) await this.host.wake(stop.reason, stop.deadline);
        else if (helping) await this.host.wake(stop.reason, stop.deadline);
      } else if (stop.kind === 'breakpoint') {
        const reason = this.atBreakpoint(stop.address, goal, only);
        if (reason) return reason;
        through = true;
      } else return stopReason(stop);
      if (this.host.pauseWanted()) return { kind: 'pause' };
    }
  }

  /**
   * A step's hart waits for what other threads may do: each of them runs a little.
   * @returns the wait when all of them wait as well, else what became of them
   */
  private letOthersRun(only: Hart, wait: MachineStop & { kind: 'waiting' }): MachineStop {
    const { waiting } = only;
    if (!waiting || waiting.ready || waiting.reason === 'sleep') return wait;
    let { deadline = Infinity } = wait;
    let ran = false;
    for (const hart of [...this.target.liveHarts]) {
      if (hart === only || hart.ended || hart.waiting?.ready) continue;
      const before = hart.state.instret;
      const stop = this.target.run(HELP_QUANTUM, true, hart);
      if (stop.kind !== 'fuel' && stop.kind !== 'waiting') return stop;
      if (stop.kind === 'waiting') deadline = Math.min(deadline, stop.deadline ?? Infinity);
      ran ||= hart.ended || hart.state.instret > before;
    }
    if (ran) return { kind: 'fuel' };
    return deadline < Infinity ? { ...wait, deadline } : wait;
  }

  /** Whether anybody wants a stop here; undefined: go on. */
  private atBreakpoint(
    address: number,
    goal: Goal | undefined,
    only: Hart | undefined,
  ): StopReason | 'left' | undefined {
    const { current } = this.target;
    const hit = this.breakpoints.hit(address, current);
    if (hit) {
      if (hit.problem !== undefined) this.host.note(hit.problem);
      return { kind: 'breakpoint', id: hit.id, address };
    }
    const mine = only === undefined || only === current;
    if (!mine || !goal?.addresses.includes(address)) return undefined;
    switch (goal.arrived()) {
      case 'done':
        return { kind: 'step' };
      case 'pass':
        return undefined;
      case 'leave': {
        const stop = this.target.run(1, true, current);
        return stop.kind === 'fuel' ? 'left' : stopReason(stop);
      }
    }
  }
}

function stopReason(stop: MachineStop): StopReason {
  switch (stop.kind) {
    case 'watch':
    case 'syscall':
    case 'event':
    case 'fuel':
    case 'waiting':
      return { kind: 'pause' };
    case 'breakpoint':
      return { kind: 'breakpoint', id: 0, address: stop.address };
    case 'killed':
      return { kind: 'killed', signal: stop.signal, status: stop.status };
    default:
      return stop;
  }
}
