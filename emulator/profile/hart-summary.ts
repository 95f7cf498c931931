import { FAULT_KINDS } from '../memory/events';
import { retired, type HartProfile, type ProfileCode } from './model';

/** What a hart did, as numbers of instructions and events. */
export interface HartSummary {
  readonly hart: number;
  readonly name: string;
  readonly instructions: number;
  readonly loads: number;
  readonly stores: number;
  /** Conditional branches, and those of them that were taken. */
  readonly branches: number;
  readonly taken: number;
  readonly systemCalls: number;
  /** Page faults that were served for it: pages copied, lent, borrowed late or adopted. */
  readonly faults: number;
  /** Pages that were copied for it because it wrote to them. */
  readonly copies: number;
  /** Pages that it got on loan from its caller, or later from the caller's other borrowers. */
  readonly loans: number;
}

/** Page faults that were served for a hart. */
export const faultsOf = ({ events = {} }: Pick<HartProfile, 'events'>): number =>
  FAULT_KINDS.reduce((sum, kind) => sum + (events[kind] ?? 0), 0);

/** Sums over a hart's counts. An atomic instruction counts as a load and as a store. */
export function summarizeHart(hart: HartProfile, code: ProfileCode): HartSummary {
  const sums = { load: 0, store: 0, atomic: 0, branch: 0, call: 0, other: 0 };
  let taken = 0;
  hart.counts.addresses.forEach((address, i) => {
    sums[code.kindAt(address)] += hart.counts.executions[i];
    taken += hart.counts.taken[i];
  });
  const { events = {} } = hart;
  return {
    hart: hart.hart,
    name: hart.name,
    instructions: retired(hart),
    loads: sums.load + sums.atomic,
    stores: sums.store + sums.atomic,
    branches: sums.branch,
    taken,
    systemCalls: sums.call,
    faults: faultsOf(hart),
    copies: events.copy ?? 0,
    loans: (events.loan ?? 0) + (events['late-borrow'] ?? 0),
  };
}
