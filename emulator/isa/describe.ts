import { csrName } from './csrs';
import { encode, rowOf } from './decoder';
import { accessSet } from './disassemble';
import { patternParts, readField, type Field } from './pattern';
import { FLOAT_REGISTERS, INTEGER_REGISTERS, ROUNDING_MODES } from './registers';
import type { Decoded, Extension } from './types';

/** A run of bits of an encoding. */
interface BitField {
  /**
   * What the pattern says about the bits: `rd`, `imm[11:5]`. Fixed bits have the manual's name for their place
   * (`opcode`, `funct3`), or none.
   */
  readonly name: string;
  /** Bit numbers, both included. */
  readonly high: number;
  readonly low: number;
  /** From the most significant on: `0110011`. */
  readonly bits: string;
  /** The field's whole value: a register's, CSR's or rounding mode's name, or a number; absent for fixed bits. */
  readonly meaning?: string;
}

/** What hover help says about an instruction. */
export interface InstructionDescription {
  /** As it was encoded: `c.lw`. */
  readonly name: string;
  readonly extension: Extension;
  readonly sentence: string;
  /** Its operands in assembly, as the table writes them. */
  readonly syntax: string;
  /** From the most significant bit down. */
  readonly fields: readonly BitField[];
  /** For compressed instructions: the name of the one that they stand for. */
  readonly expandsTo?: string;
}

/** Describes an instruction as it was encoded. */
export function describeInstruction(decoded: Decoded): InstructionDescription {
  const { encoded, instruction } = decoded;
  return {
    name: encoded.name,
    extension: encoded.extension,
    sentence: encoded.sentence,
    syntax: encoded.syntax,
    fields: bitFields(decoded),
    expandsTo: encoded === instruction ? undefined : instruction.name,
  };
}

function bitFields(decoded: Decoded): BitField[] {
  const { encoded, length } = decoded;
  const word = encode(decoded);
  const total = 8 * length;
  const digits = word.toString(2).padStart(total, '0');
  const fields = new Map(rowOf(encoded.name)?.pattern.fields.map((field) => [field.name, field]));
  let from = 0;
  return patternParts(encoded.pattern).map(({ text, width, name }) => {
    const high = total - 1 - from;
    const low = high - width + 1;
    const bits = digits.slice(from, from + width);
    from += width;
    const field = name === undefined ? undefined : fields.get(name);
    if (!field) return { name: PLACES[`${total}:${high}:${low}`] ?? '', high, low, bits };
    return { name: text, high, low, bits, meaning: meaningOf(field, word, encoded.syntax) };
  });
}

/** Names of fixed bits by `width of the encoding:high:low` (Unprivileged ISA, sections 2.2 and 26.2). */
const PLACES: Readonly<Record<string, string | undefined>> = {
  '32:6:0': 'opcode',
  '32:14:12': 'funct3',
  '32:31:25': 'funct7',
  '32:31:26': 'funct6',
  '32:31:27': 'funct5',
  '32:26:25': 'fmt',
  '32:31:20': 'funct12',
  '16:1:0': 'op',
  '16:15:13': 'funct3',
};

function meaningOf(field: Field, word: number, syntax: string): string {
  const value = readField(field, word);
  switch (field.name) {
    case 'csr':
      return csrName(value) ?? `0x${value.toString(16)}`;
    case 'rm':
      return ROUNDING_MODES[value] ?? 'reserved';
    case 'pred':
    case 'succ':
      return value === 0 ? 'none' : accessSet(value);
    case 'uimm':
    case 'aq':
    case 'rl':
      return String(value);
    default: {
      if (field.slot === 'imm') return String(value);
      const float = syntax.includes(`f${field.slot}`);
      return (float ? FLOAT_REGISTERS : INTEGER_REGISTERS)[value];
    }
  }
}
