import { beforeEach, describe, expect, it } from 'vitest';
import { AddressSpace, Arena, ArenaError, READ, WRITE } from '../../../emulator/memory';
import { checkTables } from '../../../emulator/memory/check';

const arena = Arena.create({ frames: 64, recordBytes: 0, harts: 1, nodes: 256, tablePairs: 1 });
const { frames, safepoints } = arena;
beforeEach(() => {
  arena.reset();
});

/** Frees `frame` and allocates as often as it takes to look through all frames, without using them up. */
function comesBack(frame: number): boolean {
  const taken: number[] = [];
  for (let next = frames.allocate(1); next !== 0; next = frames.allocate(1)) taken.push(next);
  for (const one of taken) frames.release(one);
  return taken.includes(frame);
}

describe('a frame that was given back', () => {
  it('is used again at once while at most one thread runs guest code', () => {
    safepoints.enter();
    const frame = frames.allocate(1);
    frames.release(frame);
    expect(frames.allocate(1)).toBe(frame);
  });

  it('is not used again before every running thread has passed a safepoint', () => {
    const [one, two] = [safepoints.enter(), safepoints.enter()];
    const frame = frames.allocate(1);
    frames.release(frame);
    expect(frames.used).toBe(0);
    const pass = (...slots: number[]): void => slots.forEach((slot) => safepoints.pass(slot));
    expect(comesBack(frame)).toBe(false);
    pass(one);
    expect(comesBack(frame)).toBe(false);
    pass(one, two);
    comesBack(0);
    pass(one, two);
    comesBack(0);
    pass(one, two);
    expect(comesBack(frame)).toBe(true);
    expect(checkTables(arena)).toEqual([]);
  });

  it('does not wait for threads that sleep', () => {
    const [one, two] = [safepoints.enter(), safepoints.enter()];
    const many = Array.from({ length: 40 }, () => frames.allocate(1));
    for (const frame of many) frames.release(frame);
    safepoints.leave(two);
    safepoints.pass(one);
    for (const frame of many) expect(comesBack(frame)).toBe(true);
    safepoints.leave(one);
    safepoints.leave(one);
    expect([safepoints.enter(), safepoints.enter()]).toEqual([0, 1]);
  });

  it('keeps count over many rounds of spaces that come and go', () => {
    const [one, two] = [safepoints.enter(), safepoints.enter()];
    const space = AddressSpace.create(arena);
    space.map(0x10000, 8 * 4096, READ | WRITE);
    for (let round = 0; round < 200; round++) {
      const child = space.forkLoan({ privateRange: [0x14, 0x18] });
      for (let n = 0; n < 8; n++) child.writeU32(0x10000 + n * 4096, round);
      child.destroy();
      safepoints.pass(round % 2 === 0 ? one : two);
    }
    expect(checkTables(arena)).toEqual([]);
    expect(frames.used).toBe(4);
  });

  it('is kept apart from others when most frames are on their way', () => {
    const [one, two] = [safepoints.enter(), safepoints.enter()];
    for (let round = 0; round < 12; round++) {
      for (let turn = 0; turn <= round % 5; turn++) {
        const taken = Array.from({ length: 60 }, () => frames.allocate(1));
        expect(taken).not.toContain(0);
        expect(new Set(taken).size).toBe(60);
        for (const frame of taken) frames.release(frame);
      }
      for (const slot of [one, two]) safepoints.pass(slot);
      expect(checkTables(arena)).toEqual([]);
    }
  });

  it('is used all the same when there is no other and no thread comes to a safepoint', () => {
    safepoints.enter();
    safepoints.enter();
    for (let n = 0; n < 1000; n++) {
      const frame = frames.allocate(1);
      expect(frame).not.toBe(0);
      frames.release(frame);
    }
    expect(checkTables(arena)).toEqual([]);
  });
});

describe('an arena', () => {
  it('has room for 64 threads', () => {
    for (let n = 0; n < 64; n++) safepoints.enter();
    expect(() => safepoints.enter()).toThrow(ArenaError);
  });
});
