import type { Hart } from '../multiprocess/hart';
import { Barriers } from './barriers';
import type { BreakpointTable } from './breakpoints';
import type { EndedVcpus } from './ended-vcpus';
import { HartNames } from './hart-names';
import type { LineGoals } from './line-goals';
import { groupOf, Lockstep } from './lockstep';
import { machineState, ProgramNumbers } from './machine-state';
import type { OutputBatch } from './output-batch';
import type { HartId, HartMarks, MachineState, StopReason, Width } from './protocol';
import { Runner } from './runner';
import type { SessionHost } from './session-host';
import { SpeedMeter } from './speed-meter';
import { Stepping, type Outcome } from './stepping';
import { StopJudge } from './stop-judge';
import type { DebugTarget } from './target';
import { Visits } from './visits';
import type { WakeUp } from './wake-up';
import type { WriteTracking } from './write-tracking';

/** How often the state of a running machine is reported. */
const REPORT_MILLISECONDS = 100;

/** What run control needs of the session. */
export interface RunParts {
  readonly host: SessionHost;
  readonly breakpoints: BreakpointTable;
  readonly endedVcpus: EndedVcpus;
  readonly output: OutputBatch;
  readonly wakeUp: WakeUp;
  readonly lines: LineGoals;
  /** Takes over the events of the slice that has just been run. */
  readonly collect: () => void;
  /** Is told when runs begin, and how long they take. */
  readonly tracking: Pick<WriteTracking, 'starts' | 'ran'>;
  /** Is told when the guest stands still or waits, and when it goes on. */
  readonly sampling: {
    /** Instructions between two looks, at most [as many as usual]. */
    readonly quantum: number | undefined;
    pause(): void;
    resume(): void;
  };
  /** A run has ended, before the client is told. */
  readonly stopped: () => void;
}

/** Lets the open program's harts run and stop, and knows which of them do. */
export class RunControl {
  readonly lockstep = new Lockstep();
  readonly names = new HartNames();
  readonly barriers = new Barriers();
  private readonly programs = new ProgramNumbers();
  /** Number of the vCPU that a step into a task's start goes on with, 0 = none. */
  follow = 1;
  private readonly visits = new Visits();
  private running: Promise<void> | undefined;
  private stop: StopReason | undefined;
  private stopHart: Hart | undefined;
  private sequence = 0;
  private waitsFor: string | undefined;
  private pauseWanted = false;
  private meter = new SpeedMeter();
  private reported = 0;
  /** The breakpoints when the run began, as text. */
  private breakpointsBefore = '';

  constructor(
    private readonly target: DebugTarget,
    private readonly parts: RunParts,
    /** Where the counting of states goes on. */
    sequence = 0,
  ) {
    this.sequence = sequence;
  }

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** Done when the run in progress is. */
  get finished(): Promise<void> {
    return this.running ?? Promise.resolve();
  }

  /** The program stands at its entry. */
  enter(): void {
    this.stop = { kind: 'entry' };
    this.settle();
    this.report();
  }

  async pause(): Promise<void> {
    const { host, wakeUp } = this.parts;
    if (!this.running) {
      host.clearPause();
      return;
    }
    this.pauseWanted = true;
    wakeUp.wake();
    await this.running;
  }

  /** @throws Error when the machine is running */
  mustStand(): void {
    if (this.running) throw new Error('The machine is running: pause it first.');
  }

  /** @throws Error when there is no such hart */
  hart(id: HartId): Hart {
    const hart = this.target.liveHarts.find(({ index }) => index === id);
    if (!hart) throw new Error(`There is no hart ${id}.`);
    return hart;
  }

  /**
   * The harts that a command about one moves; of all harts one that waits stays, or the others would have to
   * run until it need not.
   * @throws Error when that one is frozen
   */
  members(hart: Hart, width: Width): Hart[] {
    mustMove(hart);
    const harts = this.target.liveHarts;
    if (width === 'hart') return [hart];
    const wide =
      width === 'group'
        ? groupOf(hart, harts)
        : harts.filter((each) => each === hart || each.waiting === undefined);
    return wide.filter(({ frozen }) => !frozen);
  }

  /**
   * The harts of the last group that can come together with one of them: that one alone when it was in none.
   * @throws Error when that one is frozen
   */
  membersTogether(hart: Hart): Hart[] {
    mustMove(hart);
    return this.lockstep.membersWith(hart).filter(({ frozen }) => !frozen);
  }

  /**
   * Moves one hart, its group, or all.
   * @param go the command
   * @param reached what it is called when it has come to its end
   */
  move(
    id: HartId,
    width: Width,
    go: (stepping: Stepping, hart: Hart, members: Hart[]) => Promise<Outcome>,
    reached?: StopReason,
  ): void {
    this.mustStand();
    const hart = this.hart(id);
    const members = this.members(hart, width);
    for (const member of members) this.barriers.release(member);
    if (width !== 'hart') this.lockstep.command(members);
    this.start((stepping) => go(stepping, hart, members), members, reached);
  }

  /**
   * Starts a command; it goes on after this has returned.
   * @param members harts that are shown where they end up
   */
  start(
    go: (stepping: Stepping) => Promise<Outcome>,
    members: readonly Hart[] = [],
    reached?: StopReason,
  ): void {
    this.mustStand();
    if (this.stop?.kind === 'exited' || this.stop?.kind === 'killed') {
      throw new Error('The program has ended: restart it to run it again.');
    }
    this.pauseWanted = false;
    this.parts.host.clearPause();
    this.stop = this.stopHart = undefined;
    this.parts.endedVcpus.forgetJoined();
    this.meter = new SpeedMeter();
    this.parts.tracking.starts();
    this.parts.sampling.resume();
    this.breakpointsBefore = JSON.stringify(this.parts.breakpoints.list());
    this.running = this.runToStop(go, members, reached);
    this.report();
  }

  /** @throws Error when the hart does not exist */
  mark(id: HartId, { name, pinned, frozen }: HartMarks): void {
    const hart = this.hart(id);
    if (name !== undefined) this.names.rename(hart, name);
    if (pinned !== undefined) this.names.pin(hart, pinned);
    if (frozen !== undefined) {
      // It may be on another thread just now.
      this.target.halt();
      hart.frozen = frozen;
      if (!frozen) this.barriers.release(hart);
    }
    this.report();
  }

  /** Ends a hart; where it was the last that others waited for at a barrier point, these have all come. */
  kill(id: HartId): void {
    this.mustStand();
    this.target.endHart(this.hart(id));
    const { liveHarts } = this.target;
    const barrier = this.barriers.complete(liveHarts, (each) =>
      this.parts.breakpoints.barrier(each),
    );
    if (barrier) {
      this.stop = barrier;
      this.stopHart = this.hart(barrier.harts[0]);
    }
    this.report();
  }

  report(): void {
    this.reported = performance.now();
    this.sequence += 1;
    this.parts.host.events.stateChanged(this.state());
  }

  state(): MachineState {
    const { target, stop, lockstep, names, barriers, programs } = this;
    const isRunning = this.isRunning;
    return machineState(target, {
      sequence: this.sequence,
      isRunning,
      stop,
      stopHart: stop && (this.stopHart ?? target.current),
      endedVcpus: this.parts.endedVcpus.list(),
      mips: this.meter.mips,
      waitsFor: this.waitsFor,
      lockstep,
      names,
      barriers,
      programs,
    });
  }

  private async runToStop(
    go: (stepping: Stepping) => Promise<Outcome>,
    members: readonly Hart[],
    reached: StopReason | undefined,
  ): Promise<void> {
    // The request is answered before the guest takes the thread.
    await Promise.resolve();
    const { host, output, breakpoints } = this.parts;
    try {
      const { stop, hart } = await go(this.stepping());
      this.stop = stop.kind === 'step' && reached ? reached : stop;
      this.stopHart = hart?.ended === true ? undefined : hart;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      host.events.message(`The machine stopped on an internal error: ${text}`, 'error');
      this.stop = { kind: 'pause' };
    }
    this.target.halt();
    this.parts.sampling.pause();
    if (this.stop.kind === 'step') for (const hart of members) this.visits.note(hart, 'shown');
    this.settle();
    this.parts.stopped();
    if ('id' in this.stop) breakpoints.stopped(this.stop.id);
    this.running = undefined;
    this.pauseWanted = false;
    host.clearPause();
    output.flush();
    this.tellBreakpoints();
    this.report();
  }

  /** What a stop has changed of the breakpoints: hits, and temporary ones that are gone. Most stops change nothing. */
  private tellBreakpoints(): void {
    const { host, breakpoints } = this.parts;
    const list = breakpoints.list();
    if (JSON.stringify(list) !== this.breakpointsBefore) host.events.breakpointsChanged(list);
  }

  /** All harts are shown where they stand; where one has come to a breakpoint unseen, that is still to come. */
  private settle(): void {
    for (const hart of this.target.liveHarts) {
      if (!this.parts.breakpoints.liesAt(hart)) this.visits.note(hart, 'shown');
    }
  }

  private stepping(): Stepping {
    const { target, barriers, visits } = this;
    const { host, breakpoints, sampling } = this.parts;
    const note = (text: string): void => host.events.message(text, 'warning');
    const judge = new StopJudge(target, breakpoints, barriers, visits, note);
    const safepoint = (): Promise<void> => this.safepoint();
    const pauseWanted = (): boolean => this.pauseWanted || host.pauseRequested();
    const wake = (reason: string, deadline: number | undefined): Promise<void> =>
      this.wait(reason, deadline);
    const runner = new Runner(target, breakpoints, judge, {
      safepoint,
      pauseWanted,
      wake,
      get quantum() {
        return sampling.quantum;
      },
      ran: (instructions, milliseconds) => this.parts.tracking.ran(instructions, milliseconds),
    });
    return new Stepping(runner, safepoint, pauseWanted, this.follow, this.parts.lines);
  }

  private async safepoint(): Promise<void> {
    const { host, output, sampling } = this.parts;
    this.parts.collect();
    sampling.pause();
    const now = performance.now();
    if (now - this.reported >= REPORT_MILLISECONDS) {
      this.meter.sample(now, this.target.instructions);
      output.flush();
      this.report();
    }
    await host.safepoint();
    const rest = output.rest(now);
    if (rest > 0) {
      output.flush();
      await new Promise((resolve) => setTimeout(resolve, rest));
    }
    sampling.resume();
  }

  private async wait(reason: string, deadline: number | undefined): Promise<void> {
    const { host, output, wakeUp, sampling } = this.parts;
    output.flush();
    this.waitsFor = reason;
    this.report();
    sampling.pause();
    await wakeUp.wait(deadline === undefined ? undefined : deadline - this.target.now());
    sampling.resume();
    this.waitsFor = undefined;
    await host.safepoint();
  }
}

function mustMove({ index, frozen }: Hart): void {
  if (frozen) throw new Error(`Hart ${index} is frozen: thaw it first.`);
}
