import type { Arena } from './arena';
import { MappingError, OutOfMemory } from './errors';
import type { Access } from './faults';
import { ADDRESS_LIMIT, PAGE_SIZE } from './layout';
import { SPACE, WATCH_LIMIT } from './spaces';

/** Which data accesses a watch stops. */
export type WatchKind = 'read' | 'write' | 'access';

/** Bytes that are watched. */
export interface Watch {
  readonly start: number;
  readonly length: number;
  readonly kind: WatchKind;
}

const READS = 1;
const WRITES = 2;
const BITS: Record<WatchKind, number> = { read: READS, write: WRITES, access: READS | WRITES };
const KINDS: readonly (WatchKind | undefined)[] = [undefined, 'read', 'write', 'access'];

/** Words of a range, and ranges in a frame. */
const WORDS = 4;
const IN_FRAME = PAGE_SIZE / 4 / WORDS;

/**
 * The watched ranges of one space: in frames that its descriptor lists, in the order of their first bytes.
 *
 * | word | field |
 * |------|-------|
 * | 0    | first byte |
 * | 1    | last byte |
 * | 2    | kind: READS and WRITES or'ed together |
 * | 3    | greatest last byte of this range and those before it: where looking back can end |
 */
export class Watches {
  constructor(
    private readonly arena: Arena,
    private readonly space: number,
  ) {}

  get count(): number {
    return this.arena.u32[(this.space + SPACE.watches) >>> 2];
  }

  /** The ranges in order. */
  list(): Watch[] {
    const { u32 } = this.arena;
    return Array.from({ length: this.count }, (_, n): Watch => {
      const at = this.word(n);
      const kind = KINDS[u32[at + 2]] ?? 'access';
      return { start: u32[at], length: u32[at + 1] - u32[at] + 1, kind };
    });
  }

  /**
   * Watches these ranges and no others.
   * @throws MappingError when one is not in the guest's 4 GiB or there are too many, OutOfMemory when no frame is left;
   * nothing has changed then
   */
  set(watches: readonly Watch[]): void {
    for (const { start, length } of watches) {
      if (start >= 0 && length > 0 && start + length <= ADDRESS_LIMIT) continue;
      const where = `${length} bytes at 0x${start.toString(16)}`;
      throw new MappingError(`cannot watch ${where}: out of range`);
    }
    if (watches.length > WATCH_LIMIT) {
      throw new MappingError(
        `a space watches at most ${WATCH_LIMIT} ranges, not ${watches.length}`,
      );
    }
    this.resize(Math.ceil(watches.length / IN_FRAME));
    const { u32 } = this.arena;
    let greatest = 0;
    [...watches]
      .sort((a, b) => a.start - b.start)
      .forEach(({ start, length, kind }, n) => {
        const last = start + length - 1;
        greatest = Math.max(greatest, last);
        u32.set([start, last, BITS[kind], greatest], this.word(n));
      });
    Atomics.store(u32, (this.space + SPACE.watches) >>> 2, watches.length);
  }

  /** Whether an access of `size` bytes at `address` touches a watched range of its kind. */
  hits(address: number, size: number, access: Access): boolean {
    return this.overlaps(address, address + size - 1, bitOf(access));
  }

  /** Whether one of the pages from `first` to before `end` has watched bytes for this access: then it gets no delta. */
  coversPages(first: number, end: number, access: Access): boolean {
    return this.overlaps(first * PAGE_SIZE, end * PAGE_SIZE - 1, bitOf(access));
  }

  /** The frames that hold the ranges. */
  frames(): number[] {
    const { u32 } = this.arena;
    const used = Math.ceil(this.count / IN_FRAME);
    return Array.from({ length: used }, (_, n) => u32[this.directory + n]);
  }

  private overlaps(first: number, last: number, bit: number): boolean {
    const { u32 } = this.arena;
    for (let n = this.upTo(last) - 1; n >= 0; n--) {
      const at = this.word(n);
      if (u32[at + 3] < first) return false;
      if ((u32[at + 2] & bit) !== 0 && u32[at + 1] >= first) return true;
    }
    return false;
  }

  /** How many ranges begin at `last` or before. */
  private upTo(last: number): number {
    const { u32 } = this.arena;
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (u32[this.word(middle)] <= last) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Has so many frames for ranges; those that stay keep their place. */
  private resize(wanted: number): void {
    const { u32, frames } = this.arena;
    const own = this.frames();
    for (let n = own.length; n < wanted; n++) {
      const frame = frames.allocate(0, false);
      if (frame === 0) {
        for (let i = own.length; i < n; i++) frames.release(u32[this.directory + i]);
        throw new OutOfMemory(
          `no memory left to watch ranges: all ${frames.limit} frames are in use`,
        );
      }
      u32[this.directory + n] = frame;
    }
    for (const frame of own.slice(wanted)) frames.release(frame);
  }

  private get directory(): number {
    return (this.space + SPACE.watched) >>> 2;
  }

  /** Word index of range `n`. */
  private word(n: number): number {
    const frame = this.arena.u32[this.directory + Math.floor(n / IN_FRAME)];
    return (this.arena.frames.address(frame) >>> 2) + WORDS * (n % IN_FRAME);
  }
}

const bitOf = (access: Access): number =>
  access === 'read' ? READS : access === 'write' ? WRITES : 0;
