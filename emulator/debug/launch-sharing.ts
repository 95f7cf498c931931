/** What the vCPUs of a launch shared without need, and what it cost. */
import { PAGE_SIZE } from '../memory/layout';
import type { LaunchUnit } from '../profile/launch';
import type { LaneRecord, LaunchRecord, PageFault } from '../profile/launch-recorder';
import { BORROWS } from '../profile/launch-view';
import type { FalseSharing } from '../races/report';

/** What the faults of two harts on one page were. */
export interface SharingCost {
  /** Copies of the page that were made for them. */
  readonly copies: number;
  /** How often it was lent to them, late or not, or taken over by one. */
  readonly loans: number;
  /** Nanoseconds of host time that this took; by instructions it costs nothing. */
  readonly cost: number;
}

/** A line or page that two harts of a launch shared falsely. */
export type LaunchSharing = FalseSharing & SharingCost;

/**
 * Pairs of a launch's harts, those first whose faults took longest, then those with the most faults, then those
 * with the most accesses. Accesses are those of the whole run: other tasks' harts have the same numbers.
 */
export function launchSharing(
  { task, caller, vcpus }: LaunchRecord,
  unit: LaunchUnit,
  found: readonly FalseSharing[],
): LaunchSharing[] {
  if (found.length === 0) return [];
  const pages = new Set(found.map(({ address }) => pageOf(address)));
  const faultsOf = new Map([caller, ...vcpus].map((lane) => [lane.hart, byPage(lane, pages)]));
  const shared: LaunchSharing[] = [];
  for (const pair of found) {
    const [one, other] = [faultsOf.get(pair.first.hart), faultsOf.get(pair.second.hart)];
    if (!one || !other) continue;
    const page = pageOf(pair.address);
    const faults = [...(one.get(page) ?? []), ...(other.get(page) ?? [])];
    const isHere = pair.first.task === task || pair.second.task === task;
    // Else the two numbers were those of another task's harts.
    if (isHere || faults.length > 0) shared.push({ ...pair, ...costOf(faults, unit) });
  }
  return shared.sort(
    (a, b) => b.cost - a.cost || b.copies + b.loans - a.copies - a.loans || b.count - a.count,
  );
}

const pageOf = (address: number): number => Math.floor(address / PAGE_SIZE);

function byPage({ faults }: LaneRecord, pages: ReadonlySet<number>): Map<number, PageFault[]> {
  const found = new Map<number, PageFault[]>();
  for (const fault of faults) {
    if (!pages.has(fault.page)) continue;
    const known = found.get(fault.page);
    if (known) known.push(fault);
    else found.set(fault.page, [fault]);
  }
  return found;
}

const costOf = (faults: readonly PageFault[], unit: LaunchUnit): SharingCost => ({
  copies: faults.filter(({ kind }) => kind === 'copy').length,
  loans: faults.filter(({ kind }) => BORROWS.includes(kind)).length,
  cost: unit === 'time' ? faults.reduce((sum, { took }) => sum + took, 0) : 0,
});
