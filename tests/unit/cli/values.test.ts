import { describe, expect, test } from 'vitest';
import {
  collectVariable,
  parseAddress,
  parseCount,
  parseSize,
  parseThreads,
} from '../../../cli/values';

describe('a size', () => {
  test.each([
    ['4096', 4096],
    ['64K', 65536],
    ['256m', 2 ** 28],
    ['1G', 2 ** 30],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['2MB', 2 ** 21],
  ])('%s is %i bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  test.each(['', 'K', '-1', '1T', '1 G', '0x10', '0.3', '1e3', '99999999999G'])(
    '%j is refused',
    (text) => expect(() => parseSize(text)).toThrow('256M'),
  );
});

describe('a count', () => {
  test.each([
    ['1', 1],
    ['1e9', 1e9],
    ['1_000_000', 1e6],
  ])('%s is %i', (text, count) => expect(parseCount(text)).toBe(count));

  test.each(['', '0', '-5', '1.5', 'many', '1e99', '_1'])('%j is refused', (text) =>
    expect(() => parseCount(text)).toThrow('whole number'),
  );
});

describe('a number of threads', () => {
  test.each([
    ['0', 0],
    ['63', 63],
  ])('%s is %i', (text, count) => expect(parseThreads(text)).toBe(count));

  test.each(['', '-1', '64', '100000'])('%j is refused', (text) =>
    expect(() => parseThreads(text)).toThrow('a whole number from 0 to 63'),
  );
});

describe('an address', () => {
  test.each([
    ['10078', 0x10078],
    ['0x10078', 0x10078],
    ['0XFFFF', 0xffff],
  ])('%s is %i', (text, address) => expect(parseAddress(text)).toBe(address));

  test.each(['', '0x', 'main', '-1', '0x123456789abcdef0'])('%j is refused', (text) =>
    expect(() => parseAddress(text)).toThrow('hexadecimal'),
  );
});

describe('variables', () => {
  test('a later value replaces an earlier one', () => {
    const variables = ['A=1', 'B=x=y', 'A=', 'C=ü'].reduce(
      (all: ReadonlyMap<string, string>, text) => collectVariable(text, all),
      new Map<string, string>(),
    );
    expect([...variables]).toEqual([
      ['A', ''],
      ['B', 'x=y'],
      ['C', 'ü'],
    ]);
  });

  test.each(['', 'A', '=1'])('%j is refused', (text) =>
    expect(() => collectVariable(text)).toThrow('NAME=value'),
  );
});
