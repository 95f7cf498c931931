import { i32, i64, select, type Expr, type Local } from '../wasm';
import { reverseBytes } from './bits';
import type { Emitter } from './emitter';
import type { Instruction } from './types';

const not = (a: Expr<'i64'>): Expr<'i64'> => i64.xor(a, i64.const(-1));

/** Writes rs1 when it compares so with rs2, else rs2. */
function pick(s: Emitter, compare: (a: Expr<'i64'>, b: Expr<'i64'>) => Expr<'i32'>): void {
  const a = s.let(s.x('rs1'));
  const b = s.let(s.x('rs2'));
  s.setX(select(compare(a, b), a, b));
}

/**
 * 0xff for each byte that is not zero. Adding 0x7f to the low seven bits of a byte carries into its top bit
 * unless they are all zero, and never out of the byte.
 */
function combineBytes(value: Local<'i64'>): Expr<'i64'> {
  const sevens = i64.const(0x7f7f7f7f7f7f7f7fn);
  const carried = i64.or(i64.add(i64.and(value, sevens), sevens), value);
  const tops = i64.and(carried, i64.const(0x8080808080808080n));
  return i64.mul(i64.shr_u(tops, i64.const(7)), i64.const(0xff));
}

/** Zbb: basic bit manipulation (Unprivileged ISA, section 30.4.2). */
export const ZBB: readonly Instruction[] = [
  {
    name: 'andn',
    extension: 'Zbb',
    pattern: '0100000 rs2 rs1 111 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(i64.and(s.x('rs1'), not(s.x('rs2')))),
    sentence: 'Computes the bitwise and of rs1 and the inverse of rs2.',
    example: 'andn a0, a1, a2',
  },
  {
    name: 'orn',
    extension: 'Zbb',
    pattern: '0100000 rs2 rs1 110 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(i64.or(s.x('rs1'), not(s.x('rs2')))),
    sentence: 'Computes the bitwise or of rs1 and the inverse of rs2.',
    example: 'orn a0, a1, a2',
  },
  {
    name: 'xnor',
    extension: 'Zbb',
    pattern: '0100000 rs2 rs1 100 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(i64.xor(s.x('rs1'), not(s.x('rs2')))),
    sentence: 'Computes the inverse of the exclusive or of rs1 and rs2.',
    example: 'xnor a0, a1, a2',
  },
  {
    name: 'clz',
    extension: 'Zbb',
    pattern: '0110000 00000 rs1 001 rd 0010011',
    syntax: 'rd, rs1',
    semantics: (s) => s.setX(i64.clz(s.x('rs1'))),
    sentence: 'Counts the zeros above the highest 1 of rs1; 64 when there is none.',
    example: 'clz a0, a1',
  },
  {
    name: 'clzw',
    extension: 'Zbb',
    pattern: '0110000 00000 rs1 001 rd 0011011',
    syntax: 'rd, rs1',
    semantics: (s) => s.setW(i32.clz(s.w('rs1'))),
    sentence:
      'Counts the zeros above the highest 1 of the low 32 bits of rs1; 32 when there is none.',
    example: 'clzw a0, a1',
  },
  {
    name: 'ctz',
    extension: 'Zbb',
    pattern: '0110000 00001 rs1 001 rd 0010011',
    syntax: 'rd, rs1',
    semantics: (s) => s.setX(i64.ctz(s.x('rs1'))),
    sentence: 'Counts the zeros below the lowest 1 of rs1; 64 when there is none.',
    example: 'ctz a0, a1',
  },
  {
    name: 'ctzw',
    extension: 'Zbb',
    pattern: '0110000 00001 rs1 001 rd 0011011',
    syntax: 'rd, rs1',
    semantics: (s) => s.setW(i32.ctz(s.w('rs1'))),
    sentence:
      'Counts the zeros below the lowest 1 of the low 32 bits of rs1; 32 when there is none.',
    example: 'ctzw a0, a1',
  },
  {
    name: 'cpop',
    extension: 'Zbb',
    pattern: '0110000 00010 rs1 001 rd 0010011',
    syntax: 'rd, rs1',
    semantics: (s) => s.setX(i64.popcnt(s.x('rs1'))),
    sentence: 'Counts the ones of rs1.',
    example: 'cpop a0, a1',
  },
  {
    name: 'cpopw',
    extension: 'Zbb',
    pattern: '0110000 00010 rs1 001 rd 0011011',
    syntax: 'rd, rs1',
    semantics: (s) => s.setW(i32.popcnt(s.w('rs1'))),
    sentence: 'Counts the ones of the low 32 bits of rs1.',
    example: 'cpopw a0, a1',
  },
  {
    name: 'max',
    extension: 'Zbb',
    pattern: '0000101 rs2 rs1 110 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => pick(s, i64.gt_s),
    sentence: 'Writes the greater of rs1 and rs2 as signed numbers.',
    example: 'max a0, a1, a2',
  },
  {
    name: 'maxu',
    extension: 'Zbb',
    pattern: '0000101 rs2 rs1 111 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => pick(s, i64.gt_u),
    sentence: 'Writes the greater of rs1 and rs2 as unsigned numbers.',
    example: 'maxu a0, a1, a2',
  },
  {
    name: 'min',
    extension: 'Zbb',
    pattern: '0000101 rs2 rs1 100 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => pick(s, i64.lt_s),
    sentence: 'Writes the lesser of rs1 and rs2 as signed numbers.',
    example: 'min a0, a1, a2',
  },
  {
    name: 'minu',
    extension: 'Zbb',
    pattern: '0000101 rs2 rs1 101 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => pick(s, i64.lt_u),
    sentence: 'Writes the lesser of rs1 and rs2 as unsigned numbers.',
    example: 'minu a0, a1, a2',
  },
  {
    name: 'sext.b',
    extension: 'Zbb',
    pattern: '0110000 00100 rs1 001 rd 0010011',
    syntax: 'rd, rs1',
    semantics: (s) => s.setX(i64.extend8_s(s.x('rs1'))),
    sentence: 'Sign-extends the low 8 bits of rs1 to 64 bits.',
    example: 'sext.b a0, a1',
  },
  {
    name: 'sext.h',
    extension: 'Zbb',
    pattern: '0110000 00101 rs1 001 rd 0010011',
    syntax: 'rd, rs1',
    semantics: (s) => s.setX(i64.extend16_s(s.x('rs1'))),
    sentence: 'Sign-extends the low 16 bits of rs1 to 64 bits.',
    example: 'sext.h a0, a1',
  },
  {
    name: 'zext.h',
    extension: 'Zbb',
    pattern: '0000100 00000 rs1 100 rd 0111011',
    syntax: 'rd, rs1',
    semantics: (s) => s.setX(i64.and(s.x('rs1'), i64.const(0xffff))),
    sentence: 'Zero-extends the low 16 bits of rs1 to 64 bits.',
    example: 'zext.h a0, a1',
  },
  {
    name: 'rol',
    extension: 'Zbb',
    pattern: '0110000 rs2 rs1 001 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(i64.rotl(s.x('rs1'), s.x('rs2'))),
    sentence: 'Rotates rs1 left by the amount in the low 6 bits of rs2.',
    example: 'rol a0, a1, a2',
  },
  {
    name: 'ror',
    extension: 'Zbb',
    pattern: '0110000 rs2 rs1 101 rd 0110011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setX(i64.rotr(s.x('rs1'), s.x('rs2'))),
    sentence: 'Rotates rs1 right by the amount in the low 6 bits of rs2.',
    example: 'ror a0, a1, a2',
  },
  {
    name: 'rori',
    extension: 'Zbb',
    pattern: '011000 shamt[5:0] rs1 101 rd 0010011',
    syntax: 'rd, rs1, shamt',
    semantics: (s) => s.setX(i64.rotr(s.x('rs1'), s.imm())),
    sentence: 'Rotates rs1 right by a constant of 0 to 63.',
    example: 'rori a0, a1, 8',
  },
  {
    name: 'rolw',
    extension: 'Zbb',
    pattern: '0110000 rs2 rs1 001 rd 0111011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setW(i32.rotl(s.w('rs1'), s.w('rs2'))),
    sentence:
      'Rotates the low 32 bits of rs1 left by the amount in the low 5 bits of rs2 and sign-extends the result.',
    example: 'rolw a0, a1, a2',
  },
  {
    name: 'rorw',
    extension: 'Zbb',
    pattern: '0110000 rs2 rs1 101 rd 0111011',
    syntax: 'rd, rs1, rs2',
    semantics: (s) => s.setW(i32.rotr(s.w('rs1'), s.w('rs2'))),
    sentence:
      'Rotates the low 32 bits of rs1 right by the amount in the low 5 bits of rs2 and sign-extends the result.',
    example: 'rorw a0, a1, a2',
  },
  {
    name: 'roriw',
    extension: 'Zbb',
    pattern: '0110000 shamt[4:0] rs1 101 rd 0011011',
    syntax: 'rd, rs1, shamt',
    semantics: (s) => s.setW(i32.rotr(s.w('rs1'), s.imm32())),
    sentence:
      'Rotates the low 32 bits of rs1 right by a constant of 0 to 31 and sign-extends the result.',
    example: 'roriw a0, a1, 8',
  },
  {
    name: 'orc.b',
    extension: 'Zbb',
    pattern: '001010000111 rs1 101 rd 0010011',
    syntax: 'rd, rs1',
    semantics: (s) => s.setX(combineBytes(s.let(s.x('rs1')))),
    sentence: 'Sets each byte of rs1 that is not zero to 0xff.',
    example: 'orc.b a0, a1',
  },
  {
    name: 'rev8',
    extension: 'Zbb',
    pattern: '011010111000 rs1 101 rd 0010011',
    syntax: 'rd, rs1',
    semantics: (s) => s.setX(reverseBytes(s, s.x('rs1'))),
    sentence: 'Reverses the order of the bytes of rs1.',
    example: 'rev8 a0, a1',
  },
];
