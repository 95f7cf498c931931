import { describe, expect, test } from 'vitest';
import {
  byteSize,
  formatBits,
  grouped,
  groupedNumber,
  isBoxedFloat,
  parseBits,
  placeName,
} from '../../renderer/format';
import { describeFcsr } from '../../renderer/register-names';
import { joinWords, splitWords } from '../../renderer/words';

describe('a register value', () => {
  const bits = 0xffff_ffff_ffff_fffen;

  test.each([
    ['hex', '0xfffffffffffffffe'],
    ['signed', '-2'],
    ['unsigned', '18446744073709551614'],
    ['double', 'NaN'],
  ] as const)('is shown as %s', (format, text) => {
    expect(formatBits(bits, format)).toBe(text);
  });

  test('is shown in groups of eight binary digits', () => {
    expect(formatBits(0x1ffn, 'binary')).toBe('0b1_11111111');
  });

  test('is shown as the shortest float that reads back the same', () => {
    expect(formatBits(0x3dcc_cccdn, 'float')).toBe('0.1');
    expect(formatBits(0x3fb9_9999_9999_999an, 'double')).toBe('0.1');
    expect(formatBits(0x8000_0000n, 'float')).toBe('-0.0');
    expect(formatBits(0x7ff0_0000_0000_0000n, 'double')).toBe('∞');
  });

  test.each(['hex', 'signed', 'unsigned', 'binary', 'double'] as const)(
    'reads back from its %s form',
    (format) => {
      for (const value of [0n, 1n, 0x8000_0000_0000_0000n, 0x4009_21fb_5444_2d18n])
        expect(parseBits(formatBits(value, format), format)).toBe(value);
    },
  );

  test('is refused with a reason when it does not fit or is not a number', () => {
    expect(parseBits('0x1ffffffffffffffff', 'hex')).toBe('Does not fit in 64 bits.');
    expect(parseBits('-9223372036854775809', 'signed')).toBe('Does not fit in 64 bits.');
    expect(parseBits('abc', 'signed')).toMatch(/^Not a number/);
    expect(parseBits('', 'double')).toMatch(/^Not a number/);
  });

  test('of a float is NaN-boxed when it is written', () => {
    const boxed = parseBits('1.5', 'float');
    expect(boxed).toBe(0xffff_ffff_3fc0_0000n);
    expect(isBoxedFloat(boxed as bigint)).toBe(true);
  });
});

describe('texts', () => {
  test('name a place by its function, else by its address', () => {
    expect(placeName({ address: 0x10040, symbol: 'main', offset: 0 })).toBe('main');
    expect(placeName({ address: 0x10052, symbol: 'main', offset: 0x12 })).toBe('main+0x12');
    expect(placeName({ address: 0x10052 })).toBe('0x10052');
  });

  test('group counts and scale sizes', () => {
    expect(grouped(1234567)).toBe('1\u202f234\u202f567');
    expect([groupedNumber(55e6, 0), groupedNumber(1234.5, 2)]).toEqual([
      '55\u202f000\u202f000',
      '1\u202f234.50',
    ]);
    expect([12, 4096, 3 * 2 ** 20].map(byteSize)).toEqual(['12 B', '4 KiB', '3.0 MiB']);
  });

  test('name the rounding mode and the raised flags of fcsr', () => {
    expect(describeFcsr(0b001_10001)).toBe('rtz · NV NX');
    expect(describeFcsr(0)).toBe('rne');
  });
});

describe('an argument line', () => {
  test('is split as a shell splits it', () => {
    expect(splitWords(`a 'b c' "d \\"e" f\\ g ''`)).toEqual(['a', 'b c', 'd "e', 'f g', '']);
  });

  test('with an open quote is refused', () => {
    expect(() => splitWords(`a 'b`)).toThrow("the quote ' is not closed");
  });

  test('of any words splits into the same words', () => {
    const words = ['plain', 'two words', "it's", '"', '\\', '', '$HOME', 'a=b'];
    expect(splitWords(joinWords(words))).toEqual(words);
  });
});
