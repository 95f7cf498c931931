import type { AddressSpace } from './address-space';
import type { Arena } from './arena';
import { MappingError, OutOfMemory } from './errors';
import { PAGE_COUNT } from './layout';
import { Lender } from './lender';
import { acquire, release } from './lock';
import { SPACE } from './spaces';

/** So many handles are kept for use again. */
const MOST_SPARE = 64;

export interface LoanOptions {
  /**
   * First page and page after the last whose pages are the borrower's own: copy-on-write, never written back, also
   * where the lender maps them later.
   */
  readonly privateRange?: readonly [number, number];
  /** Whether the borrower gets delta tables at once. */
  readonly tables?: boolean;
  /**
   * Leaves the lender's write deltas as they are: a promise that nothing runs in the lender's space before
   * the borrower has ended.
   */
  readonly keepWrites?: boolean;
}

/** How address spaces begin and end. */
export abstract class Forks extends Lender {
  /** Handles that were given up, of borrowers that have ended; the last one that did at the end. */
  private readonly spare: AddressSpace[] = [];

  protected abstract override handle(base: number): AddressSpace;

  /** The space that this one borrows pages from. Memory calls of a borrower act on it. */
  get lender(): AddressSpace | undefined {
    return this.lenderSpace as AddressSpace | undefined;
  }

  /**
   * A copy-on-write copy: all pages shared, whatever their number; nodes and frames are copied when either
   * side writes. Pages that are lent or borrowed just now are copied at once. Watches, hooks and the way
   * back of installed pages stay with this space.
   * @param options.tables whether the copy gets delta tables at once
   * @throws OutOfMemory when the arena has no descriptor or no table pair left, or no frames for pages that are lent
   */
  fork({ tables = false } = {}): AddressSpace {
    const child = this.handle(newDescriptor(this.arena, this.id));
    const isComplete = this.locked(() => {
      for (let space = this.lender; space; space = space.lender) space.withdrawKept();
      this.withdrawWrites();
      return this.copyTables(child) && this.snapshotLate(child);
    });
    return this.begun(child, isComplete, tables);
  }

  /**
   * A fork that borrows from this space: it sees the pages as they are now until it writes one, from then on that page
   * is this space's own, written by both. See loans.ts. Constant time, but for pages that are lent just now.
   * @throws MappingError when the private range is impossible; OutOfMemory as `fork`
   */
  forkLoan(options: LoanOptions = {}): AddressSpace {
    const { privateRange = [0, 0], tables = false, keepWrites = false } = options;
    const [first, end] = privateRange;
    if (!(Number.isInteger(first) && Number.isInteger(end) && first >= 0 && end <= PAGE_COUNT)) {
      throw new MappingError(`a private range cannot be the pages ${first} to ${end}`);
    }
    const { arena } = this;
    const base = newDescriptor(arena, this.id);
    let borrower: AddressSpace;
    let isComplete: boolean;
    acquire(arena.i32, this.lock);
    try {
      arena.spaces.link(base, this.base, first, end);
      const child = this.spareHandle(base) ?? this.handle(base);
      if (keepWrites) child.keepLenderWrites();
      else this.withdrawWrites();
      isComplete = this.copyTables(child);
      borrower = child;
    } finally {
      release(arena.i32, this.lock);
    }
    return this.begun(borrower, isComplete, tables);
  }

  /**
   * Gives up the handle of a borrower of this space that has ended: the next one may be given it. To make a handle takes
   * a fifth of a short vCPU's life.
   */
  giveUp(borrower: AddressSpace): void {
    if (borrower.lenderBase === this.base && this.spare.length < MOST_SPARE) {
      this.spare.push(borrower);
    }
  }

  private spareHandle(base: number): AddressSpace | undefined {
    // Descriptors are used again in the same order, so that the last one fits; one that does not is of no use here.
    const handle = this.spare.pop();
    if (handle?.base !== base) return undefined;
    handle.renew();
    return handle;
  }

  /** Whether the space has not ended. */
  get isAlive(): boolean {
    return this.arena.spaces.find(this.id) !== 0;
  }

  /** Whether the space is a copy of another one. */
  get isFork(): boolean {
    return this.parentId !== 0;
  }

  /** Id of the space that this one was forked from, 0 = none. */
  get parentId(): number {
    return this.arena.u32[this.word(SPACE.parent)];
  }

  /** One holder more: the space does not end before `destroy` was called once more. */
  retain(): void {
    this.locked(() => {
      this.arena.u32[this.word(SPACE.holders)] += 1;
    });
  }

  /**
   * Ends the caller's hold on the space. With the last hold its delta tables go back; everything else does as soon
   * as no other space borrows from it. The handle must not be used again.
   * @returns false when others still hold it
   */
  destroy(): boolean {
    const { arena } = this;
    if (!this.isAlive) return true;
    const ended: Forks[] = [];
    let pair: number;
    acquire(arena.i32, this.lock);
    try {
      const holders = this.word(SPACE.holders);
      if (arena.u32[holders] === 0) return true;
      if (--arena.u32[holders] > 0) return false;
      pair = this.detachTables();
      this.leave(ended);
    } finally {
      release(arena.i32, this.lock);
    }
    if (pair !== 0) arena.deltas.giveBack(pair);
    for (const space of ended) space.dismantle();
    return true;
  }

  protected withTables(wanted: boolean): this {
    if (wanted && !this.takeTables()) {
      this.destroy();
      throw new OutOfMemory(`all ${this.arena.counts.tablePairs} delta table pairs are taken`);
    }
    return this;
  }

  private begun(child: AddressSpace, isComplete: boolean, tables: boolean): AddressSpace {
    if (!isComplete) {
      child.destroy();
      throw this.outOfMemory('for a fork of pages that are lent');
    }
    this.emit('fork', 0, this.id, child.id);
    return child.withTables(tables);
  }

  private copyTables(child: Forks): boolean {
    const together = this.collectTogether();
    const { u32 } = this.arena;
    u32[child.word(SPACE.codeVersion)] = u32[this.word(SPACE.codeVersion)];
    this.arena.pageTable.fork(child.top, this.top);
    return this.snapshotTogether(child, together);
  }

  private withdrawWrites(): void {
    if (this.pair !== 0) this.arena.deltas.withdrawWrites(this.pair);
  }

  /** Notes that this borrower's lender has kept its write deltas. */
  private keepLenderWrites(): void {
    const { u32 } = this.arena;
    u32[this.word(SPACE.keepsWrites)] = 1;
    u32[(this.lenderBase + SPACE.keptFor) >>> 2] += 1;
  }

  /** Takes kept write deltas away: some other space than a borrower shares this one's pages from now on. */
  private withdrawKept(): void {
    if (this.arena.u32[this.word(SPACE.keptFor)] !== 0) this.withdrawWrites();
  }

  /**
   * Ends this space unless others borrow from it, and then its lender too if that one only waited for this. The
   * caller holds the lock and dismantles the spaces in `ended`.
   */
  private leave(ended: Forks[]): void {
    const { arena, lenderBase } = this;
    const { u32 } = arena;
    // The lender's handle is made only where it has something to do.
    if (u32[this.word(SPACE.keepsWrites)] !== 0) {
      u32[this.word(SPACE.keepsWrites)] = 0;
      // Borrowers that live on share pages with the lender, which may run from now on.
      if (u32[this.word(SPACE.firstBorrower)] !== 0) this.lender?.withdrawKept();
      u32[(lenderBase + SPACE.keptFor) >>> 2] -= 1;
    }
    if (u32[this.word(SPACE.holders)] !== 0 || u32[this.word(SPACE.firstBorrower)] !== 0) return;
    ended.push(this);
    if (lenderBase === 0) return;
    arena.spaces.unlink(this.base);
    if (u32[(lenderBase + SPACE.holders) >>> 2] === 0) this.lender?.leave(ended);
  }

  /** Gives everything back to the arena. Nobody else knows the space any more. */
  private dismantle(): void {
    const { arena } = this;
    this.releaseEntries(arena.installs.drop(this.id, 0, PAGE_COUNT));
    // A fork has none, mostly, and ends in less than a microsecond.
    if (this.watches.count > 0) this.watches.set([]);
    arena.pageTable.destroy(this.top);
    arena.spaces.free(this.base);
  }
}

/**
 * Arena address of a new descriptor.
 * @throws OutOfMemory when all are in use
 */
export function newDescriptor(arena: Arena, parent: number): number {
  const base = arena.spaces.allocate(parent);
  if (base === 0) {
    throw new OutOfMemory(`all ${arena.counts.spaces} address spaces are in use`);
  }
  return base;
}
