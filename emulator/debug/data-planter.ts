import type { AddressSpace } from '../memory/address-space';
import type { WatchKind } from '../memory/watches';
import type { Hart } from '../multiprocess/hart';
import { WATCH_LIMIT } from '../memory/spaces';
import type { DataAccess, HartId } from './protocol';
import type { DebugTarget } from './target';

/** A data breakpoint as it is planted. */
export interface WatchedRange {
  readonly id: number;
  readonly address: number;
  readonly length: number;
  readonly access: DataAccess;
  /** Undefined: all harts. */
  readonly harts: readonly HartId[] | undefined;
}

/** What a space is told to watch. */
interface Watch {
  readonly start: number;
  readonly length: number;
  readonly kind: WatchKind;
}

/**
 * Reads are watched together with writes: an AMO reads too, and is reported as the write that it is. Who
 * made the access, and whether it counts, is seen when it comes.
 */
const KINDS: Record<DataAccess, WatchKind> = {
  read: 'access',
  write: 'write',
  access: 'access',
  change: 'write',
};

/**
 * Watches the ranges of data breakpoints in the address spaces of the harts that they are about. A watched
 * page has no delta, so each access to it takes the slow path; accesses to all other pages cost what they did.
 */
export class DataPlanter {
  private target: DebugTarget | undefined;
  private ranges: readonly WatchedRange[] = [];
  /** What each space watches, by its id; ids are not used again. */
  private planted = new Map<number, readonly Watch[]>();

  /** For a program that has just been loaded: nothing is planted there. */
  attach(target: DebugTarget): void {
    this.target = target;
    this.ranges = [];
    this.planted = new Map();
  }

  get any(): boolean {
    return this.ranges.length > 0;
  }

  /** From now on these are watched, and nothing else. */
  plant(ranges: readonly WatchedRange[]): void {
    const { target } = this;
    if (!target || (ranges.length === 0 && this.ranges.length === 0)) return;
    // Other threads may be using the deltas that go.
    target.halt();
    this.ranges = ranges;
    const before = this.planted;
    this.planted = new Map();
    const spaces = new Map(target.liveHarts.map(({ space }) => [space.id, space]));
    for (const [id, space] of spaces) {
      for (const { start, length, kind } of before.get(id) ?? [])
        space.unwatch(start, length, kind);
    }
    for (const hart of target.liveHarts) this.cover(hart);
  }

  /** Watches what concerns a hart in its space, which may be new. */
  cover({ index, space }: Hart): void {
    const { target, ranges } = this;
    if (!target || ranges.length === 0) return;
    // Harts that share the space are all watched in it.
    const harts = target.liveHarts.flatMap((hart) =>
      hart.space.id === space.id ? [hart.index] : [],
    );
    const mine = ranges.filter((range) => concerns(range, [index, ...harts]));
    this.watch(space, fitted(mine.map(watchOf)));
  }

  /** The breakpoints that an access of the hart touches. */
  touching({ index }: Hart, address: number, size: number): WatchedRange[] {
    return this.ranges.filter(
      (range) =>
        concerns(range, [index]) &&
        range.address < address + size &&
        address < range.address + range.length,
    );
  }

  private watch(space: AddressSpace, watches: readonly Watch[]): void {
    for (const { start, length, kind } of this.planted.get(space.id) ?? []) {
      space.unwatch(start, length, kind);
    }
    for (const { start, length, kind } of watches) space.watch(start, length, kind);
    this.planted.set(space.id, watches);
  }
}

const concerns = ({ harts }: WatchedRange, indexes: readonly number[]): boolean =>
  harts === undefined || indexes.some((index) => harts.includes(index));

const watchOf = ({ address, length, access }: WatchedRange): Watch => ({
  start: address,
  length,
  kind: KINDS[access],
});

/**
 * At most as many watches as a space has room for: those that lie closest together become one. What is
 * watched too much stops and goes on.
 */
function fitted(watches: readonly Watch[]): Watch[] {
  const sorted = [...watches].sort((a, b) => a.start - b.start);
  while (sorted.length > WATCH_LIMIT) {
    let closest = 0;
    for (let n = 1; n + 1 < sorted.length; n++) {
      if (gap(sorted[n], sorted[n + 1]) < gap(sorted[closest], sorted[closest + 1])) closest = n;
    }
    const [a, b] = sorted.slice(closest, closest + 2);
    const end = Math.max(a.start + a.length, b.start + b.length);
    const kind = a.kind === b.kind ? a.kind : 'access';
    sorted.splice(closest, 2, { start: a.start, length: end - a.start, kind });
  }
  return sorted;
}

const gap = (a: Watch, b: Watch): number => b.start - (a.start + a.length);
