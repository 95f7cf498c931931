import { i64, type Expr } from '../wasm';
import { reverseBits } from './bits';
import type { Emitter } from './emitter';
import type { Instruction } from './types';

/**
 * The low 64 bits of a carry-less product, by ordinary multiplications of every fourth bit. A column of such
 * a product sums at most 16 ones, which need the three empty bits above it (only the topmost column reaches
 * 16, and its carry leaves the word), so that the lowest bit of each column is the exclusive or that is wanted.
 */
function carrylessProduct(s: Emitter, a: Expr<'i64'>, b: Expr<'i64'>): Expr<'i64'> {
  const column = (i: number): Expr<'i64'> => i64.const(0x1111111111111111n << BigInt(i));
  const every4th = (value: Expr<'i64'>): Expr<'i64'>[] => {
    const kept = s.let(value);
    return [0, 1, 2, 3].map((i) => s.let(i64.and(kept, column(i))));
  };
  const as = every4th(a);
  const bs = every4th(b);
  const columns = as.map((_, i) => {
    const products = as.map((part, j) => i64.mul(part, bs[(i - j + 4) % 4]));
    return i64.and(products.reduce(i64.xor), column(i));
  });
  return columns.reduce(i64.or);
}

/** Reversing the operands and the result turns the low half of a product into bits 126 to 63. */
function reversedProduct(s: Emitter): Expr<'i64'> {
  const product = carrylessProduct(s, reverseBits(s, s.x('rs1')), reverseBits(s, s.x('rs2')));
  return reverseBits(s, product);
}

/** Zbc: carry-less multiplication (Unprivileged ISA, section 30.4.3). */
export const ZBC: readonly Instruction[] = [
  {
    name: 'clmul',
    extension: 'Zbc',
    pattern: '0000101 rs2 rs1 001 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(carrylessProduct(s, s.x('rs1'), s.x('rs2'))),
    sentence: 'Writes the low 64 bits of the carry-less product of rs1 and rs2.',
    example: 'clmul a0, a1, a2',
  },
  {
    name: 'clmulr',
    extension: 'Zbc',
    pattern: '0000101 rs2 rs1 010 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(reversedProduct(s)),
    sentence: 'Writes bits 126 to 63 of the carry-less product of rs1 and rs2.',
    example: 'clmulr a0, a1, a2',
  },
  {
    name: 'clmulh',
    extension: 'Zbc',
    pattern: '0000101 rs2 rs1 011 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(i64.shr_u(reversedProduct(s), i64.const(1))),
    sentence: 'Writes the high 64 bits of the carry-less product of rs1 and rs2.',
    example: 'clmulh a0, a1, a2',
  },
];
