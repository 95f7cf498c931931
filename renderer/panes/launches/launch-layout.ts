/** Which spans of a launch's lanes are worth drawing, and how their kinds are told. */
import type { LaneColumns, LaunchPage } from '../../../emulator/debug/protocol-launches';
import type { LaunchUnit } from '../../../emulator/profile/launch';
import { counted, groupedNumber } from '../../format';
import { lowerBound, type AxisRange } from '../../parts/canvas/axis-range';

/** What the kinds of spans mean, in the order of the legend. */
export const SPAN_WORDS: Readonly<Record<string, string>> = {
  run: 'runs guest code',
  fork: 'makes vCPUs',
  start: 'waits for a thread',
  loan: 'page fault, copy or loan',
  wait: 'waits for a futex or input',
  syscall: 'system call',
  idle: 'waits at the join, or has ended',
  merge: 'joins',
};

/** A span on the screen, in pixels from the window's left edge. */
export interface SpanBox {
  /** Position of the first of its spans in the lane. */
  readonly span: number;
  readonly left: number;
  readonly width: number;
  readonly kind: string;
}

/** Of more spans in a pixel only so many are looked at for which kind to show. */
const LOOKED_AT = 32;

/**
 * Boxes for the spans in sight: of those that lie within one pixel the longest of the first few stands for all, so
 * that there are no more boxes than pixels, whatever the number of spans.
 */
export function visibleSpans(
  { kind, start, end }: LaneColumns,
  kinds: readonly string[],
  window: AxisRange,
  width: number,
): SpanBox[] {
  const boxes: SpanBox[] = [];
  const scale = width / Math.max(window.to - window.from, Number.MIN_VALUE);
  const count = start.length;
  const begins = (span: number): number => start[span] ?? 0;
  const ends = (span: number): number => end[span] ?? 0;
  for (let span = lowerBound(count, ends, window.from); span < count;) {
    const from = begins(span);
    if (from > window.to) break;
    const left = Math.max(0, (from - window.from) * scale);
    const pixel = window.from + (Math.floor(left) + 1) / scale;
    const next = Math.max(span + 1, lowerBound(count, begins, pixel, span + 1));
    // Only the last of them can be longer than the pixel: the box is as long as it is.
    let shown = ends(next - 1) - begins(next - 1) > ends(span) - from ? next - 1 : span;
    for (let i = span + 1; i < Math.min(next, span + LOOKED_AT); i++) {
      if (ends(i) - begins(i) > ends(shown) - begins(shown)) shown = i;
    }
    const right = Math.min(width, (ends(next - 1) - window.from) * scale);
    boxes.push({
      span: shown,
      left,
      width: Math.max(1, right - left),
      kind: kinds[kind[shown] ?? 0] ?? '',
    });
    span = next;
  }
  return boxes;
}

/** The span of a lane at a place of the axis; the last one before it when it falls between two; −1: none. */
export function spanAt({ start }: LaneColumns, at: number): number {
  const after = lowerBound(start.length, (span) => start[span] ?? 0, at);
  return start[after] === at ? after : after - 1;
}

/** `12.34 ms`, `12 345 instructions`. */
export function lengthText(length: number, unit: LaunchUnit): string {
  if (unit === 'instructions') return counted(Math.round(length), 'instruction');
  if (length >= 1e6) return `${groupedNumber(length / 1e6, 2)} ms`;
  return `${(length / 1e3).toFixed(1)} µs`;
}

export const laneName = ({ vcpu, hart }: LaneColumns): string =>
  vcpu === 0 ? `caller, hart ${hart}` : `vCPU ${vcpu}`;

/** Names of the vCPUs that run in a part of a launch, as profiles call them. */
export function hartsIn(
  { task, lanes, kinds }: LaunchPage,
  { from, to }: AxisRange,
): readonly string[] {
  const run = kinds.indexOf('run');
  return lanes
    .filter(({ kind, start, end }) => {
      for (let i = lowerBound(end.length, (span) => end[span] ?? 0, from); i < start.length; i++) {
        if ((start[i] ?? 0) >= to) return false;
        if (kind[i] === run && (end[i] ?? 0) > from) return true;
      }
      return false;
    })
    .map(({ vcpu, hart }) => (vcpu > 0 ? `task ${task} vCPU ${vcpu}` : callerName(hart)));
}

const callerName = (hart: number): string => (hart === 0 ? 'main' : `hart ${hart}`);
