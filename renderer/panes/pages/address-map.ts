/** The map of an address space: every mapped page is a small square, in the order of addresses; gaps are left out. */
import type { PagesInfo } from '../../../emulator/debug/protocol';

export type MapColouring = 'state' | 'permission' | 'recency';

/** How the pages are laid out. */
export interface MapLayout {
  readonly columns: number;
  /** Side of a square in CSS pixels; below 1 several pages share a pixel. */
  readonly side: number;
  readonly pages: number;
  /** Rows of the table of runs, and how many mapped pages come before each. */
  readonly rows: Uint32Array;
  readonly before: Float64Array;
}

const LARGEST = 14;

/**
 * Lays out the pages that a space has mapped so that all of them fit into the area.
 * @param leftOut number of a state whose pages are left out; −1 for none
 */
export function layoutMap(
  { spaces, first, count, cells }: PagesInfo,
  column: number,
  width: number,
  height: number,
  leftOut = -1,
): MapLayout {
  const rows: number[] = [];
  const before: number[] = [];
  let pages = 0;
  for (let row = 0; row < first.length; row++) {
    const cell = cells[row * spaces.length + column] ?? 0;
    if (cell === 0 || cell >> 3 === leftOut) continue;
    rows.push(row);
    before.push(pages);
    pages += count[row] ?? 0;
  }
  let side = Math.min(LARGEST, Math.sqrt((width * height) / Math.max(1, pages)));
  // Whole rows of squares must fit: a little smaller until they do.
  const fits = (): boolean =>
    Math.ceil(pages / Math.max(1, Math.floor(width / side))) * side <= height;
  while (side > 0.05 && !fits()) side *= 0.97;
  return {
    columns: Math.max(1, Math.floor(width / side)),
    side,
    pages,
    rows: Uint32Array.from(rows),
    before: Float64Array.from(before),
  };
}

/** Index in `layout.rows` of the run that holds the n-th mapped page. */
function runOf({ before }: MapLayout, n: number): number {
  let low = 0;
  let high = before.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((before[middle] ?? 0) <= n) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The page at a point of the map; undefined beside the pages. */
export function pageAt(
  info: PagesInfo,
  layout: MapLayout,
  x: number,
  y: number,
): number | undefined {
  const column = Math.floor(x / layout.side);
  const n = Math.floor(y / layout.side) * layout.columns + column;
  if (column >= layout.columns || n < 0 || n >= layout.pages) return undefined;
  const run = runOf(layout, n);
  return (info.first[layout.rows[run] ?? 0] ?? 0) + n - (layout.before[run] ?? 0);
}

/** Where a page lies in the map; undefined when the space has not mapped it. */
export function placeOf(
  info: PagesInfo,
  layout: MapLayout,
  page: number,
): { readonly x: number; readonly y: number } | undefined {
  const run = layout.rows.findIndex((row) => {
    const start = info.first[row] ?? 0;
    return page >= start && page < start + (info.count[row] ?? 0);
  });
  if (run < 0) return undefined;
  const n = (layout.before[run] ?? 0) + page - (info.first[layout.rows[run] ?? 0] ?? 0);
  return {
    x: (n % layout.columns) * layout.side,
    y: Math.floor(n / layout.columns) * layout.side,
  };
}

/** Pages that changed, and how many stops ago, up to `AGES`. */
export const AGES = 6;

/** Ages the changes by one stop and adds those between two stops: pages whose state is another. */
export function ageChanges(
  ages: ReadonlyMap<number, number>,
  now: PagesInfo,
  then: PagesInfo,
): Map<number, number> {
  const next = new Map<number, number>();
  for (const [page, age] of ages) if (age + 1 < AGES) next.set(page, age + 1);
  const columns = now.spaces.map(({ space }) =>
    then.spaces.findIndex((each) => each.space === space),
  );
  let other = 0;
  now.first.forEach((page, row) => {
    while (other < then.first.length && (then.first[other] ?? 0) + (then.count[other] ?? 0) <= page)
      other++;
    const same = (then.first[other] ?? Infinity) <= page;
    const changed = columns.some((column, own) => {
      const cell = now.cells[row * now.spaces.length + own] ?? 0;
      const old = same && column >= 0 ? (then.cells[other * then.spaces.length + column] ?? 0) : 0;
      return column >= 0 && cell >> 3 !== old >> 3;
    });
    if (changed) next.set(page, 0);
  });
  return next;
}

/** Draws runs as rectangles: the first and last line of a run may be partial. */
export function* runRectangles(
  info: PagesInfo,
  layout: MapLayout,
): Generator<{ row: number; x: number; y: number; width: number; height: number }> {
  const { columns, side } = layout;
  for (let run = 0; run < layout.rows.length; run++) {
    const row = layout.rows[run] ?? 0;
    let at = layout.before[run] ?? 0;
    const end = at + (info.count[row] ?? 0);
    while (at < end) {
      const line = Math.floor(at / columns);
      const from = at % columns;
      // Whole lines at once.
      const lines = from === 0 ? Math.max(1, Math.floor((end - at) / columns)) : 1;
      const length = Math.min(end - at, from === 0 ? lines * columns : columns - from);
      const wide = Math.min(columns - from, length);
      yield { row, x: from * side, y: line * side, width: wide * side, height: lines * side };
      at += length;
    }
  }
}
