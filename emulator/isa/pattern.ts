import type { Decoded } from './types';

/** Where the decoder puts a field's value. */
export type Slot = 'rd' | 'rs1' | 'rs2' | 'rs3' | 'imm' | 'rm';

/** The slot values of one instruction. */
export type Slots = Pick<Decoded, Slot>;

/** A run of bits of an encoding: `width` bits of the word from bit `at` on are the value's bits from `to` on. */
interface Piece {
  readonly at: number;
  readonly width: number;
  readonly to: number;
}

/** A named field of an encoding. Its pieces say where the bits of its value lie in the word. */
export interface Field {
  /** As in the pattern, without brackets: `rd'`, `nzuimm`, `rm`. */
  readonly name: string;
  readonly slot: Slot;
  /** The bit of the slot where the value begins: the fields of a fence share `imm`. */
  readonly shift: number;
  readonly pieces: readonly Piece[];
  /** Bits up to the highest one of the value. */
  readonly width: number;
  readonly signed: boolean;
  /** A three-bit register field: x8 to x15. */
  readonly compact: boolean;
  /** A value that belongs to another instruction or is reserved (`nzimm`, `rd≠0`). */
  readonly not?: number;
}

/** An encoding, read from its text. Words match when `(word & mask) >>> 0 === match`. */
export interface Pattern {
  readonly length: 2 | 4;
  readonly mask: number;
  readonly match: number;
  readonly fields: readonly Field[];
}

interface FieldKind {
  readonly slot: Slot;
  /** Bits, for fields that stand without brackets. */
  readonly width?: number;
  readonly shift?: number;
  readonly signed?: boolean;
  readonly compact?: boolean;
  readonly not?: number;
}

const FIELD_KINDS: Readonly<Record<string, FieldKind | undefined>> = {
  rd: { slot: 'rd', width: 5 },
  rs1: { slot: 'rs1', width: 5 },
  rs2: { slot: 'rs2', width: 5 },
  rs3: { slot: 'rs3', width: 5 },
  "rd'": { slot: 'rd', width: 3, compact: true },
  "rs1'": { slot: 'rs1', width: 3, compact: true },
  "rs2'": { slot: 'rs2', width: 3, compact: true },
  rm: { slot: 'rm', width: 3 },
  aq: { slot: 'rm', width: 1, shift: 1 },
  rl: { slot: 'rm', width: 1 },
  csr: { slot: 'imm', width: 12 },
  fm: { slot: 'imm', width: 4, shift: 8 },
  pred: { slot: 'imm', width: 4, shift: 4 },
  succ: { slot: 'imm', width: 4 },
  shamt: { slot: 'imm' },
  imm: { slot: 'imm', signed: true },
  nzimm: { slot: 'imm', signed: true, not: 0 },
  nzuimm: { slot: 'imm', not: 0 },
};
/** With brackets an offset of a compressed load or store; without, the constant of `csrrwi` in rs1's place. */
const UIMM_OFFSET: FieldKind = { slot: 'imm' };
const UIMM_CONSTANT: FieldKind = { slot: 'rs1', width: 5 };

const TOKEN = /^(?<name>[a-z][a-z0-9]*'?)(?:≠(?<not>\d+))?(?:\[(?<bits>[\d:|]+)\])?$/;

/**
 * Reads a pattern of the table (see `Instruction.pattern`).
 * @throws Error when a token is unknown or the pattern is not 16 or 32 bits wide.
 */
export function parsePattern(text: string): Pattern {
  const tokens = text.split(' ').map((token) => readToken(token, text));
  const total = tokens.reduce((sum, token) => sum + token.width, 0);
  if (total !== 16 && total !== 32) {
    throw new Error(`pattern "${text}" is ${total} bits wide, not 16 or 32`);
  }
  let at = total;
  let mask = 0;
  let match = 0;
  const found = new Map<string, { kind: FieldKind; not?: number; pieces: Piece[] }>();
  for (const token of tokens) {
    at -= token.width;
    if (token.fixed !== undefined) {
      mask |= ones(token.width) << at;
      match |= token.fixed << at;
      continue;
    }
    const field = found.get(token.name) ?? { kind: token.kind, not: token.not, pieces: [] };
    found.set(token.name, field);
    let below = at + token.width;
    for (const { high, low } of token.runs) {
      below -= high - low + 1;
      field.pieces.push({ at: below, width: high - low + 1, to: low });
    }
  }
  return {
    length: total === 16 ? 2 : 4,
    mask: mask >>> 0,
    match: match >>> 0,
    fields: [...found].map(([name, { kind, not, pieces }]) => ({
      name,
      slot: kind.slot,
      shift: kind.shift ?? 0,
      pieces,
      width: Math.max(...pieces.map((piece) => piece.to + piece.width)),
      signed: kind.signed ?? false,
      compact: kind.compact ?? false,
      not: not ?? kind.not,
    })),
  };
}

/** The parts of a pattern from the most significant bit on, each with its width in bits. */
export function patternParts(pattern: string): { text: string; width: number; name?: string }[] {
  return pattern.split(' ').map((text) => {
    const token = readToken(text, pattern);
    return { text, width: token.width, name: token.fixed === undefined ? token.name : undefined };
  });
}

interface Run {
  readonly high: number;
  readonly low: number;
}
type Token =
  | { readonly width: number; readonly fixed: number }
  | {
      readonly width: number;
      readonly fixed?: undefined;
      readonly name: string;
      readonly kind: FieldKind;
      readonly not?: number;
      readonly runs: readonly Run[];
    };

function readToken(token: string, pattern: string): Token {
  if (/^[01]+$/.test(token)) return { width: token.length, fixed: Number.parseInt(token, 2) };
  const { name, not, bits } = TOKEN.exec(token)?.groups ?? {};
  const uimm = bits === undefined ? UIMM_CONSTANT : UIMM_OFFSET;
  const kind = name === 'uimm' ? uimm : FIELD_KINDS[name];
  if (!kind) throw new Error(`pattern "${pattern}": unknown field "${token}"`);
  let runs: Run[];
  if (bits !== undefined) {
    runs = bits.split('|').map((run) => {
      const [high, low = high] = run.split(':').map(Number);
      return { high, low };
    });
  } else if (kind.width !== undefined) {
    runs = [{ high: kind.width - 1, low: 0 }];
  } else {
    throw new Error(`pattern "${pattern}": field "${token}" does not say which bits it holds`);
  }
  const width = runs.reduce((sum, { high, low }) => sum + high - low + 1, 0);
  return { width, name, kind, not: not === undefined ? undefined : Number(not), runs };
}

const ones = (width: number): number => (width === 32 ? -1 : (1 << width) - 1);

/** The value of a field of `word`: extended and scaled; a compact register as its number. */
export function readField(field: Field, word: number): number {
  let value = 0;
  for (const { at, width, to } of field.pieces) value |= ((word >>> at) & ones(width)) << to;
  if (field.compact) return value + 8;
  const unused = 32 - field.width;
  return field.signed ? (value << unused) >> unused : value;
}

/** The bits of a word that hold `value` in a field; bits of the value that the field has no place for are lost. */
export function writeField(field: Field, value: number): number {
  const bits = field.compact ? value - 8 : value;
  let word = 0;
  for (const { at, width, to } of field.pieces) word |= ((bits >>> to) & ones(width)) << at;
  return word;
}

/** Whether a field can hold `value` exactly (and its pattern allows it). */
export function fits(field: Field, value: number): boolean {
  return value !== field.not && readField(field, writeField(field, value)) === value;
}

/** What a field can hold, in words: `-2048 to 2047`, `multiples of 4 from 0 to 252`. */
export function fieldRange(field: Field): string {
  const step = 2 ** Math.min(...field.pieces.map((piece) => piece.to));
  const lowest = field.signed ? -(2 ** (field.width - 1)) : readField(field, 0);
  const highest = field.signed ? 2 ** (field.width - 1) - step : readField(field, -1);
  const values = `${step === 1 ? '' : `multiples of ${step} from `}${lowest} to ${highest}`;
  return `it holds ${values}${field.not === undefined ? '' : `, not ${field.not}`}`;
}

/** The word that a pattern makes of slot values: the inverse of decoding, for the instruction as encoded. */
export function encodeSlots(pattern: Pattern, slots: Slots): number {
  let word = pattern.match;
  for (const field of pattern.fields) word |= writeField(field, slots[field.slot] >> field.shift);
  return word >>> 0;
}

/** Whether some word belongs to both patterns. */
export function overlap(a: Pattern, b: Pattern): boolean {
  if (a.length !== b.length) return false;
  if (((a.match ^ b.match) & a.mask & b.mask) !== 0) return false;
  return !excludes(a, b) && !excludes(b, a);
}

/** Whether every word of `b` has a value in some field that `a` does not allow there. */
function excludes(a: Pattern, b: Pattern): boolean {
  return a.fields.some((field) => {
    if (field.not === undefined) return false;
    const bits = writeField(field, -1);
    const fixed = (b.mask & bits) === bits;
    return fixed && readField(field, b.match) === field.not;
  });
}
