import { i64 } from '../wasm';
import type { Instruction } from './types';

/** RV64I: jumps, branches and environment calls (Unprivileged ISA, sections 2.5 and 2.8). */
export const CONTROL: readonly Instruction[] = [
  {
    name: 'jal',
    extension: 'I',
    pattern: 'imm[20|10:1|11|19:12] rd 1101111',
    syntax: 'rd, offset',
    semantics: (s) => s.jump(),
    control: 'jump',
    sentence:
      'Jumps to pc + offset (within ±1 MiB) and writes the address of the next instruction to rd.',
    example: 'jal ra, .+2048',
  },
  {
    name: 'jalr',
    extension: 'I',
    pattern: 'imm[11:0] rs1 000 rd 1100111',
    syntax: 'rd, imm(rs1)',
    semantics: (s) => s.jumpIndirect(i64.add(s.x('rs1'), s.imm())),
    control: 'indirect',
    sentence:
      'Jumps to rs1 plus the immediate, bit 0 cleared, and writes the address of the next instruction to rd.',
    example: 'jalr ra, 0(a0)',
  },
  {
    name: 'beq',
    extension: 'I',
    pattern: 'imm[12|10:5] rs2 rs1 000 imm[4:1|11] 1100011',
    syntax: 'rs1, rs2, offset',
    semantics: (s) => s.branch(i64.eq(s.x('rs1'), s.x('rs2'))),
    control: 'branch',
    sentence: 'Branches to pc + offset (within ±4 KiB) when rs1 equals rs2.',
    example: 'beq a0, a1, .+16',
  },
  {
    name: 'bne',
    extension: 'I',
    pattern: 'imm[12|10:5] rs2 rs1 001 imm[4:1|11] 1100011',
    syntax: 'rs1, rs2, offset',
    semantics: (s) => s.branch(i64.ne(s.x('rs1'), s.x('rs2'))),
    control: 'branch',
    sentence: 'Branches to pc + offset (within ±4 KiB) when rs1 differs from rs2.',
    example: 'bne a0, a1, .+16',
  },
  {
    name: 'blt',
    extension: 'I',
    pattern: 'imm[12|10:5] rs2 rs1 100 imm[4:1|11] 1100011',
    syntax: 'rs1, rs2, offset',
    semantics: (s) => s.branch(i64.lt_s(s.x('rs1'), s.x('rs2'))),
    control: 'branch',
    sentence:
      'Branches to pc + offset (within ±4 KiB) when rs1 is less than rs2 as signed numbers.',
    example: 'blt a0, a1, .+16',
  },
  {
    name: 'bge',
    extension: 'I',
    pattern: 'imm[12|10:5] rs2 rs1 101 imm[4:1|11] 1100011',
    syntax: 'rs1, rs2, offset',
    semantics: (s) => s.branch(i64.ge_s(s.x('rs1'), s.x('rs2'))),
    control: 'branch',
    sentence:
      'Branches to pc + offset (within ±4 KiB) when rs1 is greater than or equal to rs2 as signed numbers.',
    example: 'bge a0, a1, .+16',
  },
  {
    name: 'bltu',
    extension: 'I',
    pattern: 'imm[12|10:5] rs2 rs1 110 imm[4:1|11] 1100011',
    syntax: 'rs1, rs2, offset',
    semantics: (s) => s.branch(i64.lt_u(s.x('rs1'), s.x('rs2'))),
    control: 'branch',
    sentence:
      'Branches to pc + offset (within ±4 KiB) when rs1 is less than rs2 as unsigned numbers.',
    example: 'bltu a0, a1, .+16',
  },
  {
    name: 'bgeu',
    extension: 'I',
    pattern: 'imm[12|10:5] rs2 rs1 111 imm[4:1|11] 1100011',
    syntax: 'rs1, rs2, offset',
    semantics: (s) => s.branch(i64.ge_u(s.x('rs1'), s.x('rs2'))),
    control: 'branch',
    sentence:
      'Branches to pc + offset (within ±4 KiB) when rs1 is greater than or equal to rs2 as unsigned numbers.',
    example: 'bgeu a0, a1, .+16',
  },
  {
    name: 'ecall',
    extension: 'I',
    pattern: '000000000000 00000 000 00000 1110011',
    syntax: '',
    semantics: (s) => s.trap('ecall'),
    control: 'trap',
    sentence: 'Calls the execution environment: a system call, its number in a7.',
    example: 'ecall',
  },
  {
    name: 'ebreak',
    extension: 'I',
    pattern: '000000000001 00000 000 00000 1110011',
    syntax: '',
    semantics: (s) => s.trap('ebreak'),
    control: 'trap',
    sentence: 'Hands control to the debugger.',
    example: 'ebreak',
  },
];
