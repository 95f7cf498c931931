import type { AddressSpace } from './address-space';
import { ENTRY_FRAME_SHIFT } from './arena-layout';
import { PAGE_COUNT } from './layout';
import { ENTRY } from './page-table';

/**
 * What a page is in one address space. Derived when asked, from the entry's flags and the reference counts, so
 * that a fork need not touch the pages. The first line that holds decides:
 *
 * | state      | when |
 * |------------|------|
 * | `unmapped` | no entry |
 * | `guard`    | the guard flag |
 * | `borrowed` | the borrowed flag: the frame is another space's page |
 * | `host`     | the host flag: installed by the embedder |
 * | `stale`    | of a borrower: the page's owner has another frame by now (loans.ts) |
 * | `zero`     | no frame yet: reads as zero |
 * | `lent`     | the lent flag and still a borrower, or written together (MAP_SHARED) with another entry |
 * | `shared`   | the frame, or a node on the way to it, has another reference: copied when written |
 * | `private`  | the copied flag in a fork: its own copy, made by a copy-on-write break |
 * | `owned`    | else: the space's own frame |
 */
export const PAGE_STATES = [
  'unmapped',
  'guard',
  'borrowed',
  'host',
  'stale',
  'zero',
  'lent',
  'shared',
  'private',
  'owned',
] as const;
export type PageState = (typeof PAGE_STATES)[number];

/** Pages in a row with the same state and protection. */
export interface PageRun {
  /** First page. */
  readonly page: number;
  /** How many pages. */
  readonly count: number;
  readonly state: PageState;
  /** READ, WRITE, EXECUTE or'ed together. */
  readonly protection: number;
}

const PERMISSIONS = ENTRY.read | ENTRY.write | ENTRY.execute;
const STATE = Object.fromEntries(PAGE_STATES.map((state, n) => [state, n])) as Record<
  PageState,
  number
>;
const { guard: GUARD, host: HOST, zero: ZERO, borrowed: BORROWED, lent: LENT } = STATE;
const { stale: STALE, shared: SHARED, private: PRIVATE, owned: OWNED } = STATE;

/**
 * The mapped pages of a space as runs in ascending order; pages between runs are unmapped. Takes no lock: of
 * a space whose harts run meanwhile it is a snapshot in which single pages may be a moment older than others.
 */
export function pageRuns(space: AddressSpace): PageRun[] {
  const { u32, frames, pageTable } = space.arena;
  const runs: PageRun[] = [];
  let start = 0;
  let next = 0;
  let current = 0;
  const flush = (): void => {
    if (next === start) return;
    const state = PAGE_STATES[current >>> 3];
    runs.push({ page: start, count: next - start, state, protection: current & PERMISSIONS });
  };
  pageTable.visit(space.topTable, 0, PAGE_COUNT, (leaf, page, first, last, isPathShared) => {
    for (let i = first; i <= last; i++) {
      const entry = u32[leaf + i];
      if (entry === 0) continue;
      const frame = entry >>> ENTRY_FRAME_SHIFT;
      const isShared = isPathShared || (frame !== 0 && frames.references(frame) > 1);
      // State and protection in one number, so that comparing neighbours is cheap.
      const kind = stateNumber(space, page + i, entry, isShared) * 8 + (entry & PERMISSIONS);
      if (page + i !== next || kind !== current) {
        flush();
        start = page + i;
        current = kind;
      }
      next = page + i + 1;
    }
  });
  flush();
  return runs;
}

/** The state of one page. */
export function pageState(space: AddressSpace, page: number): PageState {
  const { frames, pageTable } = space.arena;
  const entry = space.entry(page);
  if (entry === 0) return 'unmapped';
  const frame = entry >>> ENTRY_FRAME_SHIFT;
  const isShared =
    pageTable.pathShared(space.topTable, page) || (frame !== 0 && frames.references(frame) > 1);
  return PAGE_STATES[stateNumber(space, page, entry, isShared)];
}

/** All there is to say about one page. */
export interface PageDetail {
  readonly state: PageState;
  /** READ, WRITE, EXECUTE or'ed together. */
  readonly protection: number;
  /** The page's frame, 0 = it has none. */
  readonly frame: number;
  /** Page-table entries and other holders that refer to the frame; a leaf that several spaces share counts once. */
  readonly references: number;
  /** Of a lent page: how many borrow it. */
  readonly borrowers: number;
  /** Id of the space whose page it is, for borrowed and stale ones and those that can be borrowed late; else 0. */
  readonly owner: number;
  /** Of a borrower: whether the page lies in its private range. */
  readonly isPrivate: boolean;
  /** Whether it was written since it was mapped or since the dirty flags were cleared. */
  readonly isDirty: boolean;
}

/** The state of one page and what it follows from. */
export function pageDetail(space: AddressSpace, page: number): PageDetail {
  const entry = space.entry(page);
  const frame = entry >>> ENTRY_FRAME_SHIFT;
  const state = pageState(space, page);
  const references = frame === 0 ? 0 : space.arena.frames.references(frame);
  const isOwners = state === 'borrowed' || state === 'stale' || state === 'unmapped';
  return {
    state,
    protection: entry & PERMISSIONS,
    frame,
    references,
    borrowers: state === 'lent' ? references - 1 : 0,
    owner: isOwners ? space.pageOwner(page) : 0,
    isPrivate: page >= space.privateFirst && page < space.privateEnd,
    isDirty: (entry & ENTRY.dirty) !== 0,
  };
}

/** How many pages of each state the runs hold; what they leave out of the 2^20 pages is `unmapped`. */
export function pageTotals(runs: readonly PageRun[]): Record<PageState, number> {
  const totals = Object.fromEntries(PAGE_STATES.map((state) => [state, 0])) as Record<
    PageState,
    number
  >;
  totals.unmapped = PAGE_COUNT;
  for (const { state, count } of runs) {
    totals[state] += count;
    totals.unmapped -= count;
  }
  return totals;
}

/**
 * Index in `PAGE_STATES` of a mapped page's state.
 * @param isShared whether the frame, or a node on the way to it, has another reference
 */
function stateNumber(space: AddressSpace, page: number, entry: number, isShared: boolean): number {
  if ((entry & ENTRY.guard) !== 0) return GUARD;
  if ((entry & ENTRY.borrowed) !== 0) return BORROWED;
  if ((entry & ENTRY.host) !== 0) return HOST;
  if (space.isStale(page, entry)) return STALE;
  if (entry >>> ENTRY_FRAME_SHIFT === 0) return ZERO;
  if (isShared) return (entry & (ENTRY.shared | ENTRY.lent)) !== 0 ? LENT : SHARED;
  return (entry & ENTRY.copied) !== 0 && space.isFork ? PRIVATE : OWNED;
}
