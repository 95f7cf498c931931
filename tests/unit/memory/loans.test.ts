import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  AddressSpace,
  EXECUTE,
  OutOfMemory,
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
