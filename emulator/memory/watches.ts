import type { ArenaViews } from './arena-layout';
import { MappingError } from './errors';
import type { Access } from './faults';
import { ADDRESS_LIMIT, PAGE_SIZE } from './layout';
import { SPACE, WATCH_LIMIT } from './spaces';

/** Which data accesses a watch stops. */
export type WatchKind = 'read' | 'write' | 'access';

const READS = 1;
const WRITES = 2;
const BITS: Record<WatchKind, number> = { read: READS, write: WRITES, access: READS | WRITES };

/** The watched ranges of one space, in its descriptor: 16 bytes each (first byte, last byte, kind). */
export class Watches {
  constructor(
    private readonly views: ArenaViews,
    private readonly space: number,
  ) {}

  get count(): number {
    return this.views.u32[(this.space + SPACE.watches) >>> 2];
  }

  /** @throws MappingError when the range is not in the guest's 4 GiB or there are 32 watches already */
  add(start: number, length: number, kind: WatchKind): void {
    if (!(start >= 0 && length > 0 && start + length <= ADDRESS_LIMIT)) {
      throw new MappingError(
        `cannot watch ${length} bytes at 0x${start.toString(16)}: out of range`,
      );
    }
    const { count } = this;
    if (count === WATCH_LIMIT) throw new MappingError(`${WATCH_LIMIT} ranges are watched already`);
    this.views.u32.set([start, start + length - 1, BITS[kind]], this.word(count));
    this.setCount(count + 1);
  }

  /** Removes the watch that `add` made with the same arguments; false when there is none. */
  remove(start: number, length: number, kind: WatchKind): boolean {
    const { u32 } = this.views;
    const { count } = this;
    for (let n = 0; n < count; n++) {
      const at = this.word(n);
      const same = u32[at] === start && u32[at + 1] === start + length - 1;
      if (!same || u32[at + 2] !== BITS[kind]) continue;
      u32.copyWithin(at, this.word(count - 1), this.word(count));
      this.setCount(count - 1);
      return true;
    }
    return false;
  }

  /** Whether an access of `size` bytes at `address` touches a watched range of its kind. */
  hits(address: number, size: number, access: Access): boolean {
    return this.overlaps(address, address + size - 1, bitOf(access));
  }

  /** Whether `page` has watched bytes for this access: then it gets no delta. */
  coversPage(page: number, access: Access): boolean {
    return this.overlaps(page * PAGE_SIZE, page * PAGE_SIZE + PAGE_SIZE - 1, bitOf(access));
  }

  private overlaps(first: number, last: number, bit: number): boolean {
    const { u32 } = this.views;
    const { count } = this;
    for (let n = 0; n < count; n++) {
      const at = this.word(n);
      if ((u32[at + 2] & bit) !== 0 && u32[at] <= last && u32[at + 1] >= first) return true;
    }
    return false;
  }

  private word(n: number): number {
    return ((this.space + SPACE.watched) >>> 2) + 4 * n;
  }

  private setCount(count: number): void {
    Atomics.store(this.views.u32, (this.space + SPACE.watches) >>> 2, count);
  }
}

const bitOf = (access: Access): number =>
  access === 'read' ? READS : access === 'write' ? WRITES : 0;
