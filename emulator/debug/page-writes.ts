import { LOG_KIND, LogEntry, type AccessLog } from '../engine/access-log';
import type { Arena } from '../memory/arena';
import { ENTRY_FRAME_SHIFT } from '../memory/arena-layout';
import type { AddressSpace } from '../memory/address-space';
import { PAGE_SHIFT, PAGE_SIZE } from '../memory/layout';
import type { HartId } from './protocol';

/** Who can write a page: an instruction, the kernel for a system call, the debugger or embedder. */
export const WRITERS = ['instruction', 'call', 'host'] as const;
export type Writer = (typeof WRITERS)[number];

/** One write to a page. */
export interface FrameWrite {
  readonly by: Writer;
  readonly hart: HartId;
  /** The instruction, or the ecall. */
  readonly pc: number;
  /** First byte written; of a call's the page's first. */
  readonly address: number;
  /** Bytes; 0 = not known. */
  readonly size: number;
  /** Instructions that the hart had retired before. */
  readonly instructions: number;
}

/**
 * One write for each frame of the arena, as columns; kept by frame, so that all who share the page find it, whatever they
 * call it: lenders and borrowers, forks that have not written it since, both sides of MAP_SHARED.
 *
 * | column    | meaning |
 * |-----------|---------|
 * | `stretch` | in which run it was, from 1; 0 = there was none |
 * | `page`    | the page that it went to |
 * | `by`      | index in `WRITERS` |
 * | others    | as in `FrameWrite` |
 */
class WriteColumns {
  readonly stretch: Uint32Array;
  readonly page: Uint32Array;
  readonly by: Uint8Array;
  readonly hart: Uint16Array;
  readonly pc: Uint32Array;
  readonly address: Uint32Array;
  readonly size: Uint8Array;
  readonly instructions: Float64Array;

  constructor(frames: number) {
    this.stretch = new Uint32Array(frames);
    this.page = new Uint32Array(frames);
    this.by = new Uint8Array(frames);
    this.hart = new Uint16Array(frames);
    this.pc = new Uint32Array(frames);
    this.address = new Uint32Array(frames);
    this.size = new Uint8Array(frames);
    this.instructions = new Float64Array(frames);
  }

  /** The write kept for a frame that is `page` now; one to a page that had the frame before does not count. */
  of(frame: number, page: number, stretch?: number): FrameWrite | undefined {
    const noted = this.stretch[frame];
    if (noted === 0 || (stretch !== undefined && noted !== stretch)) return undefined;
    if (this.page[frame] !== page) return undefined;
    return {
      by: WRITERS[this.by[frame]],
      hart: this.hart[frame],
      pc: this.pc[frame],
      address: this.address[frame],
      size: this.size[frame],
      instructions: this.instructions[frame],
    };
  }
}

/** Pages whose frames are remembered while one stretch of a log is read. */
const CACHED = 64;
const NO_PAGE = 2 ** 32 - 1;

/** Who wrote each page first in a run, and who wrote it last: exact, from logs of all accesses. */
export class PageWrites {
  private readonly first: WriteColumns;
  private readonly last: WriteColumns;
  private stretch = 1;
  private readonly entry = new LogEntry();
  private readonly cachedPages = new Uint32Array(CACHED);
  private readonly cachedFrames = new Uint32Array(CACHED);

  constructor(arena: Arena) {
    this.first = new WriteColumns(arena.counts.frames);
    this.last = new WriteColumns(arena.counts.frames);
  }

  /** A run begins: the next write to each page is a first one again. */
  begins(): void {
    this.stretch += 1;
  }

  /** Takes over what a hart has written, in program order. */
  read(hart: HartId, space: AddressSpace, log: AccessLog): void {
    const { entry } = this;
    // What pages are, and where, may have changed since the last log.
    this.cachedPages.fill(NO_PAGE);
    for (let n = 0; n < log.length; n++) {
      const kind = log.kind(n);
      if (kind !== LOG_KIND.store && kind !== LOG_KIND.amo && kind !== LOG_KIND.storeConditional)
        continue;
      log.read(n, entry);
      const page = entry.address >>> PAGE_SHIFT;
      this.note(this.frameOf(space, page), page, hart, entry);
      const last = (entry.address + entry.size - 1) >>> PAGE_SHIFT;
      if (last !== page) this.note(this.frameOf(space, last), last, hart, entry);
    }
  }

  /** The host writes a page of a space. */
  hostWrote(space: AddressSpace, page: number, by: Writer, hart: HartId, at: CallPlace): void {
    const address = page * PAGE_SIZE;
    this.note(frameIn(space, page), page, hart, { ...at, address, size: 0 }, WRITERS.indexOf(by));
  }

  /** The first write of this run, or of the last one while the machine stands, to what a space has at `page`. */
  firstOf(space: AddressSpace, page: number): FrameWrite | undefined {
    return this.first.of(frameIn(space, page), page, this.stretch);
  }

  /** The last write to it. */
  lastOf(space: AddressSpace, page: number): FrameWrite | undefined {
    return this.last.of(frameIn(space, page), page);
  }

  private note(
    frame: number,
    page: number,
    hart: HartId,
    { pc, address, size, instret }: Pick<LogEntry, 'pc' | 'address' | 'size' | 'instret'>,
    by = 0,
  ): void {
    if (frame === 0) return;
    const { stretch } = this;
    for (const columns of [this.last, this.first]) {
      if (columns === this.first && columns.stretch[frame] === stretch) continue;
      columns.stretch[frame] = stretch;
      columns.page[frame] = page;
      columns.by[frame] = by;
      columns.hart[frame] = hart;
      columns.pc[frame] = pc;
      columns.address[frame] = address;
      columns.size[frame] = size;
      columns.instructions[frame] = instret;
    }
  }

  private frameOf(space: AddressSpace, page: number): number {
    const slot = page % CACHED;
    if (this.cachedPages[slot] !== page) {
      this.cachedPages[slot] = page;
      this.cachedFrames[slot] = frameIn(space, page);
    }
    return this.cachedFrames[slot];
  }
}

/** Where a hart stands while its call is served. */
type CallPlace = Pick<LogEntry, 'pc' | 'instret'>;

const frameIn = (space: AddressSpace, page: number): number =>
  space.entry(page) >>> ENTRY_FRAME_SHIFT;
