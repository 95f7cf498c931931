/** The Pages pane's rows: which of the machine's pages are shown, and what the last stop changed. */
import { computed, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue';
import type { PagesInfo } from '../../../emulator/debug/protocol';

export interface PageCell {
  readonly state: string;
  readonly cell: number;
  /** Was in another state at the stop before. */
  readonly changed: boolean;
}

export interface PageRow {
  readonly first: number;
  readonly count: number;
  readonly label: string;
  readonly symbols: string;
  /** Address space of the first of `cells`. */
  readonly column: number;
  /** Those of the address spaces in sight. */
  readonly cells: readonly PageCell[];
  /** Equal for rows that look alike. */
  readonly look: string;
}

/** Address spaces in sight: the first one and the one behind the last. */
export interface Columns {
  readonly first: number;
  readonly end: number;
}

export interface PageRows {
  readonly info: ShallowRef<PagesInfo | null>;
  /** Of the rows that the filter lets through, those in sight. */
  readonly visible: ComputedRef<readonly PageRow[]>;
  readonly total: ComputedRef<number>;
  readonly top: Ref<number>;
  readonly height: Ref<number>;
  readonly columns: Ref<Columns>;
  readonly text: Ref<string>;
  /** Names of the states to show; empty = all. */
  readonly states: Ref<ReadonlySet<string>>;
  /** As they were at the last stop that was seen: while the guest runs `info` goes on from there. */
  readonly atStop: ShallowRef<PagesInfo | null>;
  /**
   * Takes over what the machine says.
   * @param stops since the last call. After more than one it is not known which of them changed what.
   */
  take(next: PagesInfo, stops: number): void;
  clear(): void;
  scrollTo(row: number): void;
  /** Brings a page's row into sight. */
  reveal(page: number): void;
}

/** Index of the row that holds a page, or of the first one above it. */
function rowOf({ first, count }: PagesInfo, page: number): number {
  let low = 0;
  let high = first.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((first[middle] ?? 0) + (count[middle] ?? 0) <= page) low = middle + 1;
    else high = middle;
  }
  return low;
}

const holds = (info: PagesInfo, row: number, page: number): boolean =>
  row < info.first.length && (info.first[row] ?? 0) <= page;

export function usePageRows(): PageRows {
  const info = shallowRef<PagesInfo | null>(null);
  const atStop = shallowRef<PagesInfo | null>(null);
  /** As they were at the stop before. */
  const earlier = shallowRef<PagesInfo | null>(null);
  const top = ref(0);
  const height = ref(10);
  const text = ref('');
  const states = ref<ReadonlySet<string>>(new Set());
  const columns = ref<Columns>({ first: 0, end: 32 });
  /** Rows that were in sight last, by their first page: one that looks as it did is the very same. */
  let shown = new Map<number, PageRow>();

  /** Indices of the rows that the filter lets through. */
  const passing = computed(() => {
    const now = info.value;
    if (now === null) return new Uint32Array(0);
    const wanted = text.value.trim().toLowerCase();
    if (wanted === '' && states.value.size === 0) return now.first.map((_, row) => row);
    const numbers = new Set([...states.value].map((state) => now.states.indexOf(state)));
    const labels = now.labels.map((label) => label.toLowerCase().includes(wanted));
    const symbols = now.symbols.map((symbol) => symbol.toLowerCase().includes(wanted));
    const address = Number.parseInt(wanted.replace(/^0x/, ''), 16);
    const isAddress = /^(0x)?[0-9a-f]{4,8}$/.test(wanted);
    const spaces = now.spaces.length;
    const rows: number[] = [];
    for (let row = 0; row < now.first.length; row++) {
      const page = now.first[row] ?? 0;
      const inRow = isAddress && page * 4096 <= address && address < (page + now.count[row]) * 4096;
      const named = labels[now.labelOf[row] ?? 0] || symbols[now.symbolsOf[row] ?? 0] || inRow;
      if (!named) continue;
      const cells = now.cells.subarray(row * spaces, (row + 1) * spaces);
      if (numbers.size === 0 || cells.some((cell) => cell !== 0 && numbers.has(cell >> 3)))
        rows.push(row);
    }
    return Uint32Array.from(rows);
  });
  const total = computed(() => passing.value.length);
  const visible = computed(() => {
    const now = info.value;
    if (now === null) return [];
    const before = columnsBefore(now, earlier.value);
    const { first, end } = columns.value;
    const range = { first, end: Math.min(end, now.spaces.length) };
    const rows = [...passing.value.subarray(top.value, top.value + height.value)].map((row) => {
      const made = makeRow(now, row, earlier.value, before, range);
      const known = shown.get(made.first);
      return known?.look === made.look ? known : made;
    });
    shown = new Map(rows.map((row) => [row.first, row]));
    return rows;
  });

  const clamp = (row: number): number =>
    Math.max(0, Math.min(Math.round(row), total.value - Math.max(1, height.value - 1)));

  function take(next: PagesInfo, stops: number): void {
    const page = visible.value[0]?.first;
    if (stops > 0) {
      earlier.value = stops === 1 ? atStop.value : null;
      atStop.value = next;
    }
    info.value = next;
    // The row at the top stays there, whatever comes and goes above it.
    if (page !== undefined && top.value > 0) top.value = clamp(indexOf(page));
    else top.value = clamp(top.value);
  }

  function indexOf(page: number): number {
    const now = info.value;
    if (now === null) return 0;
    const row = rowOf(now, page);
    let [low, high] = [0, total.value];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((passing.value[middle] ?? 0) < row) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function clear(): void {
    info.value = atStop.value = earlier.value = null;
    top.value = 0;
  }

  function scrollTo(row: number): void {
    top.value = clamp(row);
  }

  function reveal(page: number): void {
    const index = indexOf(page);
    if (index < top.value || index >= top.value + height.value - 1) scrollTo(index - 3);
  }

  const place = { top, height, columns, scrollTo, reveal };
  return { info, atStop, visible, total, text, states, take, clear, ...place };
}

/** For each space of `now` its column at the stop before, −1 for a new one. */
export function columnsBefore(now: PagesInfo, then: PagesInfo | null): readonly number[] {
  return now.spaces.map(({ space, harts }) => {
    const column = then?.spaces.findIndex((each) => each.space === space) ?? -1;
    // Numbers of spaces are used again: the same hart must have run in it.
    return column >= 0 && then?.spaces[column]?.harts[0] === harts[0] ? column : -1;
  });
}

function makeRow(
  now: PagesInfo,
  row: number,
  then: PagesInfo | null,
  before: readonly number[],
  columns: Columns,
): PageRow {
  const first = now.first[row] ?? 0;
  const old = then === null ? 0 : rowOf(then, first);
  const known = then !== null && holds(then, old, first) ? then : null;
  const cells: PageCell[] = [];
  for (let column = columns.first; column < columns.end; column++) {
    const cell = now.cells[row * now.spaces.length + column] ?? 0;
    const place = before[column] ?? -1;
    const changed =
      then !== null &&
      place >= 0 &&
      (known?.cells[old * known.spaces.length + place] ?? 0) >> 3 !== cell >> 3;
    cells.push({ state: now.states[cell >> 3] ?? 'unmapped', cell, changed });
  }
  const count = now.count[row] ?? 0;
  const label = now.labels[now.labelOf[row] ?? 0] ?? '';
  const symbols = now.symbols[now.symbolsOf[row] ?? 0] ?? '';
  const marks = cells.map(({ cell, changed }) => (changed ? cell + 256 : cell)).join();
  const look = [count, label, symbols, columns.first, marks].join('|');
  return { first, count, label, symbols, column: columns.first, cells, look };
}
