import { describe, expect, test } from 'vitest';
import { parseElf } from '../../../emulator/elf/parse';
import { describeAddress, SymbolTable } from '../../../emulator/elf/symbols';
import { makeElf, type SymbolSpec } from './elf-file';

const NOTYPE = 0;
const OBJECT = 1;
const LOCAL = 0;
const WEAK = 2;

function table(symbols: readonly SymbolSpec[], base = 0): SymbolTable {
  const segments = [{ content: new Uint8Array(0x100), address: 0x1_0000 }];
  const text = { address: 0x1_0000, size: 0x1000 };
  return new SymbolTable(parseElf(makeElf({ segments, symbols, text })), base);
}

describe('a symbol table', () => {
  test('finds the function that holds an address, up to its last byte', () => {
    const symbols = table([{ name: 'main', value: 0x10010, size: 16 }]);
    expect(symbols.functionAt(0x1000f)).toBeUndefined();
    expect(symbols.functionAt(0x10010)).toMatchObject({ symbol: { name: 'main' }, offset: 0 });
    expect(symbols.functionAt(0x1001f)?.offset).toBe(15);
    expect(symbols.functionAt(0x10020)).toBeUndefined();
  });

  test('lets a label without a size reach to the next symbol, and to the end of its section', () => {
    const symbols = table([
      { name: 'loop', value: 0x10000, type: NOTYPE },
      { name: 'next', value: 0x10040, type: NOTYPE },
    ]);
    expect(symbols.functionAt(0x1003f)?.symbol.name).toBe('loop');
    expect(symbols.functionAt(0x10fff)?.symbol.name).toBe('next');
    expect(symbols.functionAt(0x11000)).toBeUndefined();
  });

  test('finds the enclosing function behind a smaller one inside it', () => {
    const symbols = table([
      { name: 'outer', value: 0x10000, size: 0x100 },
      { name: 'inner', value: 0x10020, size: 0x10 },
    ]);
    expect(symbols.functionAt(0x10028)?.symbol.name).toBe('inner');
    expect(symbols.functionAt(0x10080)?.symbol.name).toBe('outer');
  });

  test('calls an address by its best name', () => {
    const symbols = table([
      { name: '__libc_write', value: 0x10000, size: 8, binding: LOCAL },
      { name: '__write', value: 0x10000, size: 8 },
      { name: 'write', value: 0x10000, size: 8, binding: WEAK },
      { name: 'marker', value: 0x10000, type: NOTYPE },
    ]);
    expect(symbols.functionAt(0x10004)?.symbol.name).toBe('__write');
    expect(symbols.byName('write')?.address).toBe(0x10000);
    expect(symbols.functionCount).toBe(1);
  });

  test('knows nothing of mapping symbols, undefined ones and those of other sections', () => {
    const symbols = table([
      { name: '$xrv64i2p1', value: 0x10000, type: NOTYPE },
      { name: '.L1', value: 0x10004, type: NOTYPE },
      { name: 'printf', value: 0x10008, section: 0 },
      { name: 'absolute', value: 0x10008, section: 0xfff1 },
    ]);
    expect(symbols.functionCount).toBe(0);
    expect(symbols.byName('printf')).toBeUndefined();
  });

  test('tells variables from functions', () => {
    const symbols = table([{ name: 'counter', value: 0x20000, size: 8, type: OBJECT }]);
    expect(symbols.functionAt(0x20004)).toBeUndefined();
    expect(symbols.objectAt(0x20004)).toMatchObject({ symbol: { name: 'counter' }, offset: 4 });
    expect(symbols.byName('counter')?.kind).toBe('object');
  });

  test('calls C++ symbols by their demangled names and finds them by either', () => {
    const symbols = table([
      { name: '_Z3dotPfi', value: 0x10000, size: 8 },
      { name: '_Z3dotPdi', value: 0x10010, size: 8 },
      { name: '_Z3dotPdi.cold', value: 0x10020, size: 8, binding: LOCAL },
      { name: '_ZN3geo5Point5countE', value: 0x20000, size: 4, type: OBJECT },
    ]);
    expect(describeAddress(symbols, 0x10004)).toBe('0x10004 <dot(float*, int)+0x4>');
    expect(symbols.byName('_Z3dotPfi')?.address).toBe(0x10000);
    expect(symbols.byName('dot(double*, int)')?.address).toBe(0x10010);
    expect(symbols.allByName('dot').map((s) => s.address)).toEqual([0x10000, 0x10010]);
    expect(symbols.byName('geo::Point::count')?.kind).toBe('object');
    expect(symbols.search('point', 9)[0]?.linkageName).toBe('_ZN3geo5Point5countE');
    expect(symbols.search('_Z3dotPf', 9).map((s) => s.name)).toEqual(['dot(float*, int)']);
    expect(symbols.allByName('dot(char*)')).toEqual([]);
  });

  test('adds the base of a position-independent program', () => {
    const symbols = table([{ name: 'main', value: 0x10010, size: 4 }], 0x40_0000);
    expect(symbols.byName('main')?.address).toBe(0x41_0010);
    expect(describeAddress(symbols, 0x41_0012)).toBe('0x410012 <main+0x2>');
    expect(describeAddress(symbols, 0x12)).toBe('0x12');
  });

  test('searches by part of a name, the best first', () => {
    const symbols = table(
      ['main', 'mainly', 'domain', 'Main', 'other'].map((name, i) => ({
        name,
        value: 0x10000 + 4 * i,
        size: 4,
      })),
    );
    const names = symbols.search('main', 10).map((s) => s.name);
    expect(names).toEqual(['main', 'Main', 'mainly', 'domain']);
    expect(symbols.search('main', 2)).toHaveLength(2);
  });
});
