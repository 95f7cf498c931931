import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ExpressionError,
  parseExpression,
  parseTyped,
  type Scope,
} from '../../../emulator/debug/expression';

const scope: Scope = {
  name: (name) =>
    new Map([
      ['a0', 7n],
      ['main', 0x10074n],
      ['minus', 2n ** 64n - 1n],
    ]).get(name),
  memory: (address, size) =>
    address === 0x10074n ? 0xfedcba98_76543210n & ((1n << BigInt(8 * size)) - 1n) : undefined,
};
const value = (text: string): bigint => parseExpression(text)(scope);

describe('an expression', () => {
  test.each([
    ['42', 42n],
    ['0x2A', 42n],
    ['0b101_010', 42n],
    ["'A'", 65n],
    ["'\\n'", 10n],
    ['a0 + 1', 8n],
    ['main+0x10', 0x10084n],
    ['1 + 2 * 3', 7n],
    ['(1 + 2) * 3', 9n],
    ['10 - 4 - 3', 3n],
    ['1 << 4 | 1', 17n],
    ['7 & 3 == 3', 7n & 1n],
    ['-7 / 2', -3n],
    ['-7 % 2', -1n],
    ['~0', -1n],
    ['!a0', 0n],
    ['a0 == 7 && main > 5', 1n],
    ['0 || 0', 0n],
    ['a0 > 5 ? 1 : 2', 1n],
    ['0 ? 1 : 0 ? 2 : 3', 3n],
    ['minus < 0', 1n],
    ['-1 >> 1', -1n],
  ])('%s is %s', (text, expected) => {
    expect(value(text)).toBe(expected);
  });

  test('reads memory with the width and sign of its name', () => {
    expect(value('u8(main)')).toBe(0x10n);
    expect(value('u16(main)')).toBe(0x3210n);
    expect(value('u32(main)')).toBe(0x76543210n);
    expect(value('i64(main)')).toBe(BigInt.asIntN(64, 0xfedcba9876543210n));
    expect(value('i8(main) + 1')).toBe(0x11n);
  });

  test.each([
    ['*(int *)main', 0x76543210n],
    ['*(short *)main', 0x3210n],
    ['*(unsigned char *)main', 0x10n],
    ['((char *)main)[0]', 0x10n],
    ['u8[main]', 0x10n],
    ['i64[main + 0]', BigInt.asIntN(64, 0xfedcba9876543210n)],
    ['(char)0x1ff', 0xffn],
    ['(signed char)0xff', -1n],
    ['(int)0xffffffff', -1n],
    ['(unsigned int)-1', 0xffffffffn],
    ['(u16)-1 + 1', 0x10000n],
    ['(int *)main + 2', 0x1007cn],
    ['(long *)(main + 8) - 1', 0x10074n],
    ['*main', BigInt.asIntN(64, 0xfedcba9876543210n)],
    ['$a0 * 2', 14n],
    ['-*(unsigned char *)main', -0x10n],
  ])('%s is %s, as in C', (text, expected) => {
    expect(value(text)).toBe(expected);
  });

  test('shows floating-point values and computes none', () => {
    const { value: read, type } = parseTyped('*(float *)main');
    expect([read(scope), type]).toEqual([0x76543210n, { bits: 32, kind: 'float', pointers: 0 }]);
    expect(() => parseExpression('*(double *)main + 1')).toThrow(
      'double can be shown, not computed',
    );
    expect(() => parseExpression('(float)a0')).toThrow('cannot be converted');
  });

  test('does not compute the side that && and || and ?: leave out', () => {
    expect(value('0 && u8(0)')).toBe(0n);
    expect(value('1 || nothing')).toBe(1n);
    expect(value('1 ? 2 : 1 / 0')).toBe(2n);
  });

  test.each([
    ['', 'column 1: expected a number, a name or “(”, found the end'],
    ['1 +', 'column 4: expected a number, a name or “(”, found the end'],
    ['(1', 'column 3: expected “)”, found the end'],
    ['1 2', 'column 3: expected an operator, found “2”'],
    ['a0 @ 3', 'unexpected character at column 3: @ 3'],
    ['1 ? 2', 'column 6: expected “:”, found the end'],
  ])('%j cannot be read: %s', (text, message) => {
    expect(() => parseExpression(text)).toThrow(new ExpressionError(message));
  });

  test.each([
    ['nothing', 'no register or symbol is called nothing'],
    ['1 / 0', 'division by zero'],
    ['1 % (a0 - 7)', 'division by zero'],
    ['u32(4)', 'memory at 0x4 cannot be read'],
    ['u8(-1)', 'memory at 0xffffffffffffffff cannot be read'],
  ])('%j cannot be evaluated: %s', (text, message) => {
    expect(() => value(text)).toThrow(new ExpressionError(message));
  });

  test('nested beyond reason is refused, not a stack overflow', () => {
    const deep = '('.repeat(100_000) + '1' + ')'.repeat(100_000);
    expect(() => parseExpression(deep)).toThrow('nested too deeply');
    expect(() => parseExpression('-'.repeat(100_000) + '1')).toThrow('nested too deeply');
  });

  test('of random operators on random numbers is what 64-bit arithmetic says', () => {
    const operators: Record<string, (a: bigint, b: bigint) => bigint> = {
      '+': (a, b) => a + b,
      '-': (a, b) => a - b,
      '*': (a, b) => a * b,
      '&': (a, b) => a & b,
      '|': (a, b) => a | b,
      '^': (a, b) => a ^ b,
    };
    fc.assert(
      fc.property(
        fc.bigInt(0n, 2n ** 64n - 1n),
        fc.bigInt(0n, 2n ** 64n - 1n),
        fc.constantFrom(...Object.keys(operators)),
        (a, b, operator) => {
          const expected = BigInt.asIntN(64, operators[operator](a, b));
          expect(value(`${a} ${operator} 0x${b.toString(16)}`)).toBe(expected);
        },
      ),
    );
  });

  test('made of any text is read or refused with an ExpressionError', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (text) => {
        try {
          parseExpression(text)(scope);
        } catch (error) {
          expect(error).toBeInstanceOf(ExpressionError);
        }
      }),
    );
  });
});
