import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  AddressSpace,
  OutOfMemory,
  pageDetail,
  pageRuns,
  pageState,
  READ,
  WRITE,
} from '../../../emulator/memory';
import { checkTables } from '../../../emulator/memory/check';
import { smallArena } from './small-arena';

const arena = smallArena();
const base = 0x10000;
const page = base / 4096;
const PAGES = 16;
let lender: AddressSpace;

beforeEach(() => {
  arena.reset();
  lender = AddressSpace.create(arena);
  lender.map(base, PAGES * 4096, READ | WRITE);
  lender.map(base + PAGES * 4096, 4096, 0, { guard: true });
});
afterEach(() => {
  expect(checkTables(arena)).toEqual([]);
});

const delta = (table: number, p: number): number => arena.u32[table / 4 + p];

describe('borrowers of borrowers', () => {
  it('lend from the uppermost space that shares the page', () => {
    const child = lender.forkLoan({ privateRange: [page, page + 1] });
    const grandchild = child.forkLoan();
    grandchild.writeU8(base, 1);
    grandchild.writeU8(base + 4096, 2);
    expect([child.readU8(base), lender.readU8(base)]).toEqual([1, 0]);
    expect([child.readU8(base + 4096), lender.readU8(base + 4096)]).toEqual([2, 2]);
    expect(pageDetail(grandchild, page)).toMatchObject({ state: 'borrowed', owner: child.id });
    expect(pageDetail(grandchild, page + 1)).toMatchObject({ state: 'borrowed', owner: lender.id });
    expect(pageDetail(lender, page + 1)).toMatchObject({ state: 'lent', borrowers: 2, owner: 0 });
  });

  it('adopt from the uppermost space, and what was stale for their lender is for them', () => {
    lender.writeU8(base, 1);
    const child = lender.forkLoan();
    lender.writeU8(base, 2);
    const grandchild = child.forkLoan();
    expect(grandchild.readU8(base)).toBe(1);
    expect(pageDetail(grandchild, page)).toMatchObject({ state: 'stale', owner: lender.id });
    expect(grandchild.adopt()).toBe(1);
    expect([grandchild.readU8(base), child.readU8(base)]).toEqual([2, 1]);
    grandchild.writeU8(base, 3);
    expect(child.readU8(base)).toBe(3);
  });
});

describe('a fork of a space whose pages are lent', () => {
  it('is a snapshot of them too', () => {
    const child = lender.forkLoan();
    child.writeU8(base, 1);
    const snapshots = [lender.fork(), child.fork()];
    const borrower = lender.forkLoan();
    child.writeU8(base, 2);
    expect([...snapshots, borrower].map((space) => space.readU8(base))).toEqual([1, 1, 1]);
    expect(pageState(borrower, page)).toBe('stale');
    expect(borrower.adopt()).toBe(1);
    expect(borrower.readU8(base)).toBe(2);
    expect(snapshots.map((space) => pageState(space, page))).toEqual(['private', 'private']);
  });

  it('of a borrower has what the borrower could still borrow', () => {
    const child = lender.forkLoan({ privateRange: [0x80, 0x81] });
    lender.map(0x7f000, 3 * 4096, READ | WRITE);
    lender.write(0x7f000, new Uint8Array(2 * 4096).fill(4));
    const snapshot = child.fork();
    lender.writeU8(0x7f000, 5);
    expect([0x7f000, 0x80000, 0x81000].map((at) => snapshot.readU8(at))).toEqual([4, 4, 0]);
    expect(child.readU8(0x7f000)).toBe(5);
  });

  it('copies nothing any more when the borrowers have ended', () => {
    const child = lender.forkLoan();
    for (let n = 0; n < 8; n++) child.writeU8(base + n * 4096, 1);
    expect(pageRuns(lender)[0]).toMatchObject({ count: 8, state: 'lent' });
    child.destroy();
    expect(pageRuns(lender)[0]).toMatchObject({ count: 8, state: 'owned' });
    lender.fork();
    expect(arena.frames.used).toBe(8);
    lender.writeU8(base, 2);
    expect(arena.frames.used).toBe(9);
  });

  it('copies pages in more leaves than are listed', () => {
    lender.map(0x1000000, 40 * 64 * 4096, READ | WRITE);
    const child = lender.forkLoan();
    for (let n = 0; n < 40; n++) child.writeU8(0x1000000 + n * 64 * 4096, n);
    const snapshot = lender.fork();
    for (let n = 0; n < 40; n++) child.writeU8(0x1000000 + n * 64 * 4096, 99);
    for (let n = 0; n < 40; n++) expect(snapshot.readU8(0x1000000 + n * 64 * 4096)).toBe(n);
    child.destroy();
    lender.fork();
    expect(pageDetail(lender, 0x1000)).toMatchObject({ state: 'shared', borrowers: 0 });
  });

  it('ends as if it had not begun when there is no memory for the copies', () => {
    arena.reset(3);
    lender = AddressSpace.create(arena);
    lender.map(base, 3 * 4096, READ | WRITE);
    const child = lender.forkLoan();
    child.write(base, new Uint8Array(2 * 4096).fill(1));
    expect(() => lender.fork()).toThrow(OutOfMemory);
    expect(() => lender.forkLoan()).toThrow('for a fork of pages that are lent');
    expect(arena.spaces.used).toBe(2);
  });
});

describe('a lender that keeps its write deltas', () => {
  beforeEach(() => {
    lender.write(base, new Uint8Array(3 * 4096).fill(1));
  });
  const writes = (): number[] => [0, 1, 2].map((n) => delta(lender.writeTable, page + n));

  it('has them for the frames of today when its borrowers have ended', () => {
    const before = writes();
    const children = [1, 2].map(() => lender.forkLoan({ keepWrites: true, tables: true }));
    expect(writes()).toEqual(before);
    for (const [n, child] of children.entries()) child.writeU8(base + n * 4096, 7);
    const after = writes();
    expect(after[0]).not.toBe(before[0]);
    expect(after[2]).toBe(before[2]);
    for (const child of children) child.destroy();
    expect(writes()).toEqual(after);
    expect(lender.readU8(base + 4096)).toBe(7);
  });

  it('loses them when something else shares its pages', () => {
    const child = lender.forkLoan({ keepWrites: true });
    const copy = child.fork();
    expect(writes()).toEqual([0, 0, 0]);
    child.destroy();
    lender.writeU8(base, 2);
    expect(copy.readU8(base)).toBe(1);
  });

  it('loses them when its borrower ends before the borrowers of that one', () => {
    const child = lender.forkLoan({ keepWrites: true });
    const grandchild = child.forkLoan();
    expect(writes()).not.toContain(0);
    child.destroy();
    expect(writes()).toEqual([0, 0, 0]);
    lender.writeU8(base, 2);
    expect(grandchild.readU8(base)).toBe(1);
  });
});

describe('the end of a space', () => {
  it('waits for its borrowers', () => {
    const child = lender.forkLoan();
    const grandchild = child.forkLoan();
    child.writeU8(base, 1);
    child.destroy();
    child.destroy();
    lender.destroy();
    expect(lender.readTable).toBe(0);
    expect(arena.spaces.used).toBe(3);
    grandchild.writeU8(base + 1, 2);
    grandchild.adopt();
    expect(grandchild.read(base, 2)).toEqual(Uint8Array.of(1, 2));
    grandchild.destroy();
    expect([arena.spaces.used, arena.frames.used, arena.nodes.used]).toEqual([0, 0, 0]);
  });

  it('waits for its holders', () => {
    const child = lender.forkLoan();
    child.retain();
    child.destroy();
    child.writeU8(base, 1);
    expect(lender.readU8(base)).toBe(1);
    child.destroy();
    expect(arena.spaces.used).toBe(1);
  });

  it('leaves nothing behind after 10,000 of them', () => {
    lender.writeU8(base, 1);
    for (let n = 0; n < 10000; n++) {
      const child = lender.forkLoan({
        privateRange: [page + 1, page + 2],
        keepWrites: n % 2 === 0,
      });
      child.writeU32(base, n);
      child.writeU32(base + 4096, n);
      child.destroy();
    }
    expect(lender.readU32(base)).toBe(9999);
    expect([arena.frames.used, arena.spaces.used]).toEqual([1, 1]);
  });
});

describe('a handle that was given up', () => {
  it('serves the next borrower, which has nothing of the former one', () => {
    lender.writeU8(base, 1);
    const child = lender.forkLoan({ privateRange: [page, page + 1] });
    child.hart = 2;
    child.hooks.onFirstWrite = () => undefined;
    child.watch(base, 8, 'access');
    child.writeU8(base, 2);
    const { id } = child;
    child.destroy();
    lender.giveUp(child);
    const next = lender.forkLoan();
    expect(next).toBe(child);
    expect([next.id === id, next.hart, next.isWatched, next.privateEnd]).toEqual([
      ...[false, -1, false, 0],
    ]);
    expect(next.hooks).toEqual({});
    next.writeU8(base, 3);
    expect(lender.readU8(base)).toBe(3);
  });

  it('is not used for a space in another place, nor for another lender’s', () => {
    const child = lender.forkLoan();
    child.destroy();
    const other = AddressSpace.create(arena);
    other.giveUp(child);
    lender.giveUp(child);
    expect(lender.forkLoan()).not.toBe(child);
    other.destroy();
    expect(other.isAlive).toBe(false);
  });
});

describe('a page lent by the host', () => {
  it('is written by both until it is taken back', () => {
    const other = AddressSpace.create(arena);
    other.map(0x50000, 4096, READ | WRITE);
    other.writeU8(0x50000, 9);
    lender.writeU8(base, 1);
    lender.lendPage(page, other, 0x50);
    expect(other.readU8(0x50000)).toBe(1);
    other.writeU8(0x50000, 2);
    lender.writeU8(base + 1, 3);
    expect([lender.readU8(base), other.readU8(0x50001)]).toEqual([2, 3]);
    expect(pageDetail(other, 0x50)).toMatchObject({ state: 'borrowed', owner: lender.id });
    expect(pageDetail(lender, page)).toMatchObject({ state: 'lent', borrowers: 1 });
    const snapshot = other.fork();
    lender.writeU8(base, 4);
    expect(snapshot.readU8(0x50000)).toBe(2);
    expect(other.uninstall(0x50)).toBe(true);
    expect(other.readU8(0x50000)).toBe(9);
    expect(pageState(lender, page)).toBe('owned');
  });

  it('may be read only over there, outlives its lender, and can come from a borrower', () => {
    const other = AddressSpace.create(arena);
    const child = lender.forkLoan();
    child.lendPage(page, other, page, READ);
    expect(other.writeU8(base, 1)).toBe(false);
    lender.writeU8(base, 5);
    expect(other.readU8(base)).toBe(5);
    child.destroy();
    lender.destroy();
    expect(other.readU8(base)).toBe(5);
  });

  it('must be mapped', () => {
    expect(() => lender.lendPage(1, AddressSpace.create(arena))).toThrow('is not mapped');
    expect(() => lender.forkLoan({ privateRange: [0, 2 ** 20 + 1] })).toThrow(RangeError);
  });
});
