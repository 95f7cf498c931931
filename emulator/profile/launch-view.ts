/** A recorded launch in one unit, and what it says about pages. */
import type { LaneRecord, LaunchRecord, Moment, Stretch } from './launch-recorder';
import type { Lane, Launch, LaunchUnit, Span, SpanKind } from './launch';

/** What takes time on the host, but no instructions of its own: on the logical clock it is work as the rest. */
const HOST_ONLY: readonly SpanKind[] = ['fork', 'start', 'loan', 'syscall'];

/** How a page comes to be borrowed. */
export const BORROWS: readonly string[] = ['loan', 'late-borrow', 'adopt'];

/** The launch with all lengths in one unit. */
export function launchIn(record: LaunchRecord, unit: LaunchUnit): Launch {
  const placeOf = ({ time, clock }: Moment): number => (unit === 'time' ? time : clock);
  const lane = ({ hart, vcpu, instructions, stretches }: LaneRecord): Lane => ({
    hart,
    vcpu,
    instructions,
    spans: spansOf(stretches, unit, placeOf),
  });
  return {
    task: record.task,
    unit,
    start: placeOf(record.begin),
    end: placeOf(record.end),
    caller: lane(record.caller),
    vcpus: record.vcpus.map(lane),
  };
}

function spansOf(
  stretches: readonly Stretch[],
  unit: LaunchUnit,
  placeOf: (moment: Moment) => number,
): Span[] {
  const spans: Span[] = [];
  for (const stretch of stretches) {
    const [start, end] = [placeOf(stretch.from), placeOf(stretch.to)];
    if (start === end) continue;
    const isWork = unit === 'instructions' && HOST_ONLY.includes(stretch.kind);
    const kind = isWork ? 'run' : stretch.kind;
    const last = spans.at(-1);
    if (last?.kind === kind && last.end === start) {
      spans[spans.length - 1] = { kind, start: last.start, end };
    } else spans.push({ kind, start, end });
  }
  return spans;
}

/** A page that several vCPUs of a launch got to write. */
export interface SharedPage {
  readonly page: number;
  /** Numbers of the vCPUs, ascending. */
  readonly vcpus: readonly number[];
  readonly faults: number;
  /** Nanoseconds of host time that the faults took; by instructions they cost nothing. */
  readonly cost: number;
}

/**
 * Pages that several vCPUs wrote, those whose faults cost most first, or by instructions are most: shared in truth, or falsely when the vCPUs use
 * different bytes of them, which a race check tells.
 */
export function sharedPages({ vcpus }: LaunchRecord, unit: LaunchUnit): SharedPage[] {
  const pages = new Map<number, { vcpus: Set<number>; faults: number; cost: number }>();
  for (const { vcpu, faults } of vcpus) {
    for (const { page, took } of faults) {
      let known = pages.get(page);
      if (!known) pages.set(page, (known = { vcpus: new Set(), faults: 0, cost: 0 }));
      known.vcpus.add(vcpu);
      known.faults += 1;
      known.cost += unit === 'time' ? took : 0;
    }
  }
  return [...pages]
    .filter(([, { vcpus: writers }]) => writers.size > 1)
    .map(([page, { vcpus: writers, faults, cost }]) => ({
      page,
      vcpus: [...writers].sort((a, b) => a - b),
      faults,
      cost,
    }))
    .sort((a, b) => b.cost - a.cost || b.faults - a.faults || a.page - b.page);
}
