/**
 * One `multiprocess` task seen as parallel work: what each vCPU did when, and what that says about how well
 * the work is spread. The measures are those of the POP methodology (Performance Optimisation and
 * Productivity, "POP Standard Metrics for Parallel Performance Analysis").
 */

/**
 * What a lane did during a span:
 *
 * | kind      | meaning                                                             |
 * |-----------|---------------------------------------------------------------------|
 * | `fork`    | the caller makes the vCPUs' address spaces                          |
 * | `start`   | the vCPU is ready and waits for a thread                            |
 * | `run`     | it runs guest code: the only useful one                             |
 * | `loan`    | a fault is served: a page is copied, lent or adopted                |
 * | `wait`    | it waits for a lock, a futex or input                               |
 * | `syscall` | another system call is served                                       |
 * | `idle`    | it has ended, others have not                                       |
 * | `merge`   | the caller joins: statuses, and the bytes of workspaces             |
 */
export type SpanKind = 'fork' | 'start' | 'run' | 'loan' | 'wait' | 'syscall' | 'idle' | 'merge';

/** What lengths are measured in: nanoseconds of host time, or instructions on the harts' logical clocks. */
export type LaunchUnit = 'time' | 'instructions';

/** In whatever unit the launch uses. */
export interface Span {
  readonly kind: SpanKind;
  readonly start: number;
  readonly end: number;
}

export interface Lane {
  readonly hart: number;
  /** The vCPU's number in its task, from 1; 0 for the caller. */
  readonly vcpu: number;
  readonly instructions: number;
  /** In order, without overlaps. */
  readonly spans: readonly Span[];
}

export interface Launch {
  readonly task: number;
  readonly unit: LaunchUnit;
  /** Where the caller entered the call, and where its join was over. */
  readonly start: number;
  readonly end: number;
  readonly caller: Lane;
  readonly vcpus: readonly Lane[];
}

/** A measure between 0 and 1 (speed-up: up to the number of vCPUs), with what it means here. */
export interface Measure {
  readonly name: string;
  readonly value: number;
  readonly sentence: string;
}

export interface LaunchMeasures {
  /** Mean useful ÷ most useful work of a vCPU. */
  readonly loadBalance: Measure;
  /** Most useful work of a vCPU ÷ duration: what fork, faults, locks and join leave. */
  readonly communicationEfficiency: Measure;
  /** Product of both: mean useful work ÷ duration. */
  readonly parallelEfficiency: Measure;
  /** One hart's duration ÷ this one; where no such run is known, all useful work ÷ duration. */
  readonly speedUp: Measure;
  /** Instructions of one hart ÷ those of all vCPUs, where a run with one hart is known. */
  readonly instructionScaling?: Measure;
}

/** From here on an efficiency is called good, as POP does. */
const GOOD = 0.8;
const percent = (value: number): string => `${Math.round(100 * value)} %`;
const sumOf = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0);

/** Time that a lane spent on spans of a kind. */
export const timeIn = ({ spans }: Lane, kind: SpanKind): number =>
  sumOf(spans.filter((span) => span.kind === kind).map(({ start, end }) => end - start));

/** The same work on one hart. */
export interface OneHart {
  readonly instructions: number;
  /** Duration, in the launch's unit. */
  readonly length: number;
}

/**
 * The measures of a launch.
 * @param oneHart what the same work takes on one hart, when a run of it is known
 * @throws Error for a launch without vCPUs
 */
export function measureLaunch(launch: Launch, oneHart?: OneHart): LaunchMeasures {
  const { vcpus, start, end } = launch;
  if (vcpus.length === 0) throw new Error(`task ${launch.task} has no vCPUs to measure`);
  const useful = vcpus.map((lane) => timeIn(lane, 'run'));
  const most = Math.max(...useful);
  const mean = sumOf(useful) / useful.length;
  const duration = end - start;
  const balance = most === 0 ? 1 : mean / most;
  const communication = duration === 0 ? 1 : Math.min(1, most / duration);
  const speedUp = duration === 0 ? 1 : (oneHart?.length ?? sumOf(useful)) / duration;
  const busiest = vcpus[useful.indexOf(most)];
  const instructions = sumOf(vcpus.map((lane) => lane.instructions));
  return {
    loadBalance: {
      name: 'Load balance',
      value: balance,
      sentence:
        balance >= GOOD
          ? `The vCPUs have about the same work: the busiest has ${percent(most / mean - 1)} more than the mean.`
          : `vCPU ${busiest.vcpu} has ${(most / mean).toFixed(1)} times the mean work; the others wait for it.`,
    },
    communicationEfficiency: {
      name: 'Communication efficiency',
      value: communication,
      sentence:
        communication >= GOOD
          ? `${OVERHEAD[launch.unit]} take ${percent(1 - communication)} of the duration.`
          : `Even the busiest vCPU runs only ${percent(communication)} of the duration; ${mainLoss(launch)}.`,
    },
    parallelEfficiency: {
      name: 'Parallel efficiency',
      value: balance * communication,
      sentence: `${percent(balance * communication)} of what ${vcpus.length} vCPUs could do was done.`,
    },
    speedUp: {
      name: 'Speed-up',
      value: speedUp,
      sentence: oneHart
        ? `One hart alone takes ${speedUp.toFixed(1)} times as long.`
        : `One hart alone would need about ${speedUp.toFixed(1)} times as long.`,
    },
    ...(oneHart === undefined || instructions === 0
      ? {}
      : { instructionScaling: scaling(oneHart.instructions / instructions, vcpus.length) }),
  };
}

function scaling(value: number, vcpus: number): Measure {
  const more = 1 / value - 1;
  return {
    name: 'Instruction scaling',
    value,
    sentence:
      Math.abs(more) <= 0.05
        ? `${vcpus} vCPUs retire about as many instructions as one hart.`
        : more < 0
          ? `${vcpus} vCPUs retire ${percent(-more)} fewer instructions than one hart: they do less work.`
          : `${vcpus} vCPUs retire ${percent(more)} more instructions than one hart: work that one hart has not.`,
  };
}

/** What is not useful: on the logical clock only instructions and waits have a length. */
const OVERHEAD: Readonly<Record<LaunchUnit, string>> = {
  time: 'Fork, faults, locks and join',
  instructions: "Waits and the caller's own work",
};

const LOSSES: Readonly<Partial<Record<SpanKind, string>>> = {
  fork: 'forking',
  start: 'waiting for a thread',
  loan: 'faults and loans',
  wait: 'waiting for locks',
  syscall: 'system calls',
  merge: 'joining',
};

/** What takes the most time of all that is not useful. */
function mainLoss(launch: Launch): string {
  const lanes = [launch.caller, ...launch.vcpus];
  const losses = (Object.keys(LOSSES) as SpanKind[]).map(
    (kind) => [kind, sumOf(lanes.map((lane) => timeIn(lane, kind)))] as const,
  );
  const [kind, most] = losses.reduce((worst, each) => (each[1] > worst[1] ? each : worst));
  if (launch.unit === 'instructions' && most === 0) return "the caller's own work is the rest";
  return most === 0 ? 'the task is too small' : `most of the rest is ${LOSSES[kind]}`;
}

/** A piece of the chain of work that decides how long a launch takes. */
export interface CriticalStep extends Span {
  readonly hart: number;
}

/**
 * The critical path: what the caller did until the last vCPU to end had forked, that vCPU's spans, and
 * what the caller did after its end, its wait to be woken included: together as long as the launch. Nothing else would
 * make it shorter. A caller that did not wait is the path.
 */
export function criticalPath({ caller, vcpus }: Launch): CriticalStep[] {
  const steps = (lane: Lane, from: number, to: number): CriticalStep[] =>
    lane.spans
      .filter(({ start, end }) => start < to && end > from)
      .map((span) => ({
        ...span,
        hart: lane.hart,
        start: Math.max(span.start, from),
        end: Math.min(span.end, to),
      }));
  const endOf = (lane: Lane): number =>
    Math.max(-Infinity, ...lane.spans.filter(({ kind }) => kind !== 'idle').map(({ end }) => end));
  const last = vcpus.reduce<Lane | undefined>(
    (latest, lane) => (latest && endOf(latest) >= endOf(lane) ? latest : lane),
    undefined,
  );
  const isAwaited = caller.spans.some(({ kind }) => kind === 'idle' || kind === 'merge');
  if (last === undefined || last.spans.length === 0 || !isAwaited) {
    return steps(caller, -Infinity, Infinity);
  }
  return [
    ...steps(caller, -Infinity, last.spans[0].start),
    ...steps(last, -Infinity, endOf(last)),
    ...steps(caller, endOf(last), Infinity),
  ];
}

/**
 * Amdahl's law for a whole run: the share of the time that no launch covers is serial.
 * @param total duration of the run, in the launches' unit
 */
export function serialShare(launches: readonly Launch[], total: number): Measure {
  let [parallel, until] = [0, -Infinity];
  for (const { start, end } of [...launches].sort((a, b) => a.start - b.start)) {
    parallel += Math.max(0, end - Math.max(start, until));
    until = Math.max(until, end);
  }
  const value = total === 0 ? 1 : Math.max(0, 1 - parallel / total);
  return {
    name: 'Serial share',
    value,
    sentence:
      value === 0
        ? 'All of the run is in tasks: nothing outside limits what more vCPUs gain.'
        : `${percent(value)} of the run is outside of tasks: with any number of vCPUs it gets at most ${(1 / value).toFixed(1)} times as fast.`,
  };
}
