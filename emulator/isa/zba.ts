import { i64, type Expr } from '../wasm';
import type { Emitter } from './emitter';
import type { Instruction } from './types';

/** The low 32 bits of rs1, zero-extended. */
const lowWord = (s: Emitter): Expr<'i64'> => i64.extend_i32_u(s.w('rs1'));

/** Zba: address generation (Unprivileged ISA, section 30.4.1). */
export const ZBA: readonly Instruction[] = [
  {
    name: 'sh1add',
    extension: 'Zba',
    pattern: '0010000 rs2 rs1 010 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(i64.add(s.x('rs2'), i64.shl(s.x('rs1'), i64.const(1)))),
    sentence: 'Shifts rs1 left by 1 and adds rs2.',
    example: 'sh1add a0, a1, a2',
  },
  {
    name: 'sh2add',
    extension: 'Zba',
    pattern: '0010000 rs2 rs1 100 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(i64.add(s.x('rs2'), i64.shl(s.x('rs1'), i64.const(2)))),
    sentence: 'Shifts rs1 left by 2 and adds rs2.',
    example: 'sh2add a0, a1, a2',
  },
  {
    name: 'sh3add',
    extension: 'Zba',
    pattern: '0010000 rs2 rs1 110 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(i64.add(s.x('rs2'), i64.shl(s.x('rs1'), i64.const(3)))),
    sentence: 'Shifts rs1 left by 3 and adds rs2.',
    example: 'sh3add a0, a1, a2',
  },
  {
    name: 'add.uw',
    extension: 'Zba',
    pattern: '0000100 rs2 rs1 000 rd 0111011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(i64.add(s.x('rs2'), lowWord(s))),
    sentence: 'Adds the zero-extended low 32 bits of rs1 to rs2.',
    example: 'add.uw a0, a1, a2',
  },
  {
    name: 'sh1add.uw',
    extension: 'Zba',
    pattern: '0010000 rs2 rs1 010 rd 0111011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(i64.add(s.x('rs2'), i64.shl(lowWord(s), i64.const(1)))),
    sentence: 'Shifts the zero-extended low 32 bits of rs1 left by 1 and adds rs2.',
    example: 'sh1add.uw a0, a1, a2',
  },
  {
    name: 'sh2add.uw',
    extension: 'Zba',
    pattern: '0010000 rs2 rs1 100 rd 0111011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(i64.add(s.x('rs2'), i64.shl(lowWord(s), i64.const(2)))),
    sentence: 'Shifts the zero-extended low 32 bits of rs1 left by 2 and adds rs2.',
    example: 'sh2add.uw a0, a1, a2',
  },
  {
    name: 'sh3add.uw',
    extension: 'Zba',
    pattern: '0010000 rs2 rs1 110 rd 0111011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(i64.add(s.x('rs2'), i64.shl(lowWord(s), i64.const(3)))),
    sentence: 'Shifts the zero-extended low 32 bits of rs1 left by 3 and adds rs2.',
    example: 'sh3add.uw a0, a1, a2',
  },
  {
    name: 'slli.uw',
    extension: 'Zba',
    pattern: '000010 shamt[5:0] rs1 001 rd 0011011',
    syntax: 'rd, rs1, shamt',
    semantics: (s) => s.setX(i64.shl(lowWord(s), s.imm())),
    sentence: 'Shifts the zero-extended low 32 bits of rs1 left by a constant of 0 to 63.',
    example: 'slli.uw a0, a1, 4',
  },
];
