import { ENTRY_FRAME_SHIFT } from './arena-layout';
import { PAGE_COUNT } from './layout';
import { NO_ROOM } from './loans';
import { ENTRY, ENTRY_INHERITED } from './page-entry';
import { LEAF_SHIFT } from './page-table';
import { SPACE, TOGETHER_LEAVES } from './spaces';
import { Translation } from './translation';

/**
 * What a space does for, and to, the spaces that share its pages: snapshots of pages that are lent, memory calls
 * that its borrowers must follow. The caller of each method holds the lock.
 */
export abstract class Lender extends Translation {
  protected abstract override handle(base: number): Lender;

  protected override get lenderSpace(): Lender | undefined {
    return super.lenderSpace as Lender | undefined;
  }

  /** Handles on the spaces that borrow from this one. */
  protected *borrowers(): Generator<Lender> {
    const { u32 } = this.arena;
    for (let base = u32[this.word(SPACE.firstBorrower)]; base !== 0;) {
      yield this.handle(base);
      base = u32[(base + SPACE.nextBorrower) >>> 2];
    }
  }

  /** After the return of an entry that an installed page stood in for: what it was meanwhile left out of. */
  protected restored(page: number, entry: number): void {
    if ((entry & (ENTRY.lent | ENTRY.borrowed)) !== 0) this.noteTogether(page);
    if (this.lenderBase !== 0) this.logPage(page);
  }

  /** Notes that the space unmaps pages of its own: in a private range the lender's must not show instead. */
  protected close(): void {
    this.arena.u32[this.word(SPACE.isClosed)] = 1;
  }

  /** The first page of the highest `count` free pages in a row of the family; 0 = there are none. */
  protected rootGap(count: number, low: number, high: number): number {
    if (this.lenderSpace) return this.lenderSpace.rootGap(count, low, high);
    for (let end = high; ;) {
      const first = this.arena.pageTable.findGap(this.top, count, low, end);
      const taken =
        first === 0 ? -1 : this.arena.spaces.privateOverlap(this.base, first, first + count);
      if (taken < 0) return first;
      end = taken;
    }
  }

  /**
   * The pages that this space writes together with borrowers or its lender; those whose last borrower has gone are its
   * own again.
   */
  protected collectTogether(): number[] {
    const { u32, pageTable } = this.arena;
    const counter = this.word(SPACE.togetherCount);
    const list = this.word(SPACE.together);
    const count = u32[counter];
    if (count === 0) return [];
    const leaves = Array.from(u32.subarray(list, list + Math.min(count, TOGETHER_LEAVES)));
    const pages: number[] = [];
    const look = (first: number, end: number): void =>
      pageTable.visit(this.top, first, end, (leaf, page, from, to, isShared) => {
        for (let i = from; i <= to; i++) {
          const entry = u32[leaf + i];
          if ((entry & (ENTRY.lent | ENTRY.borrowed)) === 0) continue;
          const references = this.arena.frames.references(entry >>> ENTRY_FRAME_SHIFT);
          const isOver = references === 1 && !isShared;
          if (isOver) u32[leaf + i] = (entry & ~(ENTRY.lent | ENTRY.borrowed)) >>> 0;
          else pages.push(page + i);
        }
      });
    if (count > TOGETHER_LEAVES) look(0, PAGE_COUNT);
    else for (const leaf of leaves) look(leaf << LEAF_SHIFT, (leaf + 1) << LEAF_SHIFT);
    u32[counter] = 0;
    for (const page of pages) this.noteTogether(page);
    return pages;
  }

  /**
   * Gives a new fork at `child` its own copies of `pages`, which this space writes together with others: a fork
   * is a snapshot of them too. False when there is no memory left.
   */
  protected snapshotTogether(child: Lender, pages: readonly number[]): boolean {
    const { frames, pageTable, u32 } = this.arena;
    for (const page of pages) {
      const at = pageTable.own(child.top, page);
      const frame = at === 0 ? 0 : frames.allocate(page, false);
      if (frame === 0) return false;
      const entry = u32[at];
      const source = entry >>> ENTRY_FRAME_SHIFT;
      frames.copy(frame, source);
      const flags = (entry & ENTRY_INHERITED) | ENTRY.copied | (entry & ENTRY.code);
      u32[at] = ((frame << ENTRY_FRAME_SHIFT) | flags) >>> 0;
      frames.release(source);
      // A borrower's copy is stale from the start.
      if (child.lenderBase !== 0) this.logPage(page);
    }
    return true;
  }

  /** Gives a new plain fork of this borrower what the lenders have mapped and this space has not touched yet. */
  protected snapshotLate(child: Lender): boolean {
    const { pageTable } = this.arena;
    for (let space = this.lenderSpace; space; space = space.lenderSpace) {
      for (const page of pageTable.differences(this.top, space.top, 0, PAGE_COUNT)) {
        if (pageTable.lookup(child.top, page) !== 0) continue;
        const entry = this.visibleEntry(page);
        if (entry !== 0 && child.copyLate(page, entry) === NO_ROOM) return false;
      }
    }
    return true;
  }

  /**
   * Takes pages that this space is about to unmap or replace from all its borrowers, which hold them as loans or as
   * snapshots; those they had made records from are added to `code`. False when no page-table node is left.
   */
  protected takeFromBorrowers(first: number, end: number, code: number[]): boolean {
    const { arena } = this;
    for (const borrower of this.borrowers()) {
      for (const [from, to] of borrower.commonParts(first, end)) {
        if (!borrower.takeFromBorrowers(from, to, code)) return false;
        borrower.collectCode(from, to, code);
        borrower.withdraw(from, to);
        borrower.releaseEntries(arena.installs.drop(borrower.id, from, to));
        if (!arena.pageTable.clear(borrower.top, from, to)) return false;
      }
    }
    return true;
  }

  /** Changes flags in the borrowers' entries too, as `PageTable.change` does. */
  protected changeForBorrowers(
    first: number,
    end: number,
    change: (entry: number) => number,
    code: number[],
  ): boolean {
    for (const borrower of this.borrowers()) {
      for (const [from, to] of borrower.commonParts(first, end)) {
        if (!borrower.changeForBorrowers(from, to, change, code)) return false;
        borrower.collectCode(from, to, code);
        borrower.withdraw(from, to);
        if (!this.arena.pageTable.change(borrower.top, from, to, change)) return false;
      }
    }
    return true;
  }

  /** The parts of a range outside the private range. */
  protected commonParts(first: number, end: number): (readonly [number, number])[] {
    if (this.lenderBase === 0) return [];
    const { privateFirst, privateEnd } = this;
    if (privateFirst >= privateEnd) return [[first, end]];
    const parts: (readonly [number, number])[] = [];
    if (first < privateFirst) parts.push([first, Math.min(end, privateFirst)]);
    if (end > privateEnd) parts.push([Math.max(first, privateEnd), end]);
    return parts;
  }
}
