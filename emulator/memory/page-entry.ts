import { ENTRY_READ } from './arena-layout';

/**
 * A page-table entry: 0 = unmapped, else
 *
 * | bits  | field |
 * |-------|-------|
 * | 31:12 | frame; 0 = not written yet, reads as zero |
 * | 11    | code: predecoded records were made from the page |
 * | 10    | host: installed by the embedder |
 * | 9     | borrowed: the frame is the lender's page |
 * | 8     | lent: borrowers store into the frame |
 * | 7     | shared: stores go to the frame whoever else refers to it (MAP_SHARED, installed frames) |
 * | 6     | copied: the frame is a copy that a copy-on-write break made |
 * | 5     | dirty: written since it was mapped or since the dirty flags were cleared |
 * | 4     | guard: no access, and meant as a guard page |
 * | 3     | mapped |
 * | 2:0   | execute, write, read (as PROT_EXEC, PROT_WRITE, PROT_READ) |
 */
export const ENTRY = {
  read: ENTRY_READ,
  write: 2,
  execute: 4,
  mapped: 8,
  guard: 16,
  dirty: 32,
  copied: 64,
  shared: 128,
  lent: 256,
  borrowed: 512,
  host: 1024,
  code: 2048,
} as const;
export const ENTRY_FLAGS = 0xfff;
/** What an entry takes over from the one that it is a copy or a loan of. */
export const ENTRY_INHERITED =
  ENTRY.mapped | ENTRY.guard | ENTRY.read | ENTRY.write | ENTRY.execute;
/** Entries whose frame several spaces write: never copied on write. */
export const ENTRY_WRITTEN_TOGETHER = ENTRY.shared | ENTRY.lent | ENTRY.borrowed;
