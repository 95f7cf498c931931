import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { loadElf } from '../../../emulator/elf/load';
import { parseElf } from '../../../emulator/elf/parse';
import { ElfError } from '../../../emulator/elf/reader';
import { SymbolTable } from '../../../emulator/elf/symbols';
import { AddressSpace } from '../../../emulator/memory/address-space';
import { Arena } from '../../../emulator/memory/arena';

/** A small generator of random numbers (mulberry32), so that a seed repeats a run. */
export function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Values that break careless readers. */
export const NASTY = [
  0n,
  1n,
  0x7fn,
  0xffffn,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** Where the fields of a file that decide most lie: header, program headers, section headers. */
function interestingOffset(file: Uint8Array, random: (below: number) => number): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 64) return random(file.length);
  const sections = Number(view.getBigUint64(40, true));
  switch (random(4)) {
    case 0:
      return random(64);
    case 1:
      return 64 + random(56 * 6);
    case 2:
      return sections + random(64 * 40);
    default:
      return random(file.length);
  }
}

function mutate(original: Uint8Array, random: (below: number) => number): Uint8Array {
  let file = Uint8Array.from(original);
  for (let changes = 1 + random(6); changes > 0; changes--) {
    const at = interestingOffset(file, random);
    if (file.length === 0 || at >= file.length) continue;
    const view = new DataView(file.buffer);
    switch (random(5)) {
      case 0:
        file[at] = random(256);
        break;
      case 1:
        if (at + 8 <= file.length) view.setBigUint64(at & ~7, NASTY[random(NASTY.length)], true);
        break;
      case 2:
        if (at + 2 <= file.length) view.setUint16(at & ~1, random(0x1_0000), true);
        break;
      case 3:
        file.copyWithin(at, random(file.length), random(file.length));
        break;
      default:
        if (random(4) === 0) file = file.slice(0, at);
        break;
    }
  }
  return file;
}

/** Frames of the arena: the limit that no file may get beyond. */
const FRAMES = 1024;

/**
 * Parses, loads and indexes `count` damaged files. Fails when anything but an ElfError comes out or when
 * the memory limit is passed; a file that hangs the reader hangs the test.
 * @returns how many were refused and how many could be loaded nevertheless
 */
export function fuzzElf(count: number, seed: number): { refused: number; loaded: number } {
  const random = generator(seed);
  const originals = ['hello', 'hello-pie', 'glibc-hello'].map((name) => {
    return readFileSync(new URL(`../../../guests/bin/${name}.elf`, import.meta.url));
  });
  const arena = Arena.create({ frames: FRAMES, tablePairs: 1, codeTables: 0, recordBytes: 0 });
  const result = { refused: 0, loaded: 0 };
  for (let i = 0; i < count; i++) {
    const file = mutate(originals[random(originals.length)], random);
    const space = AddressSpace.create(arena, { tables: false });
    try {
      const image = parseElf(file);
      const { base } = loadElf(image, space);
      const symbols = new SymbolTable(image, base);
      symbols.functionAt(image.entry + base);
      symbols.search('main', 10);
      result.loaded++;
    } catch (error) {
      if (!(error instanceof ElfError))
        throw new Error(`seed ${seed}, file ${i}`, { cause: error });
      expect(error.message.length, 'an error says what is wrong').toBeGreaterThan(10);
      result.refused++;
    }
    expect(arena.frames.used).toBeLessThanOrEqual(FRAMES);
    space.destroy();
    expect(arena.frames.used, `seed ${seed}, file ${i} leaks`).toBe(0);
  }
  return result;
}
