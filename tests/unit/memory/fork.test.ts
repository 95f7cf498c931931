import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  AddressSpace,
  Arena,
  OutOfMemory,
  pageRuns,
  pageState,
  pageTotals,
  READ,
  WRITE,
} from '../../../emulator/memory';
import { checkTables } from '../../../emulator/memory/check';

const arena = Arena.create({
  frames: 256,
  recordBytes: 0,
  harts: 4,
  nodes: 2048,
  spaces: 40,
  tablePairs: 2,
});
let parent: AddressSpace;
const base = 0x10000;
const page = base / 4096;

beforeEach(() => {
  arena.reset();
  parent = AddressSpace.create(arena);
  parent.map(base, 16 * 4096, READ | WRITE);
  parent.map(base + 16 * 4096, 4096, 0, { guard: true });
});
afterEach(() => {
  expect(checkTables(arena)).toEqual([]);
});

describe('a fork', () => {
  it('sees what its parent wrote before and not what it writes after', () => {
    parent.writeU32(base, 1);
    const child = parent.fork();
    parent.writeU32(base, 2);
    expect([parent.readU32(base), child.readU32(base)]).toEqual([2, 1]);
    child.writeU32(base, 3);
    child.writeU32(base + 4096, 4);
    expect([parent.readU32(base), child.readU32(base)]).toEqual([2, 3]);
    expect([parent.readU32(base + 4096), child.readU32(base + 4096)]).toEqual([0, 4]);
  });

  it('takes no frame before a write', () => {
    parent.write(base, new Uint8Array(10 * 4096).fill(1));
    const children = Array.from({ length: 20 }, () => parent.fork());
    expect(arena.frames.used).toBe(10);
    children[0]?.writeU8(base, 2);
    expect(arena.frames.used).toBe(11);
    for (const child of children) child.destroy();
    expect(arena.frames.used).toBe(10);
  });

  it('withdraws the write deltas of its parent and leaves the read deltas', () => {
    parent.writeU32(base, 1);
    const word = (table: number): number => arena.u32[table / 4 + page];
    const reads = word(parent.readTable);
    parent.fork();
    expect(word(parent.readTable)).toBe(reads);
    expect(word(parent.writeTable)).toBe(0);
    parent.resolve(base, 'write', 4);
    expect(word(parent.readTable)).not.toBe(reads);
    expect(word(parent.readTable)).toBe(word(parent.writeTable));
  });

  it('gives its pages back to the parent without a copy when it ends', () => {
    parent.writeU32(base, 1);
    const child = parent.fork();
    expect(pageState(parent, page)).toBe('shared');
    child.destroy();
    expect(pageState(parent, page)).toBe('owned');
    const frames = arena.frames.used;
    parent.writeU32(base, 2);
    expect(arena.frames.used).toBe(frames);
    expect(pageState(parent, page)).toBe('owned');
  });

  it('outlives its parent', () => {
    parent.writeU32(base, 1);
    const child = parent.fork({ tables: true });
    const grandchild = child.fork();
    parent.destroy();
    child.writeU32(base, 2);
    child.destroy();
    expect(grandchild.readU32(base)).toBe(1);
    grandchild.destroy();
    expect(arena.frames.used).toBe(0);
    expect(arena.nodes.used).toBe(0);
  });

  it('shares MAP_SHARED pages for writing', () => {
    parent.map(0x80000, 2 * 4096, READ | WRITE, { shared: true });
    const child = parent.fork();
    child.writeU32(0x80000, 5);
    expect(parent.readU32(0x80000)).toBe(5);
    expect(pageState(parent, 0x80)).toBe('lent');
    parent.writeU32(0x81000, 6);
    expect(child.readU32(0x81000)).toBe(6);
  });

  it('says what is used up when there is no room for it', () => {
    for (let i = 0; i < 39; i++) parent.fork();
    expect(() => parent.fork()).toThrow(OutOfMemory);
    expect(() => parent.fork()).toThrow('all 40 address spaces are in use');
    arena.reset();
    const first = AddressSpace.create(arena);
    first.fork({ tables: true });
    expect(() => first.fork({ tables: true })).toThrow('all 2 delta table pairs are taken');
  });

  it('leaves the page as it was when the memory limit stops a copy', () => {
    arena.reset(2);
    const space = AddressSpace.create(arena);
    space.map(base, 2 * 4096, READ | WRITE);
    space.write(base, new Uint8Array(2 * 4096).fill(7));
    const child = space.fork();
    expect(child.resolve(base, 'write', 1)).toMatchObject({ kind: 'out-of-memory' });
    expect(child.readU8(base)).toBe(7);
    space.destroy();
    expect(child.resolve(base, 'write', 1)).toBeTypeOf('number');
  });
});

describe('page states', () => {
  it('are derived from counts and flags, and come as runs', () => {
    parent.write(base, new Uint8Array(4 * 4096).fill(1));
    parent.protect(base, 4096, READ);
    const child = parent.fork();
    child.writeU8(base + 4096, 2);
    child.writeU8(base + 5 * 4096, 2);
    child.install(page + 7, Uint8Array.of(1), READ);
    const [r, rw] = [READ, READ | WRITE];
    expect(pageRuns(child)).toEqual([
      { page, count: 1, state: 'shared', protection: r },
      { page: page + 1, count: 1, state: 'private', protection: rw },
      { page: page + 2, count: 2, state: 'shared', protection: rw },
      { page: page + 4, count: 1, state: 'zero', protection: rw },
      { page: page + 5, count: 1, state: 'owned', protection: rw },
      { page: page + 6, count: 1, state: 'zero', protection: rw },
      { page: page + 7, count: 1, state: 'host', protection: r },
      { page: page + 8, count: 8, state: 'zero', protection: rw },
      { page: page + 16, count: 1, state: 'guard', protection: 0 },
    ]);
    expect(pageRuns(parent).map(({ state, count }) => [state, count])).toEqual([
      ['shared', 1],
      ['owned', 1],
      ['shared', 2],
      ['zero', 12],
      ['guard', 1],
    ]);
    expect(pageTotals(pageRuns(child))).toMatchObject({
      unmapped: 2 ** 20 - 17,
      zero: 10,
      shared: 3,
      private: 1,
    });
    for (const run of pageRuns(child)) expect(pageState(child, run.page)).toBe(run.state);
    expect(pageState(child, 1)).toBe('unmapped');
  });
});
