/** Where the frames of a flame graph lie, and which of them are worth drawing. */
import type { FlameTree } from '../../../emulator/profile/flame';

/** Places of a tree's nodes, in its order. Lengths are in instructions. */
export interface FlameLayout {
  readonly tree: FlameTree;
  /** Where a node begins, from the left edge of the root. */
  readonly start: Float64Array;
  /** Index of the first node that is no descendant of it. */
  readonly end: Uint32Array;
  readonly parent: Int32Array;
  /** Rows of the deepest stack. */
  readonly rows: number;
}

export function layoutFlames(tree: FlameTree): FlameLayout {
  const count = tree.name.length;
  const start = new Float64Array(count);
  const end = new Uint32Array(count).fill(count);
  const parent = new Int32Array(count).fill(-1);
  /** The open nodes, and where the next child of each begins. */
  const stack: number[] = [];
  const next: number[] = [];
  let rows = 0;
  for (let i = 0; i < count; i++) {
    const depth = tree.depth[i] ?? 0;
    rows = Math.max(rows, depth + 1);
    while (stack.length > depth) end[stack.pop() ?? 0] = i;
    next.length = depth + 1;
    if (depth > 0) {
      parent[i] = stack[depth - 1] ?? -1;
      const at = next[depth - 1] ?? 0;
      start[i] = at;
      next[depth - 1] = at + (tree.total[i] ?? 0);
    }
    stack[depth] = i;
    next[depth] = start[i] ?? 0;
  }
  return { tree, start, end, parent, rows };
}

/** A frame on the screen, in CSS pixels. */
export interface FlameBox {
  readonly node: number;
  readonly left: number;
  readonly width: number;
  readonly row: number;
}

/** Narrower frames are left out with all that they called, in CSS pixels. */
const NARROWEST = 0.6;

/**
 * The frames to draw when `zoom` fills the width: its callers above it, across the whole width, and what it
 * called. As many as there are pixels for, however large the tree is.
 */
export function visibleFlames(
  { tree, start, end, parent }: FlameLayout,
  zoom: number,
  width: number,
  firstRow: number,
  lastRow: number,
): FlameBox[] {
  const boxes: FlameBox[] = [];
  for (let above = parent[zoom] ?? -1; above >= 0; above = parent[above] ?? -1) {
    const row = tree.depth[above] ?? 0;
    if (row >= firstRow && row <= lastRow) boxes.push({ node: above, left: 0, width, row });
  }
  const from = start[zoom] ?? 0;
  const scale = width / Math.max(1, tree.total[zoom] ?? 1);
  for (let i = zoom; i < (end[zoom] ?? 0);) {
    const wide = (tree.total[i] ?? 0) * scale;
    const row = tree.depth[i] ?? 0;
    if (wide < NARROWEST || row > lastRow) {
      i = end[i] ?? i + 1;
      continue;
    }
    if (row >= firstRow) {
      boxes.push({ node: i, left: ((start[i] ?? 0) - from) * scale, width: wide, row });
    }
    i++;
  }
  return boxes;
}

/** Instructions of all frames whose name has the text in it; a frame inside a found one counts once. */
export function foundShare({ tree, end }: FlameLayout, found: (node: number) => boolean): number {
  let sum = 0;
  for (let i = 0; i < tree.name.length;) {
    if (found(i)) {
      sum += tree.total[i] ?? 0;
      i = end[i] ?? i + 1;
    } else i++;
  }
  const all = tree.total[0] ?? 0;
  return all === 0 ? 0 : sum / all;
}

/** What an arrow key means from a node: its caller, its most expensive callee, its neighbours. */
export function neighbour(
  { tree, end, parent }: FlameLayout,
  node: number,
  key: string,
): number | undefined {
  const above = parent[node] ?? -1;
  const isInside = (other: number): boolean => other < tree.name.length && parent[other] === above;
  switch (key) {
    case 'ArrowUp':
      return above >= 0 ? above : undefined;
    case 'ArrowDown':
      return (end[node] ?? 0) > node + 1 ? node + 1 : undefined;
    case 'ArrowRight':
      return isInside(end[node] ?? 0) ? end[node] : undefined;
    case 'ArrowLeft': {
      if (above < 0) return undefined;
      let before: number | undefined;
      for (let each = above + 1; each < node; each = end[each] ?? node) before = each;
      return before;
    }
    default:
      return undefined;
  }
}

/** The frame of another tree that has the same callers by name; the root when there is none. */
export function sameFrame(from: FlameTree, to: FlameTree, node: number): number {
  const nameOf = (tree: FlameTree, at: number): string => tree.names[tree.name[at] ?? 0] ?? '';
  const path: string[] = [];
  let depth = from.depth[node] ?? 0;
  for (let at = node; at > 0 && depth > 0; at--) {
    if (from.depth[at] !== depth) continue;
    path.unshift(nameOf(from, at));
    depth--;
  }
  let known = 0;
  for (let at = 1; at < to.name.length && known < path.length; at++) {
    const level = to.depth[at] ?? 0;
    // Behind the last callee of the frame that was found last.
    if (level <= known) return 0;
    if (level === known + 1 && nameOf(to, at) === path[known]) {
      known++;
      if (known === path.length) return at;
    }
  }
  return 0;
}
