import type { Trace, TraceCounter, TraceSpan, TraceTrack } from './formats/perfetto';
import type { LaneRecord, LaunchRecord, Moment } from './launch-recorder';
import { BORROWS, launchIn } from './launch-view';
import type { Lane, LaunchUnit } from './launch';

const PROCESS = 1;
const TASKS = 2;
const COUNTERS = { running: 3, borrowed: 4, speed: 5 } as const;
/** Tracks of harts come after those above. */
const FIRST_HART = 16;
const SECOND = 1e9;

interface Growing extends TraceSpan {
  readonly flows: number[];
}

/**
 * Launches as a Perfetto trace: a track for each hart, spans of what it did, arrows from forks to starts, from lenders to
 * borrowers and from ends to joins; how many harts run, pages that are borrowed, instructions in a second.
 * In instructions a unit of the trace's nanoseconds is an instruction.
 * @param nameOf what an address is called
 */
export function launchTrace(
  program: string,
  launches: readonly LaunchRecord[],
  unit: LaunchUnit,
  nameOf: (address: number) => string,
): Trace {
  const placeOf = ({ time, clock }: Moment): number => (unit === 'time' ? time : clock);
  const harts = new Map<number, Growing[]>();
  const tasks: TraceSpan[] = [];
  const joins: (() => void)[] = [];
  let flow = 0;
  for (const record of launches) {
    const launch = launchIn(record, unit);
    tasks.push({
      track: TASKS,
      name: `task ${record.task}`,
      category: 'task',
      start: launch.start,
      end: launch.end,
      notes: { vCPUs: launch.vcpus.length, at: nameOf(record.pc) },
    });
    const addLane = (lane: Lane): Growing[] => add(harts, lane, record.task);
    const caller = addLane(launch.caller);
    launch.vcpus.forEach((lane, i) => {
      const spans = addLane(lane);
      const connect = (from: Growing | undefined, to: Growing | undefined): void => {
        if (!from || !to) return;
        flow += 1;
        from.flows.push(flow);
        to.flows.push(flow);
      };
      joins.push(() => {
        connect(spanAt(caller, launch.start), spans[0]);
        connect(
          spans.findLast(({ category }) => category !== 'idle'),
          caller.at(-1),
        );
        for (const { kind, at } of record.vcpus[i]?.faults ?? []) {
          if (!BORROWS.includes(kind)) continue;
          connect(spanAt(caller, placeOf(at)), spanAt(spans, placeOf(at)));
        }
      });
    });
  }
  for (const join of joins) join();
  return {
    tracks: tracksOf(program, [...harts.keys()], unit),
    spans: [...nested(tasks), ...[...harts.values()].flat()],
    counters: countersOf(launches, unit, placeOf),
  };
}

function tracksOf(program: string, harts: readonly number[], unit: LaunchUnit): TraceTrack[] {
  const parent = PROCESS;
  const speed = { id: COUNTERS.speed, name: 'instructions/s', kind: 'counter', parent } as const;
  return [
    { id: PROCESS, name: program, kind: 'process' },
    { id: TASKS, name: 'tasks', kind: 'hart', parent },
    { id: COUNTERS.running, name: 'harts that run', kind: 'counter', parent },
    { id: COUNTERS.borrowed, name: 'pages on loan', kind: 'counter', parent },
    ...(unit === 'time' ? [speed] : []),
    ...[...harts]
      .sort((a, b) => a - b)
      .map((hart): TraceTrack => {
        const name = hart === 0 ? 'hart 0: main' : `hart ${hart}`;
        return { id: FIRST_HART + hart, name, kind: 'hart', parent };
      }),
  ];
}

/** Adds a lane's spans to its hart's, but for what an overlapping launch of the same caller has brought already. */
function add(harts: Map<number, Growing[]>, lane: Lane, task: number): Growing[] {
  const known = harts.get(lane.hart) ?? [];
  harts.set(lane.hart, known);
  const until = known.at(-1)?.end ?? -Infinity;
  for (const { kind, start, end } of lane.spans) {
    if (end <= until) continue;
    known.push({
      track: FIRST_HART + lane.hart,
      name: kind,
      category: kind,
      start: Math.max(start, until),
      end,
      flows: [],
      notes: lane.vcpu === 0 ? {} : { task, vCPU: lane.vcpu },
    });
  }
  const { spans } = lane;
  const [first, last] = [spans[0]?.start ?? 0, spans.at(-1)?.end ?? 0];
  return known.filter(({ start, end }) => end > first && start < last);
}

/** The span that something falls into, or begins with. */
function spanAt(spans: readonly Growing[], at: number): Growing | undefined {
  return spans.find(({ start, end }) => start <= at && at <= end);
}

/** Spans of one track must be nested or apart: what reaches beyond an earlier one is cut off there. */
function nested(spans: readonly TraceSpan[]): TraceSpan[] {
  const open: number[] = [];
  return [...spans]
    .sort((a, b) => a.start - b.start || b.end - a.end)
    .map((span) => {
      while (open.length > 0 && (open.at(-1) ?? 0) <= span.start) open.pop();
      const end = Math.min(span.end, open.at(-1) ?? Infinity);
      open.push(end);
      return { ...span, end };
    });
}

/** What changes at a moment, by so much. */
interface Change {
  readonly at: number;
  readonly by: number;
}

function countersOf(
  launches: readonly LaunchRecord[],
  unit: LaunchUnit,
  placeOf: (moment: Moment) => number,
): TraceCounter[] {
  const running: Change[] = [];
  const borrowed: Change[] = [];
  const speed: Change[] = [];
  const lane = ({ stretches }: LaneRecord): void => {
    for (const { kind, from, to } of stretches) {
      if (kind !== 'run') continue;
      running.push({ at: placeOf(from), by: 1 }, { at: placeOf(to), by: -1 });
      if (unit === 'instructions' || to.time === from.time) continue;
      const rate = (SECOND * (to.clock - from.clock)) / (to.time - from.time);
      speed.push({ at: from.time, by: rate }, { at: to.time, by: -rate });
    }
  };
  const seen = new Set<LaneRecord['stretches'][number]>();
  for (const { caller, vcpus, end } of launches) {
    // A caller's stretches are in each of its launches that overlap.
    const own = caller.stretches.filter((stretch) => !seen.has(stretch));
    for (const stretch of own) seen.add(stretch);
    lane({ ...caller, stretches: own });
    for (const vcpu of vcpus) {
      lane(vcpu);
      const loans = vcpu.faults.filter(({ kind }) => BORROWS.includes(kind));
      for (const { at } of loans) borrowed.push({ at: placeOf(at), by: 1 });
      if (loans.length > 0) borrowed.push({ at: placeOf(end), by: -loans.length });
    }
  }
  return [
    ...counter(COUNTERS.running, running),
    ...counter(COUNTERS.borrowed, borrowed),
    ...counter(COUNTERS.speed, speed),
  ];
}

/** The sums of changes over time, one for each moment. */
function counter(track: number, changes: Change[]): TraceCounter[] {
  const counters: TraceCounter[] = [];
  let value = 0;
  changes.sort((a, b) => a.at - b.at);
  changes.forEach(({ at, by }, i) => {
    value += by;
    if (changes[i + 1]?.at === at) return;
    counters.push({ track, time: at, value: Math.max(0, Math.round(value)) });
  });
  return counters;
}
