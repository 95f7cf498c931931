/** How the frames of a flame graph differ from those of another run. */
import type { FlameTree, PlainFlames } from '../../../emulator/profile/flame';

/** For each frame of `now`: what the frame with the same callers, by name, cost in `before`; 0 where there is none. */
export function earlierTotals(now: FlameTree, before: FlameTree | PlainFlames): Float64Array {
  const places = new Map<string, number>();
  const path: number[] = [];
  const nameOf = (tree: FlameTree | PlainFlames, node: number): string =>
    tree.names[tree.name[node] ?? 0] ?? '';
  for (let node = 0; node < before.name.length; node++) {
    const depth = before.depth[node] ?? 0;
    path[depth] = node;
    if (depth > 0) places.set(`${path[depth - 1]}\n${nameOf(before, node)}`, node);
  }
  const totals = new Float64Array(now.name.length);
  /** The frames on the path to a node in the other tree; undefined below one that is not there. */
  const matches: (number | undefined)[] = [];
  for (let node = 0; node < now.name.length; node++) {
    const depth = now.depth[node] ?? 0;
    const caller = depth === 0 ? undefined : matches[depth - 1];
    const match = caller === undefined ? undefined : places.get(`${caller}\n${nameOf(now, node)}`);
    matches[depth] = depth === 0 ? 0 : match;
    totals[node] = before.total[matches[depth] ?? -1] ?? 0;
  }
  return totals;
}

/** From -1, all of the run less, to 1, all of the run more; differences of a few percent are to be seen. */
export function differenceShade(now: number, before: number, whole: number): number {
  if (whole === 0 || now === before) return 0;
  const part = Math.min(1, Math.abs(now - before) / whole);
  return Math.sign(now - before) * Math.sqrt(part);
}
