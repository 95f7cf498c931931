import { hostHasFusedMadd } from '../host';
import type { FloatMode } from './float-mode';
import { discoverRegion } from './discovery';
import { isLoop, type Region, type RegionSource } from './region';
import { hasModes } from './region-options';
import { buildRegionModule } from './region-module';
import type { CodeRun, StoredModule } from './region-store';

/** Functions that a region calls are translated with it while there is room, but no more than so many regions in all. */
const MOST_REGIONS = 64;
/** Others are small, or as large as this part of what may be translated in all; larger ones wait until they are hot. */
const SMALL = 48;
const CALLEE_PART = 1 / 4;

/** The part of its targets that a switch is tried with again where there is no room for the code behind them. */
const LESS = 3 / 4;

/** What is cut short to fewer instructions is left too soon to pay, unless it is a loop. */
export const LEAST_CUT = 64;

export interface UnitOptions {
  /** The most instructions of all regions together. */
  readonly limit: number;
  readonly mode: FloatMode;
  /** Whether functions that the region calls are translated too; not those for which `isKnown` holds. */
  readonly withCallees: boolean;
  /** Whether the code counts its instructions [false]. */
  readonly counts?: boolean;
  /** A region that the limit cuts short is made only if it is a loop or has so many instructions [0]. */
  readonly leastCut?: number;
  /** Whether there is a region at an address already. */
  readonly isKnown?: (target: number) => boolean;
  /** Whether code that control has not been at yet is left out [false]. */
  readonly onlyReached?: boolean;
  /** Where indirect jumps lead to that the region is to have a switch for [none]. */
  readonly targets?: readonly number[];
}

export interface TranslatedUnit {
  readonly module: StoredModule;
  /** The region at the entry would be larger without the limit. */
  readonly isCut: boolean;
}

/**
 * Translates the region that begins at `pc`, and what it calls.
 * @returns undefined when not even the first instruction can be translated, or too little
 */
export function translateUnit(
  source: RegionSource,
  pc: number,
  options: UnitOptions,
): TranslatedUnit | undefined {
  const { limit, mode, withCallees, counts = false, leastCut = 0 } = options;
  const { isKnown = () => false, onlyReached = false, targets = [] } = options;
  // Read once: another thread may be changing the code.
  const bits = new Map<number, number>();
  const fetch = (address: number): number | undefined => {
    const known = bits.get(address);
    if (known !== undefined) return known;
    const found = source.fetch(address);
    if (found !== undefined) bits.set(address, found);
    return found;
  };
  const read: RegionSource = {
    fetch,
    isBreakpoint: (address) => source.isBreakpoint(address),
    isReached: (address) => source.isReached(address),
    data: (address) => source.data(address),
  };
  const region =
    targets.length > 0
      ? wholeRegion(targets, (some) =>
          discoverRegion(read, pc, { limit, onlyReached, inlines: !counts, targets: some }),
        )
      : discoverRegion(read, pc, { limit, onlyReached, inlines: !counts });
  if (!region) return undefined;
  if (region.isCut && limit < leastCut && !isLoop(region)) return undefined;
  const mostInCallee = Math.max(SMALL, limit * CALLEE_PART);
  const regions = [region];
  let room = limit - region.instructions;
  // The list grows while it is gone through.
  for (const { calls } of withCallees ? regions : []) {
    for (const target of calls) {
      if (room <= 0 || regions.length >= MOST_REGIONS) break;
      if (regions.some(({ entries }) => entries.includes(target))) continue;
      if (onlyReached && !source.isReached(target)) continue;
      const callee = discoverRegion(read, target, {
        limit: Math.min(room, isKnown(target) ? SMALL : mostInCallee),
        onlyReached,
        inlines: !counts,
      });
      if (!callee || callee.isCut) continue;
      regions.push(callee);
      room -= callee.instructions;
    }
  }
  const module: StoredModule = {
    entries: regions.flatMap(({ entries }) => entries),
    own: region.entries.length,
    source: sourceOf(regions, bits),
    mode: regions.some(hasModes) ? mode : undefined,
    bytes: buildRegionModule(regions, { mode, relaxedMadd: hostHasFusedMadd(), counts }),
    instructions: limit - room,
  };
  return { module, isCut: region.isCut };
}

/** The region with a switch to as many of the targets, from the first one on, as it has room for whole. */
function wholeRegion(
  targets: readonly number[],
  discover: (targets: readonly number[]) => Region | undefined,
): Region | undefined {
  let region = discover(targets);
  for (let count = targets.length; region?.isCut === true && count > 1;) {
    count = Math.floor(count * LESS);
    region = discover(targets.slice(0, count));
  }
  return region;
}

/** Each 16-bit unit of code by its address. */
export function unitsOf(source: readonly CodeRun[]): Map<number, number> {
  const units = new Map<number, number>();
  for (const { start, bits } of source) bits.forEach((unit, i) => units.set(start + 2 * i, unit));
  return units;
}

/** The code that regions were made from, of all that was read. */
function sourceOf(regions: readonly Region[], bits: ReadonlyMap<number, number>): CodeRun[] {
  const addresses = new Set<number>();
  for (const { blocks } of regions) {
    for (const { items } of blocks) {
      for (const { pc, decoded } of items) {
        for (let at = pc; at < pc + decoded.length; at += 2) addresses.add(at);
      }
    }
  }
  const runs: { start: number; bits: number[] }[] = [];
  for (const address of [...addresses].toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    const unit = bits.get(address) ?? 0;
    if (last && last.start + 2 * last.bits.length === address) last.bits.push(unit);
    else runs.push({ start: address, bits: [unit] });
  }
  return runs.map(({ start, bits: units }) => ({ start, bits: Uint16Array.from(units) }));
}
