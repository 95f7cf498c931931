import { EXECUTE, WRITE, type AddressSpace } from '../../memory/address-space';
import { ADDRESS_LIMIT, PAGE_SIZE } from '../../memory/layout';
import { ENTRY_FRAME_SHIFT } from '../../memory/arena-layout';
import { ENTRY } from '../../memory/page-entry';
import { ERRNO } from '../abi/errno';
import { SyscallError, type Call, type SyscallHandlers, type SyscallResult } from '../call';
import { O_PATH, type OpenFile } from '../files/open-file';
import { isPageAligned, pageUp } from '../memory-areas';
import { mapFile, noteFile } from './mapped-file';
import {
  admitAreas,
  isMapped,
  isWithinArea,
  pageRange,
  PROT_MASK,
  sameKind,
  unmap,
  type PageRange,
} from './page-range';
import { mremap } from './remap';

/** Flags of mmap (include/uapi/asm-generic/mman-common.h). */
const MAP_TYPE = 0xf;
const MAP_SHARED = 1;
const MAP_SHARED_VALIDATE = 3;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_FIXED_NOREPLACE = 0x10_0000;

/** PROT_GROWSDOWN and PROT_GROWSUP: taken, but only main stacks grow on Linux, and ours has its size. */
const PROT_GROWS = 0x0300_0000;

const MADV_DONTNEED = 4;
const MADV_FREE = 8;
const MADV_REMOVE = 9;
const MADV_LAST = 25;
/** Advice numbers that Linux does not have. */
const MADV_GAPS: readonly number[] = [5, 6, 7];

const MS_ASYNC = 1;
const MS_INVALIDATE = 2;
const MS_SYNC = 4;

function mmap(call: Call): SyscallResult {
  const flags = call.uint(3);
  const type = flags & MAP_TYPE;
  const offset = call.number(5);
  const length = pageUp(call.number(1));
  if (!isPageAligned(offset) || length === 0) return -ERRNO.EINVAL;
  if (type === 0 || type > MAP_SHARED_VALIDATE) return -ERRNO.EINVAL;
  if (length > ADDRESS_LIMIT) return -ERRNO.ENOMEM;
  const shared = type === MAP_SHARED || type === MAP_SHARED_VALIDATE;
  const file = flags & MAP_ANONYMOUS ? undefined : mappableFile(call, shared);
  const content = file && fileContent(file, offset, length);
  const start = placeMapping(call, call.number(0), length, flags);
  if (start < 0) return start;
  // A new one, and in the middle of another one that becomes two.
  admitAreas(call, 2);
  const { space, mappings } = call.kernel;
  const protection = call.uint(2) & PROT_MASK;
  // What lay there before goes to its file first.
  mappings.remove(start, start + length);
  if (file === undefined || content === undefined) {
    space.map(start, length, protection, { shared });
  } else if (!mapFile(space, { start, length }, protection, { file, content, offset, shared })) {
    return -ERRNO.ENOMEM;
  }
  noteCode(call, protection);
  if (file !== undefined) {
    noteFile(mappings, { start, length }, file, offset, shared);
    if ((protection & EXECUTE) !== 0) call.kernel.onLibrary?.();
  }
  return start;
}

/** Code that runs in new pages is this process's alone, even where it shares what was decoded before a fork. */
function noteCode({ kernel }: Call, protection: number): void {
  kernel.processMemory.noteProtection(protection);
  if ((protection & EXECUTE) !== 0) kernel.host.codeMapped(kernel);
}

/** Where a mapping goes, or a negative errno. */
function placeMapping(call: Call, address: number, length: number, flags: number): number {
  const { areas } = call.kernel;
  if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) === 0) {
    const hint = pageUp(address);
    const start = areas.place(hint < ADDRESS_LIMIT ? hint : 0, length);
    return start === 0 ? -ERRNO.ENOMEM : start;
  }
  if (!isPageAligned(address)) return -ERRNO.EINVAL;
  if (address + length > ADDRESS_LIMIT) return -ERRNO.ENOMEM;
  // vm.mmap_min_addr: page 0 stays unmapped, so that null pointers are found.
  if (address < PAGE_SIZE) return -ERRNO.EPERM;
  const replace = (flags & MAP_FIXED_NOREPLACE) === 0;
  return replace || areas.isFree(address, length) ? address : -ERRNO.EEXIST;
}

/** The file to map; EACCES when it is not open for what the mapping may do. */
function mappableFile(call: Call, shared: boolean): OpenFile {
  const file = call.kernel.descriptors.file(call.int(4));
  const writes = shared && (call.uint(2) & WRITE) !== 0;
  if (file.flags & O_PATH) throw new SyscallError(ERRNO.EBADF, 'the file is open with O_PATH only');
  if (!file.canRead || (writes && !file.canWrite)) {
    throw new SyscallError(ERRNO.EACCES, 'the file is not open for that');
  }
  return file;
}

/** The bytes that a mapping of a file begins with; undefined when it is all zeros (/dev/zero). */
function fileContent(file: OpenFile, offset: number, length: number): Uint8Array | undefined {
  const content = file.mappedBytes?.(offset, length);
  if (content === undefined) throw new SyscallError(ERRNO.ENODEV, 'the file cannot be mapped');
  return content === 'zero' ? undefined : content;
}

function mprotect(call: Call): SyscallResult {
  const protection = call.uint(2);
  if (protection & ~(PROT_MASK | PROT_GROWS)) return -ERRNO.EINVAL;
  const pages = pageRange(call, ERRNO.ENOMEM);
  if (pages === undefined) return 0;
  if (pages.start === 0) return -ERRNO.ENOMEM;
  const { space } = call.kernel;
  const ends = [pages.start, pages.start + pages.length];
  admitAreas(call, ends.filter((end) => isWithinArea(call, end)).length);
  const complete = space.protect(pages.start, pages.length, protection & PROT_MASK);
  noteCode(call, protection);
  return complete ? 0 : -ERRNO.ENOMEM;
}

function madvise(call: Call): SyscallResult {
  const advice = call.int(2);
  if (advice < 0 || advice > MADV_LAST || MADV_GAPS.includes(advice)) return -ERRNO.EINVAL;
  const pages = pageRange(call, ERRNO.ENOMEM);
  if (pages === undefined) return 0;
  if (advice === MADV_REMOVE) return -ERRNO.EINVAL;
  const { space } = call.kernel;
  if (advice === MADV_DONTNEED || advice === MADV_FREE) dropPages(space, pages);
  return isMapped(space, pages) ? 0 : -ERRNO.ENOMEM;
}

/** Lets the mapped pages read as zero again and gives their frames back. */
function dropPages(space: AddressSpace, { start, length }: PageRange): void {
  const end = (start + length) / PAGE_SIZE;
  for (let page = start / PAGE_SIZE; page < end;) {
    const entry = space.entry(page);
    let next = page + 1;
    while (next < end && sameKind(space.entry(next), entry)) next++;
    // What is shared stays: the page is the file's, or others' as well.
    if (entry !== 0 && (entry & (ENTRY.guard | ENTRY.shared)) === 0) {
      space.map(page * PAGE_SIZE, (next - page) * PAGE_SIZE, entry & PROT_MASK);
    }
    page = next;
  }
}

function mincore(call: Call): SyscallResult {
  const { space, memory } = call.kernel;
  const pages = pageRange(call, ERRNO.ENOMEM);
  if (pages === undefined) return 0;
  if (!isMapped(space, pages)) return -ERRNO.ENOMEM;
  const first = pages.start / PAGE_SIZE;
  const resident = new Uint8Array(pages.length / PAGE_SIZE);
  resident.forEach((_, i) => {
    resident[i] = space.entry(first + i) >>> ENTRY_FRAME_SHIFT === 0 ? 0 : 1;
  });
  memory.write(call.number(2), resident);
  return 0;
}

/** Calls that have nothing to do here but to say whether the range is mapped. */
function needsMapping(call: Call): SyscallResult {
  const pages = pageRange(call, ERRNO.ENOMEM);
  return pages === undefined || isMapped(call.kernel.space, pages) ? 0 : -ERRNO.ENOMEM;
}

function msync(call: Call): SyscallResult {
  const flags = call.uint(2);
  const both = MS_ASYNC | MS_SYNC;
  if (flags & ~(both | MS_INVALIDATE) || (flags & both) === both) return -ERRNO.EINVAL;
  const pages = pageRange(call, ERRNO.ENOMEM);
  if (pages === undefined) return 0;
  call.kernel.mappings.sync(pages.start, pages.start + pages.length);
  return isMapped(call.kernel.space, pages) ? 0 : -ERRNO.ENOMEM;
}

/** The process's memory: brk(2), mmap(2) and what goes with it. */
export const memoryCalls: SyscallHandlers = {
  brk: (call) => call.kernel.areas.moveBreak(call.number(0)),
  mmap,
  munmap(call) {
    const pages = pageRange(call, ERRNO.EINVAL);
    if (pages === undefined) return -ERRNO.EINVAL;
    unmap(call, pages);
    return 0;
  },
  mprotect,
  mremap,
  madvise,
  mincore,
  msync,
  mlock: needsMapping,
  mlock2: needsMapping,
  munlock: needsMapping,
  mlockall: () => 0,
  munlockall: () => 0,
};
