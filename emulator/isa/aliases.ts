import type { Slots } from './pattern';

/**
 * Another way to write an instruction: a pseudo-instruction of the manual (Unprivileged ISA, chapter
 * "RISC-V Assembly Programmer's Handbook") or a form that binutils prints.
 */
export interface Alias {
  readonly name: string;
  /** The instruction that it stands for. */
  readonly of: string;
  /** Operands, as in `Instruction.syntax`. */
  readonly syntax: string;
  /** What the operands that are not written hold. */
  readonly fixed?: Partial<Slots>;
  /** rs1 and rs2 are the same register, written once as rs1. */
  readonly same?: boolean;
  /** The assembler alone knows it: the disassembler prints another form. */
  readonly inputOnly?: boolean;
}

const IMMEDIATE = 'rd, rs1, imm';
const SHIFT = 'rd, rs1, shamt';
const FFLAGS = 0x001;
const FRM = 0x002;
const FCSR = 0x003;
const CYCLE = 0xc00;
const TIME = 0xc01;
const INSTRET = 0xc02;
const FULL_FENCE = 0xff;
const RA = 1;

/** The first alias of an instruction that fits is the one printed. */
export const ALIASES: readonly Alias[] = [
  // Hints among the compressed encodings keep their own names.
  { name: 'nop', of: 'c.nop', syntax: '', fixed: { imm: 0 } },
  { name: 'c.nop', of: 'c.nop', syntax: '', fixed: { imm: 0 } },
  { name: 'c.nop', of: 'c.nop', syntax: 'imm' },
  { name: 'add', of: 'c.addi', syntax: IMMEDIATE },
  { name: 'c.li', of: 'c.li', syntax: 'rd, imm', fixed: { rd: 0 } },
  { name: 'c.lui', of: 'c.lui', syntax: 'rd, imm[31:12]', fixed: { rd: 0 } },
  { name: 'c.mv', of: 'c.mv', syntax: 'rd, rs2', fixed: { rd: 0 } },
  { name: 'c.add', of: 'c.add', syntax: 'rd, rs2', fixed: { rd: 0 } },
  { name: 'c.slli64', of: 'c.slli', syntax: 'rd', fixed: { imm: 0 } },
  { name: 'c.slli', of: 'c.slli', syntax: 'rd, shamt', fixed: { rd: 0 } },
  { name: 'c.srli64', of: 'c.srli', syntax: 'rd', fixed: { imm: 0 } },
  { name: 'c.srai64', of: 'c.srai', syntax: 'rd', fixed: { imm: 0 } },
  { name: 'mv', of: 'c.mv', syntax: 'rd, rs2' },

  // Integer computation.
  { name: 'nop', of: 'addi', syntax: '', fixed: { rd: 0, rs1: 0, imm: 0 } },
  { name: 'li', of: 'addi', syntax: 'rd, imm', fixed: { rs1: 0 } },
  { name: 'mv', of: 'addi', syntax: 'rd, rs1', fixed: { imm: 0 } },
  { name: 'add', of: 'addi', syntax: IMMEDIATE },
  { name: 'sext.w', of: 'addiw', syntax: 'rd, rs1', fixed: { imm: 0 } },
  { name: 'addw', of: 'addiw', syntax: IMMEDIATE },
  { name: 'zext.b', of: 'andi', syntax: 'rd, rs1', fixed: { imm: 255 } },
  { name: 'and', of: 'andi', syntax: IMMEDIATE },
  { name: 'or', of: 'ori', syntax: IMMEDIATE },
  { name: 'not', of: 'xori', syntax: 'rd, rs1', fixed: { imm: -1 } },
  { name: 'xor', of: 'xori', syntax: IMMEDIATE },
  { name: 'sll', of: 'slli', syntax: SHIFT },
  { name: 'srl', of: 'srli', syntax: SHIFT },
  { name: 'sra', of: 'srai', syntax: SHIFT },
  { name: 'sllw', of: 'slliw', syntax: SHIFT },
  { name: 'srlw', of: 'srliw', syntax: SHIFT },
  { name: 'sraw', of: 'sraiw', syntax: SHIFT },
  { name: 'ror', of: 'rori', syntax: SHIFT },
  { name: 'rorw', of: 'roriw', syntax: SHIFT },
  { name: 'bclr', of: 'bclri', syntax: SHIFT },
  { name: 'bext', of: 'bexti', syntax: SHIFT },
  { name: 'binv', of: 'binvi', syntax: SHIFT },
  { name: 'bset', of: 'bseti', syntax: SHIFT },
  { name: 'neg', of: 'sub', syntax: 'rd, rs2', fixed: { rs1: 0 } },
  { name: 'negw', of: 'subw', syntax: 'rd, rs2', fixed: { rs1: 0 } },
  { name: 'seqz', of: 'sltiu', syntax: 'rd, rs1', fixed: { imm: 1 } },
  { name: 'snez', of: 'sltu', syntax: 'rd, rs2', fixed: { rs1: 0 } },
  { name: 'sltz', of: 'slt', syntax: 'rd, rs1', fixed: { rs2: 0 } },
  { name: 'sgtz', of: 'slt', syntax: 'rd, rs2', fixed: { rs1: 0 } },
  { name: 'sgt', of: 'slt', syntax: 'rd, rs2, rs1', inputOnly: true },
  { name: 'sgtu', of: 'sltu', syntax: 'rd, rs2, rs1', inputOnly: true },
  { name: 'zext.w', of: 'add.uw', syntax: 'rd, rs1', fixed: { rs2: 0 } },

  // Branches and jumps.
  { name: 'beqz', of: 'beq', syntax: 'rs1, offset', fixed: { rs2: 0 } },
  { name: 'bnez', of: 'bne', syntax: 'rs1, offset', fixed: { rs2: 0 } },
  { name: 'bltz', of: 'blt', syntax: 'rs1, offset', fixed: { rs2: 0 } },
  { name: 'bgtz', of: 'blt', syntax: 'rs2, offset', fixed: { rs1: 0 } },
  { name: 'blez', of: 'bge', syntax: 'rs2, offset', fixed: { rs1: 0 } },
  { name: 'bgez', of: 'bge', syntax: 'rs1, offset', fixed: { rs2: 0 } },
  { name: 'bgt', of: 'blt', syntax: 'rs2, rs1, offset', inputOnly: true },
  { name: 'ble', of: 'bge', syntax: 'rs2, rs1, offset', inputOnly: true },
  { name: 'bgtu', of: 'bltu', syntax: 'rs2, rs1, offset', inputOnly: true },
  { name: 'bleu', of: 'bgeu', syntax: 'rs2, rs1, offset', inputOnly: true },
  { name: 'j', of: 'jal', syntax: 'offset', fixed: { rd: 0 } },
  { name: 'jal', of: 'jal', syntax: 'offset', fixed: { rd: RA } },
  { name: 'ret', of: 'jalr', syntax: '', fixed: { rd: 0, rs1: RA, imm: 0 } },
  { name: 'jr', of: 'jalr', syntax: 'rs1', fixed: { rd: 0, imm: 0 } },
  { name: 'jr', of: 'jalr', syntax: 'imm(rs1)', fixed: { rd: 0 } },
  { name: 'jalr', of: 'jalr', syntax: 'rs1', fixed: { rd: RA, imm: 0 } },
  { name: 'jalr', of: 'jalr', syntax: 'imm(rs1)', fixed: { rd: RA } },
  { name: 'jalr', of: 'jalr', syntax: 'rd, rs1', fixed: { imm: 0 } },
  { name: 'jalr', of: 'jalr', syntax: 'rd, rs1, imm', inputOnly: true },

  // Fences and environment.
  { name: 'fence', of: 'fence', syntax: '', fixed: { imm: FULL_FENCE } },

  // Control and status registers.
  { name: 'unimp', of: 'csrrw', syntax: '', fixed: { rd: 0, rs1: 0, imm: CYCLE } },
  { name: 'frflags', of: 'csrrs', syntax: 'rd', fixed: { rs1: 0, imm: FFLAGS } },
  { name: 'frrm', of: 'csrrs', syntax: 'rd', fixed: { rs1: 0, imm: FRM } },
  { name: 'frcsr', of: 'csrrs', syntax: 'rd', fixed: { rs1: 0, imm: FCSR } },
  { name: 'fsflags', of: 'csrrw', syntax: 'rs1', fixed: { rd: 0, imm: FFLAGS } },
  { name: 'fsflags', of: 'csrrw', syntax: 'rd, rs1', fixed: { imm: FFLAGS } },
  { name: 'fsrm', of: 'csrrw', syntax: 'rs1', fixed: { rd: 0, imm: FRM } },
  { name: 'fsrm', of: 'csrrw', syntax: 'rd, rs1', fixed: { imm: FRM } },
  { name: 'fscsr', of: 'csrrw', syntax: 'rs1', fixed: { rd: 0, imm: FCSR } },
  { name: 'fscsr', of: 'csrrw', syntax: 'rd, rs1', fixed: { imm: FCSR } },
  { name: 'fsflagsi', of: 'csrrwi', syntax: 'rd, uimm', fixed: { imm: FFLAGS } },
  {
    name: 'fsflagsi',
    of: 'csrrwi',
    syntax: 'uimm',
    fixed: { rd: 0, imm: FFLAGS },
    inputOnly: true,
  },
  { name: 'fsrmi', of: 'csrrwi', syntax: 'rd, uimm', fixed: { imm: FRM } },
  { name: 'fsrmi', of: 'csrrwi', syntax: 'uimm', fixed: { rd: 0, imm: FRM }, inputOnly: true },
  { name: 'rdcycle', of: 'csrrs', syntax: 'rd', fixed: { rs1: 0, imm: CYCLE } },
  { name: 'rdtime', of: 'csrrs', syntax: 'rd', fixed: { rs1: 0, imm: TIME } },
  { name: 'rdinstret', of: 'csrrs', syntax: 'rd', fixed: { rs1: 0, imm: INSTRET } },
  { name: 'csrr', of: 'csrrs', syntax: 'rd, csr', fixed: { rs1: 0 } },
  { name: 'csrw', of: 'csrrw', syntax: 'csr, rs1', fixed: { rd: 0 } },
  { name: 'csrs', of: 'csrrs', syntax: 'csr, rs1', fixed: { rd: 0 } },
  { name: 'csrc', of: 'csrrc', syntax: 'csr, rs1', fixed: { rd: 0 } },
  { name: 'csrw', of: 'csrrwi', syntax: 'csr, uimm', fixed: { rd: 0 } },
  { name: 'csrs', of: 'csrrsi', syntax: 'csr, uimm', fixed: { rd: 0 } },
  { name: 'csrc', of: 'csrrci', syntax: 'csr, uimm', fixed: { rd: 0 } },
  { name: 'csrwi', of: 'csrrwi', syntax: 'csr, uimm', fixed: { rd: 0 }, inputOnly: true },
  { name: 'csrsi', of: 'csrrsi', syntax: 'csr, uimm', fixed: { rd: 0 }, inputOnly: true },
  { name: 'csrci', of: 'csrrci', syntax: 'csr, uimm', fixed: { rd: 0 }, inputOnly: true },
  { name: 'csrrw', of: 'csrrwi', syntax: 'rd, csr, uimm' },
  { name: 'csrrs', of: 'csrrsi', syntax: 'rd, csr, uimm' },
  { name: 'csrrc', of: 'csrrci', syntax: 'rd, csr, uimm' },

  // Floating point.
  ...['s', 'd', 'h'].flatMap((format): Alias[] => [
    { name: `fmv.${format}`, of: `fsgnj.${format}`, syntax: 'frd, frs1', same: true },
    { name: `fneg.${format}`, of: `fsgnjn.${format}`, syntax: 'frd, frs1', same: true },
    { name: `fabs.${format}`, of: `fsgnjx.${format}`, syntax: 'frd, frs1', same: true },
  ]),
  { name: 'fmv.x.s', of: 'fmv.x.w', syntax: 'rd, frs1', inputOnly: true },
  { name: 'fmv.s.x', of: 'fmv.w.x', syntax: 'frd, rs1', inputOnly: true },
];
