import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AddressSpace, Arena, EXECUTE, PAGE_SIZE, READ, WRITE } from '../../../emulator/memory';
import { checkTables } from '../../../emulator/memory/check';
import { OutOfMemory } from '../../../emulator/memory/errors';
import {
  applyChanges,
  changesOf,
  isAbsent,
  isLayout,
  layoutBytes,
  layoutOf,
  layoutPages,
  layoutSince,
  mapLayout,
  supply,
  takeBytes,
  touchesCode,
} from '../../../emulator/memory/travel';

const arena = (frames = 256): Arena =>
  Arena.create({ frames, nodes: 512, spaces: 16, harts: 1, recordBytes: 0, codeTables: 0 });
const page = (n: number): number => n * PAGE_SIZE;

/** A space with pages 16 to 19, of which 16 and 18 are written, a guard page 30 and a page 40 for reading. */
function example(): AddressSpace {
  const space = AddressSpace.create(arena(), { tables: false });
  space.map(page(16), page(4), READ | WRITE);
  space.map(page(30), page(1), 0, { guard: true });
  space.map(page(40), page(1), READ);
  space.poke(page(16), Uint8Array.of(1, 2, 3));
  space.poke(page(18), Uint8Array.of(4, 5, 6));
  space.poke(page(40), Uint8Array.of(7));
  return space;
}

/** The same in another arena, all bytes there. */
function rebuilt(space: AddressSpace, frames?: number): AddressSpace {
  const copy = AddressSpace.create(arena(frames), { tables: false });
  mapLayout(copy, layoutOf(space)!);
  supply([copy], takeBytes(space, [16, 18, 40]));
  return copy;
}

describe('pages that travel', () => {
  test('a layout says what is mapped, and which pages have bytes', () => {
    const layout = layoutOf(example())!;
    expect([...layout]).toEqual([
      ...[16, 1, 8 + 3 + 32],
      ...[17, 1, 8 + 3],
      ...[18, 1, 8 + 3 + 32],
      ...[19, 1, 8 + 3],
      ...[30, 1, 8 + 16],
      ...[40, 1, 8 + 1 + 32],
    ]);
    expect(isLayout(layout)).toBe(true);
    expect(layoutBytes(layout)).toBe(3 * PAGE_SIZE);
  });

  test('a page that others write as well keeps a space where it is', () => {
    const space = example();
    space.map(page(50), page(1), READ | WRITE, { shared: true });
    expect(layoutOf(space.fork())).toBeUndefined();
  });

  test('pages with bytes are absent until they come: no access, and no gap for a mapping', () => {
    const copy = AddressSpace.create(arena(), { tables: false });
    const space = example();
    mapLayout(copy, layoutOf(space)!);
    expect([15, 16, 17, 18, 40].map((n) => isAbsent(copy, n))).toEqual([
      false,
      true,
      false,
      true,
      true,
    ]);
    expect(copy.read(page(16), 1)).toHaveLength(0);
    expect(copy.findGap(page(5), page(15), page(21))).toBe(0);
    supply([copy], takeBytes(space, [16]));
    expect([...copy.read(page(16), 3)]).toEqual([1, 2, 3]);
    expect(checkTables(copy.arena)).toEqual([]);
  });

  test('a page that comes late counts as unchanged in the fork that waited for it', () => {
    const space = example();
    const snapshot = AddressSpace.create(arena(), { tables: false });
    mapLayout(snapshot, layoutOf(space)!);
    const fork = snapshot.fork();
    supply([snapshot, fork], takeBytes(space, [16, 18]));
    expect(changesOf(fork, snapshot)).toEqual({
      layout: new Uint32Array(),
      bytes: new Uint8Array(),
    });
    fork.write(page(18), Uint8Array.of(9));
    expect([...snapshot.read(page(18), 3)]).toEqual([4, 5, 6]);
    const { layout, bytes } = changesOf(fork, snapshot);
    expect([...layout]).toEqual([18, 1, 8 + 3 + 32]);
    expect([...bytes.subarray(0, 3)]).toEqual([9, 5, 6]);
    expect(checkTables(snapshot.arena)).toEqual([]);
  });

  test('a later state is made of an earlier one by what differs', () => {
    const space = example();
    const before = space.fork();
    const copy = rebuilt(before);
    space.poke(page(17), Uint8Array.of(8));
    space.poke(page(18), Uint8Array.of(9));
    space.unmap(page(40), page(1));
    space.map(page(50), page(1), READ | WRITE);
    const layout = layoutSince(space, before)!;
    expect(layoutPages(layout)).toEqual([17, 18, 40, 50]);
    mapLayout(copy, layout);
    expect([16, 17, 18].map((n) => isAbsent(copy, n))).toEqual([false, true, true]);
    supply([copy], takeBytes(space, [17, 18]));
    expect(contents(copy)).toEqual(contents(space));
    expect(checkTables(copy.arena)).toEqual([]);
    space.map(page(51), page(1), READ | WRITE, { shared: true });
    expect(layoutSince(space, before)).toBeUndefined();
  });

  test('changes of pages that can be executed are told from others', () => {
    const space = example();
    space.map(page(20), page(1), READ | EXECUTE);
    const [data, code] = [space.fork(), space.fork()];
    data.poke(page(16), Uint8Array.of(7));
    code.poke(page(20), Uint8Array.of(7));
    expect(touchesCode(space, layoutSince(data, space)!)).toBe(false);
    expect(touchesCode(space, layoutSince(code, space)!)).toBe(true);
  });

  test('a page written with what it had is not sent back', () => {
    const snapshot = rebuilt(example());
    const fork = snapshot.fork();
    fork.write(page(16), Uint8Array.of(1, 2));
    expect(changesOf(fork, snapshot).layout).toHaveLength(0);
  });

  test('whatever a fork does elsewhere, its changes make the same of the original’s fork', () => {
    const step = fc.record({
      at: fc.integer({ min: 15, max: 45 }),
      count: fc.integer({ min: 1, max: 4 }),
      does: fc.constantFrom('write', 'map', 'unmap', 'read-only'),
      value: fc.integer({ min: 0, max: 255 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const original = example();
        const snapshot = rebuilt(original);
        const [near, far, there] = [original.fork(), original.fork(), snapshot.fork()];
        for (const { at, count, does, value } of steps) {
          for (const space of [near, there]) {
            if (does === 'write') space.poke(page(at) + value, Uint8Array.of(value, value));
            else if (does === 'unmap') space.unmap(page(at), page(count));
            else space.map(page(at), page(count), does === 'map' ? READ | WRITE : READ);
          }
        }
        applyChanges(far, changesOf(there, snapshot));
        expect(contents(far)).toEqual(contents(near));
        expect(checkTables(original.arena)).toEqual([]);
        expect(checkTables(snapshot.arena)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test('no room for what comes is said, and breaks nothing', () => {
    const small = AddressSpace.create(arena(1), { tables: false });
    const space = example();
    mapLayout(small, layoutOf(space)!);
    expect(() => supply([small], takeBytes(space, [16, 18, 40]))).toThrow(OutOfMemory);
    expect(checkTables(small.arena)).toEqual([]);
  });

  test.each([
    ['a run without its kind', [16, 1]],
    ['page 0', [0, 1, 8]],
    ['pages beyond 4 GiB', [2 ** 20 - 1, 2, 8]],
    ['an empty run', [16, 0, 8]],
    ['runs that overlap', [16, 4, 8, 18, 1, 8]],
    ['runs out of order', [16, 1, 8, 15, 1, 8]],
    ['an unknown kind', [16, 1, 64]],
    ['permissions of nothing', [16, 1, 3]],
  ])('%s is no layout', (_what, words) => {
    expect(isLayout(Uint32Array.from(words))).toBe(false);
  });
});

/** All that can be seen of pages 1 to 63. */
function contents(space: AddressSpace): unknown {
  const layout = [...(layoutOf(space) ?? [])];
  return { kinds: kinds(layout), bytes: bytesOf(space) };
}

/** Kind of each page without whether it has bytes: a page of zeros may have a frame or none. */
const kinds = (layout: number[]): [number, number][] =>
  Array.from({ length: layout.length / 3 }, (_, i) => layout.slice(3 * i, 3 * i + 3)).flatMap(
    ([first, count, kind]) =>
      Array.from({ length: count }, (_, n): [number, number] => [first + n, kind & 31]),
  );

const bytesOf = (space: AddressSpace): number[] =>
  Array.from({ length: 63 }, (_, n) => [...space.peek(page(n + 1), 300)]).flat();
