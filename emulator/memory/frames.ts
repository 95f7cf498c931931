import { HEADER, type ArenaViews } from './arena-layout';
import type { Bulk } from './bulk';
import { PAGE_SHIFT, PAGE_SIZE } from './layout';
import { acquire, release } from './lock';
import type { Safepoints } from './safepoints';

/** Frames that are always zero; pages in the state `zero` read from them. They are never allocated. */
const ZERO_FRAMES = 2;
/** With so many frames leaving, the next allocation looks whether they may be used again. */
const LEAVING_MANY = 16;

/**
 * The arena's frames: 4 KiB each, reference-counted. A frame's count is the number of page-table entries
 * (in nodes, not in address spaces: forks share nodes) and other holders that refer to it. Safe from any thread.
 *
 * Free frames are the stack `freeFrames` and those from `framesNext` on, which were never allocated since
 * the arena was made or reset. Of the latter those from `framesDirty` on are known to be zero. While several
 * threads run guest code, a frame given back first *leaves*: it stands at the end of `freeFrames` until every
 * thread has passed a safepoint (safepoints.ts). Last stand the frames of before the present epoch, below them those
 * of the present one.
 */
export class Frames {
  private readonly base: number;
  private readonly refs: number;
  private readonly free: number;

  constructor(
    private readonly views: ArenaViews,
    private readonly bulk: Bulk,
    private readonly safepoints: Safepoints,
  ) {
    this.base = views.regions.frames;
    this.refs = views.regions.frameRefs >>> 2;
    this.free = views.regions.freeFrames >>> 2;
  }

  /** Frees everything; `limit` is the number of frames that may be in use at a time. */
  reset(limit = this.capacity): void {
    const { u32, i32, regions } = this.views;
    const next = u32[HEADER.framesNext];
    this.bulk.clear(regions.frameRefs, 4 * next);
    u32[HEADER.framesDirty] = Math.max(u32[HEADER.framesDirty], next, ZERO_FRAMES);
    u32[HEADER.framesNext] = ZERO_FRAMES;
    u32[HEADER.framesFree] = 0;
    u32[HEADER.framesUsed] = 0;
    u32[HEADER.framesLeavingBefore] = 0;
    u32[HEADER.framesLeavingNow] = 0;
    u32[HEADER.frameLimit] = Math.min(limit, this.capacity);
    Atomics.store(i32, HEADER.frameLock, 0);
  }

  /** How many frames the arena can hand out at most. */
  get capacity(): number {
    return this.views.counts.frames - ZERO_FRAMES;
  }

  /** How many frames may be in use at a time: the machine's memory limit. */
  get limit(): number {
    return this.views.u32[HEADER.frameLimit];
  }

  get used(): number {
    return Atomics.load(this.views.u32, HEADER.framesUsed);
  }

  /** The most frames in use at a time since the last reset, and those that were leaving then. */
  get mostUsed(): number {
    return this.views.u32[HEADER.framesNext] - ZERO_FRAMES;
  }

  /** Arena address of a frame. */
  address(frame: number): number {
    return this.base + frame * PAGE_SIZE;
  }

  /** The frame that an arena address lies in. */
  frameAt(address: number): number {
    return (address - this.base) >>> PAGE_SHIFT;
  }

  /**
   * Arena address of a zero frame for reads of `page`. The second one serves the page whose own address is
   * the first one's: its delta would be 0, which means "no delta".
   */
  zeroFor(page: number): number {
    return page * PAGE_SIZE === this.base ? this.base + PAGE_SIZE : this.base;
  }

  /** Whether `frame` may back `page`: its delta must not be 0. */
  suits(frame: number, page: number): boolean {
    return this.base + frame * PAGE_SIZE !== page * PAGE_SIZE;
  }

  /**
   * A frame for `page` with one reference, 0 when the limit is reached.
   * @param zeroed false when the caller overwrites the whole frame at once
   */
  allocate(page: number, zeroed = true): number {
    const { u32, i32 } = this.views;
    acquire(i32, HEADER.frameLock);
    let frame = u32[HEADER.framesUsed] < u32[HEADER.frameLimit] ? this.take() : 0;
    if (frame !== 0 && !this.suits(frame, page)) {
      const other = this.take();
      u32[this.free + u32[HEADER.framesFree]++] = frame;
      frame = other;
    }
    if (frame !== 0) u32[HEADER.framesUsed]++;
    const dirty = frame < u32[HEADER.framesDirty];
    release(i32, HEADER.frameLock);
    if (frame === 0) return 0;
    Atomics.store(i32, this.refs + frame, 1);
    if (zeroed && dirty) this.bulk.clear(this.address(frame), PAGE_SIZE);
    return frame;
  }

  /** One more reference to `frame`. */
  retain(frame: number): void {
    Atomics.add(this.views.i32, this.refs + frame, 1);
  }

  /** One reference less; the last one frees the frame. */
  release(frame: number): void {
    const { i32 } = this.views;
    if (Atomics.sub(i32, this.refs + frame, 1) !== 1) return;
    acquire(i32, HEADER.frameLock);
    this.push(frame);
    release(i32, HEADER.frameLock);
  }

  /** Frees the `count` frames, without references by now, that stand in the arena from word `list` on. */
  freeAll(list: number, count: number): void {
    const { u32, i32 } = this.views;
    acquire(i32, HEADER.frameLock);
    for (let i = list; i < list + count; i++) this.push(u32[i]);
    release(i32, HEADER.frameLock);
  }

  references(frame: number): number {
    return Atomics.load(this.views.i32, this.refs + frame);
  }

  /** The frames given back. */
  freed(): number[] {
    const { u32, counts } = this.views;
    const end = this.free + counts.frames;
    return [
      ...u32.subarray(this.free, this.free + u32[HEADER.framesFree]),
      ...u32.subarray(end - this.leaving, end),
    ];
  }

  /** Copies the 4 KiB of one frame to another. */
  copy(to: number, from: number): void {
    this.bulk.copy(this.address(to), this.address(from), PAGE_SIZE);
  }

  /** How many frames were given back that threads may still use. */
  private get leaving(): number {
    const { u32 } = this.views;
    return u32[HEADER.framesLeavingBefore] + u32[HEADER.framesLeavingNow];
  }

  private push(frame: number): void {
    const { u32, counts } = this.views;
    if (this.safepoints.areOthersRunning) {
      u32[this.free + counts.frames - this.leaving - 1] = frame;
      u32[HEADER.framesLeavingNow]++;
    } else {
      u32[this.free + u32[HEADER.framesFree]++] = frame;
    }
    u32[HEADER.framesUsed]--;
    // All frames below this one have been handed out before it, so none of them is known zero any more.
    if (frame >= u32[HEADER.framesDirty]) u32[HEADER.framesDirty] = frame + 1;
  }

  private take(): number {
    const { u32, counts } = this.views;
    if (this.leaving > LEAVING_MANY) this.reclaim();
    if (u32[HEADER.framesFree] > 0) return u32[this.free + --u32[HEADER.framesFree]];
    const next = u32[HEADER.framesNext];
    if (next < counts.frames) {
      u32[HEADER.framesNext] = next + 1;
      return next;
    }
    // Twice, because what has left only now waits for two epochs.
    this.reclaim();
    this.reclaim();
    return u32[HEADER.framesFree] > 0
      ? u32[this.free + --u32[HEADER.framesFree]]
      : this.takeLeaving();
  }

  /**
   * The last resort, with all other frames in use and a thread that does not come to a safepoint: a frame that it may be
   * reading at this moment, if it was interrupted in the middle of the very access. Refusing would be worse: it would
   * make a guest that keeps to its limit run out of memory because the host is busy.
   */
  private takeLeaving(): number {
    const { u32, counts } = this.views;
    const end = this.free + counts.frames;
    const before = u32[HEADER.framesLeavingBefore];
    const now = u32[HEADER.framesLeavingNow];
    if (before + now === 0) return 0;
    const at = end - (before === 0 ? now : before);
    const frame = u32[at];
    // The gap between the two groups is filled from the far end of the lower one.
    u32[at] = u32[end - before - now];
    u32[before === 0 ? HEADER.framesLeavingNow : HEADER.framesLeavingBefore]--;
    return frame;
  }

  /** If every thread has passed a safepoint: the frames of before go to the free ones, those of now become those of before. */
  private reclaim(): void {
    const { u32, counts } = this.views;
    if (!this.safepoints.advance()) return;
    const end = this.free + counts.frames;
    const before = u32[HEADER.framesLeavingBefore];
    const now = u32[HEADER.framesLeavingNow];
    const free = u32[HEADER.framesFree];
    // Both ends may meet in the middle: what moves up is taken out first.
    const moving = u32.slice(end - before - now, end - before);
    u32.copyWithin(this.free + free, end - before, end);
    u32.set(moving, end - now);
    u32[HEADER.framesFree] = free + before;
    u32[HEADER.framesLeavingBefore] = now;
    u32[HEADER.framesLeavingNow] = 0;
  }
}
