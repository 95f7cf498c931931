import type { Arena } from './arena';
import { ENTRY_FRAME_SHIFT, NODE_ENTRIES } from './arena-layout';
import { AddressSpace } from './address-space';
import { PAGE_COUNT, PAGE_SIZE } from './layout';
import { ENTRY, ENTRY_WRITTEN_TOGETHER, TOP_ENTRIES } from './page-table';

/**
 * Checks the arena's memory structures against each other while nobody uses them: reference counts equal
 * references, nothing is lost, every delta says what the page tables say.
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
    problems.push(...checkDeltas(arena, space));
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
  for (let page = 0; page < PAGE_COUNT; page++) {
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
      const isTogether = (entry & ENTRY_WRITTEN_TOGETHER) !== 0;
      if (
        pageTable.pathShared(space.topTable, page) ||
        (!isTogether && frames.references(frame) > 1)
      ) {
        problems.push(`${where}: write delta on a shared page`);
      }
    }
  }
  return problems;
}
