import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UnavailableError } from '../../../emulator/elf/dwarf/expression';
import { Expression, type ExpressionScope } from '../../../emulator/debug/expression';
import { ExpressionError } from '../../../emulator/debug/expression-tokens';
import { StackMemory } from '../../../emulator/debug/stack-memory';
import {
  C_TYPES,
  fromScalar,
  integer,
  scalarOf,
} from '../../../emulator/debug/variables-arithmetic';
import { UNKNOWN_FUNCTION } from '../../../emulator/debug/variables-names';
import type { Value } from '../../../emulator/debug/variables-value';

const BYTES = Uint8Array.of(0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe);
const memory = new StackMemory({
  peek: (address, size) => (address === 0x10074 ? BYTES.subarray(0, size) : new Uint8Array(0)),
});
const long = (number: bigint): Value => fromScalar(integer(number, C_TYPES.long));
const NAMES = new Map<string, Value>([
  ['a0', long(7n)],
  ['$a0', long(7n)],
  ['main', { type: UNKNOWN_FUNCTION, source: { kind: 'memory', address: 0x10074n } }],
  ['sum.constprop.0', long(5n)],
  ['memcpy@@GLIBC_2.27', long(6n)],
]);
const scope: ExpressionScope = {
  memory,
  value: (name) => NAMES.get(name),
  type: () => undefined,
};
const value = (text: string): bigint | number =>
  scalarOf(new Expression(text).evaluate(scope), memory).value;

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
    ['010', 8n],
    ['1_000', 1000n],
    ['sum.constprop.0 + 1', 6n],
    ['memcpy@@GLIBC_2.27', 6n],
    ['a0 == 0xffff_ffff_ffff_ffff', 0n],
    ['-1l == 0xffffffffffffffff', 1n],
    ['a0 < 0', 0n],
    ['1.5 * 2', 3],
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
    ['main + 8', 0x1007cn],
    ['(long *)(main + 8) - 1', 0x10074n],
    ['*(long *)main', BigInt.asIntN(64, 0xfedcba9876543210n)],
    ['*(a0 - 7 + 0x10074)', BigInt.asIntN(64, 0xfedcba9876543210n)],
    ['1 << 31', -0x8000_0000n],
    ['1l << 40', 1n << 40n],
    ['(float)a0 / 2', 3.5],
    ['(unsigned)-1 > 0', 1n],
    ['$a0 * 2', 14n],
    ['-*(unsigned char *)main', -0x10n],
  ])('%s is %s, as in C', (text, expected) => {
    expect(value(text)).toBe(expected);
  });

  test('computes with floating-point values', () => {
    const [single] = new Float32Array(BYTES.slice(0, 4).buffer);
    expect(value('*(float *)main * 2')).toBe(single * 2);
    expect(value('f32[main]')).toBe(single);
    expect(value('f64(main)')).toBe(new Float64Array(BYTES.slice().buffer)[0]);
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
    ['0x_', '0x_ is no number'],
    ['09', '09 is no number'],
    ['a0.', 'column 4: expected the name of a member, found the end'],
    ['f(3)', 'column 2: expected an operator, found “(”'],
  ])('%j cannot be read: %s', (text, message) => {
    expect(() => new Expression(text)).toThrow(new ExpressionError(message));
  });

  test.each([
    ['nothing', 'no variable, register or symbol is called nothing'],
    ['a0.x', 'a long has no members'],
    ['nothing.x', 'no variable, register or symbol is called nothing.x'],
    ['1.5 % 2', '% takes integers'],
    ['1 / 0', 'division by zero'],
    ['1 % (a0 - 7)', 'division by zero'],
    ['u32(4)', 'cannot access memory at address 0x4'],
    ['u8(-1)', 'cannot access memory at address 0xffffffffffffffff'],
  ])('%j cannot be evaluated: %s', (text, message) => {
    expect(() => value(text)).toThrow(message);
  });

  test('nested beyond reason is refused, not a stack overflow', () => {
    const deep = '('.repeat(100_000) + '1' + ')'.repeat(100_000);
    expect(() => new Expression(deep)).toThrow('nested too deeply');
    expect(() => new Expression('-'.repeat(100_000) + '1')).toThrow('nested too deeply');
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
          const expected = BigInt.asUintN(64, operators[operator](a, b));
          expect(value(`${a}ul ${operator} 0x${b.toString(16)}ul`)).toBe(expected);
        },
      ),
    );
  });

  test('made of any text is read or refused with an ExpressionError', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (text) => {
        try {
          value(text);
        } catch (error) {
          if (!(error instanceof UnavailableError)) expect(error).toBeInstanceOf(ExpressionError);
        }
      }),
    );
  });
});
