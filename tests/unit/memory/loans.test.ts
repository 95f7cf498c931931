import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  AddressSpace,
  Arena,
  EXECUTE,
  OutOfMemory,
  pageDetail,
  pageRuns,
  pageState,
  READ,
  WRITE,
} from '../../../emulator/memory';
import { checkTables } from '../../../emulator/memory/check';

const arena = Arena.create({
  frames: 512,
  recordBytes: 0,
  harts: 4,
  nodes: 2048,
  spaces: 40,
  tablePairs: 4,
});
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
const news = (hart: number): string[] => arena.events.read(hart, 0).events.map(({ kind }) => kind);

describe('a loan', () => {
  it('makes the stores of a borrower the stores of its lender', () => {
    lender.writeU32(base, 1);
    const [one, two] = [lender.forkLoan(), lender.forkLoan()];
    one.writeU32(base, 2);
    expect([lender.readU32(base), one.readU32(base), two.readU32(base)]).toEqual([2, 2, 1]);
    lender.writeU32(base + 4, 3);
    expect(one.readU32(base + 4)).toBe(3);
    two.writeU32(base + 8, 4);
    for (const space of [lender, one, two]) {
      expect([0, 4, 8].map((at) => space.readU32(base + at))).toEqual([2, 3, 4]);
    }
    expect(arena.frames.used).toBe(1);
  });

  it('of a page that was never written gives the lender its first frame', () => {
    const child = lender.forkLoan();
    child.writeU8(base + 4096, 7);
    expect(lender.readU8(base + 4096)).toBe(7);
    expect(arena.frames.used).toBe(1);
  });

  it('gives both sides deltas, so that later stores need no help', () => {
    lender.writeU32(base, 1);
    const child = lender.forkLoan({ tables: true });
    expect(delta(lender.writeTable, page)).toBe(0);
    child.readU32(base);
    child.writeU32(base, 2);
    const to = delta(child.writeTable, page);
    expect(to).not.toBe(0);
    expect(
      [lender.readTable, lender.writeTable, child.readTable].map((table) => delta(table, page)),
    ).toEqual([to, to, to]);
  });

  it('leaves the private range alone', () => {
    lender.writeU32(base, 1);
    lender.writeU32(base + 4096, 1);
    const child = lender.forkLoan({ privateRange: [page + 1, page + 3] });
    child.writeU32(base + 4096, 2);
    child.writeU32(base + 2 * 4096, 2);
    expect([lender.readU32(base + 4096), lender.readU32(base + 2 * 4096)]).toEqual([1, 0]);
    lender.writeU32(base + 4096, 5);
    child.adopt();
    expect(child.readU32(base + 4096)).toBe(2);
    child.writeU32(base, 3);
    expect(lender.readU32(base)).toBe(3);
  });

  it('does not let a borrower write what the lender may only read', () => {
    lender.protect(base, 4096, READ);
    const child = lender.forkLoan();
    expect(child.resolve(base, 'write', 4)).toMatchObject({ kind: 'protection' });
    expect(child.resolve(base, 'read', 4, true)).toBeTypeOf('number');
    expect(arena.frames.used).toBe(0);
  });

  it('comes first when a borrower loads with reservation', () => {
    lender.writeU32(base, 1);
    const child = lender.forkLoan({ tables: true });
    lender.writeU32(base, 2);
    expect(child.readU32(base)).toBe(1);
    const at = child.resolve(base, 'read', 4, true);
    expect(arena.u32[Number(at) / 4]).toBe(2);
    expect(pageState(child, page)).toBe('borrowed');
  });
});

describe('a borrower that has not written a page', () => {
  it('sees it as it was at the fork until it adopts', () => {
    lender.writeU32(base, 1);
    const child = lender.forkLoan({ tables: true });
    child.readU32(base);
    child.readU32(base + 4096);
    lender.writeU32(base, 2);
    lender.writeU32(base + 4096, 3);
    expect([child.readU32(base), child.readU32(base + 4096)]).toEqual([1, 0]);
    expect(child.adopt()).toBe(2);
    expect([child.readU32(base), child.readU32(base + 4096)]).toEqual([2, 3]);
    lender.writeU32(base, 4);
    expect(child.readU32(base)).toBe(4);
    expect(child.adopt()).toBe(0);
  });

  it('adopts what other borrowers wrote', () => {
    const [one, two] = [lender.forkLoan(), lender.forkLoan()];
    one.writeU32(base, 9);
    expect(two.readU32(base)).toBe(0);
    expect(two.adopt()).toBe(1);
    expect(two.readU32(base)).toBe(9);
    expect(one.adopt()).toBe(0);
  });

  it('adopts more pages than the log holds', () => {
    lender.map(0x100000, 300 * 4096, READ | WRITE);
    const child = lender.forkLoan({ privateRange: [0x100, 0x100 + 50] });
    for (let n = 0; n < 300; n++) lender.writeU32(0x100000 + n * 4096, n + 1);
    expect(child.adopt()).toBe(250);
    for (let n = 0; n < 300; n++) {
      expect(child.readU32(0x100000 + n * 4096)).toBe(n < 50 ? 0 : n + 1);
    }
  });

  it('is told what it can no longer see, when there is no memory to adopt it', () => {
    arena.reset(2);
    lender = AddressSpace.create(arena);
    lender.map(base, 2 * 4096, READ | WRITE);
    const child = lender.forkLoan();
    lender.writeU32(base, 1);
    const other = lender.fork();
    other.writeU32(base, 2);
    const third = lender.fork();
    expect(() => child.adopt()).toThrow(OutOfMemory);
    third.destroy();
    expect(child.adopt()).toBe(1);
  });

  it('has the records of an adopted page taken back', () => {
    lender.protect(base, 4096, READ | WRITE | EXECUTE);
    const child = lender.forkLoan();
    const changed: number[] = [];
    child.hooks = { onCodeChanged: (p) => changed.push(p) };
    child.markCode(page);
    lender.writeU32(base, 1);
    expect(changed).toEqual([]);
    child.adopt();
    expect(changed).toEqual([page]);
  });
});

describe('a page mapped after the fork', () => {
  it('is borrowed at the first touch', () => {
    const child = lender.forkLoan({ tables: true });
    child.hart = 1;
    lender.map(0x80000, 2 * 4096, READ | WRITE | EXECUTE);
    expect(child.resolve(0x80000, 'execute', 4)).toBeTypeOf('number');
    expect(child.readU32(0x81000)).toBe(0);
    lender.writeU32(0x80000, 5);
    lender.writeU32(0x81000, 6);
    expect([child.readU32(0x80000), child.readU32(0x81000)]).toEqual([5, 6]);
    child.writeU32(0x81000, 7);
    expect(lender.readU32(0x81000)).toBe(7);
    expect(news(1).filter((kind) => kind !== 'copy')).toEqual(['late-borrow', 'late-borrow']);
  });

  it('is copied in the private range', () => {
    const child = lender.forkLoan({ privateRange: [0x80, 0x82] });
    lender.map(0x80000, 2 * 4096, READ | WRITE);
    lender.writeU32(0x80000, 5);
    expect([child.readU32(0x80000), child.readU32(0x81000)]).toEqual([5, 0]);
    lender.writeU32(0x80000, 6);
    child.writeU32(0x81000, 7);
    expect([child.readU32(0x80000), lender.readU32(0x81000)]).toEqual([5, 0]);
  });
});

describe('memory calls', () => {
  it('of a lender take the pages of borrowers and of snapshots', () => {
    lender.write(base, new Uint8Array(4 * 4096).fill(1));
    const child = lender.forkLoan({ tables: true, privateRange: [page + 3, page + 4] });
    const grandchild = child.forkLoan({ tables: true });
    child.writeU8(base, 2);
    grandchild.writeU8(base + 4096, 2);
    for (const space of [child, grandchild])
      for (let n = 0; n < 4; n++) space.readU8(base + n * 4096);
    lender.protect(base + 4096, 4096, READ);
    expect(grandchild.writeU8(base + 4096, 3)).toBe(false);
    lender.unmap(base, 4 * 4096);
    for (const space of [child, grandchild]) {
      expect([0, 1, 2, 3].map((n) => space.readU8(base + n * 4096))).toEqual([
        undefined,
        undefined,
        undefined,
        1,
      ]);
      expect(delta(space.readTable, page)).toBe(0);
      expect(delta(space.writeTable, page)).toBe(0);
    }
    lender.map(base, 4096, READ | WRITE);
    lender.writeU8(base, 9);
    expect(grandchild.readU8(base)).toBe(9);
  });

  it('of a borrower act on its lender, but for its private range', () => {
    const child = lender.forkLoan({ privateRange: [0x80, 0x84] });
    child.map(0x7e000, 4 * 4096, READ | WRITE);
    expect(child.writeU8(0x7f000, 1)).toBe(true);
    expect(child.writeU8(0x80000, 1)).toBe(true);
    expect([lender.readU8(0x7f000), lender.readU8(0x80000)]).toEqual([1, undefined]);
    expect(child.protect(0x7e000, 4 * 4096, READ)).toBe(true);
    expect(lender.isWritable(0x7f000, 1)).toBe(false);
    child.unmap(0x7e000, 4 * 4096);
    expect(lender.readU8(0x7f000)).toBeUndefined();
    expect(child.lender?.id).toBe(lender.id);
  });

  it('find no gap in a private range of the family', () => {
    const child = lender.forkLoan({ privateRange: [0xfe, 0x100] });
    const grandchild = child.forkLoan({ privateRange: [0xfa, 0xfb] });
    for (const space of [lender, child, grandchild]) {
      expect(space.findGap(4096, 0x80000, 0x100000)).toBe(0xfd000);
      expect(space.findGap(3 * 4096, 0x80000, 0x100000)).toBe(0xfb000);
      expect(space.findGap(4 * 4096, 0x80000, 0x100000)).toBe(0xf6000);
    }
    expect(lender.findGap(2 * 4096, 0xfe000, 0x100000)).toBe(0);
  });

  it("of a borrower that unmaps a part of its private range do not bring the lender's pages there", () => {
    lender.writeU8(base, 1);
    const child = lender.forkLoan({ privateRange: [page, page + 1] });
    child.unmap(base, 4096);
    expect(child.readU8(base)).toBeUndefined();
    expect(lender.readU8(base)).toBe(1);
  });

  it('that install pages are followed by borrowers', () => {
    lender.writeU8(base, 1);
    const child = lender.forkLoan();
    const other = lender.forkLoan();
    child.writeU8(base, 2);
    lender.install(page, Uint8Array.of(5), READ | WRITE);
    expect([child.readU8(base), other.readU8(base)]).toEqual([5, 5]);
    child.writeU8(base, 6);
    expect(lender.readU8(base)).toBe(6);
    lender.uninstall(page);
    expect([lender, child, other].map((space) => space.readU8(base))).toEqual([2, 2, 2]);
  });

  it('that install a page in a borrower leave the lender alone', () => {
    const child = lender.forkLoan();
    child.install(page, Uint8Array.of(5), READ | WRITE);
    child.writeU8(base + 1, 6);
    lender.writeU8(base, 7);
    expect(child.adopt()).toBe(0);
    expect(child.read(base, 2)).toEqual(Uint8Array.of(5, 6));
    expect(lender.readU8(base + 1)).toBe(0);
    child.uninstall(page);
    expect(child.readU8(base)).toBe(0);
    child.adopt();
    expect(child.readU8(base)).toBe(7);
  });
});

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
