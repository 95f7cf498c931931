import type { SymbolTable } from '../elf/symbols';
import { PAGE_COUNT, PAGE_SIZE } from '../memory/layout';
import type { AddressSpace } from '../memory/address-space';
import { pageRuns, pageTotals, RunMemo, type PageRun } from '../memory/page-runs';
import { PAGE_STATES } from '../memory/states';
import type { Hart } from '../multiprocess/hart';
import type { PagesInfo, PageSpace, SegmentInfo } from './protocol';
import type { DebugTarget } from './target';

/** Bounds of an answer: its cells, one for each row and space, take at most 4 MiB. */
const MAX_SPACES = 256;
const MAX_ROWS = 65_536;
const MAX_CELLS = 4 << 20;
/** Variables that are named for a row. */
const MAX_SYMBOLS = 3;

const STATE = Object.fromEntries(PAGE_STATES.map((state, number) => [state, number]));

/** The runs of one space, looked at from the lowest address up. */
class Sweep {
  private next = 0;

  constructor(private readonly runs: readonly PageRun[]) {}

  /** The cell at `page`, 0 when nothing is mapped there; pages ascend from call to call. */
  at(page: number): number {
    const { runs } = this;
    while (this.next < runs.length && end(runs[this.next]) <= page) this.next++;
    const run = runs[this.next] as PageRun | undefined;
    return run && run.page <= page ? 8 * STATE[run.state] + run.protection : 0;
  }

  /** The page above the one asked for last where another run or gap begins. */
  boundary(page: number): number {
    const run = this.runs[this.next] as PageRun | undefined;
    if (!run) return PAGE_COUNT;
    return run.page > page ? run.page : end(run);
  }
}

const end = ({ page, count }: PageRun): number => page + count;

/** Texts that rows refer to by number, each kept once. */
class Names {
  readonly list: string[] = [];
  private readonly numbers = new Map<string, number>();

  number(name: string): number {
    const known = this.numbers.get(name);
    if (known !== undefined) return known;
    this.numbers.set(name, this.list.length);
    return this.list.push(name) - 1;
  }
}

/** The pages of all address spaces, as rows that look alike in every space. */
export function pagesInfo(target: DebugTarget): Omit<PagesInfo, 'tracking'> {
  const bySpace = spacesOf(target.liveHarts);
  const shown = bySpace.slice(0, MAX_SPACES);
  const memo = new RunMemo();
  const runs = shown.map(({ space }) => pageRuns(space, memo));
  const spaces = shown.map(({ space, harts }, i): PageSpace => {
    const totals = pageTotals(runs[i]);
    const [{ vcpu }] = harts;
    return {
      space: space.id,
      harts: harts.map(({ index }) => index),
      ...(vcpu && { task: { id: vcpu.task.id, mode: vcpu.task.mode, vcpu: vcpu.id } }),
      totals: PAGE_STATES.map((state) => totals[state]),
    };
  });
  const segments = new Segments(target.memoryMap(), target.liveHarts);
  const rows = makeRows(runs, segments, target.symbols);
  const leftOut = { rows: rows.leftOut, spaces: bySpace.length - shown.length };
  return { states: PAGE_STATES, spaces, ...rows, leftOut };
}

/** Address spaces with the harts that run in them, in the order of the harts. */
function spacesOf(harts: readonly Hart[]): { space: AddressSpace; harts: Hart[] }[] {
  const found = new Map<number, { space: AddressSpace; harts: Hart[] }>();
  for (const hart of harts) {
    const known = found.get(hart.space.id);
    if (known) known.harts.push(hart);
    else found.set(hart.space.id, { space: hart.space, harts: [hart] });
  }
  return [...found.values()];
}

/** What a part of memory is called. */
class Segments {
  private next = 0;
  private readonly stacks: readonly (readonly [number, number])[];

  constructor(
    private readonly map: readonly SegmentInfo[],
    harts: readonly Hart[],
  ) {
    this.stacks = harts
      .filter(({ vcpu }) => vcpu)
      .map(({ stack }) => [stack.bottom / PAGE_SIZE, stack.top / PAGE_SIZE]);
  }

  /** The label at `page` and the page where another begins; pages ascend from call to call. */
  at(page: number): { label: string; boundary: number } {
    const { map } = this;
    while (this.next < map.length && map[this.next].end / PAGE_SIZE <= page) this.next++;
    const segment = map[this.next] as SegmentInfo | undefined;
    if (segment && segment.start / PAGE_SIZE <= page) {
      return { label: segment.label, boundary: segment.end / PAGE_SIZE };
    }
    const boundary = segment ? segment.start / PAGE_SIZE : PAGE_COUNT;
    const stack = this.stacks.find(([first, last]) => page >= first && page < last);
    if (stack) return { label: 'vCPU stack', boundary: Math.min(boundary, stack[1]) };
    return { label: 'mapping', boundary };
  }
}

function makeRows(
  runs: readonly (readonly PageRun[])[],
  segments: Segments,
  symbols: SymbolTable,
): Omit<PagesInfo, 'states' | 'spaces' | 'leftOut' | 'tracking'> & { leftOut: number } {
  const sweeps = runs.map((each) => new Sweep(each));
  const most = Math.min(MAX_ROWS, Math.floor(MAX_CELLS / sweeps.length));
  const [labels, named] = [new Names(), new Names()];
  const first: number[] = [];
  const count: number[] = [];
  const labelOf: number[] = [];
  const cells: number[] = [];
  let leftOut = 0;
  const present = new Uint8Array(sweeps.length);
  for (let page = 0; page < PAGE_COUNT;) {
    let boundary = PAGE_COUNT;
    let mapped = false;
    for (let i = 0; i < sweeps.length; i++) {
      present[i] = sweeps[i].at(page);
      if (present[i] !== 0) mapped = true;
      boundary = Math.min(boundary, sweeps[i].boundary(page));
    }
    if (mapped) {
      const segment = segments.at(page);
      boundary = Math.min(boundary, segment.boundary);
      if (first.length < most) {
        first.push(page);
        count.push(boundary - page);
        const isGuard = present.every((cell) => cell === 0 || cell >> 3 === STATE.guard);
        labelOf.push(labels.number(isGuard ? 'guard' : segment.label));
        for (const cell of present) cells.push(cell);
      } else leftOut++;
    }
    page = boundary;
  }
  const symbolsOf = first.map((page, i) => named.number(variables(symbols, page, count[i])));
  return {
    first: Uint32Array.from(first),
    count: Uint32Array.from(count),
    cells: Uint8Array.from(cells),
    labels: labels.list,
    labelOf: Uint16Array.from(labelOf),
    symbols: named.list,
    symbolsOf: Uint32Array.from(symbolsOf),
    leftOut,
  };
}

/** The variables in a run of pages: `left+0x3000, right, partial, …`. */
function variables(symbols: SymbolTable, page: number, count: number): string {
  const start = page * PAGE_SIZE;
  const before = symbols.objectAt(start);
  const names = before && before.offset > 0 ? [offsetName(before)] : [];
  const further = symbols.objectsFrom(start, start + count * PAGE_SIZE, MAX_SYMBOLS + 1);
  names.push(...further.map(({ name }) => name));
  if (names.length > MAX_SYMBOLS) names.splice(MAX_SYMBOLS, Infinity, '…');
  return names.join(', ');
}

const offsetName = ({ symbol, offset }: { symbol: { name: string }; offset: number }): string =>
  `${symbol.name}+0x${offset.toString(16)}`;
