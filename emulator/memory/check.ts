import type { Arena } from './arena';
import { ENTRY_FRAME_SHIFT, NODE_ENTRIES } from './arena-layout';
import { AddressSpace } from './address-space';
import { PAGE_COUNT, PAGE_SIZE } from './layout';
import { ENTRY, ENTRY_WRITTEN_TOGETHER } from './page-entry';
import { LEAF_SHIFT, TOP_ENTRIES } from './page-table';
import { LOG_PAGES, SPACE, TOGETHER_LEAVES } from './spaces';

/**
 * Checks the arena's memory structures against each other while nobody uses them: reference counts equal
 * references, nothing is lost, every delta says what the page tables say, every loan is the owner's frame.
 * @param held frames that someone else holds one reference of (an embedder's, not yet installed)
 * @returns what is wrong, in words; empty when all is well
 */
export function checkTables(arena: Arena, held: readonly number[] = []): string[] {
  const problems: string[] = [];
  const nodes = new Map<number, number>();
  const frames = new Map<number, number>();
  const count = (map: Map<number, number>, key: number): number => {
    const references = (map.get(key) ?? 0) + 1;
    map.set(key, references);
    return references;
  };
  const { u32 } = arena;

  const countFrames = (leaf: number): void => {
    for (let i = 0; i < NODE_ENTRIES; i++) {
      const frame = u32[arena.nodes.word(leaf) + i] >>> ENTRY_FRAME_SHIFT;
      if (frame !== 0) count(frames, frame);
    }
  };
  const countLeaves = (middle: number): void => {
    for (let i = 0; i < NODE_ENTRIES; i++) {
      const leaf = u32[arena.nodes.word(middle) + i];
      if (leaf !== 0 && count(nodes, leaf) === 1) countFrames(leaf);
    }
  };

  for (const frame of held) count(frames, frame);
  for (const entry of arena.installs.entries()) {
    if (entry >>> ENTRY_FRAME_SHIFT !== 0) count(frames, entry >>> ENTRY_FRAME_SHIFT);
  }
  for (const id of arena.spaces.ids()) {
    const space = AddressSpace.attach(arena, id);
    const top = space.topTable;
    for (let i = 0; i < TOP_ENTRIES; i++) {
      const middle = u32[top + i];
      const isMarked = (u32[top - TOP_ENTRIES / 32 + (i >>> 5)] & (1 << (i & 31))) !== 0;
      if ((middle !== 0) !== isMarked) problems.push(`space ${id}: wrong mark for top entry ${i}`);
      if (middle !== 0 && count(nodes, middle) === 1) countLeaves(middle);
    }
    for (const frame of space.watchFrames) count(frames, frame);
    problems.push(...checkDeltas(arena, space), ...checkLoans(arena, space));
  }

  for (const [node, references] of nodes) {
    const counted = arena.nodes.references(node);
    if (counted !== references) {
      problems.push(`node ${node}: ${references} references, counted ${counted}`);
    }
  }
  for (const [frame, references] of frames) {
    const counted = arena.frames.references(frame);
    if (counted !== references) {
      problems.push(`frame ${frame}: ${references} references, counted ${counted}`);
    }
  }
  if (arena.nodes.used !== nodes.size) {
    problems.push(`${arena.nodes.used} nodes in use, ${nodes.size} referred to`);
  }
  if (arena.frames.used !== frames.size) {
    problems.push(`${arena.frames.used} frames in use, ${frames.size} referred to`);
  }
  for (const free of arena.frames.freed()) {
    if (frames.has(free)) problems.push(`frame ${free} is free and referred to`);
    if (arena.frames.references(free) !== 0) problems.push(`frame ${free} is free and counted`);
  }
  if (new Set(arena.frames.freed()).size !== arena.frames.freed().length) {
    problems.push('a frame was freed twice');
  }
  for (const frame of [0, 1]) {
    const at = arena.frames.address(frame);
    if (u32.subarray(at >>> 2, (at + PAGE_SIZE) >>> 2).some((word) => word !== 0)) {
      problems.push(`zero frame ${frame} was written`);
    }
  }
  return problems;
}

/** A space's place in its family, and that every loan is the owner's frame and can be found. */
function checkLoans(arena: Arena, space: AddressSpace): string[] {
  const problems: string[] = [];
  const { u32, pageTable, frames } = arena;
  const base = arena.spaces.find(space.id);
  const field = (at: number, offset: number): number => u32[(at + offset) >>> 2];
  const lender = field(base, SPACE.lender);
  const listed = borrowersOf(arena, base);
  if (lender !== 0 && !borrowersOf(arena, lender).includes(base)) {
    problems.push(`space ${space.id}: its lender does not know it`);
  }
  let kept = 0;
  for (const [n, borrower] of listed.entries()) {
    const isLinked = field(borrower, SPACE.previousBorrower) === (n === 0 ? 0 : listed[n - 1]);
    const isOfFamily = field(borrower, SPACE.root) === field(base, SPACE.root);
    if (!isLinked || !isOfFamily || field(borrower, SPACE.lender) !== base) {
      problems.push(`space ${space.id}: the list of its borrowers is broken`);
    }
    kept += field(borrower, SPACE.keepsWrites);
  }
  if (kept !== field(base, SPACE.keptFor)) problems.push(`space ${space.id}: wrong count of kept`);
  if (field(base, SPACE.holders) === 0 && listed.length === 0) {
    problems.push(`space ${space.id}: nobody holds it`);
  }

  const count = field(base, SPACE.togetherCount);
  const leaves = u32.subarray((base + SPACE.together) >>> 2).subarray(0, count);
  const root = field(base, SPACE.root);
  const seen = lender === 0 ? field(root, SPACE.epoch) : field(base, SPACE.seen);
  const news = (field(root, SPACE.epoch) - seen) >>> 0;
  const log = Array.from({ length: Math.min(news, LOG_PAGES) }, (_, n) =>
    field(root, SPACE.log + 4 * ((seen + n) % LOG_PAGES)),
  );
  pageTable.visit(space.topTable, 0, PAGE_COUNT, (leaf, page, first, last, isShared) => {
    for (let i = first; i <= last; i++) {
      const entry = u32[leaf + i];
      const where = `space ${space.id}, page 0x${(page + i).toString(16)}`;
      if (space.isStale(page + i, entry) && news <= LOG_PAGES && !log.includes(page + i)) {
        problems.push(`${where}: stale, and adopt would not find it`);
      }
      if ((entry & (ENTRY.lent | ENTRY.borrowed)) === 0) continue;
      const frame = entry >>> ENTRY_FRAME_SHIFT;
      if (isShared) problems.push(`${where}: lent or borrowed in a shared leaf`);
      if (count <= TOGETHER_LEAVES && !leaves.includes((page + i) >>> LEAF_SHIFT)) {
        problems.push(`${where}: lent or borrowed and not listed`);
      }
      if ((entry & ENTRY.lent) !== 0 && (frame === 0 || frames.references(frame) === 0)) {
        problems.push(`${where}: lent without a frame`);
      }
      if ((entry & ENTRY.borrowed) === 0 || arena.installs.has(space.id, page + i)) continue;
      const owner = space.pageOwner(page + i);
      const owned = owner === 0 ? 0 : AddressSpace.attach(arena, owner).entry(page + i);
      if (owned >>> ENTRY_FRAME_SHIFT !== frame) problems.push(`${where}: not its owner's frame`);
      if ((owned & ENTRY.lent) === 0) problems.push(`${where}: borrowed and not lent`);
    }
  });
  return problems;
}

/** Descriptors of the spaces that borrow from the one at `base`; at most as many as there are spaces. */
function borrowersOf(arena: Arena, base: number): number[] {
  const list: number[] = [];
  let next = arena.u32[(base + SPACE.firstBorrower) >>> 2];
  for (; next !== 0 && list.length <= arena.counts.spaces;) {
    list.push(next);
    next = arena.u32[(next + SPACE.nextBorrower) >>> 2];
  }
  return list;
}

/** Entries of a delta table that take as many bytes as a frame. */
const BLOCK = PAGE_SIZE / 4;

/** Pages of which one of the delta tables may have an entry: nearly all of them are empty, and skipped by the block. */
function* pagesInUse({ bulk, frames }: Arena, tables: readonly number[]): Generator<number> {
  const zero = frames.address(0);
  for (let first = 0, end = PAGE_COUNT; first < end; first += BLOCK) {
    if (tables.every((table) => bulk.equal(table + 4 * first, zero, PAGE_SIZE) !== 0)) continue;
    for (let page = first; page < first + BLOCK; page++) yield page;
  }
}

function checkDeltas(arena: Arena, space: AddressSpace): string[] {
  const problems: string[] = [];
  if (space.readTable === 0) return problems;
  const { u32, frames, pageTable } = arena;
  const pair = arena.deltas.pairOf(space.id);
  const expected = (page: number, address: number): number => (address - page * PAGE_SIZE) >>> 0;
  const listed = {
    read: new Set(arena.deltas.readFills(pair)),
    write: new Set(arena.deltas.writeFills(pair)),
  };
  const [reads, writes] = [space.readTable >>> 2, space.writeTable >>> 2];
  for (const page of pagesInUse(arena, [space.readTable, space.writeTable])) {
    const read = u32[reads + page];
    const write = u32[writes + page];
    if (read === 0 && write === 0) continue;
    const where = `space ${space.id}, page 0x${page.toString(16)}`;
    const entry = space.entry(page);
    const frame = entry >>> ENTRY_FRAME_SHIFT;
    const address = frame === 0 ? frames.zeroFor(page) : frames.address(frame);
    if (read !== 0) {
      if (!listed.read.has(page)) problems.push(`${where}: read delta is not listed`);
      if ((entry & ENTRY.read) === 0) problems.push(`${where}: read delta without permission`);
      if (read !== expected(page, address)) problems.push(`${where}: read delta of another frame`);
    }
    if (write !== 0) {
      if (!listed.write.has(page)) problems.push(`${where}: write delta is not listed`);
      if ((entry & ENTRY.write) === 0) problems.push(`${where}: write delta without permission`);
      if (write !== expected(page, address))
        problems.push(`${where}: write delta of another frame`);
      if ((entry & ENTRY.code) !== 0) problems.push(`${where}: write delta on code`);
      if ((entry & ENTRY.dirty) === 0) problems.push(`${where}: write delta on a clean page`);
      if (frame === 0) problems.push(`${where}: write delta to a zero frame`);
      const isLoan = (entry & (ENTRY.borrowed | ENTRY.shared)) !== 0;
      const lender = space.pageOwner(page);
      if (lender !== 0 && !isLoan) problems.push(`${where}: write delta without a loan`);
      const isTogether = (entry & ENTRY_WRITTEN_TOGETHER) !== 0;
      const isKept = u32[(arena.spaces.find(space.id) + SPACE.keptFor) >>> 2] > 0;
      if (
        !isKept &&
        (pageTable.pathShared(space.topTable, page) ||
          (!isTogether && frames.references(frame) > 1))
      ) {
        problems.push(`${where}: write delta on a shared page`);
      }
    }
  }
  return problems;
}
