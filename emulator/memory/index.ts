/** Guest memory: the arena, its frames and address spaces. */
export { AddressSpace, EXECUTE, isMappable, READ, WRITE, type MapOptions } from './address-space';
export { Arena, type ArenaOptions } from './arena';
export { ArenaPool } from './arena-pool';
export { ArenaError, MappingError, OutOfMemory } from './errors';
export { EVENT_KINDS, type ArenaEvent, type EventBatch, type EventKind } from './events';
export type { LoanOptions } from './forks';
export type { Access, Fault, FaultKind, Resolution, Watched } from './faults';
export type { GuestString } from './guest-access';
export {
  PAGE_STATES,
  pageDetail,
  pageRuns,
  pageState,
  pageTotals,
  type PageDetail,
  type PageRun,
  type PageState,
} from './states';
export type { SpaceHooks } from './translation';
export type { WatchKind } from './watches';
export type { MergeConflict, MergeOptions, MergeResult } from './workspace';
export * from './layout';
