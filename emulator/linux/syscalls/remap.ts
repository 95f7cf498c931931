import type { AddressSpace } from '../../memory/address-space';
import { ENTRY_FRAME_SHIFT } from '../../memory/arena-layout';
import { ADDRESS_LIMIT, PAGE_SHIFT, PAGE_SIZE } from '../../memory/layout';
import { ENTRY } from '../../memory/page-entry';
import { ERRNO } from '../abi/errno';
import { SyscallError, type Call, type SyscallResult } from '../call';
import { isPageAligned, pageUp } from '../memory-areas';
import { mapFile, noteFile } from './mapped-file';
import { admitAreas, isMapped, PROT_MASK, unmap, type PageRange } from './page-range';

const MREMAP_MAYMOVE = 1;
const MREMAP_FIXED = 2;

/** A move may cut the area that it takes from, and the one that it goes into, into two. */
const MOST_NEW_AREAS = 3;

/** Pages moved at a time, so that a move never needs twice the memory. */
const MOVE_PAGES = 64;

/** mremap(2). */
export function mremap(call: Call): SyscallResult {
  const { space, areas } = call.kernel;
  const start = call.number(0);
  const oldLength = pageUp(call.number(1));
  const newLength = pageUp(call.number(2));
  const flags = call.uint(3);
  const fixed = (flags & MREMAP_FIXED) !== 0;
  // MREMAP_DONTUNMAP and the old length 0, which doubles a shared mapping, are not there.
  if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED)) return -ERRNO.EINVAL;
  if (fixed && (flags & MREMAP_MAYMOVE) === 0) return -ERRNO.EINVAL;
  if (!isPageAligned(start) || oldLength === 0 || newLength === 0) return -ERRNO.EINVAL;
  if (newLength > ADDRESS_LIMIT) return -ERRNO.ENOMEM;
  const old = { start, length: oldLength };
  if (start + oldLength > ADDRESS_LIMIT || !isMapped(space, old)) return -ERRNO.EFAULT;
  const kept = Math.min(oldLength, newLength);
  if (fixed) {
    admitAreas(call, MOST_NEW_AREAS);
    return moveTo(call, old, kept, newLength, call.number(4));
  }
  if (newLength <= oldLength) {
    if (newLength < oldLength) {
      unmap(call, { start: start + newLength, length: oldLength - newLength });
    }
    return start;
  }
  admitAreas(call, MOST_NEW_AREAS);
  const growth = newLength - oldLength;
  const end = start + oldLength;
  if (end + growth <= ADDRESS_LIMIT && areas.isFree(end, growth)) {
    return grow(call, { start: end, length: growth }) ? start : -ERRNO.ENOMEM;
  }
  if ((flags & MREMAP_MAYMOVE) === 0) return -ERRNO.ENOMEM;
  const target = areas.place(0, newLength);
  if (target === 0) return -ERRNO.ENOMEM;
  return moveTo(call, old, kept, newLength, target);
}

/**
 * Maps more of what the page before the range shows: the file of a shared mapping, else zeros.
 * @returns false when there is no memory for it
 */
function grow({ kernel: { space, mappings } }: Call, range: PageRange): boolean {
  const { start, length } = range;
  const before = space.entry(start / PAGE_SIZE - 1);
  const protection = before & PROT_MASK;
  const source = mappings.sharedAt(start - PAGE_SIZE);
  if (source === undefined) {
    space.map(start, length, protection, { shared: (before & ENTRY.shared) !== 0 });
    return true;
  }
  const { file } = source;
  const offset = source.offset + PAGE_SIZE;
  const content = file.mappedBytes(offset, length);
  if (!mapFile(space, range, protection, { file, offset, content, shared: true })) return false;
  noteFile(mappings, range, file, offset, true);
  return true;
}

function moveTo(
  call: Call,
  old: PageRange,
  kept: number,
  newLength: number,
  target: number,
): SyscallResult {
  const overlaps = target < old.start + old.length && old.start < target + newLength;
  if (!isPageAligned(target) || overlaps || target + newLength > ADDRESS_LIMIT) {
    return -ERRNO.EINVAL;
  }
  if (target < PAGE_SIZE) return -ERRNO.EPERM;
  call.kernel.mappings.remove(target, target + newLength);
  call.kernel.mappings.move(old.start, kept, target);
  movePages(call.kernel.space, old.start, kept, target);
  if (old.length > kept) unmap(call, { start: old.start + kept, length: old.length - kept });
  const growth = { start: target + kept, length: newLength - kept };
  return growth.length === 0 || grow(call, growth) ? target : -ERRNO.ENOMEM;
}

/** Moves the `kept` bytes at `from` to `to`; shared pages stay in their frames. */
function movePages(space: AddressSpace, from: number, kept: number, to: number): void {
  const entry = space.entry(from / PAGE_SIZE);
  const protection = entry & PROT_MASK;
  if ((entry & ENTRY.shared) !== 0) {
    const frameAt = (page: number): number =>
      space.entry(page + (from - to) / PAGE_SIZE) >>> ENTRY_FRAME_SHIFT;
    space.map(to, kept, protection, { shared: true, frameAt });
    space.unmap(from, kept);
    return;
  }
  space.map(to, kept, protection);
  for (let done = 0; done < kept; done += MOVE_PAGES * PAGE_SIZE) {
    const end = Math.min(kept, done + MOVE_PAGES * PAGE_SIZE);
    for (let at = done; at < end; at += PAGE_SIZE) {
      // A page without a frame reads as zero and stays so.
      if (space.entry((from + at) >>> PAGE_SHIFT) >>> ENTRY_FRAME_SHIFT === 0) continue;
      const bytes = space.peek(from + at, PAGE_SIZE);
      if (space.poke(to + at, bytes) < bytes.length) {
        throw new SyscallError(ERRNO.ENOMEM, 'the memory limit is reached');
      }
    }
    space.unmap(from + done, end - done);
  }
}
