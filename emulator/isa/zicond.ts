import { i64, select } from '../wasm';
import type { Instruction } from './types';

/** Zicond: integer conditional operations (Unprivileged ISA, chapter 11). */
export const ZICOND: readonly Instruction[] = [
  {
    name: 'czero.eqz',
    extension: 'Zicond',
    pattern: '0000111 rs2 rs1 101 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(select(i64.eqz(s.x('rs2')), i64.const(0), s.x('rs1'))),
    sentence: 'Writes 0 when rs2 is zero, else rs1.',
    example: 'czero.eqz a0, a1, a2',
  },
  {
    name: 'czero.nez',
    extension: 'Zicond',
    pattern: '0000111 rs2 rs1 111 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(select(i64.eqz(s.x('rs2')), s.x('rs1'), i64.const(0))),
    sentence: 'Writes 0 when rs2 is not zero, else rs1.',
    example: 'czero.nez a0, a1, a2',
  },
];
