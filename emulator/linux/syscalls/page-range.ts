import type { AddressSpace } from '../../memory/address-space';
import { ADDRESS_LIMIT, PAGE_SIZE } from '../../memory/layout';
import { ENTRY } from '../../memory/page-entry';
import { ERRNO } from '../abi/errno';
import { SyscallError, type Call } from '../call';
import { isPageAligned, MAX_AREAS, pageUp } from '../memory-areas';

/** PROT_READ, PROT_WRITE and PROT_EXEC. */
export const PROT_MASK = 7;

/** A range of whole pages within the guest's 4 GiB. */
export interface PageRange {
  readonly start: number;
  readonly length: number;
}

/** The range of arguments 0 and 1; undefined when its length is 0. */
export function pageRange(call: Call, tooFar: number): PageRange | undefined {
  const start = call.number(0);
  const length = pageUp(call.number(1));
  if (!isPageAligned(start)) throw new SyscallError(ERRNO.EINVAL, 'the address is not aligned');
  if (length === 0) return undefined;
  if (start + length > ADDRESS_LIMIT) {
    throw new SyscallError(tooFar, 'guest addresses end at 4 GiB');
  }
  return { start, length };
}

/** Whether all pages of a range are mapped. */
export function isMapped(space: AddressSpace, { start, length }: PageRange): boolean {
  const end = (start + length) / PAGE_SIZE;
  for (let page = start / PAGE_SIZE; page < end; page++) if (space.entry(page) === 0) return false;
  return true;
}

/** What pages of one area have in common, beside the file that they show. */
const AREA = ENTRY.mapped | ENTRY.guard | ENTRY.shared | PROT_MASK;

export function sameKind(entry: number, kind: number): boolean {
  return (entry & AREA) === (kind & AREA);
}

/** Whether an area goes on across the page boundary `address`: a change on one side of it would make two of it. */
export function isWithinArea({ kernel: { space, mappings } }: Call, address: number): boolean {
  const page = address / PAGE_SIZE;
  if (page === 0 || page === ADDRESS_LIMIT / PAGE_SIZE) return false;
  const [before, after] = [space.entry(page - 1), space.entry(page)];
  return after !== 0 && sameKind(before, after) && mappings.areAlike(address - PAGE_SIZE, address);
}

/**
 * Makes sure that the process may have so many areas more.
 * @throws SyscallError ENOMEM when there are too many
 */
export function admitAreas(call: Call, more: number): void {
  if (call.kernel.areas.admit(more)) return;
  throw new SyscallError(ERRNO.ENOMEM, `a process has at most ${MAX_AREAS} areas`);
}

/** munmap of page 0 is allowed and does nothing. */
export function unmap(call: Call, { start, length }: PageRange): void {
  const first = Math.max(start, PAGE_SIZE);
  if (start + length <= first) return;
  // Who has too many may always give some back, but not by making two of one.
  const isHole = isWithinArea(call, first) && isWithinArea(call, start + length);
  if (isHole) admitAreas(call, 1);
  call.kernel.mappings.remove(first, start + length);
  call.kernel.space.unmap(first, start + length - first);
}
