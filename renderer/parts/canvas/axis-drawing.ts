import { groupedNumber } from '../../format';
import { tickStep, xOf, type AxisRange } from './axis-range';

/** Height of the ruler above the lanes, in CSS pixels. */
export const RULER = 20;
/** Room that a number on the ruler takes, in CSS pixels. */
const TICK = 110;
/** Width of a digit of the rulers' font; a number that would be cut is left out. */
const DIGIT = 6.6;

/** What the drawing of an axis needs to know. */
interface AxisPicture {
  readonly window: AxisRange;
  readonly width: number;
  readonly height: number;
  /** The chosen part. */
  readonly range: AxisRange | null;
  readonly colours: {
    readonly ground: string;
    readonly quiet: string;
    readonly line: string;
    readonly accent: string;
    readonly font: string;
  };
}

/** Marks the chosen part below the ruler. */
export function drawRange(
  context: CanvasRenderingContext2D,
  { range, window, width, height, colours }: AxisPicture,
): void {
  if (range === null) return;
  const left = Math.max(-1, xOf(range.from, window, width));
  const right = Math.min(width + 1, xOf(range.to, window, width));
  context.fillStyle = colours.accent;
  context.globalAlpha = 0.12;
  context.fillRect(left, RULER, Math.max(1, right - left), height);
  context.globalAlpha = 1;
  context.fillRect(left, RULER, 1, height);
  context.fillRect(right, RULER, 1, height);
}

/** @param unit stands behind each number of the axis */
export function drawRuler(
  context: CanvasRenderingContext2D,
  { window, width, colours }: AxisPicture,
  unit: string,
): void {
  context.fillStyle = colours.ground;
  context.fillRect(0, 0, width, RULER);
  context.fillStyle = colours.line;
  context.fillRect(0, RULER - 1, width, 1);
  context.font = colours.font;
  context.textBaseline = 'middle';
  const step = tickStep((window.to - window.from) / Math.max(1, width / TICK));
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  for (let at = Math.ceil(window.from / step) * step; at <= window.to; at += step) {
    const x = Math.round(xOf(at, window, width));
    context.fillStyle = colours.quiet;
    context.fillRect(x, RULER - 6, 1, 5);
    const text = groupedNumber(at, digits) + unit;
    if (x + 4 + text.length * DIGIT <= width) context.fillText(text, x + 4, RULER / 2);
  }
}
