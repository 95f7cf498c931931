import { type ArenaViews, ENTRY_FRAME_SHIFT, HEADER, NODE_ENTRIES } from './arena-layout';
import type { Bulk } from './bulk';
import type { Frames } from './frames';
import { PAGE_COUNT } from './layout';
import type { Nodes } from './nodes';

/** Levels: a top table of 256 entries in the space's descriptor, middle nodes of 64, leaves of 64. */
export const TOP_ENTRIES = 256;
const TOP_SHIFT = 12;
const MIDDLE_SHIFT = 6;
const MASK = NODE_ENTRIES - 1;
const LEAF_PAGES = NODE_ENTRIES;
/** `page >>> LEAF_SHIFT` is the number of the page's leaf. */
export const LEAF_SHIFT = MIDDLE_SHIFT;
const MIDDLE_PAGES = NODE_ENTRIES * NODE_ENTRIES;

/** What `visit` hands over: a leaf's entries begin at word `leaf`; those from `first` to `last` are in the range. */
export type LeafVisitor = (
  leaf: number,
  page: number,
  first: number,
  last: number,
  isShared: boolean,
) => void;

/**
 * The structural page table: three levels, copy-on-write. A node may have several parents (forks, and
 * uniform parts of large mappings); whoever changes a node first makes it its own, from the top down, so
 * that a change never shows through another parent. The caller holds the space's lock.
 *
 * `top` is always the word index of a space's top table. Before it stand 8 words with a bit for each
 * entry in use, so that a fork or an end looks only at those.
 */
export class PageTable {
  constructor(
    private readonly views: ArenaViews,
    private readonly bulk: Bulk,
    private readonly nodes: Nodes,
    private readonly frames: Frames,
  ) {}

  /** The entry of `page`; 0 for a number that is no page. */
  lookup(top: number, page: number): number {
    if (!(page >= 0 && page < PAGE_COUNT)) return 0;
    const { u32 } = this.views;
    const middle = u32[top + (page >>> TOP_SHIFT)];
    if (middle === 0) return 0;
    const leaf = u32[this.nodes.word(middle) + ((page >>> MIDDLE_SHIFT) & MASK)];
    return leaf === 0 ? 0 : u32[this.nodes.word(leaf) + (page & MASK)];
  }

  /** Word index of the entry of `page` in a leaf that only this space refers to; 0 when no node is left. */
  own(top: number, page: number): number {
    const at = this.ownEntry(top, page);
    if (at !== 0) this.noteChange(page);
    return at;
  }

  /** The same for whoever tells of a change himself (`noteChange`), because most often there is none. */
  ownEntry(top: number, page: number): number {
    const { u32 } = this.views;
    const index = page >>> TOP_SHIFT;
    const before = u32[top + index];
    const middle = this.ownNode(top + index, this.views.regions.nodeRefs, 0);
    if (middle === 0) return 0;
    if (before === 0) this.setTop(top, index, middle);
    const slot = this.nodes.word(middle) + ((page >>> MIDDLE_SHIFT) & MASK);
    const former = u32[slot];
    const leaf = this.ownNode(slot, this.views.regions.frameRefs, ENTRY_FRAME_SHIFT);
    if (middle !== before || leaf !== former) this.noteChange(page);
    return leaf === 0 ? 0 : this.nodes.word(leaf) + (page & MASK);
  }

  /** Something about `page` is another in some space: its entry, or who else refers to its nodes. */
  noteChange(page: number): void {
    Atomics.add(this.views.i32, (this.views.regions.leafChanges >>> 2) + (page >>> LEAF_SHIFT), 1);
  }

  /** Whether a node on the way to `page` has another parent: then its frame counts as shared. */
  pathShared(top: number, page: number): boolean {
    const { u32 } = this.views;
    const middle = u32[top + (page >>> TOP_SHIFT)];
    if (middle === 0) return false;
    if (this.nodes.references(middle) > 1) return true;
    const leaf = u32[this.nodes.word(middle) + ((page >>> MIDDLE_SHIFT) & MASK)];
    return leaf !== 0 && this.nodes.references(leaf) > 1;
  }

  /**
   * Maps the unmapped pages from `first` to before `end` with one frameless entry. Whole leaves and
   * middle nodes are made once and shared, so that a large mapping costs few nodes.
   * @returns false when no node is left; then part of the range is mapped
   */
  fill(top: number, first: number, end: number, entry: number): boolean {
    const { u32 } = this.views;
    let wholeLeaf = 0;
    let wholeMiddle = 0;
    let page = first;
    let complete = true;
    while (page < end && complete) {
      const topSlot = top + (page >>> TOP_SHIFT);
      const isWholeMiddle = (page & (MIDDLE_PAGES - 1)) === 0 && end - page >= MIDDLE_PAGES;
      const isWholeLeaf = (page & MASK) === 0 && end - page >= LEAF_PAGES;
      if (isWholeLeaf && wholeLeaf === 0) {
        wholeLeaf = this.uniformNode(entry);
        complete = wholeLeaf !== 0;
      }
      if (isWholeMiddle && complete && u32[topSlot] === 0) {
        if (wholeMiddle === 0) {
          wholeMiddle = this.uniformNode(wholeLeaf);
          for (let i = 0; wholeMiddle !== 0 && i < NODE_ENTRIES; i++) this.nodes.retain(wholeLeaf);
        }
        complete = wholeMiddle !== 0;
        if (complete) {
          this.nodes.retain(wholeMiddle);
          this.setTop(top, page >>> TOP_SHIFT, wholeMiddle);
          page += MIDDLE_PAGES;
        }
        continue;
      }
      const middle = complete ? this.ownMiddle(top, page) : 0;
      const slot = this.nodes.word(middle) + ((page >>> MIDDLE_SHIFT) & MASK);
      if (middle === 0) {
        complete = false;
      } else if (isWholeLeaf && u32[slot] === 0) {
        this.nodes.retain(wholeLeaf);
        u32[slot] = wholeLeaf;
        page += LEAF_PAGES;
      } else {
        const stop = Math.min(end, (page | MASK) + 1);
        const at = this.own(top, page);
        if (at === 0) complete = false;
        else u32.fill(entry, at, at + stop - page);
        page = stop;
      }
    }
    // The references that this function held itself.
    if (wholeMiddle !== 0) this.releaseMiddle(wholeMiddle);
    if (wholeLeaf !== 0) this.releaseLeaf(wholeLeaf);
    return complete;
  }

  /** Unmaps the pages from `first` to before `end`. False when no node is left; then part of it is still mapped. */
  clear(top: number, first: number, end: number): boolean {
    const { u32 } = this.views;
    for (let page = first; page < end;) {
      const topIndex = page >>> TOP_SHIFT;
      const middle = u32[top + topIndex];
      const middleEnd = (topIndex + 1) * MIDDLE_PAGES;
      if (middle === 0) {
        page = middleEnd;
        continue;
      }
      if ((page & (MIDDLE_PAGES - 1)) === 0 && end >= middleEnd) {
        this.setTop(top, topIndex, 0);
        this.releaseMiddle(middle);
        page = middleEnd;
        continue;
      }
      const stop = Math.min(end, (page | MASK) + 1);
      const offset = (page >>> MIDDLE_SHIFT) & MASK;
      if (u32[this.nodes.word(middle) + offset] !== 0) {
        const owned = this.ownMiddle(top, page);
        if (owned === 0) return false;
        const slot = this.nodes.word(owned) + offset;
        if (stop - page === LEAF_PAGES) {
          const leaf = u32[slot];
          u32[slot] = 0;
          this.releaseLeaf(leaf);
        } else {
          const at = this.own(top, page);
          if (at === 0) return false;
          for (let i = at; i < at + stop - page; i++) {
            const frame = u32[i] >>> ENTRY_FRAME_SHIFT;
            u32[i] = 0;
            if (frame !== 0) this.frames.release(frame);
          }
        }
      }
      page = stop;
    }
    return true;
  }

  /**
   * Changes the flags of the mapped pages from `first` to before `end` by `change`, which keeps the frame. Leaves
   * that stay the same are left alone, and one that stands in several places is changed once.
   * @returns false when no node is left; then part of the range is changed
   */
  change(top: number, first: number, end: number, change: (entry: number) => number): boolean {
    const { u32 } = this.views;
    let lastSource = 0;
    let lastResult = 0;
    let complete = true;
    this.visit(top, first, end, (leaf, page, from, to) => {
      if (!complete) return;
      let differs = false;
      for (let i = from; i <= to && !differs; i++) {
        const entry = u32[leaf + i];
        differs = entry !== 0 && change(entry) !== entry;
      }
      if (!differs) return;
      const middle = this.ownMiddle(top, page);
      if (middle === 0) {
        complete = false;
        return;
      }
      const slot = this.nodes.word(middle) + ((page >>> MIDDLE_SHIFT) & MASK);
      const source = u32[slot];
      const isWhole = to - from === MASK;
      if (isWhole && source === lastSource && this.nodes.references(source) > 1) {
        this.nodes.retain(lastResult);
        u32[slot] = lastResult;
        this.releaseLeaf(source);
        return;
      }
      const result = this.ownNode(slot, this.views.regions.frameRefs, ENTRY_FRAME_SHIFT);
      if (result === 0) {
        complete = false;
        return;
      }
      const word = this.nodes.word(result);
      for (let i = from; i <= to; i++) {
        const entry = u32[word + i];
        if (entry !== 0) u32[word + i] = change(entry);
      }
      lastSource = isWhole && source !== result ? source : 0;
      lastResult = result;
    });
    return complete;
  }

  /** Calls `visitor` for every leaf that has pages from `first` to before `end`, in ascending order. */
  visit(top: number, first: number, end: number, visitor: LeafVisitor): void {
    const { u32 } = this.views;
    for (let page = first; page < end;) {
      const middle = u32[top + (page >>> TOP_SHIFT)];
      if (middle === 0) {
        page = ((page >>> TOP_SHIFT) + 1) << TOP_SHIFT;
        continue;
      }
      const leaf = u32[this.nodes.word(middle) + ((page >>> MIDDLE_SHIFT) & MASK)];
      const stop = Math.min(end, (page | MASK) + 1);
      if (leaf !== 0) {
        const isShared = this.nodes.references(middle) > 1 || this.nodes.references(leaf) > 1;
        visitor(
          this.nodes.word(leaf),
          page - (page & MASK),
          page & MASK,
          (stop - 1) & MASK,
          isShared,
        );
      }
      page = stop;
    }
  }

  /**
   * The pages from `first` to before `end` whose entries differ between two tables. Nodes that both share are
   * skipped, so that the cost grows with what was changed since one was forked from the other.
   * @param ignored bits of the entries that do not count
   */
  differences(one: number, other: number, first: number, end: number, ignored = 0): number[] {
    const { u32 } = this.views;
    const pages: number[] = [];
    for (let page = first; page < end;) {
      const middle = u32[one + (page >>> TOP_SHIFT)];
      const otherMiddle = u32[other + (page >>> TOP_SHIFT)];
      if (middle === otherMiddle) {
        page = ((page >>> TOP_SHIFT) + 1) << TOP_SHIFT;
        continue;
      }
      const offset = (page >>> MIDDLE_SHIFT) & MASK;
      const leaf = middle === 0 ? 0 : u32[this.nodes.word(middle) + offset];
      const otherLeaf = otherMiddle === 0 ? 0 : u32[this.nodes.word(otherMiddle) + offset];
      const stop = Math.min(end, (page | MASK) + 1);
      if (leaf !== otherLeaf) {
        for (; page < stop; page++) {
          const entry = leaf === 0 ? 0 : u32[this.nodes.word(leaf) + (page & MASK)];
          const against = otherLeaf === 0 ? 0 : u32[this.nodes.word(otherLeaf) + (page & MASK)];
          if (((entry ^ against) & ~ignored) !== 0) pages.push(page);
        }
      }
      page = stop;
    }
    return pages;
  }

  /**
   * How often entry `index` of some top table was another node or none, and with it all below. Together with
   * `leafChanges` and `forks` it tells whoever has looked at the tables where to look again; some of what changed may be
   * written a moment after.
   */
  changes(index: number): number {
    return Atomics.load(this.views.i32, HEADER.tableChanges + index);
  }

  /** How often pages of leaf `leaf` (64 pages each, from page 0 up) have changed in some space. */
  leafChanges(leaf: number): number {
    return Atomics.load(this.views.i32, (this.views.regions.leafChanges >>> 2) + leaf);
  }

  /** How often a table was copied or ended: what other tables have alone may be another since. */
  get forks(): number {
    return Atomics.load(this.views.i32, HEADER.tableForks);
  }

  /** Makes the empty table at `to` a copy of the one at `from`: both then share all nodes. */
  fork(to: number, from: number): void {
    const { u32, i32 } = this.views;
    Atomics.add(i32, HEADER.tableForks, 1);
    for (let word = 0; word < TOP_ENTRIES / 32; word++) {
      let bits = u32[from - TOP_ENTRIES / 32 + word];
      u32[to - TOP_ENTRIES / 32 + word] = bits;
      while (bits !== 0) {
        const index = 32 * word + 31 - Math.clz32(bits & -bits);
        const middle = u32[from + index];
        this.nodes.retain(middle);
        u32[to + index] = middle;
        bits &= bits - 1;
      }
    }
  }

  /** Unmaps everything. */
  destroy(top: number): void {
    const { u32, i32 } = this.views;
    Atomics.add(i32, HEADER.tableForks, 1);
    for (let word = 0; word < TOP_ENTRIES / 32; word++) {
      let bits = u32[top - TOP_ENTRIES / 32 + word];
      u32[top - TOP_ENTRIES / 32 + word] = 0;
      while (bits !== 0) {
        const index = 32 * word + 31 - Math.clz32(bits & -bits);
        const middle = u32[top + index];
        u32[top + index] = 0;
        this.releaseMiddle(middle);
        bits &= bits - 1;
      }
    }
  }

  /**
   * The highest `count` unmapped pages in a row from `low` to before `high`; their first page, or 0 when
   * there is no such gap.
   */
  findGap(top: number, count: number, low: number, high: number): number {
    const { u32 } = this.views;
    let gap = 0;
    // Large mappings are one leaf in many places: it is looked at once.
    let full = 0;
    for (let page = Math.min(high, PAGE_COUNT) - 1; page >= low;) {
      const middle = u32[top + (page >>> TOP_SHIFT)];
      const leaf =
        middle === 0 ? 0 : u32[this.nodes.word(middle) + ((page >>> MIDDLE_SHIFT) & MASK)];
      const offset = page & MASK;
      let free: number;
      if (middle === 0) free = (page & (MIDDLE_PAGES - 1)) + 1;
      else if (leaf === 0) free = offset + 1;
      else {
        const word = this.nodes.word(leaf);
        let at = leaf === full ? -1 : offset;
        while (at >= 0 && u32[word + at] !== 0) at -= 1;
        if (at < 0 && offset === MASK) full = leaf;
        if (at < offset) gap = 0;
        page -= offset - at;
        if (at < 0 || page < low) continue;
        free = 1;
      }
      free = Math.min(free, page - low + 1);
      gap += free;
      page -= free;
      if (gap >= count) return page + 1 + gap - count;
    }
    return 0;
  }

  private setTop(top: number, index: number, middle: number): void {
    const { u32, i32 } = this.views;
    Atomics.add(i32, HEADER.tableChanges + index, 1);
    u32[top + index] = middle;
    const word = top - TOP_ENTRIES / 32 + (index >>> 5);
    if (middle === 0) u32[word] &= ~(1 << (index & 31));
    else u32[word] |= 1 << (index & 31);
  }

  private uniformNode(entry: number): number {
    const node = this.nodes.allocate();
    if (node === 0) return 0;
    const word = this.nodes.word(node);
    this.views.u32.fill(entry, word, word + NODE_ENTRIES);
    return node;
  }

  private ownMiddle(top: number, page: number): number {
    const index = page >>> TOP_SHIFT;
    const before = this.views.u32[top + index];
    this.noteChange(page);
    const middle = this.ownNode(top + index, this.views.regions.nodeRefs, 0);
    if (before === 0 && middle !== 0) this.setTop(top, index, middle);
    return middle;
  }

  /** Makes the node that the word `slot` refers to this parent's own: a new one, itself, or a copy. */
  private ownNode(slot: number, counts: number, shift: number): number {
    const { u32 } = this.views;
    const node = u32[slot];
    if (node !== 0 && this.nodes.references(node) === 1) return node;
    const own = node === 0 ? this.uniformNode(0) : this.nodes.allocate();
    if (own === 0) return 0;
    if (node !== 0) {
      this.bulk.copyNode(4 * this.nodes.word(own), 4 * this.nodes.word(node), counts, shift);
    }
    u32[slot] = own;
    if (node !== 0) {
      if (shift === 0) this.releaseMiddle(node);
      else this.releaseLeaf(node);
    }
    return own;
  }

  private releaseMiddle(middle: number): void {
    if (!this.nodes.drop(middle)) return;
    const word = this.nodes.word(middle);
    const freed = this.bulk.dropNode(4 * word, this.views.regions.nodeRefs, 0);
    for (let i = word; i < word + freed; i++) this.freeLeaf(this.views.u32[i]);
    this.nodes.free(middle);
  }

  private releaseLeaf(leaf: number): void {
    if (this.nodes.drop(leaf)) this.freeLeaf(leaf);
  }

  /** Nothing refers to the leaf any more. */
  private freeLeaf(leaf: number): void {
    const word = this.nodes.word(leaf);
    const freed = this.bulk.dropNode(4 * word, this.views.regions.frameRefs, ENTRY_FRAME_SHIFT);
    if (freed > 0) this.frames.freeAll(word, freed);
    this.nodes.free(leaf);
  }
}
