import { drawRange, drawRuler, RULER } from '../../parts/canvas/axis-drawing';
import { xOf } from '../../parts/canvas/axis-range';
import type { LaneColours, LaneSight } from '../../parts/canvas/lane-source';
import {
  placeOn,
  visibleBars,
  visibleMarks,
  type Axis,
  type Lane,
  type MarkClass,
  type Timeline,
} from './timeline-layout';

/** Height of a lane, in CSS pixels. */
export const ROW = 26;

interface TimelineColours extends LaneColours {
  readonly tint: string;
  readonly marks: Readonly<Record<MarkClass, string>>;
}

interface TimelinePicture extends Omit<LaneSight, 'selected'> {
  readonly axis: Axis;
  readonly selectedLane: Lane | undefined;
  /** Place of the selected event in the selected lane. */
  readonly selected: number;
  readonly colours: TimelineColours;
}

/** Of more flows in sight the rest is left out: nobody could follow them. */
const MOST_FLOWS = 1500;

/** Part of a lane's height where a class is drawn: kinds differ by place, too, not by colour alone. */
const EXTENT: Readonly<Record<MarkClass, readonly [from: number, to: number]>> = {
  call: [0.6, 0.86],
  mapping: [0.46, 0.6],
  copy: [0.14, 0.4],
  loan: [0.14, 0.4],
  stale: [0.14, 0.4],
  hart: [0.08, 0.92],
  conflict: [0, 1],
};

export function drawTimeline(
  context: CanvasRenderingContext2D,
  timeline: Timeline,
  picture: TimelinePicture,
): void {
  const { width, height, top, colours } = picture;
  context.fillStyle = colours.ground;
  context.fillRect(0, 0, width, height);
  context.save();
  context.beginPath();
  context.rect(0, RULER, width, Math.max(0, height - RULER));
  context.clip();
  const first = Math.floor(top / ROW);
  const last = Math.min(timeline.lanes.length, Math.ceil((top + height) / ROW));
  for (let i = first; i < last; i++) {
    const lane = timeline.lanes[i];
    if (lane) drawLane(context, timeline, lane, RULER + i * ROW - top, picture);
  }
  drawFlows(context, timeline, picture);
  context.restore();
  drawRange(context, picture);
  const unit = picture.axis === 'time' ? ' ms' : '';
  drawRuler(context, picture, unit);
}

function drawLane(
  context: CanvasRenderingContext2D,
  timeline: Timeline,
  lane: Lane,
  y: number,
  { axis, window, width, colours, selectedLane, selected }: TimelinePicture,
): void {
  const end = timeline.ends[axis];
  context.fillStyle = colours.line;
  context.fillRect(0, y + ROW - 1, width, 1);
  context.fillStyle = colours.tint;
  for (const bar of visibleBars(lane, lane.lives, axis, window, width, end)) {
    context.fillRect(bar.left, y + 3, bar.width, ROW - 7);
  }
  // A wait is a hollow bar: the ground, with its two edges.
  for (const bar of visibleBars(lane, lane.waits, axis, window, width, end)) {
    context.fillStyle = colours.ground;
    context.fillRect(bar.left, y + 8, bar.width, ROW - 17);
    context.fillStyle = colours.quiet;
    context.fillRect(bar.left, y + 8, bar.width, 1);
    context.fillRect(bar.left, y + ROW - 10, bar.width, 1);
  }
  for (const mark of visibleMarks(timeline, lane, axis, window, width)) {
    const [from, to] = EXTENT[mark.shown];
    context.fillStyle = colours.marks[mark.shown];
    context.fillRect(mark.left, y + from * ROW, mark.count > 1 ? 2 : 1.5, (to - from) * ROW);
  }
  if (lane !== selectedLane) return;
  context.strokeStyle = colours.accent;
  context.strokeRect(0.5, y + 0.5, width - 1, ROW - 2);
  if (selected < 0) return;
  const x = xOf(placeOn(lane, selected, axis), window, width);
  context.strokeRect(Math.round(x) - 3.5, y + 1.5, 8, ROW - 5);
}

function drawFlows(
  context: CanvasRenderingContext2D,
  { flows, lanes, laneOf }: Timeline,
  { axis, window, width, top, colours }: TimelinePicture,
): void {
  const row = new Map(lanes.map((lane, i) => [lane, RULER + (i + 0.5) * ROW - top]));
  let [drawn, before] = [0, ''];
  context.strokeStyle = colours.accent;
  context.globalAlpha = 0.55;
  for (const flow of flows) {
    const source = laneOf.get(flow.fromHart);
    const target = laneOf.get(flow.toHart);
    if (!source || !target) continue;
    const from = placeOn(source, flow.from, axis);
    const to = placeOn(target, flow.to, axis);
    if (Math.max(from, to) < window.from || Math.min(from, to) > window.to) continue;
    const [x1, x2] = [xOf(from, window, width), xOf(to, window, width)];
    const [y1, y2] = [row.get(source) ?? 0, row.get(target) ?? 0];
    // Flows between the same pixels are one line.
    const same = `${Math.round(x1)} ${Math.round(x2)} ${y1} ${y2}`;
    if (same === before) continue;
    before = same;
    if (++drawn > MOST_FLOWS) break;
    const bend = Math.min(40, Math.max(6, Math.abs(x2 - x1) / 2));
    context.setLineDash(flow.kind === 'join' ? [3, 3] : []);
    context.beginPath();
    context.moveTo(x1, y1);
    context.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
    context.stroke();
  }
  context.setLineDash([]);
  context.globalAlpha = 1;
}
