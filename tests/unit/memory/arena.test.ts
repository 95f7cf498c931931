import { describe, expect, it } from 'vitest';
import {
  AddressSpace,
  Arena,
  ArenaError,
  ArenaPool,
  HART,
  MappingError,
  READ,
  WRITE,
} from '../../../emulator/memory';
import { checkTables } from '../../../emulator/memory/check';

const options = {
  frames: 64,
  recordBytes: 8192,
  harts: 8,
  spaces: 8,
  nodes: 256,
  eventsPerHart: 4,
};

describe('an arena', () => {
  it('is found again from its memory alone', () => {
    const arena = Arena.create(options);
    const space = AddressSpace.create(arena);
    space.map(0x1000, 4096, READ | WRITE);
    space.writeU32(0x1000, 0xc0ffee);
    const second = Arena.attach(arena.memory);
    expect(second.regions).toEqual(arena.regions);
    expect(AddressSpace.attach(second, space.id).readU32(0x1000)).toBe(0xc0ffee);
    expect(() => AddressSpace.attach(second, space.id + 1)).toThrow(MappingError);
    space.destroy();
    expect(() => AddressSpace.attach(second, space.id)).toThrow('there is no address space');
  });

  it('does not take any memory for an arena', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    expect(() => Arena.attach(memory)).toThrow('the memory holds no arena');
  });

  it('says so when it cannot be made', () => {
    expect(() => Arena.create({ limitBytes: 4 * 2 ** 30 })).toThrow('does not fit in 4 GiB');
    expect(() => Arena.create({ frames: -9 })).toThrow(ArenaError);
    expect(() => Arena.create({ limitBytes: Number.NaN })).toThrow(ArenaError);
  });

  it('keeps its regions apart and on page borders', () => {
    const { regions } = Arena.create(options);
    const bases = Object.values(regions) as number[];
    expect(bases).toEqual([...bases].sort((a, b) => a - b));
    expect(new Set(bases).size).toBe(bases.length);
    for (const base of bases) expect(base % 4096).toBe(0);
  });

  it('gives out exactly as many frames as its limit says', () => {
    const arena = Arena.create(options);
    const taken = Array.from({ length: 64 }, () => arena.frames.allocate(1));
    expect(taken).not.toContain(0);
    expect(new Set(taken).size).toBe(64);
    expect(arena.frames.allocate(1)).toBe(0);
    for (const frame of taken) arena.frames.release(frame);
    expect(arena.frames.used).toBe(0);
  });

  it('hands out frames zeroed, also those used before', () => {
    const arena = Arena.create(options);
    for (let round = 0; round < 3; round++) {
      const frames = Array.from({ length: 10 }, () => arena.frames.allocate(1));
      for (const frame of frames) {
        const at = arena.frames.address(frame);
        expect(arena.u8.subarray(at, at + 4096).every((byte) => byte === 0)).toBe(true);
        arena.u8.fill(0xff, at, at + 4096);
      }
      if (round === 1) arena.reset();
      else for (const frame of frames) arena.frames.release(frame);
    }
  });

  it('gives harts the lowest free block of contexts, cleared', () => {
    const arena = Arena.create(options);
    expect(arena.allocateHarts()).toBe(0);
    expect(arena.allocateHarts(3)).toBe(1);
    arena.u32[(arena.hartAddress(2) + HART.pc) / 4] = 5;
    arena.freeHart(2);
    expect(arena.allocateHarts(2)).toBe(4);
    expect(arena.allocateHarts()).toBe(2);
    expect(arena.u32[(arena.hartAddress(2) + HART.pc) / 4]).toBe(0);
    expect(arena.allocateHarts(3)).toBe(-1);
    expect(arena.allocateHarts(2)).toBe(6);
    expect(arena.allocateHarts(1)).toBe(-1);
  });

  it('has room for the engine’s tables', () => {
    const arena = Arena.create(options);
    const [first, second] = [arena.allocateCodeTable(), arena.allocateCodeTable()];
    expect(second - first).toBe(4 * 2 ** 20);
    expect(() => arena.allocateCodeTable()).toThrow('all 2 code tables are taken');
    expect(arena.records).toEqual({ base: arena.regions.records, bytes: 8192 });
  });
});

describe('a pool of arenas', () => {
  it('hands out arenas as good as new', () => {
    const pool = new ArenaPool(options);
    const arena = pool.take();
    const space = AddressSpace.create(arena);
    space.hart = arena.allocateHarts();
    arena.u32[arena.hartAddress(0) / 4] = 1;
    const table = arena.allocateCodeTable();
    arena.u32[table / 4 + 5] = 1;
    space.map(0x1000, 20 * 4096, READ | WRITE);
    space.write(0x1000, new Uint8Array(20 * 4096).fill(1));
    space.fork().writeU8(0x1000, 2);
    const { readTable, writeTable } = space;
    pool.giveBack(arena);

    const again = pool.take();
    expect(again).toBe(arena);
    expect(pool.take()).not.toBe(arena);
    expect([again.frames.used, again.nodes.used, again.spaces.used]).toEqual([0, 0, 0]);
    expect(checkTables(again)).toEqual([]);
    for (const word of [readTable + 4, writeTable + 4, table + 20, again.hartAddress(0)]) {
      expect(again.u32[word / 4]).toBe(0);
    }
    expect(again.events.written(0)).toBe(0);
    const fresh = AddressSpace.create(again);
    fresh.map(0x1000, 20 * 4096, READ | WRITE);
    expect(fresh.writeU8(0x1000, 0)).toBe(true);
    expect(fresh.read(0x1000, 4096)).toEqual(new Uint8Array(4096));
  });
});

describe('events', () => {
  it('tell who did what where', () => {
    const arena = Arena.create({ ...options, eventsPerHart: 16 });
    const space = AddressSpace.create(arena);
    const hart = arena.allocateHarts(2) + 1;
    space.hart = hart;
    arena.u64[(arena.hartAddress(hart) + HART.instret) / 8] = 2n ** 40n + 3n;
    arena.u64[(arena.hartAddress(hart) + HART.pc) / 8] = 0x10200n;
    const before = Date.now();
    space.map(0x5000, 8192, READ | WRITE);
    space.writeU8(0x5000, 1);
    const child = space.fork();
    child.hart = hart;
    child.writeU8(0x5000, 2);
    space.protect(0x6000, 4096, READ);
    space.unmap(0x5000, 8192);
    const { events, lost } = arena.events.read(hart, 0);
    expect(lost).toBe(0);
    const [first, copy] = [space.arena.frames.used, 2];
    expect(first).toBe(1);
    expect(events.map(({ kind, page, from, to }) => [kind, page, from, to])).toEqual([
      ['map', 5, READ | WRITE, 2],
      ['copy', 5, 0, copy],
      ['fork', 0, space.id, child.id],
      ['copy', 5, copy, copy + 1],
      ['protect', 6, READ, 1],
      ['unmap', 5, 0, 2],
    ]);
    for (const event of events) {
      expect(event).toMatchObject({ hart, instret: 2 ** 40 + 3, pc: 0x10200 });
      expect(event.time).toBeGreaterThan(before - 1000);
      expect(event.time).toBeLessThan(Date.now() + 1000);
    }
    expect(arena.events.read(hart, 4).events).toHaveLength(2);
    expect(arena.events.read(0, 0).events).toHaveLength(0);
  });

  it('that were overwritten are counted as lost', () => {
    const { events } = Arena.create(options);
    for (let i = 0; i < 11; i++) events.emit(0, 'syscall', i, 0, 0);
    const batch = events.read(0, 0);
    expect(batch.lost).toBe(7);
    expect(batch.events.map((event) => event.page)).toEqual([7, 8, 9, 10]);
    expect(events.read(0, 9)).toMatchObject({ lost: 0, events: [{ page: 9 }, { page: 10 }] });
    expect(events.read(0, events.written(0))).toEqual({ lost: 0, events: [] });
  });
});
