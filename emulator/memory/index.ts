/** Guest memory as a whole: what bundles and tests take from the room. Its modules are imported directly elsewhere. */
export { AddressSpace, EXECUTE, READ, WRITE } from './address-space';
export { Arena } from './arena';
export { ArenaPool } from './arena-pool';
export { ArenaError, MappingError, OutOfMemory } from './errors';
export { pageRuns, pageTotals } from './page-runs';
export { PAGE_STATES, pageDetail, pageState } from './states';
export type { MergeConflict } from './workspace';
export * from './layout';
