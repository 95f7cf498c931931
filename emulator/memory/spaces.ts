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
 * | 16     | u32       | number of watched ranges |
 * | 20     | u32       | next free descriptor, while free |
 * | 24     | u32       | serial number of the last use |
 * | 64     | 32×16 B   | watched ranges: first byte, last byte, kind, 0 |
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
  watched: 64,
  top: 1024,
} as const;

export const WATCH_LIMIT = 32;

const NUMBER_BITS = 12;
/** Descriptors are numbered from 1 in 12 bits. */
export const MAX_SPACES = 2 ** NUMBER_BITS - 1;
const SERIALS = 2 ** 19;

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
    u32[(base + SPACE.pair) >>> 2] = 0;
    u32[(base + SPACE.watches) >>> 2] = 0;
    Atomics.store(u32, (base + SPACE.id) >>> 2, serial * 2 ** NUMBER_BITS + number);
    return base;
  }

  /** Gives back a descriptor whose top table is empty. */
  free(base: number): void {
    const { u32, i32 } = this.views;
    const number = u32[(base + SPACE.id) >>> 2] % 2 ** NUMBER_BITS;
    Atomics.store(u32, (base + SPACE.id) >>> 2, 0);
    acquire(i32, HEADER.lock);
    u32[(base + SPACE.nextFree) >>> 2] = u32[HEADER.spacesFree];
    u32[HEADER.spacesFree] = number;
    u32[HEADER.spacesUsed]--;
    release(i32, HEADER.lock);
  }

  /** Arena address of the live space `id`, 0 when there is none. */
  find(id: number): number {
    const number = id % 2 ** NUMBER_BITS;
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
