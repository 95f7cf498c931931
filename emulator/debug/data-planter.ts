import type { AddressSpace } from '../memory/address-space';
import type { Watch, WatchKind } from '../memory/watches';
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
  /** Ids of the spaces that watch something; ids are not used again. */
  private planted = new Set<number>();

  /** For a program that has just been loaded: nothing is planted there. */
  attach(target: DebugTarget): void {
    this.target = target;
    this.ranges = [];
    this.planted = new Set();
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
    const spaces = new Set(target.liveHarts.map(({ space }) => space));
    if (ranges.length === 0) for (const space of spaces) this.watch(space, []);
    const covered = new Set<AddressSpace>();
    for (const hart of target.liveHarts) {
      if (!covered.has(hart.space)) this.cover(hart);
      covered.add(hart.space);
    }
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
    if (watches.length === 0 && !this.planted.has(space.id)) return;
    space.watchOnly(watches);
    this.planted.add(space.id);
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
 * At most as many watches as a space has room for: of more, neighbours become one. What is watched too much stops and goes
 * on.
 */
function fitted(watches: readonly Watch[]): Watch[] {
  const together = Math.ceil(watches.length / WATCH_LIMIT);
  if (together <= 1) return [...watches];
  const sorted = [...watches].sort((a, b) => a.start - b.start);
  return Array.from({ length: Math.ceil(sorted.length / together) }, (_, n): Watch => {
    const group = sorted.slice(n * together, (n + 1) * together);
    const [{ start }] = group;
    const end = group.reduce((most, each) => Math.max(most, each.start + each.length), 0);
    return { start, length: end - start, kind: 'access' };
  });
}
