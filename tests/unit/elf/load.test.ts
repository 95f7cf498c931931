import { afterEach, describe, expect, test } from 'vitest';
import { loadElf, type LoadedProgram, type LoadOptions } from '../../../emulator/elf/load';
import { parseElf } from '../../../emulator/elf/parse';
import { AddressSpace, EXECUTE, READ, WRITE } from '../../../emulator/memory/address-space';
import { ArenaPool } from '../../../emulator/memory/arena-pool';
import { makeElf, type ElfSpec, type SegmentSpec } from './elf-file';

const pool = new ArenaPool({ frames: 256, tablePairs: 1, codeTables: 0, recordBytes: 0 });
let space: AddressSpace | undefined;

afterEach(() => {
  if (space !== undefined) pool.giveBack(space.arena);
  space = undefined;
});

function load(
  spec: ElfSpec,
  options?: LoadOptions,
): { space: AddressSpace; program: LoadedProgram } {
  space = AddressSpace.create(pool.take(), { tables: false });
  return { space, program: loadElf(parseElf(makeElf(spec)), space, options) };
}

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
const PF_RX = 5;
const PF_RW = 6;

describe('loading a program', () => {
  test('puts each segment at its address with its permissions', () => {
    const { space, program } = load({
      segments: [
        { address: 0x1_0000, content: bytes(10, 1), flags: PF_RX },
        { address: 0x2_0010, content: bytes(10, 2), flags: PF_RW },
        { address: 0x3_0000, content: bytes(10, 3), flags: 4 },
      ],
    });
    expect(space.peek(0x1_0000, 10)).toEqual(bytes(10, 1));
    expect(space.read(0x2_0010, 10)).toEqual(bytes(10, 2));
    expect(program.segments.map((s) => s.protection)).toEqual([READ | EXECUTE, READ | WRITE, READ]);
    expect(space.isWritable(0x1_0000, 1)).toBe(false);
    expect(space.isWritable(0x2_0000, 4096)).toBe(true);
    expect(program).toMatchObject({ base: 0, entry: 0x1_0000, end: 0x3_1000 });
  });

  test('fills the rest of a segment with zeros, whatever follows in the file', () => {
    const { space, program } = load({
      segments: [
        { address: 0x1_0000, content: bytes(0x2000, 7) },
        { address: 0x2_0000, offset: 0x1000, fileSize: 16, memorySize: 0x3000, flags: PF_RW },
      ],
    });
    expect(space.read(0x2_0000, 16)).toHaveLength(16);
    expect(space.read(0x2_0010, 0x2ff0)).toEqual(bytes(0x2ff0, 0));
    expect(program.end).toBe(0x2_3000);
  });

  test('gives a page that two segments share to the later one, with the file around both', () => {
    const { space } = load({
      segments: [
        {
          address: 0x1_0000,
          content: bytes(0x1200, 1),
          fileSize: 0x1080,
          memorySize: 0x1080,
          flags: PF_RX,
        },
        { address: 0x1_1100, offset: 0x2100, fileSize: 0x100, memorySize: 0x100, flags: PF_RW },
      ],
    });
    expect(space.isWritable(0x1_0000, 1)).toBe(false);
    expect(space.isWritable(0x1_1000, 1)).toBe(true);
    expect(space.read(0x1_1000, 1)).toEqual(bytes(1, 1));
  });

  test('moves a position-independent program to the base, aligned as it asks', () => {
    const segments = [{ address: 0, content: bytes(16, 9), alignment: 0x1_0000 }];
    const { space, program } = load({ type: 3, entry: 4, segments }, { base: 0x41_2000 });
    expect(program).toMatchObject({ base: 0x42_0000, entry: 0x42_0004 });
    expect(space.read(0x42_0000, 16)).toEqual(bytes(16, 9));
  });

  test('tells where the program headers lie in memory', () => {
    const withHeaders = { address: 0x1_0000, offset: 0, fileSize: 0x1000, memorySize: 0x1000 };
    expect(load({ segments: [withHeaders] }).program.programHeaders).toBe(0x1_0040);
    expect(load({ segments: [{ content: bytes(4, 0) }] }).program.programHeaders).toBe(0);
  });

  test('uses no frame for a huge bss', () => {
    const { space } = load({
      segments: [{ content: bytes(4, 1) }, { address: 0x1000_0000, memorySize: 0x8000_0000 }],
    });
    expect(space.arena.frames.used).toBe(1);
  });

  test.each<[string, SegmentSpec[], LoadOptions, RegExp]>([
    ['beyond 4 GiB', [{ address: 0xffff_f000, memorySize: 0x2000 }], {}, /end at 0x100000000/],
    ['at page 0', [{ address: 0x10, content: bytes(4, 1) }], {}, /segment 0 .* cannot be mapped/],
    ['in the stack’s place', [{ address: 0x8000, memorySize: 0x1000 }], { limit: 0x8800 }, /stack/],
    [
      'over another one',
      [
        { address: 0x1_0000, memorySize: 0x3000 },
        { address: 0x1_2000, memorySize: 16 },
      ],
      {},
      /segments 0 and 1 overlap at 0x12000/,
    ],
    [
      'at an address that does not fit its file offset',
      [{ address: 0x1_0010, offset: 0x20, fileSize: 4, memorySize: 4 }],
      {},
      /differ within a page/,
    ],
    ['with an alignment of 3', [{ content: bytes(4, 1), alignment: 3 }], {}, /no power of two/],
    ['larger than the memory limit', [{ content: bytes(2 << 20, 1) }], {}, /memory limit/],
  ])('refuses a segment %s', (_what, segments, options, message) => {
    expect(() => load({ segments }, options)).toThrow(message);
    expect(() => load({ segments }, options)).toThrow(
      expect.objectContaining({ name: 'ElfError' }),
    );
  });
});
