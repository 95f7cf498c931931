/** Lanes, spans and flows of a timeline, and which of them are worth drawing. */
import type { EventColumns } from '../../../emulator/debug/protocol-timeline';
import { lowerBound, type AxisRange } from '../../parts/canvas/axis-range';

/** What a lane's place from left to right means. */
export type Axis = 'time' | 'order';

/** Spans of a lane that do not overlap, as places in its `rows`; `NONE` as an end: not over yet. */
export interface Spans {
  readonly begin: number[];
  readonly end: number[];
}

/** What a hart's number stood for. */
export interface Life {
  /** 0: a thread, a process or the main hart. */
  readonly task: number;
  readonly vcpu: number;
  /** The hart that has made it; −1 when its `start` is not known. */
  readonly maker: number;
}

export interface Lane {
  readonly hart: number;
  /** Its events: rows of the columns, ascending. */
  readonly rows: number[];
  /** Time of each, in milliseconds after the first event; made ascending, since the clock is read late. */
  readonly times: number[];
  readonly lives: Spans & { readonly of: Life[] };
  readonly waits: Spans;
}

/** A line from an event of one lane to one of another; `from` and `to` are places in the lanes' `rows`. */
export interface Flow {
  readonly kind: 'start' | 'join';
  readonly fromHart: number;
  readonly from: number;
  readonly toHart: number;
  readonly to: number;
}

export interface Timeline {
  readonly columns: EventColumns;
  /** The main hart first, then the others by the first task that they belong to. */
  readonly lanes: readonly Lane[];
  readonly laneOf: ReadonlyMap<number, Lane>;
  readonly flows: readonly Flow[];
  /** Where the axes end: both begin at 0. */
  readonly ends: Readonly<Record<Axis, number>>;
  /** Host time of the first event, in milliseconds since 1970: times count from there. */
  readonly zero: number;
}

const NONE = -1;
/** Forks that are remembered until their hart starts. */
const MOST_FORKS = 256;

export function layoutTimeline(columns: EventColumns): Timeline {
  const count = columns.number.length;
  const laneOf = new Map<number, Lane>();
  const flows: Flow[] = [];
  const forks = new Map<number, { place: number; forked: number }[]>();
  const ended = new Map<string, { hart: number; place: number }[]>();
  const zero = columns.time.reduce((least, time) => Math.min(least, time), Infinity);
  let latest = 0;

  for (let row = 0; row < count; row++) {
    const hart = columns.hart[row] ?? 0;
    const kind = kindOf(columns, row);
    let lane = laneOf.get(hart);
    if (lane === undefined) laneOf.set(hart, (lane = newLane(hart)));
    const place = lane.rows.push(row) - 1;
    const time = Math.max((columns.time[row] ?? 0) - zero, lane.times[place - 1] ?? 0);
    lane.times.push(time);
    latest = Math.max(latest, time);
    closeWait(lane, place);
    if (kind === 'start') {
      const maker = columns.from[row] ?? 0;
      close(lane.lives, place);
      const life = { task: columns.page[row] ?? 0, vcpu: columns.to[row] ?? 0, maker };
      openLife(lane, place, life);
      const from = takeFork(forks.get(maker), hart) ?? (laneOf.get(maker)?.rows.length ?? 0) - 1;
      if (from >= 0) flows.push({ kind: 'start', fromHart: maker, from, toHart: hart, to: place });
      continue;
    }
    if (!isOpen(lane.lives)) openLife(lane, place, { task: 0, vcpu: 0, maker: -1 });
    if (kind === 'park') {
      lane.waits.begin.push(place);
      lane.waits.end.push(NONE);
    } else if (kind === 'fork') {
      const waiting = forks.get(hart) ?? [];
      forks.set(hart, waiting);
      waiting.push({ place, forked: columns.forked[row] ?? -1 });
      if (waiting.length > MOST_FORKS) waiting.shift();
    } else if (kind === 'end') {
      close(lane.lives, place);
      const { task, maker } = lane.lives.of.at(-1) ?? { task: 0, maker: -1 };
      if (task === 0) continue;
      const key = `${maker}.${task}`;
      const others = ended.get(key) ?? [];
      ended.set(key, others);
      others.push({ hart, place });
    } else if (kind === 'join') {
      const task = columns.page[row] ?? 0;
      const keys = task === 0 ? [...ended.keys()] : [`${hart}.${task}`];
      for (const key of keys) {
        if (!key.startsWith(`${hart}.`)) continue;
        for (const end of ended.get(key) ?? []) {
          const from = { fromHart: end.hart, from: end.place };
          flows.push({ kind: 'join', ...from, toHart: hart, to: place });
        }
        ended.delete(key);
      }
    }
  }
  const lanes = [...laneOf.values()].sort((a, b) => rank(a) - rank(b) || a.hart - b.hart);
  const ends = { time: latest, order: Math.max(0, count - 1) };
  return { columns, lanes, laneOf, flows, ends, zero };
}

export const kindOf = (columns: EventColumns, row: number): string =>
  columns.kinds[columns.kind[row] ?? 0] ?? '';

const newLane = (hart: number): Lane => ({
  hart,
  rows: [],
  times: [],
  lives: { begin: [], end: [], of: [] },
  waits: { begin: [], end: [] },
});

/** The main hart has no task, and stands before all that have one. */
const rank = ({ hart, lives }: Lane): number =>
  hart === 0 ? -1 : (lives.of.find(({ task }) => task > 0)?.task ?? 0);

const isOpen = ({ begin, end }: Spans): boolean => begin.length > 0 && end.at(-1) === NONE;

function close(spans: Spans, place: number): void {
  if (isOpen(spans)) spans.end[spans.end.length - 1] = place;
}

/** A wait ends with whatever its hart does next. */
function closeWait({ waits }: Lane, place: number): void {
  close(waits, place);
}

function openLife({ lives }: Lane, place: number, life: Life): void {
  lives.begin.push(place);
  lives.end.push(NONE);
  lives.of.push(life);
}

/** The fork that a hart began with, which then is nobody else's. */
function takeFork(
  waiting: { place: number; forked: number }[] | undefined,
  hart: number,
): number | undefined {
  if (waiting === undefined) return undefined;
  let at = waiting.findLastIndex(({ forked }) => forked === hart);
  if (at < 0) at = waiting.findIndex(({ forked }) => forked < 0);
  return at < 0 ? undefined : waiting.splice(at, 1)[0]?.place;
}

/** Where a lane's event stands on an axis. */
export const placeOn = (lane: Lane, place: number, axis: Axis): number =>
  (axis === 'time' ? lane.times[place] : lane.rows[place]) ?? 0;

/** Marks that are drawn alike; of several in one pixel the last of these is shown. */
const CLASSES = ['call', 'mapping', 'copy', 'loan', 'stale', 'hart', 'conflict'] as const;
export type MarkClass = (typeof CLASSES)[number];

const CLASS_OF: Readonly<Record<string, MarkClass>> = {
  syscall: 'call',
  park: 'call',
  map: 'mapping',
  protect: 'mapping',
  unmap: 'mapping',
  copy: 'copy',
  loan: 'loan',
  'late-borrow': 'loan',
  adopt: 'loan',
  stale: 'stale',
  fork: 'hart',
  start: 'hart',
  end: 'hart',
  join: 'hart',
  conflict: 'conflict',
  race: 'conflict',
};

/** Events of a lane in one pixel. */
export interface Mark {
  /** Whole pixels from the window's left edge. */
  readonly left: number;
  /** The first of them: a place in the lane's `rows`. */
  readonly first: number;
  readonly count: number;
  readonly shown: MarkClass;
}

/** Of more events in a pixel only so many are looked at for which mark to show. */
const LOOKED_AT = 32;

/** A mark for each pixel with events, whatever their number: the events of a pixel are found by halving. */
export function visibleMarks(
  { columns }: Timeline,
  lane: Lane,
  axis: Axis,
  window: AxisRange,
  width: number,
): Mark[] {
  const marks: Mark[] = [];
  const scale = width / Math.max(window.to - window.from, Number.MIN_VALUE);
  const value = (place: number): number => placeOn(lane, place, axis);
  const count = lane.rows.length;
  for (let place = lowerBound(count, value, window.from); place < count;) {
    const at = value(place);
    if (at > window.to) break;
    const left = Math.floor((at - window.from) * scale);
    const next = Math.max(
      place + 1,
      lowerBound(count, value, window.from + (left + 1) / scale, place + 1),
    );
    let best = 0;
    for (let i = place; i < Math.min(next, place + LOOKED_AT); i++) {
      const shown = CLASS_OF[kindOf(columns, lane.rows[i] ?? 0)] ?? 'call';
      best = Math.max(best, CLASSES.indexOf(shown));
    }
    marks.push({ left, first: place, count: next - place, shown: CLASSES[best] ?? 'call' });
    place = next;
  }
  return marks;
}

/** A span on the screen, in pixels from the window's left edge. */
export interface Bar {
  /** Position of the first of its spans. */
  readonly span: number;
  readonly left: number;
  readonly width: number;
}

/** Bars for the spans in sight; what begins within the pixel of another has no bar of its own. */
export function visibleBars(
  lane: Lane,
  { begin, end }: Spans,
  axis: Axis,
  window: AxisRange,
  width: number,
  axisEnd: number,
): Bar[] {
  const bars: Bar[] = [];
  const scale = width / Math.max(window.to - window.from, Number.MIN_VALUE);
  const begins = (span: number): number => placeOn(lane, begin[span] ?? 0, axis);
  const ends = (span: number): number => {
    const place = end[span] ?? NONE;
    return place === NONE ? axisEnd : placeOn(lane, place, axis);
  };
  for (let span = lowerBound(begin.length, ends, window.from); span < begin.length;) {
    const from = begins(span);
    if (from > window.to) break;
    const left = Math.max(0, (from - window.from) * scale);
    const right = Math.min(width, (ends(span) - window.from) * scale);
    bars.push({ span, left, width: Math.max(1, right - left) });
    const pixel = window.from + (Math.floor(left) + 1) / scale;
    span = Math.max(span + 1, lowerBound(begin.length, begins, pixel, span + 1));
  }
  return bars;
}

/** The event of a lane nearest to a place on the axis; `NONE` when it has none. */
export function nearest(lane: Lane, axis: Axis, wanted: number): number {
  const count = lane.rows.length;
  if (count === 0) return NONE;
  const value = (place: number): number => placeOn(lane, place, axis);
  const after = lowerBound(count, value, wanted);
  if (after === count) return count - 1;
  return after > 0 && wanted - value(after - 1) < value(after) - wanted ? after - 1 : after;
}

/** Numbers of the first and the last event in a part of the axis, and how many there are; undefined: none. */
export function eventsIn(
  { columns, lanes }: Timeline,
  axis: Axis,
  { from, to }: AxisRange,
): { readonly first: number; readonly last: number; readonly count: number } | undefined {
  let [first, last, count] = [Infinity, -Infinity, 0];
  for (const lane of lanes) {
    const value = (place: number): number => placeOn(lane, place, axis);
    const low = lowerBound(lane.rows.length, value, from);
    let high = lowerBound(lane.rows.length, value, to);
    while (high < lane.rows.length && value(high) === to) high++;
    if (high <= low) continue;
    count += high - low;
    first = Math.min(first, columns.number[lane.rows[low] ?? 0] ?? 0);
    last = Math.max(last, columns.number[lane.rows[high - 1] ?? 0] ?? 0);
  }
  return count === 0 ? undefined : { first, last, count };
}

/** `task 2, vCPU 1`, `main`: what a lane's hart is or last was. */
export function laneTitle({ hart, lives }: Lane): string {
  if (hart === 0) return 'main';
  const life = lives.of.at(-1);
  if (life === undefined || life.maker < 0) return '';
  return life.task === 0 ? `of hart ${life.maker}` : `task ${life.task} vCPU ${life.vcpu}`;
}
