import { EXECUTE, READ, WRITE, type AddressSpace } from '../memory/address-space';
import { MappingError, OutOfMemory } from '../memory/errors';
import { ADDRESS_LIMIT, PAGE_SIZE } from '../memory/layout';
import { PF_R, PF_W, PF_X, PHDR_SIZE, PT_LOAD } from './format';
import type { ElfImage, ElfSegment } from './parse';
import { ElfError, hex } from './reader';

/** Where a position-independent program goes when nothing else is asked for. */
const DEFAULT_BASE = 0x40_0000;
/** No program needs a coarser alignment; Linux does not promise one either. */
const MAX_ALIGNMENT = 0x4000_0000;

export interface LoadOptions {
  /** Lowest address for an ET_DYN program; it is rounded up to the program's alignment. */
  readonly base?: number;
  /** Nothing is loaded from this address on, where the stack lies. */
  readonly limit?: number;
}

/** One segment as it lies in the address space: whole pages, [start, end). */
export interface LoadedSegment {
  readonly start: number;
  readonly end: number;
  /** READ | WRITE | EXECUTE of the address space. */
  readonly protection: number;
}

/** A program in memory. Addresses are final. */
export interface LoadedProgram {
  /** What was added to the linked addresses: 0 for ET_EXEC. */
  readonly base: number;
  readonly entry: number;
  /** Address of the program headers in memory, 0 when no segment holds them (AT_PHDR). */
  readonly programHeaders: number;
  readonly programHeaderSize: number;
  readonly programHeaderCount: number;
  readonly segments: readonly LoadedSegment[];
  /** First page behind the program: where the heap (brk) begins. */
  readonly end: number;
}

/**
 * Maps the program's PT_LOAD segments as Linux does (fs/binfmt_elf.c): whole pages of the file at the
 * segment's pages, zeros from the end of the file's part to the end of the segment, and a page that
 * two segments share belongs to the later one.
 * @throws ElfError when the segments cannot be mapped; the space may hold a part of them then
 */
export function loadElf(
  image: ElfImage,
  space: AddressSpace,
  { base: lowest = DEFAULT_BASE, limit = ADDRESS_LIMIT }: LoadOptions = {},
): LoadedProgram {
  const segments = image.segments.filter((s) => s.type === PT_LOAD && s.memorySize > 0);
  segments.forEach(checkSegment);
  checkOverlap(segments);
  const base = image.type === 'exec' ? 0 : chooseBase(segments, lowest);
  const loaded = segments.map((segment) => loadSegment(image, space, segment, base, limit));
  const holder = segments.find(
    (s) =>
      s.offset <= image.programHeaderOffset &&
      image.programHeaderOffset + image.programHeaderCount * PHDR_SIZE <= s.offset + s.fileSize,
  );
  return {
    base,
    entry: image.entry + base,
    programHeaders:
      holder === undefined ? 0 : image.programHeaderOffset - holder.offset + holder.address + base,
    programHeaderSize: PHDR_SIZE,
    programHeaderCount: image.programHeaderCount,
    segments: loaded,
    end: loaded.reduce((end, segment) => Math.max(end, segment.end), 0),
  };
}

function pageStart(address: number): number {
  return address - (address % PAGE_SIZE);
}

function pageEnd(address: number): number {
  return Math.ceil(address / PAGE_SIZE) * PAGE_SIZE;
}

function checkSegment(segment: ElfSegment): void {
  const { index, address, offset, memorySize, alignment } = segment;
  if (address + memorySize > ADDRESS_LIMIT) {
    throw new ElfError(
      `segment ${index} would lie at ${hex(address)} to ${hex(address + memorySize)}: ` +
        `guest addresses end at ${hex(ADDRESS_LIMIT)}`,
    );
  }
  if (segment.fileSize > 0 && address % PAGE_SIZE !== offset % PAGE_SIZE) {
    throw new ElfError(
      `segment ${index} cannot be mapped: its address ${hex(address)} and its file offset ` +
        `${hex(offset)} differ within a page`,
    );
  }
  if (alignment > 1 && Math.log2(alignment) % 1 !== 0) {
    throw new ElfError(`segment ${index} has the alignment ${hex(alignment)}, no power of two`);
  }
}

function checkOverlap(segments: readonly ElfSegment[]): void {
  const sorted = [...segments].sort((a, b) => a.address - b.address);
  sorted.forEach((segment, i) => {
    const next = sorted[i + 1];
    if (next !== undefined && segment.address + segment.memorySize > next.address) {
      throw new ElfError(
        `segments ${segment.index} and ${next.index} overlap at ${hex(next.address)}`,
      );
    }
  });
}

function chooseBase(segments: readonly ElfSegment[], lowest: number): number {
  const alignment = segments.reduce((most, s) => Math.max(most, s.alignment), PAGE_SIZE);
  if (alignment > MAX_ALIGNMENT) {
    throw new ElfError(`a segment asks for the alignment ${hex(alignment)}, which is too large`);
  }
  const first = segments.reduce((least, s) => Math.min(least, s.address), ADDRESS_LIMIT);
  // A program linked at an address of its own keeps it when that is high enough.
  return Math.max(0, Math.ceil((lowest - pageStart(first)) / alignment)) * alignment;
}

function loadSegment(
  image: ElfImage,
  space: AddressSpace,
  segment: ElfSegment,
  base: number,
  limit: number,
): LoadedSegment {
  const address = segment.address + base;
  const start = pageStart(address);
  const end = pageEnd(address + segment.memorySize);
  if (end > limit) {
    throw new ElfError(
      `segment ${segment.index} would lie at ${hex(address)} to ` +
        `${hex(address + segment.memorySize)}, in the stack's place from ${hex(limit)} on`,
    );
  }
  const protection = protectionOf(segment);
  try {
    space.map(start, end - start, READ | WRITE);
    const content = filePart(image, segment);
    const written = space.write(start, content);
    if (written < content.length) {
      throw new OutOfMemory(`the memory limit is reached at ${hex(start + written)}`);
    }
    space.protect(start, end - start, protection);
  } catch (error) {
    if (error instanceof OutOfMemory || error instanceof MappingError) {
      const place = `${hex(address)}, ${segment.memorySize} bytes`;
      throw new ElfError(`segment ${segment.index} (${place}) cannot be mapped: ${error.message}`);
    }
    throw error;
  }
  return { start, end, protection };
}

/** What of the file belongs into the segment's pages, from the start of the first one. */
function filePart(
  image: ElfImage,
  { address, offset, fileSize, memorySize }: ElfSegment,
): Uint8Array {
  if (fileSize === 0) return image.bytes.subarray(0, 0);
  const lead = address % PAGE_SIZE;
  // Without zeros to add, the last page shows the file's bytes behind the segment, as a mapping does.
  const size = memorySize > fileSize ? fileSize : pageEnd(address + fileSize) - address;
  return image.bytes.subarray(offset - lead, offset + size);
}

/** PF_R, PF_W and PF_X have other places than the address space's bits. */
function protectionOf({ flags }: ElfSegment): number {
  return (
    (flags & PF_R ? READ : 0) | (flags & PF_W ? READ | WRITE : 0) | (flags & PF_X ? EXECUTE : 0)
  );
}
