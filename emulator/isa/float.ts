import { i64, type Expr } from '../wasm';
import { effectiveAddress, type Emitter, type FloatHelper, type Format } from './emitter';
import type { Extension, Instruction } from './types';

/** What tells the three formats apart: encoding, names and words. */
interface FormatRow {
  readonly format: Format;
  readonly extension: Extension;
  /** The `fmt` field of the encodings, and the `width` field (funct3) of loads and stores. */
  readonly fmt: string;
  readonly width: string;
  /** The letter of loads, stores and moves: `flw`, `fmv.x.w`. */
  readonly letter: string;
  readonly bits: 16 | 32 | 64;
  readonly words: string;
}

const HALF: FormatRow = {
  format: 'h',
  extension: 'Zfh',
  fmt: '10',
  width: '001',
  letter: 'h',
  bits: 16,
  words: 'half-precision',
};
const SINGLE: FormatRow = {
  format: 's',
  extension: 'F',
  fmt: '00',
  width: '010',
  letter: 'w',
  bits: 32,
  words: 'single-precision',
};
const DOUBLE: FormatRow = {
  format: 'd',
  extension: 'D',
  fmt: '01',
  width: '011',
  letter: 'd',
  bits: 64,
  words: 'double-precision',
};

const OP_FP = '1010011';

/** Loads, stores and moves between register files: bits as they are, no flags, no check of the boxing. */
function transfers({
  format,
  extension,
  fmt,
  width,
  letter,
  bits,
  words,
}: FormatRow): Instruction[] {
  const loads = { 16: 'u16', 32: 'u32', 64: 'i64' } as const;
  const stores = { 16: '16', 32: '32', 64: '64' } as const;
  const extend = { 16: i64.extend16_s, 32: i64.extend32_s, 64: (v: Expr<'i64'>) => v };
  const extended = bits === 64 ? '' : ', sign-extended,';
  return [
    {
      name: `fl${letter}`,
      extension,
      pattern: `imm[11:0] rs1 ${width} rd 0000111`,
      syntax: 'frd, imm(rs1)',
      semantics: (s) => s.setF(format, s.load(loads[bits], effectiveAddress(s))),
      sentence: `Loads a ${words} number from memory.`,
      example: `fl${letter} fa0, 8(sp)`,
    },
    {
      name: `fs${letter}`,
      extension,
      pattern: `imm[11:5] rs2 rs1 ${width} imm[4:0] 0100111`,
      syntax: 'frs2, imm(rs1)',
      semantics: (s) => s.store(stores[bits], effectiveAddress(s), s.fraw('rs2')),
      sentence: `Stores a ${words} number in memory.`,
      example: `fs${letter} fa0, 8(sp)`,
    },
    {
      name: `fmv.x.${letter}`,
      extension,
      pattern: `11100${fmt} 00000 rs1 000 rd ${OP_FP}`,
      syntax: 'rd, frs1',
      semantics: (s) => s.setX(extend[bits](s.fraw('rs1'))),
      sentence: `Copies the low ${bits} bits of a floating-point register${extended} to an integer register.`,
      example: `fmv.x.${letter} a0, fa1`,
    },
    {
      name: `fmv.${letter}.x`,
      extension,
      pattern: `11110${fmt} 00000 rs1 000 rd ${OP_FP}`,
      syntax: 'frd, rs1',
      semantics: (s) => s.setF(format, s.x('rs1')),
      sentence: `Copies the low ${bits} bits of an integer register to a floating-point register.`,
      example: `fmv.${letter}.x fa0, a1`,
    },
  ];
}

/** Rounded operations: they take a rounding mode and raise flags. */
function arithmetic({ format, extension, fmt, words }: FormatRow): Instruction[] {
  const binary = (
    op: 'add' | 'sub' | 'mul' | 'div',
    funct5: string,
    does: string,
  ): Instruction => ({
    name: `f${op}.${format}`,
    extension,
    pattern: `${funct5}${fmt} rs2 rs1 rm rd ${OP_FP}`,
    syntax: 'frd, frs1, frs2, rm',
    semantics: (s) => s.arithmetic(format, op),
    sentence: `${does} (${words}, rounded).`,
    example: `f${op}.${format} fa0, fa1, fa2`,
  });
  const fused = (
    op: string,
    opcode: string,
    negateProduct: boolean,
    negateAddend: boolean,
  ): Instruction => ({
    name: `f${op}.${format}`,
    extension,
    pattern: `rs3 ${fmt} rs2 rs1 rm rd ${opcode}`,
    syntax: 'frd, frs1, frs2, frs3, rm',
    semantics: (s) => s.fusedMultiplyAdd(format, negateProduct, negateAddend),
    sentence:
      `Computes ${negateProduct ? '-' : ''}(rs1 × rs2) ${negateAddend ? '-' : '+'} rs3 ` +
      `with a single rounding (${words}).`,
    example: `f${op}.${format} fa0, fa1, fa2, fa3`,
  });
  return [
    fused('madd', '1000011', false, false),
    fused('msub', '1000111', false, true),
    fused('nmsub', '1001011', true, false),
    fused('nmadd', '1001111', true, true),
    binary('add', '00000', 'Adds rs2 to rs1'),
    binary('sub', '00001', 'Subtracts rs2 from rs1'),
    binary('mul', '00010', 'Multiplies rs1 by rs2'),
    binary('div', '00011', 'Divides rs1 by rs2'),
    {
      name: `fsqrt.${format}`,
      extension,
      pattern: `01011${fmt} 00000 rs1 rm rd ${OP_FP}`,
      syntax: 'frd, frs1, rm',
      semantics: (s) => s.arithmetic(format, 'sqrt'),
      sentence: `Computes the square root of rs1 (${words}, rounded).`,
      example: `fsqrt.${format} fa0, fa1`,
    },
  ];
}

/** Sign injection, minimum and maximum, comparisons and classification. */
function comparisons({ format, extension, fmt, bits, words }: FormatRow): Instruction[] {
  const signBit = i64.const(1n << BigInt(bits - 1));
  const magnitude = i64.const((1n << BigInt(bits - 1)) - 1n);
  const injection = (
    op: string,
    funct3: string,
    sign: (s: Emitter) => Expr<'i64'>,
    does: string,
  ): Instruction => ({
    name: `f${op}.${format}`,
    extension,
    pattern: `00100${fmt} rs2 rs1 ${funct3} rd ${OP_FP}`,
    syntax: 'frd, frs1, frs2',
    semantics: (s) => s.setF(format, sign(s)),
    sentence: `Copies rs1 with ${does} (${words}).`,
    example: `f${op}.${format} fa0, fa1, fa2`,
  });
  const extreme = (op: 'min' | 'max', funct3: string, which: string): Instruction => ({
    name: `f${op}.${format}`,
    extension,
    pattern: `00101${fmt} rs2 rs1 ${funct3} rd ${OP_FP}`,
    syntax: 'frd, frs1, frs2',
    semantics: (s) => s.setF(format, s.float(op, format, s.f('rs1', format), s.f('rs2', format))),
    sentence: `Writes the ${which} of rs1 and rs2, or the other one when one is a NaN (${words}).`,
    example: `f${op}.${format} fa0, fa1, fa2`,
  });
  const comparison = (op: 'eq' | 'lt' | 'le', funct3: string, holds: string): Instruction => ({
    name: `f${op}.${format}`,
    extension,
    pattern: `10100${fmt} rs2 rs1 ${funct3} rd ${OP_FP}`,
    syntax: 'rd, frs1, frs2',
    semantics: (s) => s.setX(s.float(op, format, s.f('rs1', format), s.f('rs2', format))),
    sentence: `Writes 1 when rs1 ${holds} rs2, else 0; 0 when one is a NaN (${words}).`,
    example: `f${op}.${format} a0, fa1, fa2`,
  });
  const magnitude1 = (s: Emitter): Expr<'i64'> => i64.and(s.f('rs1', format), magnitude);
  const sign2 = (s: Emitter): Expr<'i64'> => i64.and(s.f('rs2', format), signBit);
  return [
    injection('sgnj', '000', (s) => i64.or(magnitude1(s), sign2(s)), 'the sign of rs2'),
    injection(
      'sgnjn',
      '001',
      (s) => i64.or(magnitude1(s), i64.xor(sign2(s), signBit)),
      'the opposite of the sign of rs2',
    ),
    injection(
      'sgnjx',
      '010',
      (s) => i64.xor(s.f('rs1', format), sign2(s)),
      'its sign flipped when rs2 is negative',
    ),
    extreme('min', '000', 'lesser'),
    extreme('max', '001', 'greater'),
    comparison('le', '000', 'is less than or equal to'),
    comparison('lt', '001', 'is less than'),
    comparison('eq', '010', 'equals'),
    {
      name: `fclass.${format}`,
      extension,
      pattern: `11100${fmt} 00000 rs1 001 rd ${OP_FP}`,
      syntax: 'rd, frs1',
      semantics: (s) => s.setX(s.float('classify', format, s.f('rs1', format))),
      sentence: `Writes a mask with one bit set that tells the class of rs1: infinity, normal, zero, NaN … (${words}).`,
      example: `fclass.${format} a0, fa1`,
    },
  ];
}

/** Conversions between a format and the integers. */
function integerConversions({ format, extension, fmt, words }: FormatRow): Instruction[] {
  const integers = [
    { letter: 'w', code: '00000', helper: 'i32', what: 'a signed 32-bit integer' },
    { letter: 'wu', code: '00001', helper: 'u32', what: 'an unsigned 32-bit integer' },
    { letter: 'l', code: '00010', helper: 'i64', what: 'a signed 64-bit integer' },
    { letter: 'lu', code: '00011', helper: 'u64', what: 'an unsigned 64-bit integer' },
  ] as const;
  return integers.flatMap(({ letter, code, helper, what }): Instruction[] => {
    // A double holds every 32-bit integer exactly: no rounding mode is written.
    const exact = format === 'd' && letter.startsWith('w');
    return [
      {
        name: `fcvt.${letter}.${format}`,
        extension,
        pattern: `11000${fmt} ${code} rs1 rm rd ${OP_FP}`,
        syntax: 'rd, frs1, rm',
        semantics: (s) => s.setX(s.float(`to_${helper}`, format, s.f('rs1', format))),
        sentence: `Converts a ${words} number to ${what}, rounded and limited to its range.`,
        example: `fcvt.${letter}.${format} a0, fa1, rtz`,
      },
      {
        name: `fcvt.${format}.${letter}`,
        extension,
        pattern: `11010${fmt} ${code} rs1 rm rd ${OP_FP}`,
        syntax: exact ? 'frd, rs1' : 'frd, rs1, rm',
        semantics: (s) => s.setF(format, s.float(`from_${helper}`, format, s.x('rs1'))),
        sentence: `Converts ${what} to a ${words} number${exact ? '' : ', rounded'}.`,
        example: `fcvt.${format}.${letter} fa0, a1`,
      },
    ];
  });
}

/** Conversions from one format to another; widening is exact and takes no rounding mode. */
function formatConversion(to: FormatRow, from: FormatRow): Instruction {
  const widening = to.bits > from.bits;
  const helper: FloatHelper = `from_${from.format}`;
  const extension = to.format === 'h' || from.format === 'h' ? 'Zfh' : 'D';
  return {
    name: `fcvt.${to.format}.${from.format}`,
    extension,
    pattern: `01000${to.fmt} 000${from.fmt} rs1 rm rd ${OP_FP}`,
    syntax: widening ? 'frd, frs1' : 'frd, frs1, rm',
    semantics: (s) => s.setF(to.format, s.float(helper, to.format, s.f('rs1', from.format))),
    sentence: `Converts a ${from.words} number to a ${to.words} one${widening ? '' : ', rounded'}.`,
    example: `fcvt.${to.format}.${from.format} fa0, fa1`,
  };
}

const rows = (row: FormatRow): Instruction[] => [
  ...transfers(row),
  ...arithmetic(row),
  ...comparisons(row),
  ...integerConversions(row),
];

/** F, D and Zfh: floating point (Unprivileged ISA, chapters 20, 21 and 23). */
export const FLOAT: readonly Instruction[] = [
  ...rows(SINGLE),
  ...rows(DOUBLE),
  formatConversion(SINGLE, DOUBLE),
  formatConversion(DOUBLE, SINGLE),
  ...rows(HALF),
  formatConversion(SINGLE, HALF),
  formatConversion(HALF, SINGLE),
  formatConversion(DOUBLE, HALF),
  formatConversion(HALF, DOUBLE),
];
