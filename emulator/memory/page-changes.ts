import type { Arena } from './arena';
import { NODE_ENTRIES } from './arena-layout';
import { PAGE_COUNT } from './layout';
import { TOP_ENTRIES } from './page-table';

/** A block of the address space, which is what is below one entry of the top tables, in which something has changed. */
export interface BlockChange {
  readonly block: number;
  /** Which of its leaves of 64 pages, ascending; undefined: all. */
  readonly leaves?: readonly number[];
}

/** How often something is looked at after a change: once more, for an entry may be written a moment after it is counted. */
const LOOKS = 2;
const LEAVES = PAGE_COUNT / NODE_ENTRIES;

/** Counters, as they were, and how often what each of them counts is to be looked at still. */
class Marks {
  private readonly counts: Int32Array;
  private readonly left: Uint8Array;

  constructor(length: number) {
    this.counts = new Int32Array(length);
    this.left = new Uint8Array(length);
  }

  /** Whether to look at what counter `index` counts, which is at `count` now. */
  renew(index: number, count: number): boolean {
    if (count !== this.counts[index]) {
      this.counts[index] = count;
      this.left[index] = LOOKS;
    } else if (this.left[index] > 0) this.left[index] -= 1;
    return this.left[index] > 0;
  }
}

/** Where the page tables of an arena have changed from look to look, whichever spaces they belong to. */
export class PageChanges {
  private readonly tables = new Marks(1);
  private readonly blocks = new Marks(TOP_ENTRIES);
  private readonly leaves = new Marks(LEAVES);

  /** Where to look since the last call, ascending; everywhere after a fork or an end of a space. */
  since({ pageTable }: Arena): BlockChange[] {
    // Forks are counted from 0, so that the first look is at everything.
    const isAll = this.tables.renew(0, pageTable.forks + 1);
    const changes: BlockChange[] = [];
    for (let block = 0; block < TOP_ENTRIES; block++) {
      const isWhole = this.blocks.renew(block, pageTable.changes(block));
      const leaves: number[] = [];
      for (let i = 0; i < NODE_ENTRIES; i++) {
        const leaf = block * NODE_ENTRIES + i;
        if (this.leaves.renew(leaf, pageTable.leafChanges(leaf))) leaves.push(i);
      }
      if (isAll || isWhole) changes.push({ block });
      else if (leaves.length > 0) changes.push({ block, leaves });
    }
    return changes;
  }
}
