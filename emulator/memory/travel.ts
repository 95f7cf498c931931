import type { AddressSpace } from './address-space';
import { ENTRY_FRAME_SHIFT } from './arena-layout';
import { OutOfMemory } from './errors';
import { PAGE_COUNT, PAGE_SIZE } from './layout';
import { ENTRY, ENTRY_WRITTEN_TOGETHER } from './page-entry';

/*
 * Address spaces that are rebuilt in another arena, because a vCPU runs in another process: first where something
 * is mapped, then the bytes of those pages that it needs, and at the end what it has changed.
 *
 * A layout says what is mapped, as runs of three u32 in ascending order of pages:
 *
 * | word | field |
 * |------|-------|
 * | 0    | first page |
 * | 1    | pages |
 * | 2    | kind: 0 = unmapped, else bits: READ 1, WRITE 2, EXECUTE 4, mapped 8, guard 16, has bytes of its own 32 |
 */
const RUN_WORDS = 3;
const PERMISSIONS = ENTRY.read | ENTRY.write | ENTRY.execute;
const KIND_FLAGS = PERMISSIONS | ENTRY.mapped | ENTRY.guard;
const HAS_BYTES = 32;
/** A page whose bytes have not come yet: no access is allowed. Nothing else makes such an entry in that arena. */
const ABSENT = ENTRY.mapped | ENTRY.host;

/** Pages and what they hold: `bytes` has 4096 for each number. */
export interface PageBytes {
  readonly numbers: Uint32Array;
  /** READ, WRITE, EXECUTE or'ed together, for each page. */
  readonly protections: Uint8Array;
  readonly bytes: Uint8Array;
}

/** What a vCPU has changed in its space. */
export interface PageChanges {
  /** The changed pages; not mentioned ones are as before. */
  readonly layout: Uint32Array;
  /** 4096 bytes for each page of the layout that has bytes, in its order. */
  readonly bytes: Uint8Array;
}

/** Collects pages in ascending order as runs. */
class Runs {
  private readonly words: number[] = [];

  add(page: number, kind: number): void {
    const { words } = this;
    const last = words.length - RUN_WORDS;
    const isNext = last >= 0 && words[last] + words[last + 1] === page && words[last + 2] === kind;
    if (isNext) words[last + 1] += 1;
    else words.push(page, 1, kind);
  }

  done(): Uint32Array {
    return Uint32Array.from(this.words);
  }
}

/**
 * What is mapped in a space.
 * @returns undefined when other spaces write some of its pages too: those cannot be rebuilt elsewhere
 */
export function layoutOf(space: AddressSpace): Uint32Array | undefined {
  const { u32, pageTable } = space.arena;
  const runs = new Runs();
  let isAlone = true;
  pageTable.visit(space.topTable, 0, PAGE_COUNT, (leaf, page, first, last) => {
    for (let i = first; i <= last; i++) {
      const entry = u32[leaf + i];
      if (entry === 0) continue;
      if ((entry & ENTRY_WRITTEN_TOGETHER) !== 0) isAlone = false;
      runs.add(page + i, kindOf(entry));
    }
  });
  return isAlone ? runs.done() : undefined;
}

/**
 * What has become different in a space from an earlier one of which it is a later state.
 * @returns undefined as for `layoutOf`
 */
export function layoutSince(space: AddressSpace, earlier: AddressSpace): Uint32Array | undefined {
  const runs = new Runs();
  for (const page of space.changedPages(earlier)) {
    const entry = space.entry(page);
    if ((entry & ENTRY_WRITTEN_TOGETHER) !== 0) return undefined;
    runs.add(page, kindOf(entry));
  }
  return runs.done();
}

/** The bytes of those among some pages that have any. */
export function takeBytes(space: AddressSpace, pages: Iterable<number>): PageBytes {
  const { u8, frames } = space.arena;
  const found = [...pages].filter((page) => space.entry(page) >>> ENTRY_FRAME_SHIFT !== 0);
  const bytes = new Uint8Array(found.length * PAGE_SIZE);
  const protections = new Uint8Array(found.length);
  found.forEach((page, i) => {
    const entry = space.entry(page);
    const at = frames.address(entry >>> ENTRY_FRAME_SHIFT);
    bytes.set(u8.subarray(at, at + PAGE_SIZE), i * PAGE_SIZE);
    protections[i] = entry & PERMISSIONS;
  });
  return { numbers: Uint32Array.from(found), protections, bytes };
}

/**
 * Whether a layout from outside is one that `mapLayout` and `applyChanges` take: runs in ascending order, within
 * the guest's pages but for page 0, of known kinds.
 */
export function isLayout(layout: Uint32Array): boolean {
  let next = 1;
  for (let i = 0; i < layout.length; i += RUN_WORDS) {
    const [page, count, kind] = layout.subarray(i, i + RUN_WORDS);
    const isKind = kind === 0 || ((kind & ENTRY.mapped) !== 0 && kind < 2 * HAS_BYTES);
    // Written so that a missing word fails.
    if (!(page >= next && count > 0 && page + count <= PAGE_COUNT && isKind)) return false;
    next = page + count;
  }
  return true;
}

/** How many bytes belong to a layout. */
export function layoutBytes(layout: Uint32Array): number {
  let pages = 0;
  for (let i = 0; i < layout.length; i += RUN_WORDS) {
    if ((layout[i + 2] & HAS_BYTES) !== 0) pages += layout[i + 1];
  }
  return pages * PAGE_SIZE;
}

/** The pages that a layout is about. */
export function layoutPages(layout: Uint32Array): number[] {
  const pages: number[] = [];
  for (let i = 0; i < layout.length; i += RUN_WORDS) {
    for (let n = 0; n < layout[i + 1]; n++) pages.push(layout[i] + n);
  }
  return pages;
}

/**
 * Makes the pages that a layout is about so, in a space that nothing else knows and nothing runs in. Pages with bytes
 * are absent until `supply`.
 * @throws OutOfMemory when the arena has no page-table node left
 */
export function mapLayout(space: AddressSpace, layout: Uint32Array): void {
  const { pageTable } = space.arena;
  for (let i = 0; i < layout.length; i += RUN_WORDS) {
    const [page, count, kind] = layout.subarray(i, i + RUN_WORDS);
    const entry = (kind & HAS_BYTES) !== 0 ? ABSENT : kind;
    const isCleared = pageTable.clear(space.topTable, page, page + count);
    if (kind === 0 && isCleared) continue;
    if (!isCleared || !pageTable.fill(space.topTable, page, page + count, entry)) {
      throw new OutOfMemory('no page-table nodes are left for a layout');
    }
  }
}

/** Whether any of a layout's pages can be executed in a space; from one that is absent nothing has been decoded. */
export function touchesCode(space: AddressSpace, layout: Uint32Array): boolean {
  return layoutPages(layout).some((page) => (space.entry(page) & ENTRY.execute) !== 0);
}

/** Whether a page is mapped but has not come yet. */
export function isAbsent(space: AddressSpace, page: number): boolean {
  return space.entry(page) === ABSENT;
}

/**
 * Gives absent pages their bytes: in a snapshot and in the forks of it that a vCPU runs in, as the same frames,
 * so that they count as unchanged.
 * @throws OutOfMemory when no frame or node is left
 */
export function supply(
  spaces: readonly AddressSpace[],
  { numbers, protections, bytes }: PageBytes,
): void {
  numbers.forEach((page, i) => {
    const wanting = spaces.filter((space) => isAbsent(space, page));
    if (wanting.length === 0) return;
    const { frames, pageTable, u8, u32 } = wanting[0].arena;
    const frame = frames.allocate(page, false);
    if (frame === 0) throw new OutOfMemory('no frames are left for a page that has come');
    u8.set(bytes.subarray(i * PAGE_SIZE, (i + 1) * PAGE_SIZE), frames.address(frame));
    const flags = ENTRY.mapped | (protections[i] & PERMISSIONS);
    const isComplete = wanting.every((space) => {
      const at = pageTable.own(space.topTable, page);
      if (at === 0) return false;
      frames.retain(frame);
      u32[at] = ((frame << ENTRY_FRAME_SHIFT) | flags) >>> 0;
      return true;
    });
    frames.release(frame);
    if (!isComplete) throw new OutOfMemory('no page-table nodes are left for a page that has come');
  });
}

/** What differs in a fork from the snapshot that it was forked from. */
export function changesOf(space: AddressSpace, snapshot: AddressSpace): PageChanges {
  const runs = new Runs();
  const written: number[] = [];
  for (const page of space.changedPages(snapshot)) {
    const entry = space.entry(page);
    if (isSame(space, entry, snapshot.entry(page))) continue;
    runs.add(page, kindOf(entry));
    if (entry >>> ENTRY_FRAME_SHIFT !== 0) written.push(page);
  }
  return { layout: runs.done(), bytes: takeBytes(space, written).bytes };
}

/**
 * Brings the changes that were made elsewhere into a space, which has not changed meanwhile.
 * @param changes with a layout that `isLayout` and as many bytes as `layoutBytes` says
 * @throws OutOfMemory when no frame or node is left; some of the changes are made then
 */
export function applyChanges(space: AddressSpace, { layout, bytes }: PageChanges): void {
  let next = 0;
  for (let i = 0; i < layout.length; i += RUN_WORDS) {
    const [page, count, kind] = layout.subarray(i, i + RUN_WORDS);
    const start = page * PAGE_SIZE;
    const length = count * PAGE_SIZE;
    if (kind === 0) {
      space.unmap(start, length);
      continue;
    }
    const guard = (kind & ENTRY.guard) !== 0;
    const hasBytes = (kind & HAS_BYTES) !== 0;
    for (let n = page; n < page + count; n++) {
      const isKept = hasBytes && (space.entry(n) & KIND_FLAGS) === (kind & KIND_FLAGS);
      if (!isKept) space.map(n * PAGE_SIZE, PAGE_SIZE, kind & PERMISSIONS, { guard });
    }
    if (!hasBytes) continue;
    if (space.poke(start, bytes.subarray(next, next + length)) < length) {
      throw new OutOfMemory('no frames are left for the pages of a workspace');
    }
    next += length;
  }
}

function kindOf(entry: number): number {
  return (entry & KIND_FLAGS) | (entry >>> ENTRY_FRAME_SHIFT === 0 ? 0 : HAS_BYTES);
}

/** Whether two entries of one arena allow the same and show the same bytes. */
function isSame({ arena }: AddressSpace, one: number, other: number): boolean {
  const [frame, otherFrame] = [one >>> ENTRY_FRAME_SHIFT, other >>> ENTRY_FRAME_SHIFT];
  if (((one ^ other) & KIND_FLAGS) !== 0 || frame === 0 || otherFrame === 0) return false;
  const { u32, frames } = arena;
  const [a, b] = [frames.address(frame) >>> 2, frames.address(otherFrame) >>> 2];
  for (let i = 0; i < PAGE_SIZE / 4; i++) if (u32[a + i] !== u32[b + i]) return false;
  return true;
}
