import type { Expr } from '../../wasm';
import type { FloatMode } from './float-mode';
import type { Region } from './region';
import type { CounterSites } from './region-counters';
import { reliesOnMode } from './traits';

/** What a region's function calls. */
export interface RegionCalls {
  /** `resume` (enter-regions.ts). */
  readonly resume: number;
  /** The function of the region that begins at `target`, when it is in the same module. */
  regionAt(target: number): number | undefined;
  /** The number of an imported floating-point function. */
  helper(name: string): number;
}

/** What regions need to count, beside those. */
export interface RegionCounting {
  readonly sites: CounterSites;
  /** The imported constant: where the module's counters begin. */
  readonly base: Expr<'i32'>;
  /** Imported functions of call-code.ts. */
  readonly find: number;
  readonly enter: number;
}

export interface RegionOptions {
  /** What the region's arithmetic is written for, when it has any. */
  readonly mode: FloatMode;
  readonly relaxedMadd: boolean;
  /** Whether regions count what they run [not]. */
  readonly counts?: boolean;
}

/** Whether the region has arithmetic that depends on the mode. */
export function hasModes(region: Region): boolean {
  return region.blocks.some(({ items }) => items.some(({ decoded }) => reliesOnMode(decoded)));
}
