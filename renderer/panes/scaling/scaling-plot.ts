/** Where the points of a scaling plot lie. */
import type { ScalingCurve } from '../../../emulator/profile/scaling';

/** Lines differ by dash and mark, not by colour alone. */
export const STYLES = [
  { dash: '', mark: '●', token: '--page-owned' },
  { dash: '6 3', mark: '■', token: '--page-borrowed' },
  { dash: '2 3', mark: '▲', token: '--page-private' },
  { dash: '8 3 2 3', mark: '◆', token: '--page-lent' },
  { dash: '12 4', mark: '▼', token: '--page-host' },
] as const;

export interface PlotPoint {
  readonly x: number;
  readonly y: number;
  readonly title: string;
}

export interface PlotLine {
  readonly mode: string;
  readonly points: readonly PlotPoint[];
  /** Where the line crosses speed-up 1, from below; undefined: it never does between two points. */
  readonly breakEven: PlotPoint | undefined;
}

export interface Plot {
  readonly lines: readonly PlotLine[];
  /** As many times as fast as there are vCPUs. */
  readonly ideal: readonly [PlotPoint, PlotPoint];
  /** Height of speed-up 1: above it vCPUs pay. */
  readonly one: number;
  readonly xTicks: readonly { readonly at: number; readonly text: string }[];
  readonly yTicks: readonly { readonly at: number; readonly text: string }[];
}

/** A plot of speed-up by vCPUs, both axes logarithmic to the base of 2, in a box of this size. */
export function plotOf(curves: readonly ScalingCurve[], width: number, height: number): Plot {
  const all = curves.flatMap(({ points }) => points);
  const most = Math.max(2, ...all.map(({ vcpus }) => vcpus));
  const speeds = all.map(({ speedUp }) => speedUp);
  const top = Math.max(2, most, ...speeds);
  const bottom = Math.min(0.5, ...speeds);
  const x = (vcpus: number): number => (width * Math.log2(vcpus)) / Math.log2(most);
  const y = (speedUp: number): number =>
    height - (height * Math.log2(speedUp / bottom)) / Math.log2(top / bottom);
  const point = (vcpus: number, speedUp: number, title: string): PlotPoint => ({
    x: x(vcpus),
    y: y(speedUp),
    title,
  });
  const counts = [...new Set(all.map(({ vcpus }) => vcpus))].sort((a, b) => a - b);
  const powers = Array.from(
    { length: Math.floor(Math.log2(top)) - Math.ceil(Math.log2(bottom)) + 1 },
    (_, i) => 2 ** (Math.ceil(Math.log2(bottom)) + i),
  );
  return {
    lines: curves.map(({ mode, points }) => ({
      mode,
      points: points.map(({ vcpus, speedUp, time }) =>
        point(
          vcpus,
          speedUp,
          `${mode}, ${vcpus} vCPUs: ${speedUp.toFixed(2)} times as fast, ${(time / 1e6).toFixed(1)} ms`,
        ),
      ),
      breakEven: crossing(points, point, mode),
    })),
    ideal: [point(1, 1, ''), point(most, most, '')],
    one: y(1),
    xTicks: counts.map((vcpus) => ({ at: x(vcpus), text: String(vcpus) })),
    yTicks: powers.map((speedUp) => ({ at: y(speedUp), text: `${speedUp}×` })),
  };
}

/** Where a line comes to speed-up 1, on the plot's logarithmic axes. */
function crossing(
  points: ScalingCurve['points'],
  place: (vcpus: number, speedUp: number, title: string) => PlotPoint,
  mode: string,
): PlotPoint | undefined {
  const at = points.findIndex(({ speedUp }) => speedUp > 1);
  const [before, after] = [points[at - 1], points[at]];
  if (!after) return undefined;
  if (!before) return place(after.vcpus, 1, `${mode} pays from ${after.vcpus} vCPUs on`);
  const [low, high] = [Math.log2(before.speedUp), Math.log2(after.speedUp)];
  const part = -low / (high - low);
  const vcpus = 2 ** (Math.log2(before.vcpus) + part * Math.log2(after.vcpus / before.vcpus));
  return place(vcpus, 1, `${mode} pays from ${after.vcpus} vCPUs on`);
}
