import type { LaunchPage } from '../../../emulator/debug/protocol-launches';
import { drawRange, drawRuler, RULER } from '../../parts/canvas/axis-drawing';
import { lowerBound, xOf } from '../../parts/canvas/axis-range';
import type { LaneColours, LaneSight } from '../../parts/canvas/lane-source';
import { visibleSpans } from './launch-layout';

/** Height of a lane, in CSS pixels. */
export const ROW = 24;
/** Of more arrows in sight the rest is left out: nobody could follow them. */
const MOST_FLOWS = 1500;

interface LaunchColours extends LaneColours {
  readonly path: string;
  /** By kind of span. */
  readonly kinds: Readonly<Record<string, string>>;
}

interface LaunchPicture extends LaneSight {
  readonly colours: LaunchColours;
}

/** Part of a lane's height that a kind fills: kinds differ by that, too, not by colour alone. */
const EXTENT: Readonly<Record<string, readonly [from: number, to: number]>> = {
  run: [0.18, 0.82],
  fork: [0.1, 0.9],
  merge: [0.1, 0.9],
  loan: [0.1, 0.62],
  syscall: [0.38, 0.9],
  wait: [0.42, 0.58],
  start: [0.42, 0.58],
  idle: [0.47, 0.53],
};

export function drawLaunch(
  context: CanvasRenderingContext2D,
  page: LaunchPage,
  picture: LaunchPicture,
): void {
  const { width, height, top, colours, window } = picture;
  context.fillStyle = colours.ground;
  context.fillRect(0, 0, width, height);
  context.save();
  context.beginPath();
  context.rect(0, RULER, width, Math.max(0, height - RULER));
  context.clip();
  const first = Math.floor(top / ROW);
  const last = Math.min(page.lanes.length, Math.ceil((top + height) / ROW));
  for (let i = first; i < last; i++) drawLane(context, page, i, RULER + i * ROW - top, picture);
  drawPath(context, page, picture);
  drawFlows(context, page, picture);
  context.restore();
  drawRange(context, picture);
  const isTime = page.unit === 'time';
  // Digits are those of the unit that is shown: a millisecond has a million nanoseconds.
  const span = window.to - window.from;
  const [scale, unit] = !isTime ? [1, ''] : span >= 2e6 ? [1e6, ' ms'] : [1e3, ' µs'];
  const scaled = { from: window.from / scale, to: window.to / scale };
  drawRuler(context, { ...picture, window: scaled }, unit);
}

function drawLane(
  context: CanvasRenderingContext2D,
  { lanes, kinds }: LaunchPage,
  index: number,
  y: number,
  { window, width, colours, selected }: LaunchPicture,
): void {
  const lane = lanes[index];
  if (!lane) return;
  context.fillStyle = colours.line;
  context.fillRect(0, y + ROW - 1, width, 1);
  for (const box of visibleSpans(lane, kinds, window, width)) {
    const [from, to] = EXTENT[box.kind] ?? [0.2, 0.8];
    context.fillStyle = colours.kinds[box.kind] ?? colours.quiet;
    context.fillRect(box.left, y + from * ROW, box.width, (to - from) * ROW);
  }
  if (index !== selected.lane) return;
  context.strokeStyle = colours.accent;
  context.strokeRect(0.5, y + 0.5, width - 1, ROW - 2);
  const { place } = selected;
  if (place < 0) return;
  const left = xOf(lane.start[place] ?? 0, window, width);
  const right = xOf(lane.end[place] ?? 0, window, width);
  context.strokeRect(left - 0.5, y + 2.5, Math.max(2, right - left) + 1, ROW - 6);
}

/** The critical path is underlined; where it goes to another hart a line leads there. */
function drawPath(
  context: CanvasRenderingContext2D,
  { criticalPath, lanes }: LaunchPage,
  { window, width, top, colours }: LaunchPicture,
): void {
  const rowOf = new Map(lanes.map(({ hart }, i) => [hart, RULER + i * ROW - top]));
  context.fillStyle = colours.path;
  const pixel = (window.to - window.from) / Math.max(1, width);
  const begins = (step: number): number => criticalPath[step]?.start ?? 0;
  const ends = (step: number): number => criticalPath[step]?.end ?? 0;
  const count = criticalPath.length;
  let above: number | undefined;
  for (let step = lowerBound(count, ends, window.from); step < count;) {
    const { hart, start, end } = criticalPath[step] ?? { hart: 0, start: 0, end: 0 };
    if (start > window.to) break;
    const y = (rowOf.get(hart) ?? 0) + ROW - 4;
    const left = Math.max(0, xOf(start, window, width));
    const right = Math.min(width, xOf(end, window, width));
    if (above !== undefined && above !== y) {
      context.fillRect(left, Math.min(above, y), 1.5, Math.abs(y - above));
    }
    above = y;
    context.fillRect(left, y, Math.max(1, right - left), 3);
    // Steps within a pixel are one.
    step = Math.max(step + 1, lowerBound(count, begins, start + pixel, step + 1));
  }
}

/** From the fork to the starts, from the lender to the borrowers, from the ends to the join. */
function drawFlows(
  context: CanvasRenderingContext2D,
  { lanes, kinds, duration }: LaunchPage,
  { window, width, top, colours }: LaunchPicture,
): void {
  const idle = kinds.indexOf('idle');
  const middle = (lane: number): number => RULER + (lane + 0.5) * ROW - top;
  const pixel = (window.to - window.from) / Math.max(1, width);
  let drawn = 0;
  let before = '';
  const line = (at: number, from: number, lane: number, target: number, dash: number[]): void => {
    const [x1, x2] = [xOf(at, window, width), xOf(target, window, width)];
    if (Math.max(x1, x2) < 0 || Math.min(x1, x2) > width) return;
    const same = `${Math.round(x1)} ${Math.round(x2)} ${from} ${lane}`;
    if (same === before || drawn++ >= MOST_FLOWS) return;
    before = same;
    const bend = Math.min(40, Math.max(6, Math.abs(x2 - x1) / 2));
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(x1, middle(from));
    context.bezierCurveTo(x1 + bend, middle(from), x2 - bend, middle(lane), x2, middle(lane));
    context.stroke();
  };
  context.strokeStyle = colours.accent;
  context.globalAlpha = 0.5;
  lanes.forEach((lane, i) => {
    if (i === 0 || lane.start.length === 0) return;
    line(0, 0, i, lane.start[0] ?? 0, []);
    const over = lane.kind.at(-1) === idle ? lane.start.at(-1) : lane.end.at(-1);
    line(over ?? duration, i, 0, duration, [3, 3]);
  });
  context.strokeStyle = colours.kinds.loan ?? colours.accent;
  lanes.forEach(({ loans }, i) => {
    const at = (loan: number): number => loans[loan] ?? 0;
    for (let loan = lowerBound(loans.length, at, window.from); loan < loans.length;) {
      if (at(loan) > window.to) break;
      line(at(loan), 0, i, at(loan), [1, 2]);
      loan = Math.max(loan + 1, lowerBound(loans.length, at, at(loan) + pixel, loan + 1));
    }
  });
  context.setLineDash([]);
  context.globalAlpha = 1;
}
