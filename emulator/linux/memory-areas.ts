import type { AddressSpace } from '../memory/address-space';
import { READ, WRITE } from '../memory/address-space';
import { OutOfMemory } from '../memory/errors';
import { ADDRESS_LIMIT, PAGE_SIZE } from '../memory/layout';

/** Lowest address that mmap takes by itself or from a hint (vm.mmap_min_addr). */
const MMAP_MIN = 0x1_0000;
/** Areas of a process at most (vm.max_map_count). */
export const MAX_AREAS = 65_530;

export function pageUp(value: number): number {
  return Math.ceil(value / PAGE_SIZE) * PAGE_SIZE;
}

export function isPageAligned(value: number): boolean {
  return value % PAGE_SIZE === 0;
}

/**
 * Where the process's heap and mappings lie, and how many they may be: the break grows up, mappings are placed from
 * the top down.
 */
export class MemoryAreas {
  private breakStart = 0;
  private breakNow = 0;
  private top = 0;
  /** There are not more areas: each change of the memory is counted for what it may add at most. */
  private mostAreas = Infinity;

  /** @param countAreas how many areas there are, which takes as long as reading /proc/self/maps */
  constructor(
    private readonly space: AddressSpace,
    private readonly countAreas: () => number,
  ) {}

  /**
   * @param programEnd first page behind the program, where the break begins
   * @param mappingTop mappings are placed below this address
   */
  begin(programEnd: number, mappingTop: number): void {
    this.breakStart = programEnd;
    this.breakNow = programEnd;
    this.top = mappingTop;
    this.mostAreas = Infinity;
  }

  /** The same places in a fork of the address space. */
  copyFrom({ breakStart, breakNow, top, mostAreas }: MemoryAreas): void {
    this.breakStart = breakStart;
    this.breakNow = breakNow;
    this.top = top;
    this.mostAreas = mostAreas;
  }

  /** Whether there may be so many areas more; then they are counted. */
  admit(more: number): boolean {
    if (this.mostAreas + more > MAX_AREAS) this.mostAreas = this.countAreas();
    if (this.mostAreas + more > MAX_AREAS) return false;
    this.mostAreas += more;
    return true;
  }

  /** What brk(2) has made, whole pages: [start, end). */
  get heap(): { readonly start: number; readonly end: number } {
    return { start: this.breakStart, end: pageUp(this.breakNow) };
  }

  /** Moves the break when that is possible; answers where it is then (brk never fails otherwise). */
  moveBreak(wanted: number): number {
    if (!(wanted >= this.breakStart && wanted <= this.top)) return this.breakNow;
    const oldEnd = pageUp(this.breakNow);
    const newEnd = pageUp(wanted);
    if (newEnd > oldEnd) {
      if (!this.isFree(oldEnd, newEnd - oldEnd) || !this.admit(1)) return this.breakNow;
      try {
        this.space.map(oldEnd, newEnd - oldEnd, READ | WRITE);
      } catch (error) {
        if (error instanceof OutOfMemory) return this.breakNow;
        throw error;
      }
    } else if (newEnd < oldEnd) {
      this.space.unmap(newEnd, oldEnd - newEnd);
    }
    this.breakNow = wanted;
    return wanted;
  }

  /**
   * A place for `length` bytes: at the hint when that is free, else the highest gap below the stack;
   * 0 when there is none.
   */
  place(hint: number, length: number): number {
    if (hint >= MMAP_MIN && hint + length <= ADDRESS_LIMIT && this.isFree(hint, length))
      return hint;
    const gap = this.space.findGap(length, MMAP_MIN, this.top);
    // Above the stack there is room too, but Linux does not use it.
    return gap;
  }

  isFree(start: number, length: number): boolean {
    return this.space.findGap(length, start, start + length) === start;
  }
}
