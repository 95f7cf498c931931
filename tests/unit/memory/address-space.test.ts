import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { AddressSpace, Arena, EXECUTE, READ, WRITE } from '../../../emulator/memory';
import { checkTables } from '../../../emulator/memory/check';
import { ENTRY } from '../../../emulator/memory/page-entry';

const arena = Arena.create({ frames: 256, recordBytes: 0, harts: 4, nodes: 2048 });
let space: AddressSpace;

beforeEach(() => {
  arena.reset();
  space = AddressSpace.create(arena);
});
afterAll(() => {
  expect(checkTables(arena)).toEqual([]);
});

const base = 0x10000;
const page = base / 4096;
const readDelta = (p: number): number => arena.u32[space.readTable / 4 + p];
const writeDelta = (p: number): number => arena.u32[space.writeTable / 4 + p];

describe('mapping', () => {
  it('maps zero pages that take no frame before the first write', () => {
    space.map(base, 64 * 4096, READ | WRITE);
    expect(space.read(base, 8)).toEqual(new Uint8Array(8));
    expect(arena.frames.used).toBe(0);
    expect(space.write(base + 5, Uint8Array.of(1, 2, 3))).toBe(3);
    expect(arena.frames.used).toBe(1);
    expect(space.read(base, 9)).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 1, 2, 3, 0));
  });

  it('maps the whole 4 GiB but page 0 with few nodes', () => {
    space.map(4096, 2 ** 32 - 4096, READ | WRITE);
    expect(arena.nodes.used).toBe(4);
    expect(space.writeU8(2 ** 32 - 1, 7)).toBe(true);
    expect(space.readU8(2 ** 32 - 1)).toBe(7);
    expect(space.readU8(2 ** 31)).toBe(0);
    expect(checkTables(arena)).toEqual([]);
    space.unmap(4096, 2 ** 32 - 4096);
    expect(arena.frames.used).toBe(0);
  });

  it('refuses page 0, unaligned ranges and ranges past 4 GiB', () => {
    for (const [start, length] of [
      [0, 4096],
      [4097, 4096],
      [4096, 5],
      [4096, 0],
      [4096, -4096],
      [4096, 2 ** 32],
      [2 ** 40, 4096],
      [Number.NaN, 4096],
    ] as const) {
      expect(() => space.map(start, length, READ)).toThrow(RangeError);
    }
  });

  it('replaces what was mapped before', () => {
    space.map(base, 4096, READ | WRITE);
    space.writeU32(base, 1);
    space.map(base, 4096, READ | WRITE);
    expect(space.readU32(base)).toBe(0);
    expect(arena.frames.used).toBe(0);
  });

  it('finds the highest gap', () => {
    space.map(0x40000000, 4096, READ);
    space.map(0x3fffd000, 4096, READ);
    expect(space.findGap(8192, 4096, 0x40000000)).toBe(0x3fffe000);
    expect(space.findGap(8193, 4096, 0x40000000)).toBe(0x3fffa000);
    expect(space.findGap(2 ** 31, 4096, 0x40000000)).toBe(0);
    expect(space.findGap(2 ** 30 - 4 * 4096, 4096, 0x40000000)).toBe(4096 * 1);
  });

  it('finds the gap that a search page by page finds, between small and large mappings', () => {
    const [low, end] = [4096, 3 * 4096 - 17];
    // From page, pages: parts of a leaf, whole leaves in a row, a whole middle node.
    const mapped = [
      [low, 1],
      [low + 3, 61],
      [low + 200, 500],
      [low + 710, 1],
      [low + 960, 2000],
      [2 * 4096, 4096 - 100],
    ] as const;
    for (const [first, pages] of mapped) space.map(first * 4096, pages * 4096, READ);
    const isFree = (at: number): boolean =>
      !mapped.some(([first, pages]) => at >= first && at < first + pages);
    for (const high of [end, 2 * 4096, low + 1000, low + 705, low + 300, low + 64, low + 3]) {
      for (const count of [1, 2, 9, 10, 83, 136, 250, 1136, 1137]) {
        let run = 0;
        let found = 0;
        for (let at = high - 1; at >= low && found === 0; at--) {
          run = isFree(at) ? run + 1 : 0;
          if (run === count) found = at * 4096;
        }
        expect(space.findGap(count * 4096, low * 4096, high * 4096)).toBe(found);
      }
    }
  });
});

describe('resolve', () => {
  it('says why an access cannot be done', () => {
    space.map(base, 4096, READ);
    space.map(base + 4096, 4096, 0);
    space.map(base + 8192, 4096, 0, { guard: true });
    space.map(base + 12288, 4096, EXECUTE);
    const kinds = [
      space.resolve(base - 1, 'read', 1),
      space.resolve(base, 'write', 8),
      space.resolve(base, 'execute', 4),
      space.resolve(base + 4096, 'read', 4),
      space.resolve(base + 8192, 'write', 4),
      space.resolve(base + 12288, 'read', 4),
      space.resolve(2 ** 32 - 4, 'read', 8),
      space.resolve(-8, 'write', 8),
    ].map((fault) => (typeof fault === 'number' ? 'done' : fault.kind));
    expect(kinds).toEqual([
      'unmapped',
      'protection',
      'protection',
      'protection',
      'guard',
      'protection',
      'out-of-range',
      'out-of-range',
    ]);
    expect(space.resolve(base, 'write', 8)).toEqual({
      kind: 'protection',
      access: 'write',
      address: base,
    });
  });

  it('fills the deltas that the next access takes', () => {
    space.map(base, 4096, READ | WRITE);
    const zero = space.resolve(base + 16, 'read', 8);
    expect((base + 16 + readDelta(page)) % 2 ** 32).toBe(zero);
    expect(writeDelta(page)).toBe(0);
    const real = space.resolve(base + 16, 'write', 8);
    expect(real).not.toBe(zero);
    expect((base + 16 + readDelta(page)) % 2 ** 32).toBe(real);
    expect((base + 16 + writeDelta(page)) % 2 ** 32).toBe(real);
  });

  it('withdraws deltas on unmap and protect', () => {
    space.map(base, 2 * 4096, READ | WRITE);
    space.writeU8(base, 1);
    space.writeU8(base + 4096, 1);
    space.protect(base, 4096, READ);
    expect([readDelta(page), writeDelta(page)]).toEqual([0, 0]);
    expect(space.writeU8(base, 1)).toBe(false);
    expect(space.readU8(base)).toBe(1);
    expect(writeDelta(page)).toBe(0);
    space.unmap(base + 4096, 4096);
    expect([readDelta(page + 1), writeDelta(page + 1)]).toEqual([0, 0]);
  });

  it('reports the memory limit as a fault', () => {
    space.map(base, 300 * 4096, READ | WRITE);
    const bytes = new Uint8Array(300 * 4096).fill(9);
    expect(space.write(base, bytes)).toBe(256 * 4096);
    expect(space.resolve(base + 256 * 4096, 'write', 1)).toMatchObject({ kind: 'out-of-memory' });
    space.unmap(base, 4096);
    expect(space.resolve(base + 256 * 4096, 'write', 1)).toBeTypeOf('number');
    expect(space.readU32(base + 256 * 4096)).toBe(0);
  });

  it('never backs a page with the frame at the same address', () => {
    const low = arena.regions.frames;
    space.map(low, 256 * 4096, READ | WRITE);
    for (let i = 0; i < 256; i++) {
      expect(space.readU32(low + i * 4096)).toBe(0);
      expect(arena.u32[space.readTable / 4 + low / 4096 + i]).not.toBe(0);
      expect(space.writeU32(low + i * 4096, i)).toBe(true);
      expect(arena.u32[space.writeTable / 4 + low / 4096 + i]).not.toBe(0);
    }
    expect(checkTables(arena)).toEqual([]);
  });
});

describe('hooks', () => {
  it('lets the embedder map a missing page', () => {
    const asked: [number, string][] = [];
    space.hooks.onMissingPage = (missing, access) => {
      asked.push([missing, access]);
      if (missing !== page) return false;
      space.map(base, 4096, READ | WRITE);
      return true;
    };
    expect(space.resolve(base, 'read', 4)).toBeTypeOf('number');
    expect(space.resolve(base + 4096, 'write', 4)).toMatchObject({ kind: 'unmapped' });
    expect(asked).toEqual([
      [page, 'read'],
      [page + 1, 'write'],
    ]);
  });

  it('tells of the first write of a page, and again after the dirty flags were cleared', () => {
    const written: number[] = [];
    space.map(base, 2 * 4096, READ | WRITE);
    space.hooks.onFirstWrite = (p) => written.push(p);
    space.writeU8(base, 1);
    space.writeU8(base + 1, 1);
    space.writeU8(base + 4096, 1);
    expect(written).toEqual([page, page + 1]);
    space.clearDirty();
    expect(writeDelta(page)).toBe(0);
    space.writeU8(base, 1);
    expect(written).toEqual([page, page + 1, page]);
  });

  it('tells of changed code, once until it is marked again', () => {
    const changed: number[] = [];
    space.hooks.onCodeChanged = (p) => changed.push(p);
    space.map(base, 4096, READ | WRITE | EXECUTE);
    space.writeU32(base, 0x13);
    expect(space.markCode(page)).toBe(true);
    expect(writeDelta(page)).toBe(0);
    space.resolve(base, 'write', 4);
    expect(changed).toEqual([page]);
    expect(writeDelta(page)).not.toBe(0);
    space.writeU32(base, 0x93);
    expect(changed).toEqual([page]);
    space.markCode(page);
    space.protect(base, 4096, READ | EXECUTE);
    space.markCode(page);
    space.poke(base, Uint8Array.of(1));
    space.markCode(page);
    space.install(page, new Uint8Array(4), READ);
    space.markCode(page);
    space.unmap(base, 4096);
    expect(changed).toEqual([page, page, page, page, page]);
    expect(space.markCode(page)).toBe(false);
  });
});

describe('watches', () => {
  it('report accesses to their bytes and keep the page from getting deltas', () => {
    space.map(base, 4096, READ | WRITE);
    space.writeU32(base, 1);
    space.watch(base + 8, 4, 'write');
    expect(writeDelta(page)).toBe(0);
    expect(space.resolve(base + 11, 'write', 1)).toMatchObject({ kind: 'watched' });
    expect(space.resolve(base + 4, 'write', 8)).toMatchObject({ kind: 'watched' });
    expect(space.resolve(base + 12, 'write', 4)).toBeTypeOf('number');
    expect(space.resolve(base + 8, 'read', 4)).toBeTypeOf('number');
    expect(writeDelta(page)).toBe(0);
    expect(readDelta(page)).not.toBe(0);
    expect(space.unwatch(base + 8, 4, 'read')).toBe(false);
    expect(space.unwatch(base + 8, 4, 'write')).toBe(true);
    space.resolve(base + 8, 'write', 4);
    expect(writeDelta(page)).not.toBe(0);
  });

  it('may be a thousand that do not adjoin: the pages between them keep their deltas', () => {
    const pages = 2001;
    space.map(base, pages * 4096, READ | WRITE);
    for (let n = 0; n < pages; n += 2) space.watch(base + n * 4096 + 100, 4, 'access');
    const frames = space.watchFrames;
    expect(frames).toHaveLength(4);
    for (let n = 950; n < 1050; n++) {
      space.resolve(base + n * 4096, 'write', 8);
      space.resolve(base + n * 4096, 'read', 8);
      const isFree = n % 2 === 1;
      expect([writeDelta(page + n) !== 0, readDelta(page + n) !== 0]).toEqual([isFree, isFree]);
      const isHit = typeof space.resolve(base + n * 4096 + 102, 'read', 4) === 'object';
      expect(isHit).toBe(!isFree);
    }
    expect(checkTables(arena)).toEqual([]);
    space.watchOnly([]);
    expect([space.isWatched, space.watchFrames]).toEqual([false, []]);
    expect(frames.every((frame) => arena.frames.references(frame) === 0)).toBe(true);
  });

  it('find a long range below many short ones that begin in it', () => {
    space.map(base, 64 * 4096, READ | WRITE);
    space.watchOnly([
      { start: base, length: 40 * 4096, kind: 'write' },
      ...Array.from({ length: 39 }, (_, n) => {
        return { start: base + n * 4096, length: 4, kind: 'read' } as const;
      }),
    ]);
    const watched = (offset: number, access: 'read' | 'write'): boolean =>
      typeof space.resolve(base + offset, access, 1) === 'object';
    expect([watched(39 * 4096 + 4095, 'write'), watched(40 * 4096, 'write')]).toEqual([
      true,
      false,
    ]);
    expect([watched(38 * 4096 + 3, 'read'), watched(38 * 4096 + 4, 'read')]).toEqual([true, false]);
    expect(() => space.watch(2 ** 32 - 4, 8, 'read')).toThrow('out of range');
  });
});

describe('the embedder’s own pages', () => {
  it('stand in for a page and give it back', () => {
    space.map(base, 4096, READ | WRITE);
    space.writeU32(base, 42);
    space.install(page, Uint8Array.of(7), READ);
    expect(space.readU32(base)).toBe(7);
    expect(space.writeU8(base, 1)).toBe(false);
    expect(space.entry(page) & ENTRY.host).not.toBe(0);
    space.install(page, Uint8Array.of(8), READ);
    expect(space.readU32(base)).toBe(8);
    expect(checkTables(arena)).toEqual([]);
    expect(space.uninstall(page)).toBe(true);
    expect(space.readU32(base)).toBe(7);
    expect(space.uninstall(page)).toBe(true);
    expect(space.readU32(base)).toBe(42);
    expect(space.uninstall(page)).toBe(false);
    expect(arena.frames.used).toBe(1);
  });

  it('may be one frame that two spaces write together', () => {
    const other = AddressSpace.create(arena);
    const frame = arena.frames.allocate(page);
    space.install(page, frame, READ | WRITE);
    other.install(page + 9, frame, READ | WRITE);
    space.writeU32(base, 99);
    expect(other.readU32(base + 9 * 4096)).toBe(99);
    arena.frames.release(frame);
    expect(checkTables(arena)).toEqual([]);
    space.destroy();
    expect(other.readU32(base + 9 * 4096)).toBe(99);
    other.destroy();
    expect(arena.frames.used).toBe(0);
  });

  it('are forgotten when their page is unmapped', () => {
    space.map(base, 4096, READ | WRITE);
    space.writeU32(base, 42);
    space.install(page, Uint8Array.of(7), READ);
    space.unmap(base, 4096);
    expect(space.uninstall(page)).toBe(false);
    expect(arena.frames.used).toBe(0);
  });
});

describe('the host’s reads and writes', () => {
  it('cross pages and stop at the first fault', () => {
    space.map(base, 2 * 4096, READ | WRITE);
    const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
    expect(space.write(base + 4096 - 50, bytes)).toBe(100);
    expect(space.read(base + 4096 - 50, 100)).toEqual(bytes);
    expect(space.read(base + 8192 - 10, 100)).toHaveLength(10);
    expect(space.write(base + 8192 - 10, bytes)).toBe(10);
    expect(space.writeU64(base + 8192 - 4, 1n)).toBe(false);
    expect(space.readU64(base + 8192 - 4)).toBeUndefined();
    expect(space.writeU64(base + 4092, -2n)).toBe(true);
    expect(space.readU64(base + 4092)).toBe(2n ** 64n - 2n);
  });

  it('survive wild pointers and lengths', () => {
    space.map(base, 4096, READ | WRITE);
    for (const address of [-1, 2 ** 32, 2 ** 53, Number.NaN, Infinity, -Infinity, 0.5]) {
      expect(space.read(address, 16)).toHaveLength(0);
      expect(space.write(address, new Uint8Array(16))).toBe(0);
      expect(space.readString(address).isTerminated).toBe(false);
      expect(space.readU32(address)).toBeUndefined();
      expect(space.peek(address, 16)).toHaveLength(0);
    }
    expect(space.read(base, 2 ** 60)).toHaveLength(4096);
    expect(space.read(base, -1)).toHaveLength(0);
    expect(space.read(base, Number.NaN)).toHaveLength(0);
    expect(space.clear(base + 4000, 2 ** 50)).toBe(96);
  });

  it('ask about a huge range without making its pages real', () => {
    space.map(base, 2 ** 30, READ | WRITE);
    expect(space.accessible(base + 1, 2 ** 40, 'write')).toBe(2 ** 30 - 1);
    expect(space.isWritable(base, 2 ** 30)).toBe(true);
    expect(space.isReadable(base, 2 ** 30 + 1)).toBe(false);
    expect(arena.frames.used).toBe(0);
  });

  it('take no number for a page that is none', () => {
    for (const wrong of [-1, 2 ** 20, 2 ** 32, Number.NaN, Infinity]) {
      expect(space.entry(wrong)).toBe(0);
      expect(space.markCode(wrong)).toBe(false);
      expect(space.uninstall(wrong)).toBe(false);
      expect(() => space.install(wrong, Uint8Array.of(1), READ)).toThrow(RangeError);
    }
    expect(() => space.install(page, new Uint8Array(4097), READ)).toThrow('a page has 4096 bytes');
    expect(() => space.install(page, 77, READ)).toThrow('frame 77 is not in use');
  });

  it('read strings up to the zero, the limit or the fault', () => {
    space.map(base, 4096, READ | WRITE);
    space.write(base + 4090, new TextEncoder().encode('h\u00e9llo'));
    expect(space.readString(base + 4090)).toMatchObject({
      text: 'h\u00e9llo',
      isTerminated: false,
    });
    space.writeU8(base + 4095, 0);
    expect(space.readString(base + 4090)).toMatchObject({ text: 'h\u00e9ll', isTerminated: true });
    expect(space.readString(base + 4090, 1)).toMatchObject({ text: 'h', isTerminated: false });
  });

  it('peek and poke past the permissions', () => {
    space.map(base, 4096, EXECUTE);
    expect(space.poke(base, Uint8Array.of(1, 2))).toBe(2);
    expect(space.peek(base, 3)).toEqual(Uint8Array.of(1, 2, 0));
    expect(space.read(base, 1)).toHaveLength(0);
    expect([readDelta(page), writeDelta(page)]).toEqual([0, 0]);
    expect(space.poke(base + 4096, Uint8Array.of(1))).toBe(0);
  });
});
