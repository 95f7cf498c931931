import type { BreakpointTable } from './breakpoints';
import type { Goal } from './goals';
import type { StopReason } from './protocol';
import type { DebugTarget, MachineStop } from './target';

/** Instructions between two safepoints: a few milliseconds, so that a pause is seen at once. */
const QUANTUM = 1_000_000;

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

/** Runs a target until something stops it: the one loop behind every run and step. */
export class Runner {
  constructor(
    private readonly target: DebugTarget,
    private readonly breakpoints: BreakpointTable,
    private readonly host: RunnerHost,
  ) {}

  /** One instruction of the hart, whatever lies there. */
  async step(): Promise<StopReason> {
    return this.until(1, undefined, true);
  }

  /** Until the goal is reached or something else stops the machine. */
  async run(goal?: Goal): Promise<StopReason> {
    let through = true;
    for (let next = goal; ;) {
      const stop = await this.toward(next, through);
      if (stop !== 'left') return stop;
      through = true;
      // The instruction that leaves the function has run: is this where the user wanted to be?
      const after = next?.left?.();
      if (!after) return { kind: 'step' };
      next = after;
    }
  }

  private async toward(goal: Goal | undefined, through: boolean): Promise<StopReason | 'left'> {
    const withdraw = this.breakpoints.plantTemporarily(goal?.addresses ?? []);
    try {
      return await this.until(Infinity, goal, through);
    } finally {
      withdraw();
    }
  }

  private async until(budget: number, goal: undefined, through: boolean): Promise<StopReason>;
  private async until(
    budget: number,
    goal: Goal | undefined,
    through: boolean,
  ): Promise<StopReason | 'left'>;
  private async until(
    budget: number,
    goal: Goal | undefined,
    through: boolean,
  ): Promise<StopReason | 'left'> {
    const { hart } = this.target;
    const end = hart.instret + budget;
    let passing = through;
    for (;;) {
      const before = hart.instret;
      const stop = this.target.run(Math.min(QUANTUM, end - before), passing);
      if (hart.instret > before) passing = false;
      if (stop.kind === 'fuel') {
        if (hart.instret >= end) return { kind: 'step' };
        await this.host.safepoint();
      } else if (stop.kind === 'waiting') {
        await this.host.wake(stop.reason, stop.deadline);
      } else if (stop.kind === 'breakpoint') {
        const reason = this.atBreakpoint(stop.address, goal);
        if (reason) return reason;
        passing = true;
      } else return stopReason(stop);
      if (this.host.pauseWanted()) return { kind: 'pause' };
    }
  }

  /** Whether anybody wants a stop here; undefined: go on. */
  private atBreakpoint(address: number, goal: Goal | undefined): StopReason | 'left' | undefined {
    const hit = this.breakpoints.hit(address, 0);
    if (hit) {
      if (hit.problem !== undefined) this.host.note(hit.problem);
      return { kind: 'breakpoint', id: hit.id, address };
    }
    if (!goal?.addresses.includes(address)) return undefined;
    switch (goal.arrived()) {
      case 'done':
        return { kind: 'step' };
      case 'pass':
        return undefined;
      case 'leave': {
        const stop = this.target.run(1, true);
        return stop.kind === 'fuel' ? 'left' : stopReason(stop);
      }
    }
  }
}

function stopReason(stop: MachineStop): StopReason {
  switch (stop.kind) {
    case 'watch':
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
