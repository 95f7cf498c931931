import { i64, type Expr } from '../wasm';
import type { Instruction } from './types';

/** 1 shifted left by the low 6 bits of `index` (which is all that `shl` looks at). */
const bit = (index: Expr<'i64'>): Expr<'i64'> => i64.shl(i64.const(1), index);

/** Zbs: single-bit instructions (Unprivileged ISA, section 30.4.4). */
export const ZBS: readonly Instruction[] = [
  {
    name: 'bclr',
    extension: 'Zbs',
    pattern: '0100100 rs2 rs1 001 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(i64.and(s.x('rs1'), i64.xor(bit(s.x('rs2')), i64.const(-1)))),
    sentence: 'Clears the bit of rs1 that the low 6 bits of rs2 name.',
    example: 'bclr a0, a1, a2',
  },
  {
    name: 'bclri',
    extension: 'Zbs',
    pattern: '010010 shamt[5:0] rs1 001 rd 0010011',
    syntax: 'rd, rs1, shamt',
    semantics: (s) => s.setX(i64.and(s.x('rs1'), i64.xor(bit(s.imm()), i64.const(-1)))),
    sentence: 'Clears the bit of rs1 that the constant names.',
    example: 'bclri a0, a1, 40',
  },
  {
    name: 'bext',
    extension: 'Zbs',
    pattern: '0100100 rs2 rs1 101 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(i64.and(i64.shr_u(s.x('rs1'), s.x('rs2')), i64.const(1))),
    sentence: 'Writes the bit of rs1 that the low 6 bits of rs2 name, as 0 or 1.',
    example: 'bext a0, a1, a2',
  },
  {
    name: 'bexti',
    extension: 'Zbs',
    pattern: '010010 shamt[5:0] rs1 101 rd 0010011',
    syntax: 'rd, rs1, shamt',
    semantics: (s) => s.setX(i64.and(i64.shr_u(s.x('rs1'), s.imm()), i64.const(1))),
    sentence: 'Writes the bit of rs1 that the constant names, as 0 or 1.',
    example: 'bexti a0, a1, 40',
  },
  {
    name: 'binv',
    extension: 'Zbs',
    pattern: '0110100 rs2 rs1 001 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(i64.xor(s.x('rs1'), bit(s.x('rs2')))),
    sentence: 'Inverts the bit of rs1 that the low 6 bits of rs2 name.',
    example: 'binv a0, a1, a2',
  },
  {
    name: 'binvi',
    extension: 'Zbs',
    pattern: '011010 shamt[5:0] rs1 001 rd 0010011',
    syntax: 'rd, rs1, shamt',
    semantics: (s) => s.setX(i64.xor(s.x('rs1'), bit(s.imm()))),
    sentence: 'Inverts the bit of rs1 that the constant names.',
    example: 'binvi a0, a1, 40',
  },
  {
    name: 'bset',
    extension: 'Zbs',
    pattern: '0010100 rs2 rs1 001 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(i64.or(s.x('rs1'), bit(s.x('rs2')))),
    sentence: 'Sets the bit of rs1 that the low 6 bits of rs2 name.',
    example: 'bset a0, a1, a2',
  },
  {
    name: 'bseti',
    extension: 'Zbs',
    pattern: '001010 shamt[5:0] rs1 001 rd 0010011',
    syntax: 'rd, rs1, shamt',
    semantics: (s) => s.setX(i64.or(s.x('rs1'), bit(s.imm()))),
    sentence: 'Sets the bit of rs1 that the constant names.',
    example: 'bseti a0, a1, 40',
  },
];
