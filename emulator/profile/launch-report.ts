/** What `hartscope profile --launches` prints. */
import {
  criticalPath,
  measureLaunch,
  serialShare,
  timeIn,
  type CriticalStep,
  type Lane,
  type LaunchMeasures,
  type LaunchUnit,
  type Measure,
  type OneHart,
  type SpanKind,
} from './launch';
import type { LaunchRecord } from './launch-recorder';
import { launchIn, sharedPages, type SharedPage } from './launch-view';

/** One launch with what follows from it. */
export interface LaunchSummary {
  readonly task: number;
  /** The ecall that started it, and what it is called. */
  readonly pc: number;
  readonly at: string;
  readonly duration: number;
  readonly lanes: readonly LaneSummary[];
  readonly measures: LaunchMeasures;
  readonly criticalPath: readonly CriticalStep[];
  /** Pages that several vCPUs wrote. */
  readonly pages: readonly SharedPage[];
}

/** How long a lane did what. */
export interface LaneSummary {
  readonly hart: number;
  readonly vcpu: number;
  readonly instructions: number;
  readonly times: Readonly<Record<SpanKind, number>>;
}

export interface LaunchReport {
  readonly unit: LaunchUnit;
  readonly launches: readonly LaunchSummary[];
  /** Amdahl's: the part of the run that is outside of all launches. */
  readonly serial: Measure;
  /** Events that were lost, launches and spans for which there was no room: the report is not complete. */
  readonly missing: number;
}

const KINDS = ['run', 'fork', 'start', 'loan', 'wait', 'syscall', 'idle', 'merge'] as const;

const laneSummary = (lane: Lane): LaneSummary => ({
  hart: lane.hart,
  vcpu: lane.vcpu,
  instructions: lane.instructions,
  times: Object.fromEntries(
    KINDS.map((kind) => [kind, timeIn(lane, kind)]),
  ) as LaneSummary['times'],
});

/**
 * @param total length of the run, in the unit
 * @param oneHart the same launches on one hart, by their place in the run
 */
export function reportLaunches(
  records: readonly LaunchRecord[],
  unit: LaunchUnit,
  total: number,
  nameOf: (address: number) => string,
  missing = 0,
  oneHart: readonly OneHart[] = [],
): LaunchReport {
  const launches = records.map((record) => launchIn(record, unit));
  const summaries = records.map((record, i): LaunchSummary => {
    const launch = launches[i];
    return {
      task: record.task,
      pc: record.pc,
      at: nameOf(record.pc),
      duration: launch.end - launch.start,
      lanes: [launch.caller, ...launch.vcpus].map(laneSummary),
      measures: measureLaunch(launch, oneHart[i]),
      criticalPath: criticalPath(launch),
      pages: sharedPages(record, unit),
    };
  });
  return { unit, launches: summaries, serial: serialShare(launches, total), missing };
}

/** `12 345` instructions, `1.23 ms`. */
function lengthText(length: number, unit: LaunchUnit): string {
  if (unit === 'instructions') return String(Math.round(length));
  if (length >= 1e6) return `${(length / 1e6).toFixed(2)} ms`;
  return `${(length / 1e3).toFixed(1)} µs`;
}

/** All launches as a table, the longest one in detail. */
export function launchText(
  { unit, launches, serial, missing }: LaunchReport,
  most: number,
): string {
  const lines: string[] = [];
  const count = launches.length === 1 ? '1 launch' : `${launches.length} launches`;
  const what = unit === 'time' ? 'host time' : 'instructions';
  lines.push(`${count} of vCPUs, by ${what}`);
  const [longest] = [...launches].sort((a, b) => b.duration - a.duration);
  if (longest) {
    lines.push(
      '',
      row(['task', 'vCPUs', 'duration', 'speed-up', 'balance', 'comm.', 'parallel'], 'at'),
    );
    lines.push(...launches.slice(0, most).map((launch) => launchRow(launch, unit)));
    if (launches.length > most) lines.push(`… ${launches.length - most} more`);
    lines.push('', ...details(longest, unit), '', `${serial.name}: ${serial.sentence}`);
  }
  if (missing > 0) lines.push('', `not complete: ${missing} events or spans are missing`);
  return `${lines.join('\n')}\n`;
}

const WIDTHS = [6, 6, 12, 9, 8, 8, 9];
const row = (cells: readonly string[], last: string): string =>
  `${cells.map((cell, i) => cell.padStart(WIDTHS[i])).join('')}  ${last}`;

function launchRow(
  { task, duration, lanes, measures, at }: LaunchSummary,
  unit: LaunchUnit,
): string {
  const two = ({ value }: Measure): string => value.toFixed(2);
  const { speedUp, loadBalance, communicationEfficiency, parallelEfficiency } = measures;
  return row(
    [
      String(task),
      String(lanes.length - 1),
      lengthText(duration, unit),
      two(speedUp),
      two(loadBalance),
      two(communicationEfficiency),
      two(parallelEfficiency),
    ],
    at,
  );
}

/** Lanes, steps of the path and pages that are printed; `--json` has all of them. */
const MOST_LINES = 16;

function details(
  { task, lanes, measures, criticalPath: path, pages }: LaunchSummary,
  unit: LaunchUnit,
): string[] {
  const kinds = KINDS.filter((kind) => lanes.some(({ times }) => times[kind] > 0));
  const cells = (list: readonly string[]): string => list.map((cell) => cell.padStart(12)).join('');
  const length = (value: number): string => (value === 0 ? '' : lengthText(value, unit));
  const steps = pathText(path, unit);
  return [
    `task ${task}, the longest:`,
    ...measureList(measures).map(
      ({ name, value, sentence }) => `  ${name} ${value.toFixed(2)}: ${sentence}`,
    ),
    '',
    `  ${'hart'.padEnd(8)}${cells(kinds)}`,
    ...short(
      lanes.map(
        ({ vcpu, times }) =>
          `  ${(vcpu === 0 ? 'caller' : `vCPU ${vcpu}`).padEnd(8)}${cells(kinds.map((kind) => length(times[kind])))}`,
      ),
    ),
    '',
    '  Critical path:',
    ...short(steps.map((step) => `    ${step}`)),
    ...(pages.length === 0 ? [] : ['', '  Pages that several vCPUs wrote:']),
    ...short(
      pages.map(({ page, vcpus, faults, cost }) => {
        const took = cost === 0 ? '' : `, ${lengthText(cost, 'time')}`;
        return `    0x${(page * 4096).toString(16)} by vCPUs ${vcpus.join(' ')}: ${faults} faults${took}`;
      }),
    ),
  ];
}

/** The measures that there are, in the order in which they are told. */
export const measureList = (measures: LaunchMeasures): Measure[] => [
  measures.loadBalance,
  measures.communicationEfficiency,
  measures.parallelEfficiency,
  measures.speedUp,
  ...(measures.instructionScaling ? [measures.instructionScaling] : []),
];

/** The path as one line for each stretch on one hart. */
function pathText(path: readonly CriticalStep[], unit: LaunchUnit): string[] {
  const lines: string[] = [];
  for (let from = 0; from < path.length;) {
    const { hart } = path[from];
    const sums = new Map<SpanKind, number>();
    for (; path[from]?.hart === hart; from++) {
      const { kind, start, end } = path[from];
      sums.set(kind, (sums.get(kind) ?? 0) + end - start);
    }
    const parts = [...sums].map(([kind, length]) => `${kind} ${lengthText(length, unit)}`);
    lines.push(`hart ${hart}: ${parts.join(', ')}`);
  }
  return lines;
}

const short = (lines: readonly string[]): string[] =>
  lines.length <= MOST_LINES
    ? [...lines]
    : [...lines.slice(0, MOST_LINES), `    … ${lines.length - MOST_LINES} more`];
