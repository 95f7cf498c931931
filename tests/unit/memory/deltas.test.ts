import { beforeEach, describe, expect, it } from 'vitest';
import { AddressSpace, Arena, READ } from '../../../emulator/memory';

const arena = Arena.create({ frames: 16, recordBytes: 0, harts: 1, nodes: 64, tablePairs: 1 });
const { deltas, u32 } = arena;
let pair: number;
beforeEach(() => {
  arena.reset();
  pair = deltas.take(1);
});

const fill = (pages: readonly number[]): void => {
  for (const page of pages) deltas.fillWrite(pair, page, 0x7000_0000);
};
const filled = (pages: readonly number[]): number[] =>
  pages.filter((page) => u32[deltas.writeTable(pair) / 4 + page] !== 0);
const row = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, n) => first + n);

describe('the list of filled deltas', () => {
  it('names every page, in whatever order they were filled', () => {
    const pages = [...row(100, 5000), 7, 6, 5, ...row(50, 3), 2 ** 20 - 1, 0, 1];
    fill(pages);
    expect(filled(pages)).toEqual(pages);
    expect(deltas.writeFills(pair)).toEqual(pages);
    deltas.withdrawWrites(pair);
    expect(filled(pages)).toEqual([]);
    expect(deltas.writeFills(pair)).toEqual([]);
  });

  it('lets a part be withdrawn, by pages or by runs', () => {
    const pages = row(100, 5000);
    fill(pages);
    deltas.withdraw(pair, 4000, 4001);
    deltas.withdraw(pair, 0, 110);
    deltas.withdraw(pair, 5000, 2 ** 20);
    expect(filled(pages)).toEqual([...row(110, 3890), ...row(4001, 999)]);
  });

  it('is written anew when it is full', () => {
    // Filled and withdrawn again and again, a page is on the list each time.
    for (let n = 0; n < 2 ** 20 + 10; n++) {
      fill([5 + 2 * (n % 2)]);
      deltas.withdrawWrite(pair, 5 + 2 * (n % 2));
    }
    fill([9, 20, 21]);
    deltas.withdrawWrites(pair);
    expect(filled(row(0, 100))).toEqual([]);
  });
});

describe('a read behind a page that was read', () => {
  const reads = (space: AddressSpace): number[] => deltas.readFills(deltas.pairOf(space.id));
  const readPage = (space: AddressSpace, page: number): unknown =>
    space.resolve(page * 4096, 'read', 1);

  beforeEach(() => deltas.giveBack(pair));

  it('fills the rest of its leaf, and at the beginning of one four leaves, but for what cannot be read', () => {
    const space = AddressSpace.create(arena);
    space.map(64 * 4096, 400 * 4096, READ);
    space.map(200 * 4096, 4096, 0);
    readPage(space, 100);
    expect(reads(space)).toEqual([100]);
    readPage(space, 101);
    expect(reads(space)).toEqual(row(100, 28));
    readPage(space, 128);
    expect(reads(space)).toEqual(row(100, 28 + 256));
    expect(u32[space.readTable / 4 + 199]).not.toBe(0);
    expect(u32[space.readTable / 4 + 200]).toBe(0);
    expect(space.resolve(200 * 4096, 'read', 1)).toMatchObject({ kind: 'protection' });
    space.destroy();
  });

  it('does not make the list longer when it was all filled before', () => {
    const space = AddressSpace.create(arena);
    space.map(64 * 4096, 64 * 4096, READ);
    readPage(space, 64);
    readPage(space, 65);
    for (let n = 0; n < 100; n++) {
      u32[space.readTable / 4 + 66] = 0;
      readPage(space, 66);
    }
    // Named by each fill of its own, without all those behind it.
    expect(reads(space).length).toBeLessThanOrEqual(64 + 100);
    space.destroy();
  });

  it('fills none where bytes are watched', () => {
    const space = AddressSpace.create(arena);
    space.map(64 * 4096, 300 * 4096, READ);
    space.watch(250 * 4096, 1, 'read');
    readPage(space, 127);
    readPage(space, 128);
    expect(reads(space)).toEqual([127, 128]);
    space.destroy();
  });
});
