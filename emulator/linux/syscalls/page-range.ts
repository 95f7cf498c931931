import type { AddressSpace } from '../../memory/address-space';
import { ADDRESS_LIMIT, PAGE_SIZE } from '../../memory/layout';
import { ERRNO } from '../abi/errno';
import { SyscallError, type Call } from '../call';
import { isPageAligned, pageUp } from '../memory-areas';

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

/** munmap of page 0 is allowed and does nothing. */
export function unmap(call: Call, { start, length }: PageRange): void {
  const first = Math.max(start, PAGE_SIZE);
  if (start + length <= first) return;
  call.kernel.mappings.remove(first, start + length);
  call.kernel.space.unmap(first, start + length - first);
}
