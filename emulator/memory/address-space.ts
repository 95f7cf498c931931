import type { Arena } from './arena';
import { ENTRY_FRAME_SHIFT } from './arena-layout';
import { MappingError } from './errors';
import { newDescriptor } from './forks';
import { ADDRESS_LIMIT, PAGE_COUNT, PAGE_SHIFT, PAGE_SIZE } from './layout';
import { ENTRY } from './page-entry';
import type { Watch, WatchKind } from './watches';
import { Workspace } from './workspace';

/** Protection bits of a mapping, as PROT_READ, PROT_WRITE and PROT_EXEC. Write implies read. */
export const READ = ENTRY.read;
export const WRITE = ENTRY.write;
export const EXECUTE = ENTRY.execute;

export interface MapOptions {
  /** No access, and a fault there is reported as `guard`. */
  readonly guard?: boolean;
  /** Forks share the pages for writing too (MAP_SHARED): their frames are allocated at once. */
  readonly shared?: boolean;
  /** With `shared`: the frame that others have for a page already, 0 = none. One that cannot back the page is not used. */
  readonly frameAt?: (page: number) => number;
}

/**
 * A guest address space. Its whole state is a descriptor in the arena (spaces.ts): this object is one thread's
 * handle on it, with that thread's hooks. All methods may be called from any thread; taking rights away
 * (`unmap`, `protect`, `install`, `watch`, `fork`, `markCode`, `clearDirty`) while another thread runs harts of this
 * space asks for a safepoint of that thread first.
 */
export class AddressSpace extends Workspace {
  private constructor(arena: Arena, base: number) {
    super(arena, base);
  }

  /**
   * A new empty space.
   * @param options.tables whether it gets delta tables at once, without which no hart can run in it
   * @throws OutOfMemory when the arena has no descriptor or no table pair left
   */
  static create(arena: Arena, { tables = true } = {}): AddressSpace {
    return new AddressSpace(arena, newDescriptor(arena, 0)).withTables(tables);
  }

  /**
   * A handle on the space `id` that another thread has made.
   * @throws MappingError when there is no such space
   */
  static attach(arena: Arena, id: number): AddressSpace {
    const base = arena.spaces.find(id);
    if (base === 0) throw new MappingError(`there is no address space ${id}`);
    return new AddressSpace(arena, base);
  }

  /**
   * Maps `length` bytes at `start` with zero pages, in place of what was there. No frame is used before the
   * first write. Both are multiples of 4096; page 0 cannot be mapped.
   * @param protection READ, WRITE, EXECUTE or'ed together; 0 = no access
   * @throws MappingError when the range is impossible, OutOfMemory when the arena has no room for it (the range
   * is unmapped then)
   */
  map(start: number, length: number, protection: number, options: MapOptions = {}): void {
    const [first, end] = mappableRange(start, length);
    let entry = ENTRY.mapped | flagsOf(protection);
    if (options.guard === true) entry = ENTRY.mapped | ENTRY.guard;
    if (options.shared === true) entry |= ENTRY.shared;
    const changed: number[] = [];
    const isComplete = this.locked(() =>
      this.owners(first, end).every(([space, from, to]) => {
        if (!space.removeRange(from, to, changed)) return false;
        const isFilled =
          options.shared === true
            ? space.fillShared(from, to, entry, options.frameAt)
            : this.arena.pageTable.fill(space.top, from, to, entry);
        if (!isFilled) space.removeRange(from, to, changed);
        else if ((entry & ENTRY.execute) !== 0) space.renewCode(from, to);
        return isFilled;
      }),
    );
    this.finish(isComplete, changed, `to map ${end - first} pages at ${hex(start)}`);
    this.emit('map', first, protection, end - first);
  }

  /**
   * Unmaps what is mapped of `length` bytes at `start`.
   * @throws MappingError when the range is impossible, OutOfMemory when the arena has no page-table node left
   */
  unmap(start: number, length: number): void {
    const [first, end] = mappableRange(start, length);
    const changed: number[] = [];
    const isComplete = this.locked(() =>
      this.owners(first, end).every(([space, from, to]) => {
        space.close();
        return space.removeRange(from, to, changed);
      }),
    );
    this.finish(isComplete, changed, `to unmap ${end - first} pages at ${hex(start)}`);
    this.emit('unmap', first, 0, end - first);
  }

  /**
   * Gives the mapped pages among `length` bytes at `start` another protection.
   * @returns whether all of the range is mapped
   * @throws MappingError when the range is impossible, OutOfMemory when the arena has no page-table node left
   */
  protect(start: number, length: number, protection: number): boolean {
    const [first, end] = mappableRange(start, length);
    const flags = flagsOf(protection);
    const keep = ~(ENTRY.read | ENTRY.write | ENTRY.execute | ENTRY.guard | ENTRY.code);
    const changed: number[] = [];
    let mapped = 0;
    const change = (entry: number): number => ((entry & keep) | flags) >>> 0;
    const isComplete = this.locked(() => {
      const { u32, pageTable } = this.arena;
      return this.owners(first, end).every(([space, from, to]) => {
        pageTable.visit(space.top, from, to, (leaf, _page, low, high) => {
          for (let i = leaf + low; i <= leaf + high; i++) if (u32[i] !== 0) mapped += 1;
        });
        if ((flags & ENTRY.execute) !== 0) space.renewCode(from, to);
        return space.changeRange(from, to, change, changed);
      });
    });
    this.finish(isComplete, changed, `to protect ${end - first} pages at ${hex(start)}`);
    this.emit('protect', first, protection, end - first);
    return mapped === end - first;
  }

  /** Whether code may run in any of the pages that `length` bytes at `start` lie in. */
  mayExecute(start: number, length: number): boolean {
    const first = Math.floor(start / PAGE_SIZE);
    const end = Math.min(PAGE_COUNT, Math.ceil((start + length) / PAGE_SIZE));
    if (first >= end) return false;
    const { u32, pageTable } = this.arena;
    let flags = 0;
    this.locked(() => {
      for (const [space, from, to] of this.owners(first, end)) {
        pageTable.visit(space.top, from, to, (leaf, _page, low, high) => {
          for (let i = leaf + low; i <= leaf + high; i++) flags |= u32[i];
        });
      }
    });
    return (flags & ENTRY.execute) !== 0;
  }

  /**
   * The highest address of `length` unmapped bytes from `low` to before `high`, 0 when there is no such gap. Of a
   * borrower: in its uppermost lender, and in no private range of the family.
   */
  findGap(length: number, low: number, high: number): number {
    const count = Math.ceil(length / PAGE_SIZE);
    const lowest = Math.max(1, Math.ceil(low / PAGE_SIZE));
    const end = Math.min(PAGE_COUNT, Math.floor(high / PAGE_SIZE));
    if (!(count > 0 && count <= end - lowest)) return 0;
    return this.locked(() => this.rootGap(count, lowest, end)) * PAGE_SIZE;
  }

  /**
   * Puts the embedder's own page at `page`: a new frame with `source`'s bytes, or a frame of the arena, which several
   * spaces may then write together. `uninstall` brings back what was there.
   * @throws MappingError when the page or the bytes do not fit, OutOfMemory when no frame or node is left
   */
  install(page: number, source: Uint8Array | number, protection: number): void {
    mappableRange(page * PAGE_SIZE, PAGE_SIZE);
    if (typeof source === 'number') {
      this.place(page, this.share(page, source), ENTRY.shared, protection);
    } else {
      this.place(page, this.newFrame(page, source), 0, protection);
    }
  }

  /**
   * Lends `page` of this space to another one of the same arena: from now on both write the same frame there, until
   * `uninstall` of the other space brings back what was there before. The other space may end, and so may this one:
   * then the page stays where it was lent to.
   * @param to the space that gets the page
   * @param at its page number there
   * @param protection for accesses there
   * @throws MappingError when this page is not mapped or the other cannot be; OutOfMemory
   */
  lendPage(page: number, to: AddressSpace, at = page, protection = READ | WRITE): void {
    mappableRange(at * PAGE_SIZE, PAGE_SIZE);
    if (to.arena.memory !== this.arena.memory) {
      throw new MappingError('a page can be lent only within one arena');
    }
    const where = hex(page * PAGE_SIZE);
    const { frames } = this.arena;
    let hasCode = false;
    const frame = this.locked(() => {
      const entry = this.present(page);
      if (entry === 0) throw new MappingError(`page ${where} is not mapped: it cannot be lent`);
      const lent = entry < 0 ? 0 : this.lendable(page);
      if (lent === 0) throw this.outOfMemory(`to lend page ${where}`);
      hasCode = this.takeOwnerCodeWritten() || (entry & ENTRY.code) !== 0;
      if ((entry & ENTRY.execute) !== 0) this.renewOwned(page);
      frames.retain(lent >>> ENTRY_FRAME_SHIFT);
      return lent >>> ENTRY_FRAME_SHIFT;
    });
    // From now on the page may be written from over there.
    if (hasCode) this.codeChanged(page);
    if (!frames.suits(frame, at)) {
      frames.release(frame);
      throw new MappingError(`page ${where} cannot be lent to ${hex(at * PAGE_SIZE)}`);
    }
    to.place(at, frame, ENTRY.borrowed, protection, this.id);
  }

  /** Puts a frame in a page's place; the caller's reference of it becomes the entry's. */
  private place(
    page: number,
    frame: number,
    together: number,
    protection: number,
    lender = 0,
  ): void {
    const { frames, installs, pageTable, u32 } = this.arena;
    const flags = ENTRY.mapped | ENTRY.host | ENTRY.dirty | together | flagsOf(protection);
    const changed: number[] = [];
    const isComplete = this.locked(() => {
      if (!this.takeFromBorrowers(page, page + 1, changed)) return false;
      const at = pageTable.own(this.top, page);
      if (at === 0) return false;
      if (!installs.push(this.id, page, (u32[at] & ~ENTRY.code) >>> 0, lender)) return false;
      this.collectCode(page, page + 1, changed);
      this.withdraw(page, page + 1);
      u32[at] = ((frame << ENTRY_FRAME_SHIFT) | flags) >>> 0;
      if ((flags & ENTRY.execute) !== 0) this.renewCode(page);
      if (together === ENTRY.borrowed) this.noteTogether(page);
      return true;
    });
    if (!isComplete) frames.release(frame);
    this.finish(isComplete, changed, `to install page ${hex(page * PAGE_SIZE)}`);
    this.emit('map', page, protection, 1);
  }

  /** Takes the last installed page away from `page` again. False when none is installed there. */
  uninstall(page: number): boolean {
    if (!isMappable(page * PAGE_SIZE, PAGE_SIZE)) return false;
    const { installs, pageTable, u32 } = this.arena;
    const changed: number[] = [];
    const former = this.locked(() => {
      // Owning the entry comes first: when no node is left, everything stays as it is.
      const isTaken = this.takeFromBorrowers(page, page + 1, changed);
      const at = isTaken ? pageTable.own(this.top, page) : 0;
      if (at === 0) throw this.outOfMemory(`to uninstall page ${hex(page * PAGE_SIZE)}`);
      const entry = installs.pop(this.id, page);
      if (entry === undefined) return undefined;
      this.collectCode(page, page + 1, changed);
      this.withdraw(page, page + 1);
      this.releaseEntries([u32[at]]);
      u32[at] = entry;
      if ((entry & ENTRY.execute) !== 0) this.renewCode(page);
      this.restored(page, entry);
      return entry;
    });
    if (former === undefined) return false;
    this.finish(true, changed, '');
    this.emit('unmap', page, 0, 1);
    return true;
  }

  /**
   * From now on accesses of this kind to the range resolve to `watched`; to other pages they cost what they did.
   * @throws MappingError when the range is out of range or 32,768 ranges are watched already; OutOfMemory
   */
  watch(start: number, length: number, kind: WatchKind): void {
    this.watchOnly([...this.watches.list(), { start, length, kind }]);
  }

  /**
   * Watches these ranges, and none that were watched before.
   * @throws as `watch`
   */
  watchOnly(watches: readonly Watch[]): void {
    this.locked(() => {
      this.watches.set(watches);
      for (const { start, length } of watches) {
        this.withdraw(start >>> PAGE_SHIFT, Math.ceil((start + length) / PAGE_SIZE));
      }
    });
  }

  /** Whether any bytes are watched. */
  get isWatched(): boolean {
    return this.watches.count > 0;
  }

  /** Ends a watch made with the same arguments. False when there is none. */
  unwatch(start: number, length: number, kind: WatchKind): boolean {
    const watches = this.watches.list();
    const at = watches.findIndex(
      (each) => each.start === start && each.length === length && each.kind === kind,
    );
    if (at < 0) return false;
    this.watchOnly(watches.toSpliced(at, 1));
    return true;
  }

  /** Frames that hold what is watched, for checks. */
  get watchFrames(): readonly number[] {
    return this.watches.frames();
  }

  /** Forgets which pages were written: the next write of each is a first write again. */
  clearDirty(): void {
    const { deltas, pageTable } = this.arena;
    const isComplete = this.locked(() => {
      if (this.pair !== 0) deltas.withdrawWrites(this.pair);
      return pageTable.change(this.top, 0, PAGE_COUNT, (entry) => (entry & ~ENTRY.dirty) >>> 0);
    });
    this.finish(isComplete, [], 'to clear the dirty flags');
  }

  protected override handle(base: number): AddressSpace {
    return new AddressSpace(this.arena, base);
  }

  /**
   * Whose pages a range are: this space's, but of a borrower only the private range; the rest the lender's. The
   * caller holds the lock.
   */
  private owners(first: number, end: number): (readonly [AddressSpace, number, number])[] {
    const { lender } = this;
    if (!lender) return [[this, first, end]];
    const [from, to] = [Math.max(first, this.privateFirst), Math.min(end, this.privateEnd)];
    return [
      ...this.commonParts(first, end).flatMap(([low, high]) => lender.owners(low, high)),
      ...(from < to ? [[this, from, to] as const] : []),
    ];
  }

  /** After a change: tells about code that is gone, then reports what could not be done. */
  private finish(isComplete: boolean, changedCode: readonly number[], what: string): void {
    for (const page of changedCode) this.hooks.onCodeChanged?.(page);
    if (!isComplete) throw this.outOfMemory(what);
  }

  private removeRange(first: number, end: number, changedCode: number[]): boolean {
    if (!this.takeFromBorrowers(first, end, changedCode)) return false;
    this.collectCode(first, end, changedCode);
    this.withdraw(first, end);
    this.releaseEntries(this.arena.installs.drop(this.id, first, end));
    return this.arena.pageTable.clear(this.top, first, end);
  }

  private changeRange(
    first: number,
    end: number,
    change: (entry: number) => number,
    changedCode: number[],
  ): boolean {
    if (!this.changeForBorrowers(first, end, change, changedCode)) return false;
    this.collectCode(first, end, changedCode);
    this.withdraw(first, end);
    return this.arena.pageTable.change(this.top, first, end, change);
  }

  private fillShared(
    first: number,
    end: number,
    entry: number,
    frameAt: MapOptions['frameAt'],
  ): boolean {
    const { frames, pageTable, u32 } = this.arena;
    for (let page = first; page < end; page++) {
      const at = pageTable.own(this.top, page);
      if (at === 0) return false;
      const given = frameAt?.(page) ?? 0;
      const isGiven = given !== 0 && frames.suits(given, page);
      const frame = isGiven ? given : frames.allocate(page);
      if (frame === 0) return false;
      if (isGiven) frames.retain(frame);
      u32[at] = ((frame << ENTRY_FRAME_SHIFT) | entry) >>> 0;
    }
    return true;
  }

  /** A new frame for `page` with the embedder's bytes. */
  private newFrame(page: number, bytes: Uint8Array): number {
    if (bytes.length > PAGE_SIZE) {
      throw new MappingError(`a page has ${PAGE_SIZE} bytes, not ${bytes.length}`);
    }
    const { frames, u8 } = this.arena;
    const frame = frames.allocate(page);
    if (frame === 0) throw this.outOfMemory(`to install page ${hex(page * PAGE_SIZE)}`);
    u8.set(bytes, frames.address(frame));
    return frame;
  }

  /** One more reference to the embedder's frame. */
  private share(page: number, frame: number): number {
    const { frames } = this.arena;
    if (!(frame > 0 && frame < this.arena.counts.frames && frames.references(frame) > 0)) {
      throw new MappingError(`frame ${frame} is not in use`);
    }
    if (!frames.suits(frame, page)) {
      throw new MappingError(`frame ${frame} cannot back page ${hex(page * PAGE_SIZE)}`);
    }
    frames.retain(frame);
    return frame;
  }
}

const hex = (address: number): string => `0x${address.toString(16)}`;
const isAligned = (value: number): boolean => Number.isInteger(value / PAGE_SIZE);

const flagsOf = (protection: number): number =>
  (protection & (READ | WRITE | EXECUTE)) | ((protection & WRITE) !== 0 ? READ : 0);

/** Whether `map` takes this range: whole pages below 4 GiB, not page 0. */
function isMappable(start: number, length: number): boolean {
  return (
    isAligned(start) &&
    isAligned(length) &&
    start >= PAGE_SIZE &&
    length > 0 &&
    start + length <= ADDRESS_LIMIT
  );
}

/** First page and the page after the last. */
function mappableRange(start: number, length: number): readonly [number, number] {
  if (!isMappable(start, length)) {
    const reason = 'a mapping is whole pages between 0x1000 and 0x100000000';
    throw new MappingError(`${hex(length)} bytes at ${hex(start)}: ${reason}`);
  }
  return [start / PAGE_SIZE, (start + length) / PAGE_SIZE];
}
