import { HART } from '../memory/layout';
import type { Hart } from '../multiprocess/hart';
import type { Barriers } from './barriers';
import type { HartNames } from './hart-names';
import { locate } from './location';
import type { Lockstep } from './lockstep';
import type { EndedVcpu, HartId, HartInfo, MachineState, StopReason } from './protocol';
import { functionsOf } from './scope';
import type { DebugTarget } from './target';

/** Numbers of programs in the order in which they were first seen; 0 is the one that was opened. */
export class ProgramNumbers {
  private readonly numbers = new WeakMap<object, number>();
  private next = 0;

  numberOf(program: object): number {
    let number = this.numbers.get(program);
    if (number === undefined) this.numbers.set(program, (number = this.next++));
    return number;
  }
}

/** What run control knows beside the machine. */
export interface RunFacts {
  readonly sequence: number;
  readonly isRunning: boolean;
  readonly stop: StopReason | undefined;
  readonly stopHart: Hart | undefined;
  readonly endedVcpus: readonly EndedVcpu[];
  readonly mips: number | undefined;
  /** What the whole machine waits for. */
  readonly waitsFor: string | undefined;
  readonly lockstep: Lockstep;
  readonly names: HartNames;
  readonly barriers: Barriers;
  readonly programs: ProgramNumbers;
}

/** The state of a machine at this instant, for its clients. */
export function machineState(target: DebugTarget, facts: RunFacts): MachineState {
  const { isRunning, stop, stopHart, mips } = facts;
  // Where harts are changes all the time while they run.
  const groups = isRunning ? new Map<Hart, HartId>() : facts.lockstep.groups(target.liveHarts);
  const diverged = isRunning ? new Set<Hart>() : facts.lockstep.diverged();
  const processes = target.processList();
  const several = processes.length > 1;
  const { translatedInstructions } = target.engineStatistics;
  return {
    sequence: facts.sequence,
    running: isRunning,
    ...(stop && { stop }),
    ...(stopHart && { stopHart: stopHart.index }),
    harts: target.liveHarts.map((hart) => {
      const group = groups.get(hart);
      const program = facts.programs.numberOf(target.programOf(hart));
      return {
        ...hartInfo(target, hart, facts),
        ...(group !== undefined && { group }),
        ...(diverged.has(hart) && { diverged: true }),
        ...(several && { pid: hart.owner.pid }),
        ...(program > 0 && { program }),
      };
    }),
    endedVcpus: facts.endedVcpus,
    ...(several && { processes }),
    ...(isRunning && mips !== undefined && { mips }),
    instructions: target.instructions,
    ...(translatedInstructions > 0 && { translatedInstructions }),
    residentBytes: target.residentBytes,
  };
}

/** Who runs a hart, or ran it last. */
function placeOf({ process, state }: Hart): Pick<HartInfo, 'thread' | 'process'> {
  if (process !== undefined) return { process };
  const thread = state.field(HART.thread);
  return thread === 0 ? {} : { thread };
}

function hartInfo(
  target: DebugTarget,
  hart: Hart,
  { isRunning, stop, waitsFor: all, names, barriers }: RunFacts,
): HartInfo {
  const { index, state, vcpu, frozen } = hart;
  // While the machine runs, what its harts wait for shows; a stopped machine's harts are stopped.
  const held = hart.stopped ? 'SIGCONT' : hart.waiting?.reason;
  const waitsFor = isRunning ? (held ?? all) : undefined;
  const active = waitsFor === undefined ? 'running' : 'waiting';
  const ended = stop?.kind === 'exited' || stop?.kind === 'killed';
  const name = names.nameOf(hart);
  const heldAt = barriers.of(hart);
  return {
    id: index,
    state: ended || hart.ended ? 'ended' : isRunning ? active : 'stopped',
    location: locate(functionsOf(target, hart), state.pc),
    instructions: state.instret,
    ...(waitsFor !== undefined && { waitsFor }),
    ...placeOf(hart),
    ...(vcpu && { task: { id: vcpu.task.id, mode: vcpu.task.mode, vcpu: vcpu.id } }),
    ...(name !== undefined && { name }),
    ...(names.isPinned(hart) && { pinned: true }),
    ...(frozen && { frozen }),
    ...(heldAt !== undefined && { heldAt }),
  };
}
