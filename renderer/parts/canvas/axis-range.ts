/** Parts of an axis that is zoomed and moved, and how values are found on it. */

/** A part of an axis. */
export interface AxisRange {
  readonly from: number;
  readonly to: number;
}

/** Least of an axis in sight: a microsecond of milliseconds, a thousandth of an event. */
const LEAST = 1e-3;

/** The window when `factor` as much is in sight, and what is at `centre` stays where it is. */
export function zoomed(
  { from, to }: AxisRange,
  centre: number,
  factor: number,
  end: number,
): AxisRange {
  const whole = Math.max(end, LEAST);
  const width = Math.min(whole, Math.max(LEAST, (to - from) * factor));
  const share = to > from ? (centre - from) / (to - from) : 0.5;
  return within(centre - share * width, width, whole);
}

/** The window moved by `by`, not beyond the axis. */
export const panned = ({ from, to }: AxisRange, by: number, end: number): AxisRange =>
  within(from + by, to - from, Math.max(end, LEAST));

function within(from: number, width: number, end: number): AxisRange {
  const first = Math.min(Math.max(0, from), Math.max(0, end - width));
  return { from: first, to: first + width };
}

/** The first of `count` places from `low` on whose value is at least `wanted`; the values ascend. */
export function lowerBound(
  count: number,
  value: (place: number) => number,
  wanted: number,
  low = 0,
): number {
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value(middle) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where a place of the axis is, in pixels from the window's left edge. */
export const xOf = (at: number, window: AxisRange, width: number): number =>
  ((at - window.from) / Math.max(window.to - window.from, Number.MIN_VALUE)) * width;

/** The next larger of 1, 2, 5 times a power of ten. */
export function tickStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1e-6)));
  return power * ([1, 2, 5].find((each) => each * power >= least) ?? 10);
}
