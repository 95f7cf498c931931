import type { AddressSpace } from './address-space';
import { ENTRY_FRAME_SHIFT } from './arena-layout';
import { Forks } from './forks';
import { PAGE_COUNT, PAGE_SIZE } from './layout';
import { mergeOperation, type MergeOperation } from './merge-page';
import { ENTRY, ENTRY_WRITTEN_TOGETHER } from './page-entry';

/** A byte that two sides changed to different values. */
export interface MergeConflict {
  /** Guest address. */
  readonly address: number;
  /** The value that stays. */
  readonly target: number;
  readonly child: number;
  /** What both started from. */
  readonly base: number;
}

export interface MergeOptions {
  /** How many conflicts are listed at most [256]; all are counted. */
  readonly listed?: number;
  /** First page and page after the last of a range that is left out, as a vCPU's stack is. */
  readonly except?: readonly [number, number];
}

export interface MergeResult {
  /** Pages that the child had changed, mapped, unmapped or protected. */
  readonly pages: number;
  /** Bytes that were given the child's value; in pages that it mapped those that are not zero. */
  readonly bytes: number;
  readonly conflictCount: number;
  /** The first conflicts in ascending order of addresses. */
  readonly conflicts: readonly MergeConflict[];
}

/** A merge under way. */
interface Merge {
  readonly child: AddressSpace;
  readonly snapshot: AddressSpace;
  readonly listed: number;
  readonly code: number[];
  readonly conflicts: MergeConflict[];
  conflictCount: number;
  pages: number;
  bytes: number;
}

const PERMISSIONS = ENTRY.read | ENTRY.write | ENTRY.execute | ENTRY.guard;

/** Workspaces: forks whose writes stay private until they are merged. */
export abstract class Workspace extends Forks {
  private mergeOperation: MergeOperation | undefined;

  /**
   * The pages that differ from `snapshot`'s: other frames, protections or mappings. Costs what was changed since
   * one of the two was forked from the other, or both from a third.
   */
  changedPages(snapshot: AddressSpace): number[] {
    return this.arena.pageTable
      .differences(this.topTable, snapshot.topTable, 0, PAGE_COUNT)
      .filter((page) => differs(this.entry(page), snapshot.entry(page)));
  }

  /**
   * Brings into this space what `child` has changed since `snapshot`, byte by byte: to be called for the children in
   * hart order. A byte that this space (by itself or by an earlier merge) and the child have changed to different
   * values keeps this space's value and is a conflict. Pages that the child mapped, unmapped or protected are mapped,
   * unmapped and protected here, unless this space has changed them too. Child and snapshot are forks that nothing runs
   * in any more; they stay as they are.
   * @throws OutOfMemory when there is no room left; pages below a certain address are merged then
   */
  merge(child: AddressSpace, snapshot: AddressSpace, options: MergeOptions = {}): MergeResult {
    const { listed = 256, except = [0, 0] } = options;
    const merge: Merge = {
      child,
      snapshot,
      listed,
      code: [],
      conflicts: [],
      conflictCount: 0,
      pages: 0,
      bytes: 0,
    };
    const isComplete = this.locked(() =>
      child
        .changedPages(snapshot)
        .filter((page) => !(page >= except[0] && page < except[1]))
        .every((page) => this.mergeChanged(merge, page)),
    );
    for (const page of merge.code) this.codeChanged(page);
    if (!isComplete) throw this.outOfMemory('to merge a workspace');
    const { pages, bytes, conflictCount, conflicts } = merge;
    return { pages, bytes, conflictCount, conflicts };
  }

  /** Merges one page that the child has changed. False when there is no room left. */
  private mergeChanged(merge: Merge, page: number): boolean {
    const theirs = merge.child.entry(page);
    const before = merge.snapshot.entry(page);
    const ours = this.present(page);
    if (ours < 0) return false;
    // Mappings are the owner's business; of a space without a lender it is the space itself.
    const owner = this.ownerOf(page) as Workspace;
    const isUnchanged = !differs(ours, before);
    merge.pages += 1;
    if ((ours & ENTRY.code) !== 0) merge.code.push(page);
    if (((ours | theirs) & ENTRY.execute) !== 0) this.renewOwned(page);
    if (theirs === 0) return !isUnchanged || owner.unmapPage(page, merge.code);
    // What this space has unmapped stays unmapped.
    if (ours === 0)
      return before !== 0 || owner.moveFrame(merge, page, theirs, theirs & PERMISSIONS);
    const isOursProtected = before === 0 || ((ours ^ before) & PERMISSIONS) !== 0;
    const protection = (isOursProtected ? ours : theirs) & PERMISSIONS;
    const isTogether = ((ours | theirs) & ENTRY_WRITTEN_TOGETHER) !== 0;
    if (isUnchanged && !isTogether && owner === this) {
      return this.moveFrame(merge, page, theirs, protection);
    }
    const isSame = theirs >>> ENTRY_FRAME_SHIFT === before >>> ENTRY_FRAME_SHIFT;
    if (!isSame && !this.mergeBytes(merge, page, theirs, before)) return false;
    return owner.protectPage(page, protection, merge.code);
  }

  /** Gives the page the child's frame, which both then share: this space has not written it. */
  private moveFrame(merge: Merge, page: number, theirs: number, protection: number): boolean {
    const { frames, pageTable, u32 } = this.arena;
    const at = pageTable.own(this.top, page);
    if (at === 0) return false;
    const former = u32[at];
    const frame = theirs >>> ENTRY_FRAME_SHIFT;
    merge.bytes += this.operation.changed(
      this.addressOf(theirs, page),
      this.addressOf(former, page),
    );
    this.withdraw(page, page + 1);
    merge.child.withdraw(page, page + 1);
    const isSame = frame === former >>> ENTRY_FRAME_SHIFT;
    const written = isSame ? former & (ENTRY.dirty | ENTRY.copied) : ENTRY.dirty | ENTRY.copied;
    const flags = ENTRY.mapped | written | (theirs & ENTRY.shared) | protection;
    if (frame !== 0) frames.retain(frame);
    u32[at] = ((frame << ENTRY_FRAME_SHIFT) | flags) >>> 0;
    this.releaseEntries([former]);
    if (this.hasBorrowers) this.logPage(page);
    return true;
  }

  private mergeBytes(merge: Merge, page: number, theirs: number, before: number): boolean {
    const written = this.writable(page);
    if (written === 0) return false;
    const target = this.addressOf(written, page);
    const child = this.addressOf(theirs, page);
    const base = this.addressOf(before, page);
    const { bytes, conflicts } = this.operation.merge(target, child, base);
    this.fillBoth(page, written, target);
    merge.bytes += bytes;
    merge.conflictCount += conflicts;
    const { u8 } = this.arena;
    // Bytes in conflict are exactly those that differ in all three now.
    for (let i = 0; conflicts > 0 && i < PAGE_SIZE && merge.conflicts.length < merge.listed; i++) {
      const [ours, other, first] = [u8[target + i], u8[child + i], u8[base + i]];
      if (ours === other || other === first || ours === first) continue;
      const address = page * PAGE_SIZE + i;
      merge.conflicts.push({ address, target: ours, child: other, base: first });
    }
    return true;
  }

  private unmapPage(page: number, code: number[]): boolean {
    this.withdraw(page, page + 1);
    const isTaken = this.takeFromBorrowers(page, page + 1, code);
    return isTaken && this.arena.pageTable.clear(this.top, page, page + 1);
  }

  private protectPage(page: number, protection: number, code: number[]): boolean {
    if ((this.entry(page) & PERMISSIONS) === protection) return true;
    this.withdraw(page, page + 1);
    const change = (entry: number): number => ((entry & ~PERMISSIONS) | protection) >>> 0;
    if (!this.changeForBorrowers(page, page + 1, change, code)) return false;
    return this.arena.pageTable.change(this.top, page, page + 1, change);
  }

  private get operation(): MergeOperation {
    return (this.mergeOperation ??= mergeOperation(this.arena.memory));
  }
}

/** Whether two entries differ in more than flags that say what happened to the page. */
function differs(one: number, other: number): boolean {
  if ((one === 0) !== (other === 0)) return true;
  const isSameFrame = one >>> ENTRY_FRAME_SHIFT === other >>> ENTRY_FRAME_SHIFT;
  return !isSameFrame || ((one ^ other) & PERMISSIONS) !== 0;
}
