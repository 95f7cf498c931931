import type { Instruction } from './types';

/**
 * Zicsr: control and status registers (Unprivileged ISA, chapter 6). The hart loop does the access: it alone
 * knows which registers there are. The decoder gives the CSR number as `imm` and a constant as `rs1`.
 */
export const ZICSR: readonly Instruction[] = [
  {
    name: 'csrrw',
    extension: 'Zicsr',
    pattern: 'csr rs1 001 rd 1110011',
    syntax: 'rd, csr, rs1',
    semantics: (s) => s.trap('csr'),
    control: 'trap',
    sentence: 'Writes the CSR to rd and rs1 to the CSR; the CSR is not read when rd is zero.',
    example: 'csrrw a0, fcsr, a1',
  },
  {
    name: 'csrrs',
    extension: 'Zicsr',
    pattern: 'csr rs1 010 rd 1110011',
    syntax: 'rd, csr, rs1',
    semantics: (s) => s.trap('csr'),
    control: 'trap',
    sentence:
      'Writes the CSR to rd and sets its bits that are 1 in rs1; it is not written when rs1 is zero.',
    example: 'csrrs a0, fflags, a1',
  },
  {
    name: 'csrrc',
    extension: 'Zicsr',
    pattern: 'csr rs1 011 rd 1110011',
    syntax: 'rd, csr, rs1',
    semantics: (s) => s.trap('csr'),
    control: 'trap',
    sentence:
      'Writes the CSR to rd and clears its bits that are 1 in rs1; it is not written when rs1 is zero.',
    example: 'csrrc a0, fflags, a1',
  },
  {
    name: 'csrrwi',
    extension: 'Zicsr',
    pattern: 'csr uimm 101 rd 1110011',
    syntax: 'rd, csr, uimm',
    semantics: (s) => s.trap('csr'),
    control: 'trap',
    sentence:
      'Writes the CSR to rd and a constant of 0 to 31 to the CSR; the CSR is not read when rd is zero.',
    example: 'csrrwi a0, frm, 1',
  },
  {
    name: 'csrrsi',
    extension: 'Zicsr',
    pattern: 'csr uimm 110 rd 1110011',
    syntax: 'rd, csr, uimm',
    semantics: (s) => s.trap('csr'),
    control: 'trap',
    sentence: 'Writes the CSR to rd and sets its bits that are 1 in a constant of 0 to 31.',
    example: 'csrrsi a0, fflags, 1',
  },
  {
    name: 'csrrci',
    extension: 'Zicsr',
    pattern: 'csr uimm 111 rd 1110011',
    syntax: 'rd, csr, uimm',
    semantics: (s) => s.trap('csr'),
    control: 'trap',
    sentence: 'Writes the CSR to rd and clears its bits that are 1 in a constant of 0 to 31.',
    example: 'csrrci a0, fflags, 16',
  },
];
