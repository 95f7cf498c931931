import { i32, i64, type Expr, type Local } from '../wasm';
import type { Emitter } from './emitter';
import type { Instruction } from './types';

/** The arithmetic of one width that division is written with. */
interface Width<T extends 'i32' | 'i64'> {
  const(value: number): Expr<T>;
  eqz(a: Expr<T>): Expr<'i32'>;
  eq(a: Expr<T>, b: Expr<T>): Expr<'i32'>;
  sub(a: Expr<T>, b: Expr<T>): Expr<T>;
  div_s(a: Expr<T>, b: Expr<T>): Expr<T>;
  div_u(a: Expr<T>, b: Expr<T>): Expr<T>;
}

/**
 * Signed division that never traps. A divisor of -1 negates, which wraps for the most negative dividend
 * as the manual wants its overflow to (WebAssembly's own division would trap there).
 */
function quotientSigned<T extends 'i32' | 'i64'>(
  s: Emitter,
  width: Width<T>,
  dividend: Local<T>,
  divisor: Local<T>,
): Expr<T> {
  return s.choose(
    width.eqz(divisor),
    width.const(-1),
    s.choose(
      width.eq(divisor, width.const(-1)),
      width.sub(width.const(0), dividend),
      width.div_s(dividend, divisor),
    ),
  );
}

function quotientUnsigned<T extends 'i32' | 'i64'>(
  s: Emitter,
  width: Width<T>,
  dividend: Expr<T>,
  divisor: Local<T>,
): Expr<T> {
  return s.choose(width.eqz(divisor), width.const(-1), width.div_u(dividend, divisor));
}

/** WebAssembly's signed remainder gives 0 on overflow, as the manual wants; only zero needs care. */
function remainder<T extends 'i32' | 'i64'>(
  s: Emitter,
  width: Width<T>,
  rem: (a: Expr<T>, b: Expr<T>) => Expr<T>,
  dividend: Local<T>,
  divisor: Local<T>,
): Expr<T> {
  return s.choose(width.eqz(divisor), dividend, rem(dividend, divisor));
}

/**
 * The high 64 bits of a product, from products of 32-bit halves:
 *
 *     a × b = (aH × bH) << 64 + (aH × bL + aL × bH) << 32 + aL × bL
 *
 * That is the unsigned product; a negative operand weighs 2^64 too much in it, so that the other operand
 * is subtracted from the high half.
 */
function multiplyHigh(s: Emitter, signed1: boolean, signed2: boolean): void {
  const low = (v: Expr<'i64'>): Expr<'i64'> => i64.and(v, i64.const(0xffffffff));
  const high = (v: Expr<'i64'>): Expr<'i64'> => i64.shr_u(v, i64.const(32));
  const a = s.let(s.x('rs1'));
  const b = s.let(s.x('rs2'));
  const middle = s.let(i64.add(i64.mul(high(a), low(b)), high(i64.mul(low(a), low(b)))));
  const carry = high(i64.add(i64.mul(low(a), high(b)), low(middle)));
  let product = i64.add(i64.mul(high(a), high(b)), i64.add(high(middle), carry));
  const whenNegative = (sign: Local<'i64'>, other: Local<'i64'>): Expr<'i64'> =>
    i64.and(i64.shr_s(sign, i64.const(63)), other);
  if (signed1) product = i64.sub(product, whenNegative(a, b));
  if (signed2) product = i64.sub(product, whenNegative(b, a));
  s.setX(product);
}

/** M: multiplication and division (Unprivileged ISA, chapter 12). */
export const M: readonly Instruction[] = [
  {
    name: 'mul',
    extension: 'M',
    pattern: '0000001 rs2 rs1 000 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(i64.mul(s.x('rs1'), s.x('rs2'))),
    sentence: 'Multiplies rs1 by rs2 and writes the low 64 bits of the product.',
    example: 'mul a0, a1, a2',
  },
  {
    name: 'mulh',
    extension: 'M',
    pattern: '0000001 rs2 rs1 001 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => multiplyHigh(s, true, true),
    sentence: 'Multiplies rs1 by rs2 as signed numbers and writes the high 64 bits of the product.',
    example: 'mulh a0, a1, a2',
  },
  {
    name: 'mulhsu',
    extension: 'M',
    pattern: '0000001 rs2 rs1 010 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => multiplyHigh(s, true, false),
    sentence: 'Multiplies signed rs1 by unsigned rs2 and writes the high 64 bits of the product.',
    example: 'mulhsu a0, a1, a2',
  },
  {
    name: 'mulhu',
    extension: 'M',
    pattern: '0000001 rs2 rs1 011 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => multiplyHigh(s, false, false),
    sentence:
      'Multiplies rs1 by rs2 as unsigned numbers and writes the high 64 bits of the product.',
    example: 'mulhu a0, a1, a2',
  },
  {
    name: 'div',
    extension: 'M',
    pattern: '0000001 rs2 rs1 100 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(quotientSigned(s, i64, s.let(s.x('rs1')), s.let(s.x('rs2')))),
    sentence:
      'Divides rs1 by rs2 as signed numbers, rounding towards zero; by zero gives -1, overflow gives the dividend.',
    example: 'div a0, a1, a2',
  },
  {
    name: 'divu',
    extension: 'M',
    pattern: '0000001 rs2 rs1 101 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(quotientUnsigned(s, i64, s.x('rs1'), s.let(s.x('rs2')))),
    sentence:
      'Divides rs1 by rs2 as unsigned numbers, rounding towards zero; by zero gives 2^64 - 1.',
    example: 'divu a0, a1, a2',
  },
  {
    name: 'rem',
    extension: 'M',
    pattern: '0000001 rs2 rs1 110 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(remainder(s, i64, i64.rem_s, s.let(s.x('rs1')), s.let(s.x('rs2')))),
    sentence:
      'Writes the remainder of rs1 divided by rs2 as signed numbers, with the sign of rs1; by zero gives rs1, overflow gives 0.',
    example: 'rem a0, a1, a2',
  },
  {
    name: 'remu',
    extension: 'M',
    pattern: '0000001 rs2 rs1 111 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(remainder(s, i64, i64.rem_u, s.let(s.x('rs1')), s.let(s.x('rs2')))),
    sentence: 'Writes the remainder of rs1 divided by rs2 as unsigned numbers; by zero gives rs1.',
    example: 'remu a0, a1, a2',
  },
  {
    name: 'mulw',
    extension: 'M',
    pattern: '0000001 rs2 rs1 000 rd 0111011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setW(i32.mul(s.w('rs1'), s.w('rs2'))),
    sentence:
      'Multiplies the low 32 bits of rs1 and rs2 and sign-extends the low 32 bits of the product.',
    example: 'mulw a0, a1, a2',
  },
  {
    name: 'divw',
    extension: 'M',
    pattern: '0000001 rs2 rs1 100 rd 0111011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setW(quotientSigned(s, i32, s.let(s.w('rs1')), s.let(s.w('rs2')))),
    sentence:
      'Divides the low 32 bits of rs1 by those of rs2 as signed numbers and sign-extends the quotient; by zero gives -1.',
    example: 'divw a0, a1, a2',
  },
  {
    name: 'divuw',
    extension: 'M',
    pattern: '0000001 rs2 rs1 101 rd 0111011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setW(quotientUnsigned(s, i32, s.w('rs1'), s.let(s.w('rs2')))),
    sentence:
      'Divides the low 32 bits of rs1 by those of rs2 as unsigned numbers and sign-extends the 32-bit quotient; by zero gives all ones.',
    example: 'divuw a0, a1, a2',
  },
  {
    name: 'remw',
    extension: 'M',
    pattern: '0000001 rs2 rs1 110 rd 0111011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setW(remainder(s, i32, i32.rem_s, s.let(s.w('rs1')), s.let(s.w('rs2')))),
    sentence:
      'Writes the sign-extended remainder of the low 32 bits of rs1 divided by those of rs2 as signed numbers; by zero gives rs1.',
    example: 'remw a0, a1, a2',
  },
  {
    name: 'remuw',
    extension: 'M',
    pattern: '0000001 rs2 rs1 111 rd 0111011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setW(remainder(s, i32, i32.rem_u, s.let(s.w('rs1')), s.let(s.w('rs2')))),
    sentence:
      'Writes the sign-extended 32-bit remainder of the low 32 bits of rs1 divided by those of rs2 as unsigned numbers; by zero gives rs1.',
    example: 'remuw a0, a1, a2',
  },
];
