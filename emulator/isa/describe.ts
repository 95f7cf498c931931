import { csrName } from './csrs';
import { encode, rowOf } from './decoder';
import { accessSet } from './disassemble';
import { patternParts, readField, type Field } from './pattern';
import { FLOAT_REGISTERS, INTEGER_REGISTERS, ROUNDING_MODES } from './registers';
import type { Decoded, Extension, Instruction } from './types';

/** A run of bits of an encoding. */
export interface BitRun {
  /** Bit numbers, both included. */
  readonly high: number;
  readonly low: number;
  /** From the most significant on: `0110011`. */
  readonly bits: string;
  /** What the pattern says about them: `rd`, `imm[11:5]`; absent for fixed bits. */
  readonly label?: string;
}

/** A field with its value. */
export interface FieldValue {
  /** As in the pattern, without bits: `rd'`, `imm`, `rm`. */
  readonly name: string;
  readonly value: number;
  /** A register's, CSR's or rounding mode's name; else the number. */
  readonly text: string;
}

/** What hover help says about an instruction. */
export interface Description {
  readonly name: string;
  readonly extension: Extension;
  readonly sentence: string;
  /** Its operands in assembly, as the table writes them. */
  readonly syntax: string;
  /** The encoding as a number of `length` bytes. */
  readonly word: number;
  readonly length: 2 | 4;
  readonly bits: readonly BitRun[];
  readonly fields: readonly FieldValue[];
  /** For compressed instructions: the name of the one that they stand for. */
  readonly expandsTo?: string;
}

/** Describes an instruction as it was encoded. */
export function describe(decoded: Decoded): Description {
  const { encoded, instruction, length } = decoded;
  const word = encode(decoded);
  const fields = rowOf(encoded.name)?.pattern.fields ?? [];
  return {
    name: encoded.name,
    extension: encoded.extension,
    sentence: encoded.sentence,
    syntax: encoded.syntax,
    word,
    length,
    bits: bitRuns(encoded.pattern, word, 8 * length),
    fields: fields.map((field) => fieldValue(field, word, encoded)),
    expandsTo: encoded === instruction ? undefined : instruction.name,
  };
}

function bitRuns(pattern: string, word: number, total: number): BitRun[] {
  const digits = word.toString(2).padStart(total, '0');
  let from = 0;
  return patternParts(pattern).map(({ text, width, name }) => {
    const bits = digits.slice(from, from + width);
    const high = total - 1 - from;
    from += width;
    return { high, low: total - from, bits, label: name === undefined ? undefined : text };
  });
}

function fieldValue(field: Field, word: number, { syntax }: Instruction): FieldValue {
  const { name } = field;
  const value = readField(field, word);
  return { name, value, text: valueText(field, value, syntax) ?? String(value) };
}

function valueText({ name, slot }: Field, value: number, syntax: string): string | undefined {
  switch (name) {
    case 'csr':
      return csrName(value) ?? `0x${value.toString(16)}`;
    case 'rm':
      return ROUNDING_MODES[value];
    case 'pred':
    case 'succ':
      return accessSet(value);
    case 'uimm':
    case 'aq':
    case 'rl':
      return undefined;
    default: {
      if (slot === 'imm') return undefined;
      const float = syntax.includes(`f${slot}`);
      return (float ? FLOAT_REGISTERS : INTEGER_REGISTERS)[value];
    }
  }
}
