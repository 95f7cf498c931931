import type { Arena } from './arena';
import { ENTRY_FRAME_SHIFT } from './arena-layout';
import { PAGE_COUNT } from './layout';
import { acquire, release } from './lock';
import { PageOwner } from './page-owner';
import { ENTRY, ENTRY_FLAGS, ENTRY_INHERITED } from './page-entry';
import { LOG_PAGES, SPACE } from './spaces';

/** What `present` answers when a page is there but there is no memory to borrow it. */
export const NO_ROOM = -1;

const PERMISSIONS = ENTRY.read | ENTRY.write | ENTRY.execute;

/**
 * Loans. A space with a lender is a fork whose pages, but for a private range, remain the lender's: until the
 * borrower writes a page it sees it as it was at the fork; then its entry becomes the lender's own frame, which
 * both write from then on. Three words for a page of such a space:
 *
 * - *common*: not in the private range and not installed in this very space
 * - its *owner*: the nearest space up the chain of lenders for which it is not common; the frame that all
 *   borrowers of the page share is the owner's, however deep the chain
 * - *stale*: common, not borrowed, and the owner has another frame by now
 *
 * Whoever changes an owner's frame notes the page in the log of the family's root. `adopt` compares the epoch of
 * that log with the one that this space has seen. All of it happens under the family's one lock.
 */
export abstract class Loans extends PageOwner {
  /** Pages of the private range: first, and the one after the last. */
  private firstOfPrivate: number;
  private endOfPrivate: number;

  /** The family's root has no `seen` of its own: it compares its epoch with itself. */
  private readonly seenWord: number;
  protected readonly lenderBase: number;
  private lenderHandle: Loans | undefined;
  /** Set when a page with records of its owner was written; who holds the lock reads and clears it. */
  private ownerCodeWritten = false;

  protected constructor(arena: Arena, base: number) {
    super(arena, base);
    const { u32 } = arena;
    this.lenderBase = u32[this.word(SPACE.lender)];
    this.firstOfPrivate = u32[this.word(SPACE.privateFirst)];
    this.endOfPrivate = u32[this.word(SPACE.privateEnd)];
    this.seenWord = this.lenderBase === 0 ? this.epochWord : this.word(SPACE.seen);
    this.newsAddresses = { published: 4 * this.epochWord, seen: 4 * this.seenWord };
  }

  /** A handle on the space whose descriptor is at `base`. */
  protected abstract handle(base: number): Loans;

  protected override renew(): void {
    super.renew();
    const { u32 } = this.arena;
    this.firstOfPrivate = u32[this.word(SPACE.privateFirst)];
    this.endOfPrivate = u32[this.word(SPACE.privateEnd)];
    this.lenderHandle = undefined;
    this.ownerCodeWritten = false;
  }

  /** First page of the private range. */
  get privateFirst(): number {
    return this.firstOfPrivate;
  }

  /** The page after the private range. */
  get privateEnd(): number {
    return this.endOfPrivate;
  }

  /** Whether the space has a lender. */
  get isBorrower(): boolean {
    return this.lenderBase !== 0;
  }

  protected get lenderSpace(): Loans | undefined {
    if (this.lenderBase === 0) return undefined;
    this.lenderHandle ??= this.handle(this.lenderBase);
    this.lenderHandle.hart = this.hart;
    return this.lenderHandle;
  }

  /**
   * Arena addresses of two u32 that differ when `adopt` has something to do: how many news there are, and how
   * many this space has taken notice of. For code that must not call anything to find out.
   */
  readonly newsAddresses: { readonly published: number; readonly seen: number };

  /**
   * Makes this space see its owners' present pages where it still holds older ones: to be called at a FENCE with R in
   * its successor set, before LR and AMO, at ecall and at the end of a quantum. One comparison when no page of the
   * family got a new frame since.
   * @returns how many pages were adopted
   * @throws OutOfMemory when there is no room for it; the space has not adopted everything then
   */
  adopt(): number {
    const { u32 } = this.arena;
    if (Atomics.load(u32, this.epochWord) === u32[this.seenWord]) return 0;
    return this.adoptStale();
  }

  /**
   * Whether the owner of `page` has another frame than this space still sees.
   * @param entry this space's entry
   */
  isStale(page: number, entry: number): boolean {
    if (this.lenderBase === 0 || (entry & (ENTRY.borrowed | ENTRY.shared)) !== 0) return false;
    const lender = this.lenderSpace;
    const isSame = lender?.entry(page) === entry;
    // The usual answer, found without looking for an owner: the uppermost lender has not changed the page.
    if (entry === 0 || (isSame && lender?.isBorrower === false)) return false;
    if (!this.isCommon(page)) return false;
    const current = this.ownerOf(page).entry(page);
    return current !== 0 && current >>> ENTRY_FRAME_SHIFT !== entry >>> ENTRY_FRAME_SHIFT;
  }

  /**
   * Id of the space whose page `page` is: of a borrower its owner's if that has mapped it, of an installed page that was
   * lent the space that lent it, else 0.
   */
  pageOwner(page: number): number {
    const lentBy = this.arena.installs.lenderOf(this.id, page);
    if (lentBy !== 0) return lentBy;
    const owner = this.ownerOf(page);
    return owner !== this && owner.entry(page) !== 0 ? owner.id : 0;
  }

  /** Called without the lock when an owner's page with predecoded records was written or its content changed. */
  protected abstract codeChanged(page: number): void;

  /** Whether `page` is the lender's business. */
  protected isCommon(page: number): boolean {
    if (this.lenderBase === 0) return false;
    if (page >= this.privateFirst && page < this.privateEnd) return false;
    return !this.arena.installs.has(this.id, page);
  }

  /** Id of the space whose frame a store of this one to `page` ends up in: what two harts share, both call the same. */
  ownerId(page: number): number {
    return this.ownerOf(page).id;
  }

  /** The executable `page` has changed for all who have its owner's frame, and for this space. */
  protected renewOwned(page: number): void {
    const owner = this.ownerOf(page);
    owner.renewCode(page);
    if (owner !== this) this.renewCode(page);
  }

  /** The space whose frame a store of this one to `page` ends up in. */
  protected ownerOf(page: number): Loans {
    return this.isCommon(page) ? (this.lenderSpace?.ownerOf(page) ?? this) : this;
  }

  /**
   * The entry of `page`, borrowed now if the lender has mapped it since the fork.
   * @returns 0 = unmapped, NO_ROOM
   */
  protected present(page: number): number {
    const entry = this.arena.pageTable.lookup(this.top, page);
    return entry !== 0 || this.lenderBase === 0 ? entry : this.borrowLate(page);
  }

  /** The entry of `page` as `present` finds it, without any effect: of a page not yet borrowed the owner's. */
  protected visibleEntry(page: number): number {
    const entry = this.arena.pageTable.lookup(this.top, page);
    if (entry !== 0 || this.isClosedTo(page)) return entry;
    return this.lenderSpace?.visibleEntry(page) ?? 0;
  }

  /** Whether `page` lies in the private range and does not come from the lender any more. */
  private isClosedTo(page: number): boolean {
    const isPrivate = page >= this.privateFirst && page < this.privateEnd;
    return isPrivate && this.arena.u32[this.word(SPACE.isClosed)] !== 0;
  }

  /**
   * Gives the present `page` a frame that this space may write: a loan for a common page, else its own.
   * @returns the new entry, 0 = out of memory
   */
  protected writable(page: number): number {
    if (this.lenderBase !== 0 && this.isCommon(page)) return this.takeLoan(page);
    return this.ownFrame(page, ENTRY.dirty, ENTRY.code);
  }

  /** As `writable`, and the frame may be given to others, who then share it. 0 = out of memory. */
  protected lendable(page: number): number {
    return this.isCommon(page) ? this.takeLoan(page) : this.lend(page, false);
  }

  /** Whether a page with records was written in an owner since this was last asked. */
  protected takeOwnerCodeWritten(): boolean {
    const was = this.ownerCodeWritten;
    this.ownerCodeWritten = false;
    return was;
  }

  /** Makes the page exclusively this space's own and marks it lent. 0 = out of memory. */
  private lend(page: number, isWrite: boolean): number {
    // The mark comes last: a page that was not lent is copied first if others refer to its frame.
    const entry = this.ownFrame(page, ENTRY.dirty | ENTRY.lent, isWrite ? ENTRY.code : 0);
    if (entry === 0) return 0;
    if ((entry & ENTRY.lent) !== 0) this.noteTogether(page);
    this.fillBoth(page, entry, this.addressOf(entry, page));
    return entry;
  }

  private takeLoan(page: number): number {
    const { pageTable } = this.arena;
    const entry = pageTable.lookup(this.top, page);
    const isBorrowed = (entry & ENTRY.borrowed) !== 0;
    if (isBorrowed && (entry & ENTRY.dirty) !== 0) return this.ownFrame(page, 0, ENTRY.code);
    const owner = this.ownerOf(page);
    const owned = pageTable.lookup(owner.top, page);
    // What the owner has not is this space's own mapping.
    if (owned === 0) return this.ownFrame(page, ENTRY.dirty, ENTRY.code);
    const isUpToDate = this.hasSeenAll();
    const code = (owned & ENTRY.code) !== 0 || this.codeBetween(owner, page);
    const lent = owner.lend(page, true);
    const borrowed = lent === 0 ? 0 : this.borrowThrough(owner, page, lent);
    if (borrowed === 0) return 0;
    if (isUpToDate) this.seeAll();
    if (code) this.ownerCodeWritten = true;
    if (!isBorrowed && (lent & ENTRY.shared) === 0) {
      this.emit('loan', page, entry >>> ENTRY_FRAME_SHIFT, lent >>> ENTRY_FRAME_SHIFT);
    }
    return borrowed;
  }

  private hasSeenAll(): boolean {
    const { u32 } = this.arena;
    return u32[this.epochWord] === u32[this.seenWord];
  }

  /** What was logged since `hasSeenAll` is the page that this space has just borrowed. */
  private seeAll(): void {
    const { u32 } = this.arena;
    u32[this.seenWord] = u32[this.epochWord];
  }

  /** Whether a lender between this space and the owner has made records from the page. */
  private codeBetween(owner: Loans, page: number): boolean {
    let code = 0;
    for (let space = this.lenderSpace; space && space !== owner; space = space.lenderSpace) {
      code |= this.arena.pageTable.lookup(space.top, page) & ENTRY.code;
    }
    return code !== 0;
  }

  /** Borrows for the lenders between the owner and this space first: they see the store too. */
  private borrowThrough(owner: Loans, page: number, lent: number): number {
    const lender = this.lenderSpace;
    if (lender && lender !== owner) {
      if (lender.borrowThrough(owner, page, lent) === 0) return 0;
    }
    return this.borrow(page, lent, ENTRY.dirty);
  }

  /** Makes this space's entry the owner's frame. 0 = out of memory. */
  private borrow(page: number, lent: number, flags: number): number {
    const { frames, pageTable, u32 } = this.arena;
    const at = pageTable.own(this.top, page);
    if (at === 0) return 0;
    const entry = u32[at];
    const former = entry >>> ENTRY_FRAME_SHIFT;
    const frame = lent >>> ENTRY_FRAME_SHIFT;
    const inherited =
      (entry === 0 ? lent : entry) & (ENTRY_INHERITED | (former === frame ? ENTRY.dirty : 0));
    const together = (lent & ENTRY.shared) === 0 ? ENTRY.borrowed : ENTRY.shared;
    const borrowed = ((frame << ENTRY_FRAME_SHIFT) | inherited | together | flags) >>> 0;
    if (frame !== former) frames.retain(frame);
    u32[at] = borrowed;
    if (together === ENTRY.borrowed) this.noteTogether(page);
    const { pair } = this;
    if (pair !== 0 && this.arena.deltas.hasRead(pair, page)) {
      this.fillRead(page, this.addressOf(borrowed, page));
    }
    if (frame !== former && former !== 0) frames.release(former);
    return borrowed;
  }

  private borrowLate(page: number): number {
    const entry = this.visibleEntry(page);
    // A page without access faults as the lender's does; nothing is borrowed.
    if ((entry & PERMISSIONS) === 0) return entry;
    if (!this.isCommon(page)) return this.copyLate(page, entry);
    const owner = this.ownerOf(page);
    // The owner may be a borrower itself, with the page in its private range and not touched yet.
    const owned = owner.present(page);
    if (owned <= 0) return owned;
    const isUpToDate = this.hasSeenAll();
    const lent = owner.lend(page, false);
    const borrowed = lent === 0 ? 0 : this.borrow(page, lent, 0);
    if (borrowed === 0) return NO_ROOM;
    if (isUpToDate) this.seeAll();
    this.emit('late-borrow', page, owner.id, lent >>> ENTRY_FRAME_SHIFT);
    return borrowed;
  }

  /** A page of the private range that the lender has mapped since the fork: a copy of what is there now. */
  protected copyLate(page: number, seen: number): number {
    const { frames, pageTable, u32 } = this.arena;
    const at = pageTable.own(this.top, page);
    if (at === 0) return NO_ROOM;
    const source = seen >>> ENTRY_FRAME_SHIFT;
    let entry = seen & ENTRY_INHERITED;
    if (source !== 0) {
      const isShared = (seen & ENTRY.shared) !== 0;
      const frame = isShared ? source : frames.allocate(page, false);
      if (frame === 0) return NO_ROOM;
      if (isShared) frames.retain(frame);
      else frames.copy(frame, source);
      entry =
        ((frame << ENTRY_FRAME_SHIFT) | entry | (isShared ? ENTRY.shared : ENTRY.copied)) >>> 0;
      if (!isShared) this.emit('copy', page, source, frame);
    }
    u32[at] = entry;
    return entry;
  }

  private adoptStale(): number {
    const { arena } = this;
    const { u32 } = arena;
    const code: number[] = [];
    let adopted = 0;
    acquire(arena.i32, this.lock);
    try {
      const seen = u32[this.seenWord];
      const news = (u32[this.epochWord] - seen) >>> 0;
      // Adopting may log pages itself, one each: so many do not overwrite those that were not looked at yet.
      if (news > LOG_PAGES / 2) {
        for (const page of this.changedByOwners()) adopted += this.adoptPage(page, code);
      } else {
        const log = this.epochWord + (SPACE.log - SPACE.epoch) / 4;
        for (let n = 0; n < news; n++) {
          adopted += this.adoptPage(u32[log + ((seen + n) % LOG_PAGES)], code);
        }
      }
      this.seeAll();
    } finally {
      release(arena.i32, this.lock);
    }
    for (const page of code) this.codeChanged(page);
    return adopted;
  }

  /** The pages with another frame than their owner's: what to look at when the log is too short. */
  private changedByOwners(): number[] {
    const pages: number[] = [];
    for (let space = this.lenderSpace; space; space = space.lenderSpace) {
      const differing = this.arena.pageTable.differences(
        this.top,
        space.top,
        0,
        PAGE_COUNT,
        ENTRY_FLAGS,
      );
      for (const page of differing) if (this.ownerOf(page).id === space.id) pages.push(page);
    }
    return pages;
  }

  private adoptPage(page: number, code: number[]): number {
    const { pageTable } = this.arena;
    const entry = pageTable.lookup(this.top, page);
    if (!this.isStale(page, entry)) return 0;
    const lent = this.ownerOf(page).lend(page, false);
    if (lent === 0 || this.borrow(page, lent, 0) === 0) {
      throw this.outOfMemory(`to adopt page 0x${page.toString(16)}`);
    }
    if ((entry & ENTRY.code) !== 0) code.push(page);
    if ((entry & ENTRY.execute) !== 0) this.renewCode(page);
    this.emit('adopt', page, entry >>> ENTRY_FRAME_SHIFT, lent >>> ENTRY_FRAME_SHIFT);
    return 1;
  }
}
