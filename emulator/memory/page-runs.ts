import type { AddressSpace } from './address-space';
import { ENTRY_FRAME_SHIFT, NODE_ENTRIES } from './arena-layout';
import { PAGE_COUNT } from './layout';
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
/** Pages of a middle node. */
const MIDDLE_PAGES = NODE_ENTRIES * NODE_ENTRIES;

/** Runs as numbers: first page, pages, and 8 × number of the state + protection; three for each run. */
class RunList {
  readonly numbers: number[] = [];

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

/** The runs of page-table nodes that were looked at already: valid as long as nothing runs. */
export class RunMemo {
  private readonly known = new Map<number, RunList>();

  /** @param key of a node, as what its pages' states depend on */
  runs(key: number, find: () => RunList): RunList {
    let runs = this.known.get(key);
    if (!runs) this.known.set(key, (runs = find()));
    return runs;
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
  const { u32 } = space.arena;
  const walk = new Walk(space, memo);
  const list = new RunList();
  for (let top = 0; top < TOP_ENTRIES; top++) {
    const middle = u32[space.topTable + top];
    if (middle !== 0) list.append(top * MIDDLE_PAGES, walk.middle(top, middle));
  }
  return list.runs();
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

/**
 * One look at a space's table. While harts run, a node may be given back and used anew between two reads: what then
 * is no node or frame of the arena counts as nothing.
 */
class Walk {
  private readonly isFork: boolean;
  private readonly lenders: readonly AddressSpace[];

  constructor(
    private readonly space: AddressSpace,
    private readonly memo: RunMemo,
  ) {
    this.isFork = space.isFork;
    const lenders: AddressSpace[] = [];
    for (let { lender } = space; lender; lender = lender.lender) lenders.push(lender);
    this.lenders = lenders;
  }

  /** The runs below entry `top` of the top table. */
  middle(top: number, middle: number): RunList {
    const { u32 } = this.space.arena;
    const isShared = this.isShared(middle, false);
    const nodes = this.lenders.map(({ topTable }) => u32[topTable + top]);
    const find = (): RunList => {
      const list = new RunList();
      for (let i = 0; i < NODE_ENTRIES; i++) {
        const leaf = this.entry(middle, i);
        if (leaf === 0) continue;
        const leaves = nodes.map((node) => this.entry(node, i));
        const isSame = leaves.every((other) => other === leaf);
        const first = top * MIDDLE_PAGES + i * NODE_ENTRIES;
        list.append(i * NODE_ENTRIES, this.leaf(first, leaf, isShared, isSame));
      }
      return list;
    };
    // Nothing is stale where all lenders have the same node, so the answer is the same for whoever has it.
    const isCommon = nodes.every((node) => node === middle);
    return isCommon ? this.memo.runs(this.key(middle, isShared, 1), find) : find();
  }

  /** @param isCommon all lenders have the same leaf there */
  private leaf(first: number, leaf: number, isPathShared: boolean, isCommon: boolean): RunList {
    const isShared = this.isShared(leaf, isPathShared);
    const find = (): RunList => {
      const list = new RunList();
      for (let i = 0; i < NODE_ENTRIES; i++) {
        const entry = this.entry(leaf, i);
        if (entry === 0) continue;
        const isStale = !isCommon && this.space.isStale(first + i, entry);
        const both = isShared || this.isFrameShared(entry >>> ENTRY_FRAME_SHIFT);
        const state = stateNumber(entry, both, isStale, this.isFork);
        list.add(i, 1, 8 * state + (entry & PERMISSIONS));
      }
      return list;
    };
    return isCommon ? this.memo.runs(this.key(leaf, isShared, 0), find) : find();
  }

  /** What the states below a node depend on, when none is stale. */
  private key(node: number, isShared: boolean, level: number): number {
    return node * 8 + level * 4 + (isShared ? 2 : 0) + (this.isFork ? 1 : 0);
  }

  private entry(node: number, index: number): number {
    const { arena } = this.space;
    return node < arena.counts.nodes ? arena.u32[arena.nodes.word(node) + index] : 0;
  }

  private isShared(node: number, isPathShared: boolean): boolean {
    const { nodes, counts } = this.space.arena;
    return isPathShared || (node < counts.nodes && nodes.references(node) > 1);
  }

  private isFrameShared(frame: number): boolean {
    const { frames, counts } = this.space.arena;
    return frame !== 0 && frame < counts.frames && frames.references(frame) > 1;
  }
}
