import type { Arena } from './arena';
import { ENTRY_FRAME_SHIFT } from './arena-layout';
import { OutOfMemory } from './errors';
import type { EventKind } from './events';
import { GuestAccess } from './guest-access';
import { PAGE_COUNT } from './layout';
import { acquire, release } from './lock';
import { ENTRY, ENTRY_FLAGS, ENTRY_WRITTEN_TOGETHER } from './page-entry';
import { LEAF_SHIFT } from './page-table';
import { LOG_PAGES, SPACE, TOGETHER_LEAVES } from './spaces';
import { Watches } from './watches';

/**
 * One thread's handle on an address space's descriptor, and what a space does with its own pages: gives them
 * frames, keeps its deltas true. All borrowers of a lender, theirs and the lender itself (a family) use the
 * lock of the uppermost lender: then a loan, which changes two spaces or more, takes one lock and no order of
 * locks is needed.
 */
export abstract class PageOwner extends GuestAccess {
  /** Index of the hart on whose behalf this thread acts now: events are written to its ring; -1 = to none. */
  hart = -1;

  protected readonly views: Arena;
  protected readonly top: number;
  protected readonly watches: Watches;
  /** Arena address of the descriptor. */
  protected readonly base: number;
  /** Words of the family's lock and epoch. */
  protected readonly lock: number;
  protected readonly epochWord: number;
  private readonly pairWord: number;
  private readonly codeVersionWord: number;
  private ownId: number;

  protected constructor(
    readonly arena: Arena,
    base: number,
  ) {
    super();
    const { u32 } = arena;
    const root = u32[(base + SPACE.root) >>> 2];
    this.views = arena;
    this.base = base;
    this.ownId = u32[(base + SPACE.id) >>> 2];
    this.lock = (root + SPACE.lock) >>> 2;
    this.epochWord = (root + SPACE.epoch) >>> 2;
    this.pairWord = (base + SPACE.pair) >>> 2;
    this.codeVersionWord = (base + SPACE.codeVersion) >>> 2;
    this.top = (base + SPACE.top) >>> 2;
    this.watches = new Watches(arena, base);
  }

  /** The space's number, unique in the arena for a long time: a later space in the same place has another one. */
  get id(): number {
    return this.ownId;
  }

  /** Arena address of the read deltas, 0 = the space has no tables. */
  get readTable(): number {
    return this.pair === 0 ? 0 : this.arena.deltas.readTable(this.pair);
  }

  /** Arena address of the write deltas, 0 = the space has no tables. */
  get writeTable(): number {
    return this.pair === 0 ? 0 : this.arena.deltas.writeTable(this.pair);
  }

  /** Gives the space delta tables, without which no hart can run in it. False when all pairs are taken. */
  takeTables(): boolean {
    if (this.pair !== 0) return true;
    Atomics.store(this.arena.u32, this.pairWord, this.arena.deltas.take(this.id));
    return this.pair !== 0;
  }

  /** Clears the space's delta tables and lets another space have them. No hart may be running in it. */
  releaseTables(): void {
    const pair = this.locked(() => this.detachTables());
    if (pair !== 0) this.arena.deltas.giveBack(pair);
  }

  /** Word index of the top table in the arena, for page states and checks. */
  get topTable(): number {
    return this.top;
  }

  /** The page-table entry of `page` (`ENTRY` in page-entry.ts), 0 = unmapped. */
  entry(page: number): number {
    return this.arena.pageTable.lookup(this.top, page);
  }

  /**
   * Changes with the executable pages: with which there are, their protection, and the bytes of those that nobody may
   * write. A fork has that of its parent until one of them changes.
   */
  get codeVersion(): number {
    return this.arena.u32[this.codeVersionWord];
  }

  /** Whoever has made something of the executable pages compares it with them before it goes on. */
  flushCode(): void {
    this.locked(() => this.renewCode(0, PAGE_COUNT));
  }

  /** The executable pages from `first` to before `end` have changed, here and for all borrowers. */
  protected renewCode(first: number, end = first + 1): void {
    this.arena.spaces.renewCode(this.base, first, end);
  }

  /** Number of the delta table pair, 0 = none. Read anew each time: another thread may give or take it. */
  protected get pair(): number {
    return this.arena.u32[this.pairWord];
  }

  /**
   * Takes the tables from the space, for the caller to give back. Under the lock, because a borrower on another
   * thread may be about to fill them.
   */
  protected detachTables(): number {
    return Atomics.exchange(this.arena.u32, this.pairWord, 0);
  }

  /** Makes this handle, whose space has ended, one on the new space in its place. It must have the same lender. */
  protected renew(): void {
    this.ownId = this.arena.u32[this.word(SPACE.id)];
    this.hart = -1;
  }

  protected locked<T>(body: () => T): T {
    acquire(this.arena.i32, this.lock);
    try {
      return body();
    } finally {
      release(this.arena.i32, this.lock);
    }
  }

  protected emit(kind: EventKind, page: number, from: number, to: number): void {
    if (this.hart >= 0) this.arena.events.emit(this.hart, kind, page, from, to);
  }

  protected outOfMemory(what: string): OutOfMemory {
    const { frames, nodes, counts } = this.arena;
    return new OutOfMemory(
      `no memory left ${what}: ${frames.used} of ${frames.limit} frames and ` +
        `${nodes.used} of ${counts.nodes} page-table nodes are in use`,
    );
  }

  /** Word index of a field of the descriptor. */
  protected word(field: number): number {
    return (this.base + field) >>> 2;
  }

  /**
   * Gives the mapped `page` a frame that this space may write by its own rule: a first frame, or its own copy of
   * one that others refer to. The deltas are the caller's.
   * @param flags to set in the entry
   * @param drop flags to clear
   * @returns the new entry, 0 = out of memory
   */
  protected ownFrame(page: number, flags: number, drop: number): number {
    const { frames, pageTable, u32 } = this.arena;
    const at = pageTable.ownEntry(this.top, page);
    if (at === 0) return 0;
    const entry = u32[at];
    const former = entry >>> ENTRY_FRAME_SHIFT;
    let frame = former;
    // What MAP_SHARED shares is not lent besides.
    let set = (entry & ENTRY.shared) === 0 ? flags : flags & ~ENTRY.lent;
    if (former === 0) {
      frame = frames.allocate(page);
    } else if ((entry & ENTRY_WRITTEN_TOGETHER) === 0 && frames.references(former) > 1) {
      frame = frames.allocate(page, false);
      set |= ENTRY.copied;
      if (frame !== 0) {
        frames.copy(frame, former);
        frames.release(former);
      }
    }
    if (frame === 0) return 0;
    const owned = ((frame << ENTRY_FRAME_SHIFT) | (((entry & ENTRY_FLAGS) | set) & ~drop)) >>> 0;
    u32[at] = owned;
    if (owned !== entry) pageTable.noteChange(page);
    if (frame !== former) {
      this.emit('copy', page, former, frame);
      if (this.hasBorrowers) {
        this.logPage(page);
        const others = (flags & ENTRY.lent) === 0 || this.hasManyBorrowers;
        if (others) this.emit('stale', page, former, frame);
      }
    }
    return owned;
  }

  /** Whether other spaces borrow from this one. */
  protected get hasBorrowers(): boolean {
    return this.arena.u32[this.word(SPACE.firstBorrower)] !== 0;
  }

  private get hasManyBorrowers(): boolean {
    const { u32 } = this.arena;
    const first = u32[this.word(SPACE.firstBorrower)];
    return first !== 0 && u32[(first + SPACE.nextBorrower) >>> 2] !== 0;
  }

  /** Notes for the borrowers that `page` may have a new frame. */
  protected logPage(page: number): void {
    const { u32 } = this.arena;
    const epoch = u32[this.epochWord];
    u32[this.epochWord + (SPACE.log - SPACE.epoch) / 4 + (epoch % LOG_PAGES)] = page;
    Atomics.store(u32, this.epochWord, epoch + 1);
  }

  /** Puts the leaf of `page` on the list of those that have lent or borrowed pages. */
  protected noteTogether(page: number): void {
    const { u32 } = this.arena;
    const counter = this.word(SPACE.togetherCount);
    const list = this.word(SPACE.together);
    const count = u32[counter];
    const leaf = page >>> LEAF_SHIFT;
    // The last one first: neighbouring pages are lent one after another.
    for (let i = Math.min(count, TOGETHER_LEAVES) - 1; i >= 0; i--)
      if (u32[list + i] === leaf) return;
    if (count < TOGETHER_LEAVES) u32[list + count] = leaf;
    u32[counter] = Math.min(count + 1, TOGETHER_LEAVES + 1);
  }

  protected addressOf(entry: number, page: number): number {
    const frame = entry >>> ENTRY_FRAME_SHIFT;
    return frame === 0 ? this.arena.frames.zeroFor(page) : this.arena.frames.address(frame);
  }

  /** Fills the deltas that an entry just written allows: reads, and writes of a page without code. */
  protected fillBoth(page: number, entry: number, address: number): void {
    if ((entry & ENTRY.read) !== 0) this.fillRead(page, address);
    if ((entry & (ENTRY.write | ENTRY.code)) === ENTRY.write) this.fillWrite(page, address);
  }

  protected fillRead(page: number, address: number): void {
    const { pair } = this;
    if (pair === 0) return;
    if (this.watches.count > 0 && this.watches.coversPages(page, page + 1, 'read')) return;
    this.arena.deltas.fillRead(pair, page, address);
  }

  private fillWrite(page: number, address: number): void {
    const { pair } = this;
    if (pair === 0) return;
    if (this.watches.count > 0 && this.watches.coversPages(page, page + 1, 'write')) return;
    this.arena.deltas.fillWrite(pair, page, address);
  }

  protected withdraw(first: number, end: number): void {
    if (this.pair !== 0) this.arena.deltas.withdraw(this.pair, first, end);
  }

  protected releaseEntries(entries: readonly number[]): void {
    for (const entry of entries) {
      const frame = entry >>> ENTRY_FRAME_SHIFT;
      if (frame !== 0) this.arena.frames.release(frame);
    }
  }

  /**
   * Before the pages from `first` to before `end` change: adds those that predecoded records were made from to `pages`,
   * and notes the change when any can be executed.
   */
  protected collectCode(first: number, end: number, pages: number[]): void {
    const { u32, pageTable } = this.arena;
    let last = 0;
    let flags = 0;
    pageTable.visit(this.top, first, end, (leaf, page, from, to) => {
      // Large mappings are one leaf in many places; no code was made from it, or it would stand alone.
      if (leaf === last) return;
      last = leaf;
      for (let i = from; i <= to; i++) {
        const entry = u32[leaf + i];
        flags |= entry;
        if ((entry & ENTRY.code) !== 0) pages.push(page + i);
      }
    });
    if ((flags & ENTRY.execute) !== 0) this.renewCode(first, end);
  }
}
