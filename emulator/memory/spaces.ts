import { HEADER, SPACE_BYTES, type ArenaViews } from './arena-layout';
import { acquire, release } from './lock';

/**
 * An address space's descriptor in the arena:
 *
 * | offset | type      | field |
 * |--------|-----------|-------|
 * | 0      | u32       | id while live, else 0. Low 12 bits: the descriptor's number; above: a serial number |
 * | 4      | i32       | lock of the page table and the deltas |
 * | 8      | u32       | delta table pair, 0 = none |
 * | 12     | u32       | id of the space that it was forked from, 0 = none |
 * | 16     | u32       | number of watched ranges (watches.ts) |
 * | 20     | u32       | next free descriptor, while free |
 * | 24     | u32       | serial number of the last use |
 * | 28     | u32       | lender: arena address of the space that this one borrows pages from, 0 = none |
 * | 32     | u32       | root: arena address of the uppermost lender, itself without one: its lock and log are used |
 * | 36     | u32       | first page of the private range |
 * | 40     | u32       | page after the private range |
 * | 44     | i32       | holders; with the last one gone the space ends as soon as it has no borrowers |
 * | 48     | u32       | first of the spaces that borrow from this one (arena address), 0 = none |
 * | 52     | u32       | next space with the same lender |
 * | 56     | u32       | previous space with the same lender |
 * | 60     | u32       | 1 = unmapped pages of its private range: none appears there by itself any more |
 * | 64     | 128×u32   | frames that hold them, as many as they need |
 * | 576    | u32       | epoch (of a root): how many pages of the family got a new frame, mod 2^32 |
 * | 580    | u32       | seen: the epoch up to which this space has adopted |
 * | 584    | u32       | 1 = the lender kept its write deltas at the fork |
 * | 588    | u32       | borrowers whose fork kept this space's write deltas |
 * | 592    | 64×u32    | log (of a root): the pages of the last 64 epochs |
 * | 848    | u32       | leaves in the list below; 33 = more than it holds |
 * | 852    | 32×u32    | leaves (page >>> 6) that may have lent or borrowed pages |
 * | 980    | u32       | code version: spaces with the same one have the same executable pages, and the same bytes in |
 * |        |           | those of them that nobody may write |
 * | 992    | 8×u32     | one bit for each entry of the top table in use |
 * | 1024   | 256×u32   | top table: middle nodes |
 */
export const SPACE = {
  id: 0,
  lock: 4,
  pair: 8,
  parent: 12,
  watches: 16,
  nextFree: 20,
  serial: 24,
  lender: 28,
  root: 32,
  privateFirst: 36,
  privateEnd: 40,
  holders: 44,
  firstBorrower: 48,
  nextBorrower: 52,
  previousBorrower: 56,
  isClosed: 60,
  watched: 64,
  epoch: 576,
  seen: 580,
  keepsWrites: 584,
  keptFor: 588,
  log: 592,
  togetherCount: 848,
  together: 852,
  codeVersion: 980,
  top: 1024,
} as const;

/** How many epochs the log of a root remembers. */
export const LOG_PAGES = 64;
/** How many leaves with lent or borrowed pages a descriptor lists; with more, all leaves are looked at. */
export const TOGETHER_LEAVES = 32;

/** Ranges that a space can watch: 256 in each of 128 frames. */
export const WATCH_LIMIT = 32_768;

const NUMBER_BITS = 12;
/** Descriptors are numbered from 1 in 12 bits: the highest number, and the mask of numbers in ids. */
export const MAX_SPACES = 2 ** NUMBER_BITS - 1;
const SERIALS = 2 ** 19;

/** Fields that a new space begins with as 0. */
const CLEARED = [
  SPACE.pair,
  SPACE.watches,
  SPACE.lender,
  SPACE.privateFirst,
  SPACE.privateEnd,
  SPACE.firstBorrower,
  SPACE.nextBorrower,
  SPACE.previousBorrower,
  SPACE.isClosed,
  SPACE.epoch,
  SPACE.seen,
  SPACE.keepsWrites,
  SPACE.keptFor,
  SPACE.togetherCount,
] as const;

/** The descriptors of all address spaces. */
export class Spaces {
  constructor(private readonly views: ArenaViews) {}

  reset(): void {
    const { u32, regions } = this.views;
    const used = (SPACE_BYTES / 4) * u32[HEADER.spacesNext];
    u32.fill(0, regions.spaces >>> 2, (regions.spaces >>> 2) + used);
    u32[HEADER.spacesFree] = 0;
    u32[HEADER.spacesNext] = 0;
    u32[HEADER.spacesUsed] = 0;
  }

  get used(): number {
    return this.views.u32[HEADER.spacesUsed];
  }

  /** A descriptor with a new id and an empty top table; its arena address, or 0 when none is left. */
  allocate(parent: number): number {
    const { u32, i32, counts } = this.views;
    acquire(i32, HEADER.lock);
    let number = u32[HEADER.spacesFree];
    if (number !== 0) {
      u32[HEADER.spacesFree] = u32[(this.base(number) + SPACE.nextFree) >>> 2];
    } else if (u32[HEADER.spacesNext] < counts.spaces) {
      number = ++u32[HEADER.spacesNext];
    }
    if (number !== 0) u32[HEADER.spacesUsed]++;
    release(i32, HEADER.lock);
    if (number === 0) return 0;
    const base = this.base(number);
    const serial = (u32[(base + SPACE.serial) >>> 2] + 1) % SERIALS;
    u32[(base + SPACE.serial) >>> 2] = serial;
    u32[(base + SPACE.parent) >>> 2] = parent;
    u32[(base + SPACE.root) >>> 2] = base;
    u32[(base + SPACE.holders) >>> 2] = 1;
    for (const field of CLEARED) u32[(base + field) >>> 2] = 0;
    // A fork begins with that of its parent.
    if (parent === 0) u32[(base + SPACE.codeVersion) >>> 2] = this.newCodeVersion();
    // As a signed number, which costs the host no allocation: a fork takes half a microsecond in all.
    Atomics.store(i32, (base + SPACE.id) >>> 2, (serial << NUMBER_BITS) | number);
    return base;
  }

  /**
   * Gives the space at `base` a code version of its own: its executable pages from `first` to before `end` have changed.
   * Those that borrow from it have changed with it, and agree with it still if they did so before, unless some of these
   * pages are private to them. The caller holds the family's lock.
   */
  renewCode(base: number, first: number, end: number): void {
    const { u32 } = this.views;
    const former = u32[(base + SPACE.codeVersion) >>> 2];
    this.setCodeVersion(base, former, this.newCodeVersion(), first, end);
  }

  private setCodeVersion(
    base: number,
    former: number,
    version: number,
    first: number,
    end: number,
  ): void {
    const { u32 } = this.views;
    Atomics.store(u32, (base + SPACE.codeVersion) >>> 2, version);
    for (let at = u32[(base + SPACE.firstBorrower) >>> 2]; at !== 0;) {
      const isPrivate =
        u32[(at + SPACE.privateFirst) >>> 2] < end && u32[(at + SPACE.privateEnd) >>> 2] > first;
      const agreed = u32[(at + SPACE.codeVersion) >>> 2] === former && !isPrivate;
      this.setCodeVersion(at, former, agreed ? version : this.newCodeVersion(), first, end);
      at = u32[(at + SPACE.nextBorrower) >>> 2];
    }
  }

  private newCodeVersion(): number {
    return (Atomics.add(this.views.u32, HEADER.codeVersions, 1) + 1) >>> 0;
  }

  /** Gives back a descriptor whose top table is empty. */
  free(base: number): void {
    const { u32, i32 } = this.views;
    const number = u32[(base + SPACE.id) >>> 2] & MAX_SPACES;
    Atomics.store(i32, (base + SPACE.id) >>> 2, 0);
    acquire(i32, HEADER.lock);
    u32[(base + SPACE.nextFree) >>> 2] = u32[HEADER.spacesFree];
    u32[HEADER.spacesFree] = number;
    u32[HEADER.spacesUsed]--;
    release(i32, HEADER.lock);
  }

  /**
   * Makes `lender` the lender of the new space at `base`, which has adopted what its lender has. The caller holds the
   * lender's lock.
   */
  link(base: number, lender: number, privateFirst: number, privateEnd: number): void {
    const { u32 } = this.views;
    const root = u32[(lender + SPACE.root) >>> 2];
    const next = u32[(lender + SPACE.firstBorrower) >>> 2];
    u32[(base + SPACE.lender) >>> 2] = lender;
    u32[(base + SPACE.root) >>> 2] = root;
    u32[(base + SPACE.privateFirst) >>> 2] = privateFirst;
    u32[(base + SPACE.privateEnd) >>> 2] = privateEnd;
    // What is stale for a lender that borrows itself is stale for the new space too.
    u32[(base + SPACE.seen) >>> 2] =
      root === lender ? u32[(root + SPACE.epoch) >>> 2] : u32[(lender + SPACE.seen) >>> 2];
    u32[(base + SPACE.nextBorrower) >>> 2] = next;
    if (next !== 0) u32[(next + SPACE.previousBorrower) >>> 2] = base;
    u32[(lender + SPACE.firstBorrower) >>> 2] = base;
  }

  /** Takes the space at `base` out of its lender's list. The caller holds the family's lock. */
  unlink(base: number): void {
    const { u32 } = this.views;
    const lender = u32[(base + SPACE.lender) >>> 2];
    const next = u32[(base + SPACE.nextBorrower) >>> 2];
    const previous = u32[(base + SPACE.previousBorrower) >>> 2];
    if (next !== 0) u32[(next + SPACE.previousBorrower) >>> 2] = previous;
    if (previous !== 0) u32[(previous + SPACE.nextBorrower) >>> 2] = next;
    else u32[(lender + SPACE.firstBorrower) >>> 2] = next;
  }

  /**
   * The first page of a private range that overlaps the pages from `first` to before `end`, of the spaces that
   * borrow, directly or not, from the one at `base`; -1 when there is none. The caller holds the family's lock.
   */
  privateOverlap(base: number, first: number, end: number): number {
    const { u32 } = this.views;
    for (let at = u32[(base + SPACE.firstBorrower) >>> 2]; at !== 0;) {
      const privateFirst = u32[(at + SPACE.privateFirst) >>> 2];
      if (privateFirst < end && u32[(at + SPACE.privateEnd) >>> 2] > first) return privateFirst;
      const below = this.privateOverlap(at, first, end);
      if (below >= 0) return below;
      at = u32[(at + SPACE.nextBorrower) >>> 2];
    }
    return -1;
  }

  /** Arena address of the live space `id`, 0 when there is none. */
  find(id: number): number {
    const number = id & MAX_SPACES;
    if (number === 0 || number > this.views.u32[HEADER.spacesNext]) return 0;
    const base = this.base(number);
    return Atomics.load(this.views.u32, (base + SPACE.id) >>> 2) === id ? base : 0;
  }

  /** Ids of all live spaces. */
  ids(): number[] {
    const { u32 } = this.views;
    const ids: number[] = [];
    for (let number = 1; number <= u32[HEADER.spacesNext]; number++) {
      const id = u32[(this.base(number) + SPACE.id) >>> 2];
      if (id !== 0) ids.push(id);
    }
    return ids;
  }

  private base(number: number): number {
    return this.views.regions.spaces + (number - 1) * SPACE_BYTES;
  }
}
