import { encodeSlots, parsePattern, readField, type Pattern, type Slots } from './pattern';
import { ROUNDING_MODES } from './registers';
import { INSTRUCTIONS } from './table';
import type { Decoded, Expansion, FieldSource, Instruction } from './types';

/** A row of the table, ready for decoding. */
export interface Row {
  readonly instruction: Instruction;
  readonly pattern: Pattern;
  /** For compressed ones: the row whose semantics run. */
  readonly base: Instruction;
}

const byName = new Map(INSTRUCTIONS.map((instruction) => [instruction.name, instruction]));

const ROWS: ReadonlyMap<string, Row> = new Map(
  INSTRUCTIONS.map((instruction): [string, Row] => {
    const base = byName.get(instruction.expands?.to ?? instruction.name);
    if (!base?.semantics) throw new Error(`${instruction.name} expands to an unknown instruction`);
    return [instruction.name, { instruction, pattern: parsePattern(instruction.pattern), base }];
  }),
);

/** A row of the table by its instruction's name. */
export const rowOf = (name: string): Row | undefined => ROWS.get(name);

/** The bits that choose a bucket: the opcode with funct3, or the quadrant with funct3. */
const bucketOf = (word: number): number =>
  (word & 3) === 3
    ? 32 | ((word >>> 2) & 0x1f) | ((word >>> 6) & 0x1c0)
    : (word & 3) | ((word >>> 11) & 0x1c);
const BUCKETS = 512;

/** Rows by bucket; a row whose pattern leaves bucket bits open is in several. Special cases come first. */
const buckets: readonly (readonly Row[])[] = makeBuckets();

function makeBuckets(): Row[][] {
  const result: Row[][] = Array.from({ length: BUCKETS }, () => []);
  const ordered = [...ROWS.values()].sort(
    (a, b) =>
      Number(b.instruction.narrows !== undefined) - Number(a.instruction.narrows !== undefined),
  );
  for (const row of ordered) {
    const { length, mask, match } = row.pattern;
    for (let funct3 = 0; funct3 < 8; funct3++) {
      const bits = funct3 << (length === 4 ? 12 : 13);
      const open = length === 4 ? 0x7000 : 0xe000;
      if (((bits ^ match) & mask & open) !== 0) continue;
      result[bucketOf((match & ~open) | bits)].push(row);
    }
  }
  return result;
}

/**
 * The length in bytes of the instruction that begins with these 16 bits, by its lowest bits; 2 for
 * those of 48 bits and more, which no row has.
 */
export const instructionLength = (halfword: number): 2 | 4 =>
  (halfword & 3) === 3 && (halfword & 0x1c) !== 0x1c ? 4 : 2;

/**
 * Decodes the instruction in the low bits of `word`: 16 of them when the lowest two are not both 1, else
 * all 32. Hints decode to what they do: nothing.
 * @returns undefined when the encoding is illegal or reserved.
 */
export function decode(word: number): Decoded | undefined {
  const compressed = (word & 3) !== 3;
  const bits = compressed ? word & 0xffff : word >>> 0;
  for (const row of buckets[bucketOf(bits)]) {
    const { pattern, instruction, base } = row;
    if ((bits & pattern.mask) >>> 0 !== pattern.match) continue;
    const decoded: Mutable<Decoded> = {
      instruction: base,
      encoded: instruction,
      length: pattern.length,
      rd: 0,
      rs1: 0,
      rs2: 0,
      rs3: 0,
      imm: 0,
      rm: 0,
    };
    if (!readFields(pattern, bits, decoded)) continue;
    if (instruction.expands) expand(instruction.expands, decoded);
    return decoded;
  }
  return undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Fills the slots; false when a field has a value that the encoding does not allow. */
function readFields(pattern: Pattern, bits: number, slots: Mutable<Slots>): boolean {
  for (const field of pattern.fields) {
    const value = readField(field, bits);
    if (value === field.not) return false;
    if (field.name === 'rm' && ROUNDING_MODES[value] === undefined) return false;
    slots[field.slot] |= value << field.shift;
  }
  return true;
}

function expand(expands: Expansion, slots: Mutable<Slots>): void {
  const { rd, rs1, rs2 } = slots;
  const from = (source: FieldSource = 0): number => {
    if (typeof source === 'number') return source;
    return source === 'rd' ? rd : source === 'rs1' ? rs1 : rs2;
  };
  slots.rd = from(expands.rd);
  slots.rs1 = from(expands.rs1);
  slots.rs2 = from(expands.rs2);
  slots.imm = expands.imm ?? slots.imm;
}

/** The word that decodes to this, as it was encoded; the inverse of `decode`. */
export function encode(decoded: Decoded): number {
  const row = ROWS.get(decoded.encoded.name);
  if (!row) throw new Error(`${decoded.encoded.name} is not in the instruction table`);
  return encodeSlots(row.pattern, decoded);
}
