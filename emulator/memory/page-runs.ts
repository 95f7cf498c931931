import type { AddressSpace } from './address-space';
import { ENTRY_FRAME_SHIFT, NODE_ENTRIES } from './arena-layout';
import { PAGE_COUNT } from './layout';
import type { Nodes } from './nodes';
import { ENTRY, TOP_ENTRIES } from './page-table';
import { PAGE_STATES, stateNumber, type PageState } from './states';

/** Pages in a row with the same state and protection. */
export interface PageRun {
  /** First page. */
  readonly page: number;
  /** How many pages. */
  readonly count: number;
  readonly state: PageState;
  /** READ, WRITE, EXECUTE or'ed together. */
  readonly protection: number;
}

const PERMISSIONS = ENTRY.read | ENTRY.write | ENTRY.execute;
const TOGETHER = ENTRY.borrowed | ENTRY.shared;
/** Pages below one entry of the top table: a block. */
export const BLOCK_PAGES = NODE_ENTRIES * NODE_ENTRIES;
export const BLOCKS = TOP_ENTRIES;

/** Runs as numbers: first page, pages, and 8 × number of the state + protection; three for each run. */
export class RunList {
  readonly numbers: number[] = [];
  private counts: readonly number[] | undefined;
  private sum: number | undefined;

  /** Adds pages behind the last ones; they join the last run when they are alike. */
  add(page: number, count: number, kind: number): void {
    const { numbers } = this;
    const at = numbers.length - 3;
    if (at >= 0 && numbers[at] + numbers[at + 1] === page && numbers[at + 2] === kind) {
      numbers[at + 1] += count;
    } else numbers.push(page, count, kind);
  }

  /** Adds another list, whose pages count from `first`. */
  append(first: number, { numbers }: RunList): void {
    for (let i = 0; i < numbers.length; i += 3) {
      this.add(first + numbers[i], numbers[i + 1], numbers[i + 2]);
    }
  }

  equals({ numbers }: RunList): boolean {
    const own = this.numbers;
    if (own.length !== numbers.length) return false;
    for (let i = 0; i < own.length; i++) if (own[i] !== numbers[i]) return false;
    return true;
  }

  /** Equal for lists that are equal; of a list that is complete. */
  get hash(): number {
    return (this.sum ??= this.numbers.reduce((sum, each) => (Math.imul(sum, 31) + each) | 0, 17));
  }

  /** Pages of each state, by its number; of a list that is complete. */
  get totals(): readonly number[] {
    if (this.counts) return this.counts;
    const counts = PAGE_STATES.map(() => 0);
    for (let i = 0; i < this.numbers.length; i += 3) {
      counts[this.numbers[i + 2] >>> 3] += this.numbers[i + 1];
    }
    return (this.counts = counts);
  }

  runs(): PageRun[] {
    const runs: PageRun[] = [];
    for (let i = 0; i < this.numbers.length; i += 3) {
      const kind = this.numbers[i + 2];
      runs.push({
        page: this.numbers[i],
        count: this.numbers[i + 1],
        state: PAGE_STATES[kind >>> 3],
        protection: kind & PERMISSIONS,
      });
    }
    return runs;
  }
}

/**
 * The runs of page-table nodes that were looked at already, for several spaces that share nodes: valid as long as nothing
 * runs. One that is used again after that (`renew`) gives the same list, not only an equal one, where nothing has
 * changed.
 */
export class RunMemo {
  private known = new Map<number, RunList>();
  private before = new Map<number, RunList>();
  /** Leaves that were looked at since `renew`. */
  leaves = 0;

  /** Everything is to be looked at again. */
  renew(): void {
    this.before = this.known;
    this.known = new Map();
    this.leaves = 0;
  }

  /** @param key of a node, as what its pages' states depend on */
  runs(key: number, find: () => RunList): RunList {
    const known = this.known.get(key);
    if (known) return known;
    const found = this.kept(key, find());
    this.known.set(key, found);
    return found;
  }

  private kept(key: number, found: RunList): RunList {
    const before = this.before.get(key);
    return before?.equals(found) === true ? before : found;
  }
}

/**
 * The mapped pages of a space as runs in ascending order; pages between runs are unmapped. Takes no lock: of
 * a space whose harts run meanwhile it is a snapshot in which single pages may be a moment older than others.
 *
 * It costs what differs and not what is mapped: a node that stands in many places, as those of large mappings do, is
 * looked at once, and with a memo so is one that several spaces share.
 * @param memo of calls for other spaces just before
 */
export function pageRuns(space: AddressSpace, memo = new RunMemo()): PageRun[] {
  const list = new RunList();
  blockRuns(space, memo).forEach((block, n) => {
    if (block) list.append(n * BLOCK_PAGES, block);
  });
  return list.runs();
}

/** The runs of a space, block by block: the pages of each list count from its block's first; undefined: unmapped. */
export type BlockRuns = readonly (RunList | undefined)[];

/**
 * The runs block by block.
 * @param known what an earlier call gave, for the blocks that `changed` says nothing has happened to
 */
export function blockRuns(
  space: AddressSpace,
  memo: RunMemo,
  known?: BlockRuns,
  changed: (block: number) => boolean = () => true,
): BlockRuns {
  const { u32 } = space.arena;
  const walk = new Walk(space, memo);
  return Array.from({ length: BLOCKS }, (_, top) => {
    if (known && !changed(top)) return known[top];
    const middle = u32[space.topTable + top];
    return middle === 0 ? undefined : walk.middle(top, middle);
  });
}

/** How many pages of each state the runs hold; what they leave out of the 2^20 pages is `unmapped`. */
export function pageTotals(runs: readonly PageRun[]): Record<PageState, number> {
  const totals = Object.fromEntries(PAGE_STATES.map((state) => [state, 0])) as Record<
    PageState,
    number
  >;
  totals.unmapped = PAGE_COUNT;
  for (const { state, count } of runs) {
    totals[state] += count;
    totals.unmapped -= count;
  }
  return totals;
}

/** What two nodes are together in a key: there are less than 2^17 nodes. */
const NODE_LIMIT = 2 ** 17;
/** Instead of the lender's node: the states do not depend on the lender. */
const NO_LENDER = 0;

/**
 * One look at a space's table. While harts run, a node may be given back and used anew between two reads: what then
 * is no node or frame of the arena counts as nothing.
 */
class Walk {
  private readonly isFork: boolean;
  /** The space's lender, when that one has none itself: then what is stale follows from two entries. */
  private readonly root: AddressSpace | undefined;
  /** Nearest first. */
  private readonly lenders: readonly AddressSpace[];
  private readonly privateFirst: number;
  private readonly privateEnd: number;
  private readonly u32: Uint32Array;
  private readonly i32: Int32Array;
  private readonly nodes: Nodes;
  private readonly nodeCount: number;
  private readonly frameCount: number;
  /** Word of the first frame's reference count. */
  private readonly references: number;

  constructor(
    private readonly space: AddressSpace,
    private readonly memo: RunMemo,
  ) {
    this.isFork = space.isFork;
    const lenders: AddressSpace[] = [];
    for (let { lender } = space; lender; lender = lender.lender) lenders.push(lender);
    this.lenders = lenders;
    const { arena } = space;
    const { counts, regions } = arena;
    // Whether a page of the embedder is stale follows from more than its entries.
    this.root = lenders.length === 1 && !arena.installs.any ? lenders[0] : undefined;
    ({ privateFirst: this.privateFirst, privateEnd: this.privateEnd } = space);
    ({ u32: this.u32, i32: this.i32, nodes: this.nodes } = arena);
    this.nodeCount = counts.nodes;
    this.frameCount = counts.frames;
    this.references = regions.frameRefs >>> 2;
  }

  /** The runs below entry `top` of the top table. */
  middle(top: number, middle: number): RunList {
    const isShared = this.isShared(middle, false);
    const nodes = this.lenders.map(({ topTable }) => this.u32[topTable + top]);
    const find = (): RunList => {
      const list = new RunList();
      const { length } = nodes;
      // Large mappings have the same leaf many times in a row: it means the same, unless the place counts.
      const isAlike = length <= 1 && !this.hasPrivate(top * BLOCK_PAGES, BLOCK_PAGES);
      let last = 0;
      let lastOther = 0;
      let runs: RunList | undefined;
      for (let i = 0; i < NODE_ENTRIES; i++) {
        const leaf = this.entry(middle, i);
        if (leaf === 0) continue;
        const other = length === 0 ? 0 : this.entry(nodes[0], i);
        if (!runs || !isAlike || leaf !== last || other !== lastOther) {
          const first = top * BLOCK_PAGES + i * NODE_ENTRIES;
          runs = this.leaf(first, i, leaf, nodes, isShared);
        }
        last = leaf;
        lastOther = other;
        list.append(i * NODE_ENTRIES, runs);
      }
      return list;
    };
    return this.known(top * BLOCK_PAGES, BLOCK_PAGES, middle, nodes, 2 + Number(isShared), find);
  }

  /** @param nodes the lenders' nodes above, entry `i` of which is the leaf there */
  private leaf(
    first: number,
    i: number,
    leaf: number,
    nodes: readonly number[],
    isPathShared: boolean,
  ): RunList {
    const isShared = this.isShared(leaf, isPathShared);
    const others = nodes.length === 0 ? nodes : nodes.map((node) => this.entry(node, i));
    const find = (): RunList => this.look(first, leaf, others, isShared);
    return this.known(first, NODE_ENTRIES, leaf, others, Number(isShared), find);
  }

  /** What is known of a node, or what `find` says. Nothing is stale where all lenders have the same one. */
  private known(
    first: number,
    pages: number,
    node: number,
    others: readonly number[],
    kind: number,
    find: () => RunList,
  ): RunList {
    let lender = NO_LENDER;
    if (!others.every((other) => other === node)) {
      // Where more than the two nodes decides, the answer is this space's only.
      if (!this.root || this.hasPrivate(first, pages)) return find();
      lender = others[0] + 1;
    }
    if (node >= NODE_LIMIT || lender >= NODE_LIMIT) return find();
    const key = ((lender * NODE_LIMIT + node) * 4 + kind) * 2 + (this.isFork ? 1 : 0);
    return this.memo.runs(key, find);
  }

  /** Whether some of the pages are in the space's private range. */
  private hasPrivate(first: number, pages: number): boolean {
    return this.privateFirst < first + pages && this.privateEnd > first;
  }

  /** The runs of a leaf's pages. */
  private look(first: number, leaf: number, others: readonly number[], isShared: boolean): RunList {
    this.memo.leaves += 1;
    const list = new RunList();
    const word = this.word(leaf);
    if (word === 0) return list;
    const { u32, i32, references, frameCount, isFork } = this;
    const isCommon = others.every((other) => other === leaf);
    let start = 0;
    let kind = 0;
    let before = 0;
    for (let i = 0; i < NODE_ENTRIES; i++) {
      const entry = u32[word + i];
      const frame = entry >>> ENTRY_FRAME_SHIFT;
      // Equal neighbours without a frame are alike.
      if (isCommon && frame === 0 && entry === before) continue;
      before = entry;
      let here = 0;
      if (entry !== 0) {
        const isStale = !isCommon && this.isStale(first + i, entry, others[0], i);
        const both = isShared || (frame !== 0 && frame < frameCount && i32[references + frame] > 1);
        here = 8 * stateNumber(entry, both, isStale, isFork) + (entry & PERMISSIONS);
      }
      if (here === kind) continue;
      if (kind !== 0) list.add(start, i - start, kind);
      start = i;
      kind = here;
    }
    if (kind !== 0) list.add(start, NODE_ENTRIES - start, kind);
    return list;
  }

  /** @param lender the nearest lender's leaf, entry `i` of which is the page there */
  private isStale(page: number, entry: number, lender: number, i: number): boolean {
    if (!this.root) return this.space.isStale(page, entry);
    if ((entry & TOGETHER) !== 0) return false;
    if (page >= this.privateFirst && page < this.privateEnd) return false;
    const current = this.entry(lender, i);
    return current !== 0 && current >>> ENTRY_FRAME_SHIFT !== entry >>> ENTRY_FRAME_SHIFT;
  }

  private entry(node: number, index: number): number {
    const word = this.word(node);
    return word > 0 ? this.u32[word + index] : 0;
  }

  /** Word index of a node's entries; 0 for what is no node. */
  private word(node: number): number {
    return node > 0 && node < this.nodeCount ? this.nodes.word(node) : 0;
  }

  private isShared(node: number, isPathShared: boolean): boolean {
    return isPathShared || (node < this.nodeCount && this.nodes.references(node) > 1);
  }
}
