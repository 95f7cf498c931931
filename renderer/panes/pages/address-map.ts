/**
 * The map of an address space: every mapped page is a small square, in the order of addresses. Gaps are left out; each
 * segment begins a line.
 */
import type { PagesInfo } from '../../../emulator/debug/protocol';
import { columnsBefore } from './page-rows';

export type MapColouring = 'state' | 'permission' | 'recency';

/** Neighbouring pages with one label. */
export interface MapSegment {
  readonly label: string;
  /** Number of its first page, and how many of them the map shows. */
  readonly first: number;
  readonly pages: number;
  /** The line of squares where it begins. */
  readonly line: number;
}

/** How the pages are laid out: on a raster of places, `columns` in a line. */
export interface MapLayout {
  readonly columns: number;
  /** Side of a square in CSS pixels; below 1 several pages share a pixel. */
  readonly side: number;
  readonly pages: number;
  readonly segments: readonly MapSegment[];
  /** Rows of the table of runs, and the place of the first page of each. */
  readonly rows: Uint32Array;
  readonly places: Float64Array;
}

/** Side of a square, in CSS pixels, when there is room: its state's letter can be read in it. */
const LARGEST = 18;
const SMALLEST = 0.05;
/** How much smaller squares are tried when all do not fit. */
const SHRINK = 0.97;

interface Run {
  readonly row: number;
  /** Index of its segment, and how many of the segment's pages come before it. */
  readonly segment: number;
  readonly before: number;
}

/**
 * Lays out the pages that a space has mapped so that all of them fit into the area.
 * @param leftOut number of a state whose pages are left out; −1 for none
 */
export function layoutMap(
  info: PagesInfo,
  column: number,
  width: number,
  height: number,
  leftOut = -1,
): MapLayout {
  const { runs, segments } = segmentsOf(info, column, leftOut);
  const linesAt = (columns: number): number =>
    segments.reduce((sum, { pages }) => sum + Math.ceil(pages / columns), 0);
  const columnsAt = (side: number): number => Math.max(1, Math.floor(width / side));
  let side = LARGEST;
  while (side > SMALLEST && linesAt(columnsAt(side)) * side > height) side *= SHRINK;
  const columns = columnsAt(side);
  let line = 0;
  const placed = segments.map((segment): MapSegment => {
    const here = line;
    line += Math.ceil(segment.pages / columns);
    return { ...segment, line: here };
  });
  return {
    columns,
    side,
    pages: segments.reduce((sum, { pages }) => sum + pages, 0),
    segments: placed,
    rows: Uint32Array.from(runs, ({ row }) => row),
    places: Float64Array.from(
      runs,
      ({ segment, before }) => (placed[segment]?.line ?? 0) * columns + before,
    ),
  };
}

/** The runs that a space has mapped, and the segments that they make up. */
function segmentsOf(
  { spaces, first, count, cells, labels, labelOf }: PagesInfo,
  column: number,
  leftOut: number,
): { runs: Run[]; segments: Omit<MapSegment, 'line'>[] } {
  const runs: Run[] = [];
  const segments: { label: string; first: number; pages: number }[] = [];
  let end = -1;
  for (let row = 0; row < first.length; row++) {
    const cell = cells[row * spaces.length + column] ?? 0;
    if (cell === 0) continue;
    const [start, pages] = [first[row] ?? 0, count[row] ?? 0];
    const label = labels[labelOf[row] ?? 0] ?? '';
    // Pages that are left out do not part a segment.
    const goesOn = start === end && segments.at(-1)?.label === label;
    end = start + pages;
    if (!goesOn) segments.push({ label, first: start, pages: 0 });
    const segment = segments.at(-1);
    if (segment === undefined || cell >> 3 === leftOut) continue;
    runs.push({ row, segment: segments.length - 1, before: segment.pages });
    segment.pages += pages;
  }
  return { runs, segments };
}

/** Index in `layout.rows` of the run that is at a place, or the last one before it. */
function runOf({ places }: MapLayout, n: number): number {
  let low = 0;
  let high = places.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((places[middle] ?? 0) <= n) low = middle;
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
  if (column < 0 || column >= layout.columns || y < 0) return undefined;
  const n = Math.floor(y / layout.side) * layout.columns + column;
  const run = runOf(layout, n);
  const row = layout.rows[run] ?? 0;
  const offset = n - (layout.places[run] ?? Infinity);
  const isInRun = offset >= 0 && offset < (info.count[row] ?? 0);
  return isInRun ? (info.first[row] ?? 0) + offset : undefined;
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
  const n = (layout.places[run] ?? 0) + page - (info.first[layout.rows[run] ?? 0] ?? 0);
  return {
    x: (n % layout.columns) * layout.side,
    y: Math.floor(n / layout.columns) * layout.side,
  };
}

/** Pages that changed, and how many stops ago, up to `AGES`. */
export const AGES = 6;

/**
 * Ages the changes by one stop and adds those between two stops: pages whose state is another.
 * @param then at the stop before; null when that was missed, so that nothing is known of any change
 */
export function ageChanges(
  ages: ReadonlyMap<number, number>,
  now: PagesInfo,
  then: PagesInfo | null,
): Map<number, number> {
  if (then === null) return new Map();
  const next = new Map<number, number>();
  for (const [page, age] of ages) if (age + 1 < AGES) next.set(page, age + 1);
  const columns = columnsBefore(now, then);
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
    let at = layout.places[run] ?? 0;
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
