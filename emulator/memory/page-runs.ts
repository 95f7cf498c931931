import type { AddressSpace } from './address-space';
import { ENTRY_FRAME_SHIFT, NODE_ENTRIES } from './arena-layout';
import { PAGE_COUNT } from './layout';
import type { Nodes } from './nodes';
import type { BlockChange } from './page-changes';
import { ENTRY } from './page-entry';
import { TOP_ENTRIES } from './page-table';
import { BLOCK_PAGES, EMPTY, RunList, RunMemo, type PageRun } from './run-list';
import { PAGE_STATES, stateNumber, type PageState } from './states';

const PERMISSIONS = ENTRY.read | ENTRY.write | ENTRY.execute;
const TOGETHER = ENTRY.borrowed | ENTRY.shared;
/** How many blocks of `BLOCK_PAGES` there are. */
export const BLOCKS = TOP_ENTRIES;

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

/** What an earlier look has found, and where to look again. */
interface Earlier {
  readonly runs: BlockRuns;
  readonly changes: readonly BlockChange[];
}

const EVERYWHERE: readonly BlockChange[] = Array.from({ length: BLOCKS }, (_, block) => ({
  block,
}));

/** The runs block by block; a block whose runs are as before keeps its very list. */
export function blockRuns(space: AddressSpace, memo: RunMemo, earlier?: Earlier): BlockRuns {
  const { u32 } = space.arena;
  const walk = new Walk(space, memo);
  const runs = earlier ? [...earlier.runs] : new Array<RunList | undefined>(BLOCKS).fill(undefined);
  for (const { block, leaves } of earlier?.changes ?? EVERYWHERE) {
    const before = runs[block];
    const middle = u32[space.topTable + block];
    if (middle === 0) runs[block] = undefined;
    else {
      const list =
        before && leaves ? walk.renewed(before, block, middle, leaves) : walk.middle(block, middle);
      runs[block] = memo.once(block, before?.equals(list) === true ? before : list);
    }
  }
  return runs;
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
/** Instead of the lender's node: there are several lenders, which do not have the same. */
const MANY = -1;
const NO_NODES: readonly number[] = [];

/** Which of the lenders' nodes decides beside a space's own `node` what is stale: that one where none does. */
function decisive(node: number, others: readonly number[]): number {
  if (others.every((other) => other === node)) return node;
  return others.length === 1 ? others[0] : MANY;
}

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
    const nodes = this.lendersNodes(top);
    const first = top * BLOCK_PAGES;
    const other = decisive(middle, nodes);
    const key = this.key(first, BLOCK_PAGES, middle, other, 2 + Number(isShared));
    const known = this.memo.get(key);
    if (known) return known;
    const list = new RunList();
    // Large mappings have the same leaf many times in a row: it means the same, unless the place counts.
    const isAlike = nodes.length <= 1 && !this.hasPrivate(first, BLOCK_PAGES);
    let last = 0;
    let lastOther = 0;
    let runs: RunList | undefined;
    for (let i = 0; i < NODE_ENTRIES; i++) {
      const leaf = this.entry(middle, i);
      if (leaf === 0) continue;
      const lenders = nodes.length === 0 ? 0 : this.entry(nodes[0], i);
      if (!runs || !isAlike || leaf !== last || lenders !== lastOther) {
        runs = this.leaf(top, i, leaf, nodes, isShared);
      }
      last = leaf;
      lastOther = lenders;
      list.append(i * NODE_ENTRIES, runs);
    }
    this.memo.set(key, list);
    return list;
  }

  /** The runs below entry `top` of the top table, where only some leaves may be others than in `before`. */
  renewed(before: RunList, top: number, middle: number, leaves: readonly number[]): RunList {
    const isShared = this.isShared(middle, false);
    const nodes = this.lendersNodes(top);
    const found = leaves.map((i): RunList => {
      const leaf = this.entry(middle, i);
      return leaf === 0 ? EMPTY : this.leaf(top, i, leaf, nodes, isShared);
    });
    return this.memo.renewed(before, leaves, found);
  }

  private lendersNodes(top: number): readonly number[] {
    const { lenders } = this;
    return lenders.length === 0
      ? NO_NODES
      : lenders.map(({ topTable }) => this.u32[topTable + top]);
  }

  /**
   * The runs of leaf `i` below entry `top` of the top table.
   * @param nodes the lenders' nodes above, entry `i` of which is the leaf there
   */
  private leaf(
    top: number,
    i: number,
    leaf: number,
    nodes: readonly number[],
    isPathShared: boolean,
  ): RunList {
    const first = top * BLOCK_PAGES + i * NODE_ENTRIES;
    const isShared = this.isShared(leaf, isPathShared);
    const other =
      nodes.length === 1
        ? this.entry(nodes[0], i)
        : decisive(
            leaf,
            nodes.map((node) => this.entry(node, i)),
          );
    const key = this.key(first, NODE_ENTRIES, leaf, other, Number(isShared));
    const known = this.memo.get(key);
    if (known) return known;
    const list = this.look(first, leaf, other, isShared);
    this.memo.set(key, list);
    return list;
  }

  /** What the answer for a node depends on; 0 where that is more than the two nodes: then it is this space's only. */
  private key(first: number, pages: number, node: number, other: number, kind: number): number {
    let lender = NO_LENDER;
    if (other !== node) {
      if (!this.root || this.hasPrivate(first, pages)) return 0;
      lender = other + 1;
    }
    if (node >= NODE_LIMIT || lender >= NODE_LIMIT) return 0;
    return ((lender * NODE_LIMIT + node) * 4 + kind) * 2 + (this.isFork ? 1 : 0);
  }

  /** Whether some of the pages are in the space's private range. */
  private hasPrivate(first: number, pages: number): boolean {
    return this.privateFirst < first + pages && this.privateEnd > first;
  }

  /** The runs of a leaf's pages. */
  private look(first: number, leaf: number, other: number, isShared: boolean): RunList {
    this.memo.leaves += 1;
    const list = new RunList();
    const word = this.word(leaf);
    if (word === 0) return list;
    const { u32, i32, references, frameCount, isFork } = this;
    const isCommon = other === leaf;
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
        const isStale = !isCommon && this.isStale(first + i, entry, other, i);
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

  /** @param lender the only lender's leaf, entry `i` of which is the page there */
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
