import { ENTRY_FRAME_SHIFT } from './arena-layout';
import type { Access, FaultKind, Resolution } from './faults';
import { ADDRESS_LIMIT, PAGE_COUNT, PAGE_SHIFT, PAGE_SIZE } from './layout';
import { Loans } from './loans';
import { acquire, release } from './lock';
import { ENTRY, ENTRY_WRITTEN_TOGETHER } from './page-entry';
import { LEAF_SHIFT } from './page-table';

/** Called without the space's lock: a hook may map, protect and write. */
export interface SpaceHooks {
  /** An access met an unmapped page. True when the hook has mapped it: the access is tried once more. */
  onMissingPage?: (page: number, access: Access) => boolean;
  /** A page is about to be written for the first time since it was mapped, forked or `clearDirty`. */
  onFirstWrite?: (page: number) => void;
  /** A page with predecoded records was written, unmapped, protected or replaced; its mark is gone. */
  onCodeChanged?: (page: number) => void;
  /** The host is about to write a page: for a system call, or (`isForced`) whatever its permissions. */
  onHostWrite?: (page: number, isForced: boolean) => void;
}

/** What `frameFor` answers when there is no frame: minus the index of the fault's kind. */
const FAULTS: readonly FaultKind[] = ['unmapped', 'protection', 'guard', 'out-of-memory'];
const UNMAPPED = 0;
const PROTECTION = -1;
const GUARD = -2;
const NO_MEMORY = -3;

const PERMISSION: Record<Access, number> = {
  read: ENTRY.read,
  write: ENTRY.write,
  execute: ENTRY.execute,
};

/**
 * How an address space finds the frame behind an address: looks it up in the structural page table, makes
 * pages real that are not (zero pages, copy-on-write), and fills the deltas from what it found.
 */
export abstract class Translation extends Loans {
  hooks: SpaceHooks = {};

  protected override renew(): void {
    super.renew();
    this.hooks = {};
  }

  /**
   * Where an access of the guest goes. Does what must be done first (a frame for a zero page, a
   * copy-on-write break, the hooks) and fills the deltas, so that the next such access needs no help; a
   * watched page gets none. An access that crosses a page is asked for once for each page.
   * @param size bytes of the access, for watches and the 4 GiB limit
   * @param isAtomic LR (AMO and SC are writes): a borrower takes the loan at once, if it may write the page
   */
  resolve(address: number, access: Access, size: number, isAtomic = false): Resolution {
    if (!(address >= 0 && address + size <= ADDRESS_LIMIT)) {
      return { kind: 'out-of-range', access, address };
    }
    const page = address >>> PAGE_SHIFT;
    const isLoan = isAtomic && this.isBorrower && (this.seen(page) & ENTRY.write) !== 0;
    const frame = this.frameFor(page, isLoan ? 'write' : access);
    if (frame <= 0) return { kind: FAULTS[-frame], access, address };
    const arenaAddress = frame + (address & (PAGE_SIZE - 1));
    if (this.watches.count > 0 && this.watches.hits(address, size, access)) {
      return { kind: 'watched', access, address, arenaAddress };
    }
    return arenaAddress;
  }

  /**
   * Notes that predecoded records were made from `page`: its next write calls `onCodeChanged`, and then it
   * can be written freely until it is marked again.
   * @returns false when the page is unmapped or no page-table node is left
   */
  markCode(page: number): boolean {
    return this.locked(() => {
      const { pageTable, u32, deltas } = this.arena;
      const entry = pageTable.lookup(this.top, page);
      if (entry === 0) return false;
      if ((entry & ENTRY.code) === 0) {
        const at = pageTable.own(this.top, page);
        if (at === 0) return false;
        u32[at] |= ENTRY.code;
      }
      if (this.pair !== 0) deltas.withdrawWrite(this.pair, page);
      return true;
    });
  }

  /**
   * Where instructions of `page` are fetched from, found without any effect: an arena address, 0 = it cannot be executed.
   * Bit 0 is set when stores may change it; bit 1 as well when each such store by this space is told (`markCode`) and
   * nobody else can make one.
   */
  codePage(page: number): number {
    const entry = this.seen(page);
    if ((entry & ENTRY.execute) === 0) return 0;
    const isTogether = (entry & ENTRY_WRITTEN_TOGETHER) !== 0;
    const canChange = isTogether || (entry & ENTRY.write) !== 0;
    const isTold = canChange && !isTogether && (entry & ENTRY.code) !== 0;
    return this.addressOf(entry, page) + (canChange ? 1 : 0) + (isTold ? 2 : 0);
  }

  /** The 64 bits at an aligned address, found without any effect; undefined where nothing may be read. */
  dataAt(address: number): bigint | undefined {
    const page = Math.floor(address / PAGE_SIZE);
    if (address % 8 !== 0 || page >= PAGE_COUNT) return undefined;
    const entry = this.seen(page);
    if ((entry & ENTRY.read) === 0) return undefined;
    const at = this.addressOf(entry, page) + (address % PAGE_SIZE);
    return this.arena.view.getBigUint64(at, true);
  }

  protected override allows(page: number, access: Access): boolean {
    if (this.seen(page) === 0 && this.hooks.onMissingPage?.(page, access) !== true) return false;
    return (this.seen(page) & PERMISSION[access]) !== 0;
  }

  protected override reach(page: number, access: Access): number {
    const frame = Math.max(0, this.frameFor(page, access));
    if (access === 'write' && frame !== 0) this.hooks.onHostWrite?.(page, false);
    return frame;
  }

  protected override reachForced(page: number, isWrite: boolean): number {
    if (isWrite) {
      const frame = Math.max(0, this.frameToWrite(page, 0));
      if (frame !== 0) this.hooks.onHostWrite?.(page, true);
      return frame;
    }
    const entry = this.seen(page);
    return entry === 0 ? 0 : this.addressOf(entry, page);
  }

  protected override codeChanged(page: number): void {
    this.hooks.onCodeChanged?.(page);
  }

  /** The entry of a page, with what is not borrowed yet, without effect. */
  private seen(page: number): number {
    acquire(this.arena.i32, this.lock);
    const entry = this.visibleEntry(page);
    release(this.arena.i32, this.lock);
    return entry;
  }

  /** Arena address of the frame of `page` for an access, or minus the index of a fault's kind. */
  private frameFor(page: number, access: Access): number {
    if (access === 'write') return this.frameToWrite(page, ENTRY.write);
    const permission = PERMISSION[access];
    let result = this.frameToRead(page, permission);
    if (result === UNMAPPED && this.hooks.onMissingPage?.(page, access) === true) {
      result = this.frameToRead(page, permission);
    }
    return result;
  }

  private frameToRead(page: number, permission: number): number {
    const { arena } = this;
    acquire(arena.i32, this.lock);
    const entry = this.present(page);
    let result: number;
    if (entry < 0) {
      result = NO_MEMORY;
    } else if ((entry & permission) === 0) {
      result = denial(entry);
    } else {
      result = this.addressOf(entry, page);
      if (permission === ENTRY.read) this.fillReads(page, result);
    }
    release(arena.i32, this.lock);
    return result;
  }

  /**
   * Fills the read delta of `page`. Who has read the page before it reads on, most likely: then it gets those
   * of the rest of the leaf too, or of four leaves from the first page of one on, because to ask for each costs more
   * than all of them together. No page changes by it.
   */
  private fillReads(page: number, address: number): void {
    this.fillRead(page, address);
    const { pair, arena } = this;
    if (pair === 0 || !arena.deltas.hasRead(pair, page - 1)) return;
    const isFirst = page === (page >>> LEAF_SHIFT) << LEAF_SHIFT;
    const end = Math.min(((page >>> LEAF_SHIFT) + (isFirst ? 4 : 1)) << LEAF_SHIFT, PAGE_COUNT);
    if (this.watches.count > 0 && this.watches.coversPages(page, end, 'read')) return;
    arena.pageTable.visit(this.top, page + 1, end, (leaf, first, from, to) => {
      arena.deltas.fillReads(pair, first + from, leaf + from, to - from + 1);
    });
  }

  /** @param permission ENTRY.write, or 0 for writes of the host that no permission stops */
  private frameToWrite(page: number, permission: number): number {
    const { hooks } = this;
    // Hooks run without the lock; what they changed is seen below.
    if (hooks.onFirstWrite && this.isFirstWrite(page, permission)) hooks.onFirstWrite(page);
    const result = this.lockedWrite(page, permission);
    if (result !== UNMAPPED || permission === 0) return result;
    if (hooks.onMissingPage?.(page, 'write') !== true) return UNMAPPED;
    if (hooks.onFirstWrite && this.isFirstWrite(page, permission)) hooks.onFirstWrite(page);
    return this.lockedWrite(page, permission);
  }

  private lockedWrite(page: number, permission: number): number {
    const { arena } = this;
    acquire(arena.i32, this.lock);
    const entry = this.present(page);
    let result: number;
    let code = 0;
    if (entry < 0) {
      result = NO_MEMORY;
    } else if (entry === 0 || (permission !== 0 && (entry & permission) === 0)) {
      result = denial(entry);
    } else {
      const written = this.writable(page);
      result = written === 0 ? NO_MEMORY : this.addressOf(written, page);
      if (written !== 0) {
        this.fillBoth(page, written, result);
        code = entry & ENTRY.code;
        if (this.takeOwnerCodeWritten()) code = ENTRY.code;
        // What the host writes whatever the permissions shows at once.
        if (permission === 0 && (entry & ENTRY.execute) !== 0) this.renewOwned(page);
      }
    }
    release(arena.i32, this.lock);
    if (code !== 0) this.codeChanged(page);
    return result;
  }

  private isFirstWrite(page: number, permission: number): boolean {
    const entry = this.seen(page);
    if (entry === 0 || (entry & permission) !== permission) return false;
    const frame = entry >>> ENTRY_FRAME_SHIFT;
    if ((entry & ENTRY.dirty) === 0 || frame === 0) return true;
    if ((entry & ENTRY_WRITTEN_TOGETHER) !== 0) return false;
    const { frames, pageTable } = this.arena;
    return frames.references(frame) > 1 || pageTable.pathShared(this.top, page);
  }
}

/** Why an entry does not allow an access. */
function denial(entry: number): number {
  if (entry === 0) return UNMAPPED;
  return (entry & ENTRY.guard) === 0 ? PROTECTION : GUARD;
}
