import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AddressSpace, OutOfMemory, pageState, READ, WRITE } from '../../../emulator/memory';
import { checkTables } from '../../../emulator/memory/check';
import { smallArena } from './small-arena';

const arena = smallArena();
const base = 0x10000;
const page = base / 4096;
const PAGES = 6;
let target: AddressSpace;

beforeEach(() => {
  arena.reset();
  target = AddressSpace.create(arena);
  target.map(base, PAGES * 4096, READ | WRITE);
});
afterEach(() => {
  expect(checkTables(arena)).toEqual([]);
});

const nothing = { pages: 0, bytes: 0, conflictCount: 0, conflicts: [] };

describe('a merge', () => {
  it('brings in what only the child has written, byte by byte', () => {
    target.write(base, Uint8Array.of(1, 2, 3, 4));
    const snapshot = target.fork();
    const child = snapshot.fork();
    child.writeU8(base + 1, 20);
    child.writeU8(base + 4096, 9);
    target.writeU8(base + 2, 30);
    expect(target.merge(child, snapshot)).toEqual({ ...nothing, pages: 2, bytes: 2 });
    expect(target.read(base, 4)).toEqual(Uint8Array.of(1, 20, 30, 4));
    expect(target.readU8(base + 4096)).toBe(9);
    expect(snapshot.read(base, 4)).toEqual(Uint8Array.of(1, 2, 3, 4));
  });

  it('takes the frame of a page that the target has not written', () => {
    target.writeU8(base, 1);
    const snapshot = target.fork();
    const child = snapshot.fork({ tables: true });
    child.writeU8(base, 2);
    const frames = arena.frames.used;
    target.merge(child, snapshot);
    expect(arena.frames.used).toBe(frames);
    for (const space of [child, snapshot]) space.destroy();
    expect(arena.frames.used).toBe(1);
    expect(pageState(target, page)).toBe('owned');
    target.writeU8(base, 3);
    expect(arena.frames.used).toBe(1);
  });

  it('reports bytes that two have written to different values, and keeps the first', () => {
    target.write(base, Uint8Array.of(1, 1, 1, 1));
    const snapshot = target.fork();
    const [one, two] = [snapshot.fork(), snapshot.fork()];
    one.write(base, Uint8Array.of(5, 6, 1, 7));
    two.write(base, Uint8Array.of(5, 8, 9, 1));
    expect(target.merge(one, snapshot).conflictCount).toBe(0);
    expect(target.merge(two, snapshot)).toEqual({
      pages: 1,
      bytes: 1,
      conflictCount: 1,
      conflicts: [{ address: base + 1, target: 6, child: 8, base: 1 }],
    });
    expect(target.read(base, 4)).toEqual(Uint8Array.of(5, 6, 9, 7));
  });

  it('counts all conflicts and lists as many as asked for', () => {
    const snapshot = target.fork();
    const child = snapshot.fork();
    child.write(base, new Uint8Array(2 * 4096).fill(1));
    target.write(base, new Uint8Array(2 * 4096).fill(2));
    const { conflictCount, conflicts } = target.merge(child, snapshot, { listed: 3 });
    expect(conflictCount).toBe(8192);
    expect(conflicts.map(({ address }) => address - base)).toEqual([0, 1, 2]);
  });

  it('leaves out a range', () => {
    const snapshot = target.fork();
    const child = snapshot.fork();
    child.writeU8(base, 1);
    child.writeU8(base + 4096, 1);
    const result = target.merge(child, snapshot, { except: [page + 1, page + 2] });
    expect(result).toEqual({ ...nothing, pages: 1, bytes: 1 });
    expect(target.readU8(base + 4096)).toBe(0);
  });

  it('brings in what the child mapped, unmapped and protected', () => {
    target.write(base, new Uint8Array(PAGES * 4096).fill(1));
    const snapshot = target.fork();
    const child = snapshot.fork();
    child.map(0x80000, 2 * 4096, READ | WRITE);
    child.writeU32(0x80000, 7);
    child.unmap(base, 2 * 4096);
    child.protect(base + 2 * 4096, 2 * 4096, READ);
    target.writeU8(base + 4096, 2);
    target.writeU8(base + 3 * 4096, 2);
    expect(target.merge(child, snapshot)).toEqual({ ...nothing, pages: 6, bytes: 1 });
    expect(target.readU32(0x80000)).toBe(7);
    expect(target.writeU32(0x81000, 8)).toBe(true);
    expect([target.readU8(base), target.readU8(base + 4096)]).toEqual([undefined, 2]);
    expect(target.isWritable(base + 2 * 4096, 1)).toBe(false);
    expect(target.isWritable(base + 3 * 4096, 1)).toBe(false);
    expect(target.readU8(base + 3 * 4096)).toBe(2);
  });

  it('into a borrower stores through its loans', () => {
    target.writeU8(base, 1);
    const vcpu = target.forkLoan();
    const snapshot = vcpu.fork();
    const child = snapshot.fork();
    child.writeU8(base, 2);
    child.map(0x80000, 4096, READ | WRITE);
    child.writeU8(0x80000, 3);
    vcpu.merge(child, snapshot);
    expect([target.readU8(base), target.readU8(0x80000)]).toEqual([2, 3]);
    expect(vcpu.readU8(0x80000)).toBe(3);
  });

  it('makes pages stale for the borrowers of the target', () => {
    const snapshot = target.fork();
    const child = snapshot.fork();
    const vcpu = target.forkLoan();
    child.writeU8(base, 2);
    target.merge(child, snapshot);
    expect(vcpu.readU8(base)).toBe(0);
    expect(vcpu.adopt()).toBe(1);
    expect(vcpu.readU8(base)).toBe(2);
  });

  it('says when there is no room for it', () => {
    arena.reset(2);
    const space = AddressSpace.create(arena);
    space.map(base, 4096, READ | WRITE);
    const snapshot = space.fork();
    const child = snapshot.fork();
    child.writeU8(base, 1);
    space.writeU8(base, 2);
    const last = space.fork();
    expect(() => space.merge(child, snapshot)).toThrow(OutOfMemory);
    expect([space.readU8(base), last.readU8(base)]).toEqual([2, 2]);
  });

  it('does what a comparison byte by byte does', () => {
    const write = fc.record({
      by: fc.nat(3),
      at: fc.oneof(fc.nat(40), fc.nat(2 * 4096 - 9)),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 9, max: 2 }),
    });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 12 }), fc.array(write), (before, after) => {
        arena.reset();
        const main = AddressSpace.create(arena);
        main.map(base, 2 * 4096, READ | WRITE);
        for (const { at, bytes } of before) main.write(base + at, bytes);
        const snapshot = main.fork();
        const spaces = [main, snapshot.fork(), snapshot.fork(), snapshot.fork()];
        const first = snapshot.peek(base, 2 * 4096);
        for (const { by, at, bytes } of after) spaces[by]?.write(base + at, bytes);
        const expected = main.peek(base, 2 * 4096);
        for (const child of spaces.slice(1)) {
          const theirs = child.peek(base, 2 * 4096);
          const conflicts: number[] = [];
          let taken = 0;
          for (const [i, byte] of theirs.entries()) {
            if (byte === first[i]) continue;
            if (expected[i] === first[i]) {
              expected[i] = byte;
              taken += 1;
            } else if (expected[i] !== byte) conflicts.push(base + i);
          }
          const result = main.merge(child, snapshot, { listed: 10000 });
          expect(result.conflicts.map(({ address }) => address)).toEqual(conflicts);
          expect([result.conflictCount, result.bytes]).toEqual([conflicts.length, taken]);
        }
        expect(Buffer.compare(main.peek(base, 2 * 4096), expected)).toBe(0);
        expect(checkTables(arena)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the pages that differ between two spaces', () => {
  it('are those with another frame, protection or mapping', () => {
    target.write(base, new Uint8Array(PAGES * 4096).fill(1));
    const child = target.fork();
    child.writeU8(base + 4096, 2);
    child.protect(base + 3 * 4096, 4096, READ);
    child.unmap(base + 5 * 4096, 4096);
    child.map(0x80000, 4096, READ);
    child.markCode(page + 2);
    expect(child.changedPages(target)).toEqual([page + 1, page + 3, page + 5, 0x80]);
  });
});
