import type { AddressSpace } from './address-space';
import { ENTRY_FRAME_SHIFT } from './arena-layout';
import { ENTRY } from './page-entry';

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

const PERMISSIONS = ENTRY.read | ENTRY.write | ENTRY.execute;
const STATE = Object.fromEntries(PAGE_STATES.map((state, n) => [state, n])) as Record<
  PageState,
  number
>;
const { guard: GUARD, host: HOST, zero: ZERO, borrowed: BORROWED, lent: LENT } = STATE;
const { stale: STALE, shared: SHARED, private: PRIVATE, owned: OWNED } = STATE;

/** The state of one page. */
export function pageState(space: AddressSpace, page: number): PageState {
  const { frames, pageTable } = space.arena;
  const entry = space.entry(page);
  if (entry === 0) return 'unmapped';
  const frame = entry >>> ENTRY_FRAME_SHIFT;
  const isShared =
    pageTable.pathShared(space.topTable, page) || (frame !== 0 && frames.references(frame) > 1);
  return PAGE_STATES[stateNumber(entry, isShared, space.isStale(page, entry), space.isFork)];
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

/**
 * Index in `PAGE_STATES` of a mapped page's state.
 * @param isShared whether the frame, or a node on the way to it, has another reference
 * @param isStale whether a borrower's page is older than its owner's
 * @param isFork whether the space is a copy of another one
 */
export function stateNumber(
  entry: number,
  isShared: boolean,
  isStale: boolean,
  isFork: boolean,
): number {
  if ((entry & ENTRY.guard) !== 0) return GUARD;
  if ((entry & ENTRY.borrowed) !== 0) return BORROWED;
  if ((entry & ENTRY.host) !== 0) return HOST;
  if (isStale) return STALE;
  if (entry >>> ENTRY_FRAME_SHIFT === 0) return ZERO;
  if (isShared) return (entry & (ENTRY.shared | ENTRY.lent)) !== 0 ? LENT : SHARED;
  return (entry & ENTRY.copied) !== 0 && isFork ? PRIVATE : OWNED;
}
