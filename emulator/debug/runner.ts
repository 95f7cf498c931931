import type { Hart } from '../multiprocess/hart';
import { blockage } from './blockage';
import type { BreakpointTable } from './breakpoints';
import type { Goal } from './goals';
import { GoalBoard } from './goal-board';
import type { StopReason } from './protocol';
import type { StopJudge } from './stop-judge';
import type { DebugTarget, MachineStop } from './target';

/** Instructions between two safepoints: a few milliseconds, so that a pause is seen at once. */
const QUANTUM = 1_000_000;
/** Instructions that the other harts run before it is seen whether a step's hart can go on. */
const HELP_QUANTUM = 50_000;

/** Milliseconds after which there is a safepoint although the guest has come to stops that nobody wants, one after another. */
const MOST_MS = 5;

/** Stops at one instruction before it runs: breakpoint, event, system call, and the pages of its accesses. */
const MOST_TRIES = 16;

/** What the runner needs from the session around it. */
export interface RunnerHost {
  /** Answers requests and flushes output; resolves when the guest may go on. */
  safepoint(): Promise<void>;
  pauseWanted(): boolean;
  /** Most instructions between two safepoints that somebody wants [`QUANTUM`]. */
  readonly quantum: number | undefined;
  /** Resolves on input, a pause request, or when `deadline` (monotonic milliseconds) has passed. */
  wake(reason: string, deadline: number | undefined): Promise<void>;
  /** The machine has run so many instructions in so many milliseconds. */
  ran(instructions: number, milliseconds: number): void;
}

/** What one run is about. */
export interface Run {
  /** Instructions that `only` may run [as many as it wants]. */
  readonly budget?: number;
  /** Where harts want to come to: one that is there stands still, and the run ends when all are. */
  readonly goals?: ReadonlyMap<Hart, Goal>;
  /** Where the first hart that comes there ends the run. */
  readonly anyGoal?: Goal;
  /** The other harts stand still, unless it waits for them. */
  readonly only?: Hart;
  /** Likewise, for several. */
  readonly members?: readonly Hart[];
  /** Ends the run as a step, also while its hart waits. */
  readonly reached?: () => boolean;
}

/** Harts that a run keeps from running until its end. */
interface Held {
  /** Those that it is not about. */
  readonly others: readonly Hart[];
  /** Those that have come to their goals. */
  readonly arrived: Hart[];
}

type Goals = Pick<GoalBoard, 'done' | 'arrived' | 'left' | 'reached'>;

const STEP: StopReason = { kind: 'step' };
/** For single instructions. */
const NO_GOALS: Goals = {
  done: false,
  arrived: () => 'pass',
  left: () => true,
  reached: () => undefined,
};

/** Runs a target until something stops it: the one loop behind every run and step. */
export class Runner {
  constructor(
    readonly target: DebugTarget,
    private readonly breakpoints: BreakpointTable,
    private readonly judge: StopJudge,
    private readonly host: RunnerHost,
  ) {}

  /** Runs until something wants a stop. What `run` holds back is let go again. */
  async run(run: Run): Promise<StopReason> {
    const goals = new GoalBoard(this.breakpoints, run.goals, run.anyGoal);
    const held: Held = {
      others: run.members ? this.holdOthers(run.members) : [],
      arrived: [],
    };
    try {
      return await this.until(run, goals, held);
    } finally {
      goals.withdraw();
      this.letGo([...held.others, ...held.arrived]);
    }
  }

  /** One instruction of one hart, at once; undefined when nothing wants a stop. */
  advance(hart: Hart): StopReason | undefined {
    const before = hart.state.instret;
    // What lies at the instruction comes without progress.
    for (let tries = 0; tries < MOST_TRIES && hart.state.instret === before; tries++) {
      const stop = this.target.run(1, false, hart);
      if (stop.kind === 'waiting') return undefined;
      const reason = this.stopped(stop, NO_GOALS, { others: [], arrived: [] });
      if (reason ?? hart.ended) return reason;
    }
    return undefined;
  }

  private async until(run: Run, goals: GoalBoard, held: Held): Promise<StopReason> {
    const { only, members, reached, budget = Infinity } = run;
    const end = (only?.state.instret ?? 0) + budget;
    let looked = performance.now();
    const safepoint = async (): Promise<void> => {
      await this.host.safepoint();
      looked = performance.now();
    };
    for (;;) {
      const barrier = this.judge.completeBarrier();
      if (barrier) return barrier;
      const left = only ? end - only.state.instret : Infinity;
      if (left <= 0 || reached?.() === true || isOver(run) || goals.done) return STEP;
      const helping = waitsForHarts(only);
      let stop = helping
        ? this.help(only)
        : this.timedRun(Math.min(this.host.quantum ?? QUANTUM, left), only);
      if (stop.kind === 'waiting' && only) stop = this.letOthersRun(only, stop);
      if (stop.kind === 'waiting' && members?.some(waitsByItself)) stop = this.helpAll(held, stop);
      if (stop.kind === 'fuel') await safepoint();
      else if (stop.kind === 'waiting') {
        const stuck = this.stuck(run, held);
        if (stuck) return stuck;
        // A wait for other harts that has just begun or ended needs no waking.
        const settled = isOver(run) || helping !== waitsForHarts(only);
        if (!settled && reached?.() !== true) await this.host.wake(stop.reason, stop.deadline);
      } else {
        const reason = this.stopped(stop, goals, held);
        if (reason) return reason;
        if (performance.now() - looked >= MOST_MS) await safepoint();
      }
      if (this.host.pauseWanted()) return { kind: 'pause' };
    }
  }

  private timedRun(quantum: number, only: Hart | undefined): MachineStop {
    const { target } = this;
    const before = target.instructions;
    const begun = performance.now();
    const stop = target.run(quantum, false, only);
    this.host.ran(target.instructions - before, performance.now() - begun);
    return stop;
  }

  /** Nothing runs: the last one that a barrier point waited for has ended, or it is the debugger's doing. */
  private stuck({ only, members }: Run, { arrived }: Held): StopReason | undefined {
    const barrier = this.judge.completeBarrier();
    if (barrier) return barrier;
    const goesOn = (hart: Hart): boolean => !arrived.includes(hart);
    const moved = (only ? [only] : members)?.filter(goesOn);
    const { isAtBarrier } = this.judge;
    const harts = this.target.liveHarts.filter(goesOn);
    const message = blockage({ harts, isAtBarrier, ...(moved && { moved }) });
    return message === undefined ? undefined : { kind: 'blocked', message };
  }

  /** Whether anybody wants a stop here; undefined: go on. */
  private stopped(first: MachineStop, goals: Goals, held: Held): StopReason | undefined {
    for (let stop = first; stop.kind !== 'fuel' && stop.kind !== 'waiting';) {
      const { current } = this.target;
      const wasShown = this.judge.wasShown(current);
      const verdict = this.judge.judge(stop);
      if (typeof verdict !== 'string') return verdict;
      if (verdict === 'on') return undefined;
      let arrival = goals.arrived(current, wasShown);
      for (let turns = 0; arrival === 'next' && turns < MOST_TRIES; turns++) {
        if (goals.left(current)) arrival = 'done';
        else arrival = goals.arrived(current, false);
      }
      if (arrival === 'done') return this.arrive(current, goals, held);
      stop = this.target.run(1, true, current);
      if (arrival === 'leave' && stop.kind === 'fuel' && goals.left(current)) {
        return this.arrive(current, goals, held);
      }
    }
    return undefined;
  }

  /** A hart is where it wanted to be: it stands still until the others are. */
  private arrive(hart: Hart, goals: Goals, held: Held): StopReason | undefined {
    goals.reached(hart);
    if (goals.done) return STEP;
    hart.held = true;
    held.arrived.push(hart);
    return undefined;
  }

  /** Keeps all harts but these from running; those that a user holds already are not touched. */
  private holdOthers(members: readonly Hart[]): Hart[] {
    const others = this.target.liveHarts.filter((hart) => !members.includes(hart) && !hart.held);
    for (const hart of others) hart.held = true;
    return others;
  }

  /** What a run kept from running may run again; at a barrier point the harts still stand. */
  private letGo(harts: readonly Hart[]): void {
    for (const hart of harts) hart.held = this.judge.isAtBarrier(hart);
  }

  /** A run's hart waits for others: they run a little, and when its wait is over it has done its call and stands there. */
  private help(only: Hart): MachineStop {
    only.held = true;
    const stop = this.timedRun(HELP_QUANTUM, undefined);
    this.letGo([only]);
    return stop;
  }

  /** The members wait: those that were kept back run a little, since they may be waited for. */
  private helpAll({ others }: Held, wait: MachineStop & { kind: 'waiting' }): MachineStop {
    const before = this.target.instructions;
    this.letGo(others);
    const stop = this.target.run(HELP_QUANTUM);
    this.target.halt();
    for (const hart of others) hart.held = true;
    if (stop.kind !== 'waiting') return stop;
    return this.target.instructions > before ? { kind: 'fuel' } : wait;
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
      const stop = this.target.run(HELP_QUANTUM, false, hart);
      if (stop.kind !== 'fuel' && stop.kind !== 'waiting') return stop;
      if (stop.kind === 'waiting') deadline = Math.min(deadline, stop.deadline ?? Infinity);
      ran ||= hart.ended || hart.state.instret > before;
    }
    if (ran) return { kind: 'fuel' };
    return deadline < Infinity ? { ...wait, deadline } : wait;
  }
}

/** The harts that a run is about have come to their end: nothing of them is left to run or to wait for. */
function isOver({ only, members }: Run): boolean {
  if (only) return only.ended;
  return members !== undefined && members.every(({ ended }) => ended);
}

/** A hart that waits for what other harts do: they run for it. */
const waitsForHarts = (hart: Hart | undefined): hart is Hart => hart?.waiting?.ready !== undefined;

/** A hart that waits, and would not run on as it is. */
const waitsByItself = ({ ended, waiting }: Hart): boolean => !ended && waiting !== undefined;
