import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseElf } from '../../../emulator/elf/parse';
import { ElfError } from '../../../emulator/elf/reader';
import { makeElf } from './elf-file';

function guest(name: string): Uint8Array {
  return readFileSync(new URL(`../../../guests/bin/${name}.elf`, import.meta.url));
}

const code = Uint8Array.of(0x73, 0, 0, 0);
const simple = (): Uint8Array => makeElf({ segments: [{ content: code }] });

function patched(offset: number, ...bytes: number[]): Uint8Array {
  const file = simple();
  file.set(bytes, offset);
  return file;
}

describe('a program file', () => {
  test('of the bundled guests tells its kind, entry, segments and architecture', () => {
    const image = parseElf(guest('glibc-hello'));
    expect(image.type).toBe('exec');
    expect(image.entry).toBe(0x1052c);
    expect(image.segments.filter((s) => s.type === 1)).toHaveLength(2);
    expect(image.architecture).toMatch(/^rv64i2p\d_m2p0_a2p1/);
    expect(image.executableStack).toBe(false);
    expect(image.interpreter).toBeUndefined();
    expect(image.problems).toEqual([]);
    expect(image.symbols.find((s) => s.name === 'main')?.size).toBeGreaterThan(0);
  });

  test('that is position-independent is of type dyn', () => {
    expect(parseElf(guest('hello-pie')).type).toBe('dyn');
  });

  test('with PT_INTERP names its dynamic linker', () => {
    const interpreter = Buffer.from('/lib/ld-linux-riscv64-lp64d.so.1\0');
    const file = makeElf({
      segments: [{ content: code }, { type: 3, content: interpreter, address: 0x2_0000 }],
    });
    expect(parseElf(file).interpreter).toBe('/lib/ld-linux-riscv64-lp64d.so.1');
  });

  test('with an executable PT_GNU_STACK asks for an executable stack', () => {
    const segments = [{ content: code }, { type: 0x6474e551, flags: 7 }];
    expect(parseElf(makeElf({ segments })).executableStack).toBe(true);
  });

  test.each([
    ['an empty file', new Uint8Array(0), /the file is empty/],
    ['a script', Buffer.from('#!/bin/sh\n'), /a script/],
    ['something else', Buffer.from('MZ..'), /not an ELF file/],
    ['a header that ends early', simple().subarray(0, 40), /the ELF header needs bytes/],
    ['a 32-bit file', patched(4, 1), /a 32-bit file/],
    ['a big-endian file', patched(5, 2), /little-endian/],
    ['a program for x86-64', patched(18, 62, 0), /for x86-64, not for RISC-V/],
    ['an object file', patched(16, 1), /ET_REL/],
    ['no program headers', patched(56, 0, 0), /no program headers/],
    ['program headers of another size', patched(54, 32, 0), /32 bytes instead of 56/],
    ['a table of headers beyond the end', patched(56, 200, 0), /200 program headers needs bytes/],
    ['too many headers', patched(56, 0xff, 0xff), /more than Linux takes/],
    ['a header offset of 2^60', patched(39, 0x10), /e_phoff\) is 0x10{13}40, too large/],
    ['no PT_LOAD', patched(64, 4), /no PT_LOAD/],
  ])('%s is refused with a reason', (_what, file, message) => {
    expect(() => parseElf(file)).toThrow(ElfError);
    expect(() => parseElf(file)).toThrow(message);
  });

  test('whose segment lies beyond the end of the file is refused', () => {
    const file = makeElf({ segments: [{ content: code, fileSize: 0x8000, memorySize: 0x8000 }] });
    expect(() => parseElf(file)).toThrow(/segment 0 needs bytes .* but the file ends at/);
  });

  test('whose segment is larger in the file than in memory is refused', () => {
    const file = makeElf({ segments: [{ content: code, memorySize: 2 }] });
    expect(() => parseElf(file)).toThrow(/more bytes in the file \(0x4\) than in memory \(0x2\)/);
  });

  test('with broken section headers can still be run: they are reported as problems', () => {
    const file = makeElf({
      segments: [{ content: code }],
      symbols: [{ name: 'f', value: 0x10000 }],
    });
    new DataView(file.buffer).setBigUint64(40, 2n ** 50n, true);
    const image = parseElf(file);
    expect(image.sections).toEqual([]);
    expect(image.problems).toHaveLength(1);
    expect(image.problems[0]).toMatch(/number of sections|section headers needs bytes/);
  });

  test('whose symbol names overlap each other costs no more than its size', () => {
    // A million-fold overlap: every symbol is named by the whole table.
    const symbols = Array.from({ length: 3000 }, (_, i) => ({ name: 'n'.repeat(40), value: i }));
    const file = makeElf({ segments: [{ content: code }], symbols });
    const image = parseElf(file);
    const table = image.sections[2];
    const strings = image.sections[3];
    file.fill(0x6e, strings.offset, strings.offset + strings.size - 1);
    const view = new DataView(file.buffer);
    for (let at = table.offset + 24; at < table.offset + table.size; at += 24) {
      view.setUint32(at, 1, true);
    }
    const hostile = parseElf(file);
    expect(hostile.symbols.length).toBeLessThan(20);
    expect(hostile.problems.join()).toMatch(/overlap each other/);
  });
});
