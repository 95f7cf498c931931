import type { SymbolTable } from '../elf/symbols';
import { PAGE_SIZE } from '../memory/layout';
import { BLOCKS, type BlockRuns } from '../memory/page-runs';
import { BLOCK_PAGES, type RunList } from '../memory/run-list';
import { PAGE_STATES } from '../memory/states';
import type { PageLabels } from './page-labels';

/** Variables that are named for a row. */
const MAX_SYMBOLS = 3;
const GUARD = PAGE_STATES.indexOf('guard');

/** Rows of pages that look alike in every space, as columns; numbers as in `PagesInfo`. */
export interface Rows {
  readonly first: Uint32Array<ArrayBuffer>;
  readonly count: Uint32Array<ArrayBuffer>;
  readonly labelOf: Uint16Array<ArrayBuffer>;
  readonly symbolsOf: Uint32Array<ArrayBuffer>;
  /** For each row as many as there are spaces. */
  readonly cells: Uint8Array<ArrayBuffer>;
}

/** A block of the address space: what its rows were made from, and the rows. */
interface Block {
  readonly lists: BlockRuns;
  readonly rows: Rows;
}

/** The runs of one space in a block, looked at from the lowest page up. */
class Sweep {
  private next = 0;

  constructor(private readonly numbers: readonly number[]) {}

  /** The cell at `page`, 0 when nothing is mapped there; pages ascend from call to call. */
  at(page: number): number {
    const { numbers } = this;
    while (this.next < numbers.length && numbers[this.next] + numbers[this.next + 1] <= page) {
      this.next += 3;
    }
    const isInRun = this.next < numbers.length && numbers[this.next] <= page;
    return isInRun ? numbers[this.next + 2] : 0;
  }

  /** The page above `page`, which was asked for last, where another run or gap begins. */
  boundaryAfter(page: number): number {
    const { numbers, next } = this;
    if (next >= numbers.length) return BLOCK_PAGES;
    return numbers[next] > page ? numbers[next] : numbers[next] + numbers[next + 1];
  }
}

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

/**
 * The rows of all address spaces, block by block. A block whose runs are the same as the last time, in every space,
 * keeps its rows: while a guest runs few blocks change.
 */
export class PageBlocks {
  private blocks: (Block | undefined)[] = [];
  private labels = new Names();
  private symbols = new Names();
  private labelling: string | undefined;
  private last: Rows | undefined;
  /** Blocks whose rows the last call of `rows` has made anew. */
  made = 0;
  /** Whether the last call of `rows` gave other rows than the one before. */
  hasChanged = true;

  get labelNames(): readonly string[] {
    return this.labels.list;
  }

  get symbolNames(): readonly string[] {
    return this.symbols.list;
  }

  /**
   * The rows in ascending order.
   * @param runs of each space
   */
  rows(runs: readonly BlockRuns[], labels: PageLabels, symbols: SymbolTable): Rows {
    if (this.labelling !== labels.signature) {
      this.labelling = labels.signature;
      this.blocks = [];
      this.labels = new Names();
      this.symbols = new Names();
    }
    this.made = 0;
    const before = this.blocks;
    this.blocks = [];
    const parts: Rows[] = [];
    for (let n = 0; n < BLOCKS; n++) {
      const lists = runs.map((each) => each[n]);
      if (lists.every((list) => list === undefined)) continue;
      let block = before[n];
      if (!block || !isSame(block.lists, lists)) {
        this.made += 1;
        block = { lists, rows: this.make(n * BLOCK_PAGES, lists, labels, symbols) };
      }
      this.blocks[n] = block;
      parts.push(block.rows);
    }
    this.hasChanged = !this.last || !isSame(this.blocks, before);
    if (this.last && !this.hasChanged) return this.last;
    this.last = joined(parts, runs.length, (page, count) =>
      this.symbols.number(variables(symbols, page, count)),
    );
    return this.last;
  }

  private make(start: number, lists: BlockRuns, labels: PageLabels, symbols: SymbolTable): Rows {
    const first: number[] = [];
    const count: number[] = [];
    const labelOf: number[] = [];
    const symbolsOf: number[] = [];
    /** For each row the cells of the distinct lists. */
    const looks: number[] = [];
    // Spaces whose lists are equal look alike: each list is looked at once.
    const { distinct, of } = alike(lists);
    const sweeps = distinct.map((list) => new Sweep(list?.numbers ?? []));
    const present = new Uint8Array(sweeps.length);
    for (let page = 0; page < BLOCK_PAGES;) {
      let boundary = BLOCK_PAGES;
      let isMapped = false;
      let isGuard = true;
      for (let i = 0; i < sweeps.length; i++) {
        const cell = (present[i] = sweeps[i].at(page));
        if (cell !== 0) isMapped = true;
        if (cell !== 0 && cell >> 3 !== GUARD) isGuard = false;
        boundary = Math.min(boundary, sweeps[i].boundaryAfter(page));
      }
      if (isMapped) {
        const segment = labels.at(start + page);
        boundary = Math.min(boundary, segment.end - start);
        first.push(start + page);
        count.push(boundary - page);
        labelOf.push(this.labels.number(isGuard ? 'guard' : segment.label));
        const named = variables(symbols, start + page, boundary - page);
        symbolsOf.push(this.symbols.number(named));
        for (const cell of present) looks.push(cell);
      }
      page = boundary;
    }
    const cells = new Uint8Array(first.length * of.length);
    for (let row = 0, at = 0; row < first.length; row++) {
      const look = row * sweeps.length;
      for (const sweep of of) cells[at++] = looks[look + sweep];
    }
    return {
      first: Uint32Array.from(first),
      count: Uint32Array.from(count),
      labelOf: Uint16Array.from(labelOf),
      symbolsOf: Uint32Array.from(symbolsOf),
      cells,
    };
  }
}

/** The lists that differ, and for each given one which of them it is. */
function alike(lists: BlockRuns): { distinct: (RunList | undefined)[]; of: number[] } {
  const distinct: (RunList | undefined)[] = [];
  const known = new Map<RunList | undefined, number>();
  const byHash = new Map<number, number[]>();
  const of = lists.map((list) => {
    const same = known.get(list);
    if (same !== undefined) return same;
    const candidates = list ? (byHash.get(list.hash) ?? []) : [];
    const equal = candidates.find((each) => list !== undefined && distinct[each]?.equals(list));
    const index = equal ?? distinct.push(list) - 1;
    if (equal === undefined && list) byHash.set(list.hash, [...candidates, index]);
    known.set(list, index);
    return index;
  });
  return { distinct, of };
}

function isSame<T>(one: readonly T[], other: readonly T[]): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

/**
 * The rows of all blocks; the first row of a block joins the last one before when they adjoin and look alike.
 * @param named number of the variables' names in a run of pages
 */
function joined(
  parts: readonly Rows[],
  spaces: number,
  named: (page: number, count: number) => number,
): Rows {
  const most = parts.reduce((sum, { first }) => sum + first.length, 0);
  const all: Rows = {
    first: new Uint32Array(most),
    count: new Uint32Array(most),
    labelOf: new Uint16Array(most),
    symbolsOf: new Uint32Array(most),
    cells: new Uint8Array(most * spaces),
  };
  let length = 0;
  for (const part of parts) {
    const from = joins(all, length - 1, part, spaces) ? 1 : 0;
    if (from === 1) {
      all.count[length - 1] += part.count[0];
      all.symbolsOf[length - 1] = named(all.first[length - 1], all.count[length - 1]);
    }
    for (const column of ['first', 'count', 'labelOf', 'symbolsOf'] as const) {
      all[column].set(part[column].subarray(from), length);
    }
    all.cells.set(part.cells.subarray(from * spaces), length * spaces);
    length += part.first.length - from;
  }
  return firstRows(all, length, spaces);
}

/** Whether the first row of `part` goes on where row `last` ends. */
function joins(all: Rows, last: number, part: Rows, spaces: number): boolean {
  if (last < 0 || all.first[last] + all.count[last] !== part.first[0]) return false;
  if (all.labelOf[last] !== part.labelOf[0]) return false;
  for (let i = 0; i < spaces; i++) {
    if (all.cells[last * spaces + i] !== part.cells[i]) return false;
  }
  return true;
}

/** Only the first `length` rows. */
export function firstRows(rows: Rows, length: number, spaces: number): Rows {
  if (length >= rows.first.length) return rows;
  return {
    first: rows.first.slice(0, length),
    count: rows.count.slice(0, length),
    labelOf: rows.labelOf.slice(0, length),
    symbolsOf: rows.symbolsOf.slice(0, length),
    cells: rows.cells.slice(0, length * spaces),
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
