import type { AddressSpace } from '../memory';
import { PAGE_SHIFT, PAGE_SIZE } from '../memory/layout';
import { isAbsent } from '../memory/travel';
import type { CallMemory } from './workspace-calls';

/** The most bytes that a call looks at, in pages: more than any call reads at once. */
const MOST_CHECKED = 512;

/** A call needs a page that has not come yet: it is made again when it has. */
export class PageAbsent extends Error {
  constructor(readonly page: number) {
    super(`page ${page} has not come yet`);
  }
}

/** Guest memory for system calls in a process where pages may be absent. Its methods throw `PageAbsent`. */
export class TravellingMemory implements CallMemory {
  constructor(private readonly space: AddressSpace) {}

  read(address: number, length: number): Uint8Array<ArrayBuffer> {
    this.demand(address, length);
    return this.space.read(address, length);
  }

  readNumber64(address: number): number | undefined {
    this.demand(address, 8);
    return this.space.readNumber64(address);
  }

  writeU64(address: number, value: bigint | number): boolean {
    this.demand(address, 8);
    return this.space.writeU64(address, value);
  }

  private demand(address: number, length: number): void {
    if (!(length > 0 && address >= 0)) return;
    const first = Math.floor(address / PAGE_SIZE);
    const last = Math.min(Math.floor((address + length - 1) / PAGE_SIZE), first + MOST_CHECKED);
    for (let page = first; page <= last; page++) {
      if (isAbsent(this.space, page)) throw new PageAbsent(page);
    }
  }
}

/** A run of pages that a vCPU asks for one after another. */
interface Stream {
  next: number;
  size: number;
}

const FIRST_PAGES = 4;
const MOST_STREAMS = 16;

/**
 * Which pages to ask for when one is missing: a few that follow it, and twice as many each time that a vCPU goes
 * on where it was, so that a loop over an array asks seldom.
 */
export class ReadAhead {
  private streams: Stream[] = [];

  constructor(private readonly most: number) {}

  /** The missing page and those after it that are absent too. */
  wanted(space: AddressSpace, page: number): Uint32Array {
    const known = this.streams.find((stream) => stream.next === page);
    const stream = known ?? { next: page, size: FIRST_PAGES / 2 };
    if (!known) this.streams = [stream, ...this.streams.slice(0, MOST_STREAMS - 1)];
    stream.size = Math.min(2 * stream.size, this.most);
    let end = page + 1;
    while (end < page + stream.size && isAbsent(space, end)) end += 1;
    stream.next = end;
    return Uint32Array.from({ length: end - page }, (_, i) => page + i);
  }
}

/** The page that an access at `address` needs and that has not come; undefined when there is none. */
export function absentPage(space: AddressSpace, address: number): number | undefined {
  const page = address >>> PAGE_SHIFT;
  return address >= 0 && address < 2 ** 32 && isAbsent(space, page) ? page : undefined;
}
