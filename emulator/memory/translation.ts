import type { Arena } from './arena';
import { ENTRY_FRAME_SHIFT } from './arena-layout';
import { OutOfMemory } from './errors';
import type { EventKind } from './events';
import type { Access, FaultKind, Resolution } from './faults';
import { GuestAccess } from './guest-access';
import { ADDRESS_LIMIT, PAGE_SHIFT, PAGE_SIZE } from './layout';
import { acquire, release } from './lock';
import { ENTRY, ENTRY_FLAGS, ENTRY_WRITTEN_TOGETHER } from './page-table';
import { SPACE } from './spaces';
import { Watches } from './watches';

/** Called without the space's lock: a hook may map, protect and write. */
export interface SpaceHooks {
  /** An access met an unmapped page. True when the hook has mapped it: the access is tried once more. */
  onMissingPage?: (page: number, access: Access) => boolean;
  /** A page is about to be written for the first time since it was mapped, forked or `clearDirty`. */
  onFirstWrite?: (page: number) => void;
  /** A page with predecoded records was written, unmapped, protected or replaced; its mark is gone. */
  onCodeChanged?: (page: number) => void;
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
export abstract class Translation extends GuestAccess {
  readonly id: number;
  hooks: SpaceHooks = {};
  /** Index of the hart on whose behalf this thread acts now: events are written to its ring; -1 = to none. */
  hart = -1;

  protected readonly views: Arena;
  protected readonly top: number;
  protected readonly watches: Watches;
  private readonly lock: number;
  private readonly pairWord: number;

  protected constructor(
    readonly arena: Arena,
    base: number,
  ) {
    super();
    this.views = arena;
    this.id = arena.u32[(base + SPACE.id) >>> 2];
    this.lock = (base + SPACE.lock) >>> 2;
    this.pairWord = (base + SPACE.pair) >>> 2;
    this.top = (base + SPACE.top) >>> 2;
    this.watches = new Watches(arena, base);
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
    const pair = Atomics.exchange(this.arena.u32, this.pairWord, 0);
    if (pair !== 0) this.arena.deltas.giveBack(pair);
  }

  /**
   * Where an access of the guest goes. Does what must be done first (a frame for a zero page, a
   * copy-on-write break, the hooks) and fills the deltas, so that the next such access needs no help; a
   * watched page gets none. An access that crosses a page is asked for once for each page.
   * @param size bytes of the access, for watches and the 4 GiB limit
   */
  resolve(address: number, access: Access, size: number): Resolution {
    if (!(address >= 0 && address + size <= ADDRESS_LIMIT)) {
      return { kind: 'out-of-range', access, address };
    }
    const frame = this.frameFor(address >>> PAGE_SHIFT, access);
    if (frame <= 0) return { kind: FAULTS[-frame], access, address };
    const arenaAddress = frame + (address & (PAGE_SIZE - 1));
    if (this.watches.count > 0 && this.watches.hits(address, size, access)) {
      return { kind: 'watched', access, address, arenaAddress };
    }
    return arenaAddress;
  }

  /** The page-table entry of `page` (`ENTRY` in page-table.ts), 0 = unmapped. */
  entry(page: number): number {
    return this.arena.pageTable.lookup(this.top, page);
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

  /** Number of the delta table pair, 0 = none. Read anew each time: another thread may give or take it. */
  protected get pair(): number {
    return this.arena.u32[this.pairWord];
  }

  protected allows(page: number, access: Access): boolean {
    if (this.entry(page) === 0 && this.hooks.onMissingPage?.(page, access) !== true) return false;
    return (this.entry(page) & PERMISSION[access]) !== 0;
  }

  protected reach(page: number, access: Access): number {
    return Math.max(0, this.frameFor(page, access));
  }

  protected reachForced(page: number, isWrite: boolean): number {
    if (isWrite) return Math.max(0, this.frameToWrite(page, 0));
    const entry = this.arena.pageTable.lookup(this.top, page);
    return entry === 0 ? 0 : this.addressOf(entry, page);
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
    const entry = arena.pageTable.lookup(this.top, page);
    let result: number;
    if ((entry & permission) === 0) {
      result = denial(entry);
    } else {
      result = this.addressOf(entry, page);
      if (permission === ENTRY.read) this.fillRead(page, result);
    }
    release(arena.i32, this.lock);
    return result;
  }

  /** @param permission ENTRY.write, or 0 for writes of the host that no permission stops */
  private frameToWrite(page: number, permission: number): number {
    const { arena, hooks } = this;
    let entry = arena.pageTable.lookup(this.top, page);
    // Hooks run before the lock is taken; what they changed is seen below.
    if (entry === 0) {
      if (permission === 0 || hooks.onMissingPage?.(page, 'write') !== true) return UNMAPPED;
      entry = arena.pageTable.lookup(this.top, page);
    }
    if (permission !== 0 && (entry & permission) === 0) return denial(entry);
    if (hooks.onFirstWrite && this.isFirstWrite(entry, page)) hooks.onFirstWrite(page);

    acquire(arena.i32, this.lock);
    entry = arena.pageTable.lookup(this.top, page);
    let result: number;
    if (entry === 0 || (permission !== 0 && (entry & permission) === 0)) {
      result = denial(entry);
    } else {
      const written = this.writable(page);
      result = written === 0 ? NO_MEMORY : this.addressOf(written, page);
      if (written !== 0) {
        if ((written & ENTRY.read) !== 0) this.fillRead(page, result);
        if ((written & ENTRY.write) !== 0) this.fillWrite(page, result);
      }
    }
    release(arena.i32, this.lock);
    if (result > 0 && (entry & ENTRY.code) !== 0) hooks.onCodeChanged?.(page);
    return result;
  }

  private isFirstWrite(entry: number, page: number): boolean {
    const frame = entry >>> ENTRY_FRAME_SHIFT;
    if ((entry & ENTRY.dirty) === 0 || frame === 0) return true;
    if ((entry & ENTRY_WRITTEN_TOGETHER) !== 0) return false;
    const { frames, pageTable } = this.arena;
    return frames.references(frame) > 1 || pageTable.pathShared(this.top, page);
  }

  /** Gives the mapped `page` a frame that this space may write; returns its new entry, 0 = out of memory. */
  private writable(page: number): number {
    const { frames, pageTable, u32 } = this.arena;
    const at = pageTable.own(this.top, page);
    if (at === 0) return 0;
    const entry = u32[at];
    const former = entry >>> ENTRY_FRAME_SHIFT;
    let frame = former;
    let flags = ((entry & ENTRY_FLAGS) | ENTRY.dirty) & ~ENTRY.code;
    if (former === 0) {
      frame = frames.allocate(page);
    } else if ((entry & ENTRY_WRITTEN_TOGETHER) === 0 && frames.references(former) > 1) {
      frame = frames.allocate(page, false);
      flags |= ENTRY.copied;
      if (frame !== 0) {
        frames.copy(frame, former);
        frames.release(former);
      }
    }
    if (frame === 0) return 0;
    const written = ((frame << ENTRY_FRAME_SHIFT) | flags) >>> 0;
    u32[at] = written;
    if (frame !== former) this.emit('copy', page, former, frame);
    return written;
  }

  private addressOf(entry: number, page: number): number {
    const frame = entry >>> ENTRY_FRAME_SHIFT;
    return frame === 0 ? this.arena.frames.zeroFor(page) : this.arena.frames.address(frame);
  }

  private fillRead(page: number, address: number): void {
    const { pair } = this;
    if (pair === 0) return;
    if (this.watches.count > 0 && this.watches.coversPage(page, 'read')) return;
    this.arena.deltas.fillRead(pair, page, address);
  }

  private fillWrite(page: number, address: number): void {
    const { pair } = this;
    if (pair === 0) return;
    if (this.watches.count > 0 && this.watches.coversPage(page, 'write')) return;
    this.arena.deltas.fillWrite(pair, page, address);
  }
}

/** Why an entry does not allow an access. */
function denial(entry: number): number {
  if (entry === 0) return UNMAPPED;
  return (entry & ENTRY.guard) === 0 ? PROTECTION : GUARD;
}
