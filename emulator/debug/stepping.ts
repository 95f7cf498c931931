import type { Hart } from '../multiprocess/hart';
import { callTarget, isAtCall } from './fetch';
import { forkFunctions, isForkFunction, runTo, runToReturn, stepOver, type Goal } from './goals';
import { areTogether, behind } from './lockstep';
import type { LineGoals } from './line-goals';
import type { StopReason } from './protocol';
import { functionsOf } from './scope';
import type { Run, Runner } from './runner';

/** How a command has ended, and the hart that it is about when that is not the one that ran last. */
export interface Outcome {
  readonly stop: StopReason;
  readonly hart?: Hart;
}

/** Instructions from the entry of a function that starts vCPUs to behind its ecall, at most. */
const MOST_STEPS_TO_FORK = 500;
/** Instructions between two looks at whether the user wants a pause. */
const STEPS_BETWEEN_SAFEPOINTS = 2000;

const STEP: StopReason = { kind: 'step' };

/** The commands that move harts: each moves its members, while all others stand still. */
export class Stepping {
  /** @param follow number of the vCPU that a step into a task's start goes on with, 0 = none */
  constructor(
    private readonly runner: Runner,
    private readonly safepoint: () => Promise<void>,
    private readonly pauseWanted: () => boolean,
    private readonly follow: number,
    private readonly lines: LineGoals,
  ) {}

  private get target(): Runner['target'] {
    return this.runner.target;
  }

  /** @param members undefined: all harts, also those that begin meanwhile */
  async run(members?: readonly Hart[]): Promise<Outcome> {
    return { stop: await this.runner.run(members ? { members } : {}) };
  }

  /** One instruction of each; the focused one first. */
  async instruction(hart: Hart, members: readonly Hart[]): Promise<Outcome> {
    const first = await this.into(hart);
    if (first.stop.kind !== 'step') return first;
    for (const member of members) {
      if (member === hart || member.ended) continue;
      const stop = await this.runner.run({ budget: 1, only: member });
      if (stop.kind !== 'step') return { stop };
    }
    return { stop: STEP, hart };
  }

  /** Over calls. What starts vCPUs is over as soon as they are there. */
  over(hart: Hart, members: readonly Hart[]): Promise<Outcome> {
    const goals = new Map(members.map((member) => [member, stepOver(member)]));
    if ([...goals.values()].some((goal) => goal === undefined)) {
      // Harts at one place stand at the same instruction; of several places each goes its own way.
      return this.mixed(hart, members, goals);
    }
    return this.toGoals(hart, members, goals as Map<Hart, Goal>, this.forksAt(hart));
  }

  out(hart: Hart, members: readonly Hart[]): Promise<Outcome> {
    const goals = goalsOf(members, (each) => this.lines.out(each));
    return this.toGoals(hart, members, goals);
  }

  /** To another source line, over what it calls. */
  overLine(hart: Hart, members: readonly Hart[]): Promise<Outcome> {
    const goals = goalsOf(members, (each) => this.lines.step(each, false));
    return this.toGoals(hart, members, goals, this.forksFrom(hart));
  }

  /** To another source line, or the first of a function that is called. Follows a vCPU where it starts some. */
  async intoLine(hart: Hart, members: readonly Hart[]): Promise<Outcome> {
    const goals = goalsOf(members, (each) => this.lines.step(each, true));
    const started = this.startsTask();
    const reached = (): boolean => this.follow > 0 && started();
    const outcome = await this.toGoals(hart, members, goals, reached);
    return outcome.stop.kind === 'step' ? this.followed(hart, started) : outcome;
  }

  /** To where the function returns. */
  toReturn(hart: Hart, members: readonly Hart[]): Promise<Outcome> {
    return this.toGoals(
      hart,
      members,
      goalsOf(members, (each) => runToReturn(each, functionsOf(this.target, each))),
    );
  }

  /** To any of the addresses. */
  to(addresses: readonly number[], hart: Hart, members: readonly Hart[]): Promise<Outcome> {
    return this.toGoals(
      hart,
      members,
      goalsOf(members, () => runTo(addresses)),
    );
  }

  /** All harts to a function that starts vCPUs, then its caller alone to where they are there. */
  async toFork(): Promise<Outcome> {
    const functions = forkFunctions(this.target.symbols);
    const goal: Goal = { addresses: functions, arrived: () => 'done' };
    const stop = await this.runner.run({ anyGoal: goal });
    const { current } = this.target;
    if (stop.kind !== 'step' && !functions.includes(current.state.pc)) return { stop };
    const reached = this.startsTask();
    for (let steps = 0; steps < MOST_STEPS_TO_FORK && !reached(); steps++) {
      const step = await this.runner.run({ budget: 1, only: current, reached });
      if (step.kind !== 'step') return { stop: step };
    }
    return { stop: STEP, hart: current };
  }

  /** Members that have parted, until all are at one place. */
  async together(hart: Hart, members: readonly Hart[]): Promise<Outcome> {
    for (let steps = 1; ; steps++) {
      const living = members.filter(({ ended }) => !ended);
      if (areTogether(living)) return { stop: STEP, hart: hart.ended ? living[0] : hart };
      const next = behind(living.filter(({ runnable }) => runnable));
      if (!next) {
        return {
          stop: { kind: 'blocked', message: `They wait at different places: ${waits(living)}.` },
        };
      }
      const stop = this.runner.advance(next);
      if (stop) return { stop };
      if (steps % STEPS_BETWEEN_SAFEPOINTS === 0) await this.safepoint();
      if (this.pauseWanted()) return { stop: { kind: 'pause' } };
    }
  }

  /** One instruction, following a vCPU where it starts some. */
  private async into(hart: Hart): Promise<Outcome> {
    const started = isAtCall(hart) ? this.startsTask() : undefined;
    const stop = await this.runner.run({
      budget: 1,
      only: hart,
      ...(started && { reached: started }),
    });
    return stop.kind === 'step' && started ? this.followed(hart, started) : { stop, hart };
  }

  /** The vCPU that is to be followed, if a task has been started. */
  private followed(hart: Hart, started: () => boolean): Outcome {
    const stop = STEP;
    if (!started()) return { stop, hart };
    const task = this.target.tasks.list().at(-1);
    const vcpu = task?.vcpus.find(({ id }) => id === this.follow)?.hart;
    if (!task || !vcpu || vcpu.ended) return { stop, hart };
    return { stop: { kind: 'fork', task: task.id, vcpus: task.vcpus.length }, hart: vcpu };
  }

  /** Those that stand at a call go over it, the others one instruction. */
  private async mixed(
    hart: Hart,
    members: readonly Hart[],
    goals: ReadonlyMap<Hart, Goal | undefined>,
  ): Promise<Outcome> {
    for (const member of [hart, ...members.filter((each) => each !== hart)]) {
      if (member.ended || goals.get(member)) continue;
      const reached = isAtCall(member) ? this.startsTask() : undefined;
      const stop = await this.runner.run({ budget: 1, only: member, ...(reached && { reached }) });
      if (stop.kind !== 'step') return { stop };
    }
    const calls = new Map([...goals].flatMap(([each, goal]) => (goal ? [[each, goal]] : [])));
    if (calls.size === 0) return { stop: STEP, hart };
    return this.toGoals(hart, [...calls.keys()], calls);
  }

  private async toGoals(
    hart: Hart,
    members: readonly Hart[],
    goals: ReadonlyMap<Hart, Goal>,
    reached?: () => boolean,
  ): Promise<Outcome> {
    const run: Run = members.length === 1 ? { only: members[0], goals } : { members, goals };
    const stop = await this.runner.run({ ...run, ...(reached && { reached }) });
    return stop.kind === 'step' ? { stop, hart } : { stop };
  }

  /** Whether a call that starts vCPUs has done so and waits for them now. */
  private forksAt(hart: Hart): (() => boolean) | undefined {
    const callee = callTarget(hart);
    const place =
      callee === undefined ? undefined : functionsOf(this.target, hart).functionAt(callee);
    if (place?.offset !== 0 || !isForkFunction(place.symbol.name)) return undefined;
    const started = this.startsTask();
    return () => hart.waiting?.ready !== undefined && started();
  }

  /** Whether a function that starts vCPUs, which the hart is in or has called, waits for them. */
  private forksFrom(hart: Hart): () => boolean {
    const started = this.startsTask();
    const cfa = this.lines.cfa(hart);
    return () => {
      if (!hart.waiting?.ready || !started()) return false;
      const place = functionsOf(this.target, hart).functionAt(hart.state.pc);
      return isForkFunction(place?.symbol.name ?? '') && this.lines.isWithin(hart, cfa);
    };
  }

  /** Whether a task has been started since now. */
  private startsTask(): () => boolean {
    const newest = (): number => this.target.tasks.list().at(-1)?.id ?? 0;
    const before = newest();
    return () => newest() > before;
  }
}

function goalsOf(members: readonly Hart[], goal: (hart: Hart) => Goal): Map<Hart, Goal> {
  return new Map(members.map((member) => [member, goal(member)]));
}

const waits = (harts: readonly Hart[]): string =>
  harts.map((hart) => `hart ${hart.index} for ${waitsFor(hart)}`).join(', ');

function waitsFor({ waiting, frozen, held }: Hart): string {
  if (frozen) return 'its thaw';
  return held ? 'others at a barrier point' : (waiting?.reason ?? 'nothing');
}
