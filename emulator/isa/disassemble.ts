import { ALIASES, type Alias } from './aliases';
import { csrName } from './csrs';
import { decode, instructionLength } from './decoder';
import { parseSyntax, type Operand } from './operands';
import type { Slot } from './pattern';
import { DYNAMIC_ROUNDING, FLOAT_REGISTERS, INTEGER_REGISTERS, ROUNDING_MODES } from './registers';
import { INSTRUCTIONS } from './table';
import type { Decoded } from './types';

/** Names an address: `main` or `main+0x10`; undefined when no symbol is near. */
export type Symbolizer = (address: number) => string | undefined;

export interface DisassemblyOptions {
  /** Appended in angle brackets to the targets of jumps and branches. */
  readonly symbolize?: Symbolizer;
  /** False prints every instruction under its own name (`c.addi`, not `add`). True by default. */
  readonly aliases?: boolean;
}

/** An instruction as text. */
export interface Disassembly {
  readonly mnemonic: string;
  /** Separated by commas without spaces, as GNU objdump prints them. */
  readonly operands: string;
  /** Mnemonic and operands. */
  readonly text: string;
}

/** A way to write an instruction: an alias, or its own syntax. */
interface Form {
  readonly name: string;
  readonly operands: readonly Operand[];
  readonly alias?: Alias;
}

const ownForms = new Map(
  INSTRUCTIONS.map(({ name, syntax }): [string, Form] => [
    name,
    { name, operands: parseSyntax(syntax) },
  ]),
);

/** The printed aliases of each instruction, in order. */
const aliasForms = new Map<string, (Form & { alias: Alias })[]>();
for (const alias of ALIASES.filter(({ inputOnly }) => !inputOnly)) {
  const form = { name: alias.name, operands: parseSyntax(alias.syntax), alias };
  aliasForms.set(alias.of, [...(aliasForms.get(alias.of) ?? []), form]);
}

/** Whether an instruction can be written as this alias. */
function applies({ fixed = {}, same }: Alias, decoded: Decoded): boolean {
  if (same && decoded.rs1 !== decoded.rs2) return false;
  return Object.entries(fixed).every(([slot, value]) => decoded[slot as Slot] === value);
}

function chooseForm(decoded: Decoded, aliases: boolean): Form | undefined {
  const { encoded, instruction } = decoded;
  const find = (name: string): Form | undefined =>
    aliasForms
      .get(name)
      ?.find((form) => (aliases || isCompressed(form.name)) && applies(form.alias, decoded));
  const alias = find(encoded.name) ?? (aliases ? find(instruction.name) : undefined);
  return alias ?? ownForms.get(aliases ? instruction.name : encoded.name);
}

/** Compressed instructions that are hints have aliases under compressed names, which are always printed. */
const isCompressed = (name: string): boolean => name.startsWith('c.');

/**
 * Prints an instruction as GNU objdump 2.40 does.
 * @param pc its address, from which the targets of jumps and branches are counted
 */
export function disassemble(
  decoded: Decoded,
  pc: number,
  options: DisassemblyOptions = {},
): Disassembly {
  const form = chooseForm(decoded, options.aliases ?? true);
  if (!form) throw new Error(`${decoded.encoded.name} is not in the instruction table`);
  const operands = form.operands
    .map((operand) => printOperand(operand, decoded, pc, options.symbolize))
    .filter((text) => text !== undefined)
    .join(',');
  return line(form.name + orderingSuffix(decoded), operands);
}

/**
 * Prints the instruction in the low bits of `word` (see `decode`); an illegal one as data.
 * @param pc its address
 */
export function disassembleWord(
  word: number,
  pc: number,
  options: DisassemblyOptions = {},
): Disassembly {
  const decoded = decode(word);
  if (decoded) return disassemble(decoded, pc, options);
  const halfword = word & 0xffff;
  if (halfword === 0) return line((options.aliases ?? true) ? 'unimp' : 'c.unimp', '');
  return instructionLength(halfword) === 4
    ? line('.4byte', hex(word >>> 0))
    : line('.2byte', hex(halfword));
}

const line = (mnemonic: string, operands: string): Disassembly => ({
  mnemonic,
  operands,
  text: operands === '' ? mnemonic : `${mnemonic} ${operands}`,
});

const hex = (value: number): string => `0x${value.toString(16)}`;

/** The ordering of an atomic instruction: `.aq`, `.rl`, `.aqrl`. */
function orderingSuffix({ encoded, rm }: Decoded): string {
  if (encoded.extension !== 'A') return '';
  return `${rm === 0 ? '' : '.'}${(rm & 2) === 0 ? '' : 'aq'}${(rm & 1) === 0 ? '' : 'rl'}`;
}

/** The text of an operand; undefined for a dynamic rounding mode, which is not written. */
function printOperand(
  operand: Operand,
  decoded: Decoded,
  pc: number,
  symbolize?: Symbolizer,
): string | undefined {
  const { imm } = decoded;
  switch (operand.kind) {
    case 'register':
      return INTEGER_REGISTERS[decoded[operand.slot]];
    case 'float':
      return FLOAT_REGISTERS[decoded[operand.slot]];
    case 'sp':
      return 'sp';
    case 'memory':
      return `${operand.offset ? imm : ''}(${INTEGER_REGISTERS[decoded.rs1]})`;
    case 'imm':
      return String(imm);
    case 'uimm':
      return String(decoded.rs1);
    case 'shamt':
      return hex(imm);
    case 'upper':
      return hex((imm >>> 12) & 0xfffff);
    case 'offset':
      return target(pc + imm, symbolize);
    case 'csr':
      return csrName(imm) ?? hex(imm);
    case 'rm':
      return decoded.rm === DYNAMIC_ROUNDING ? undefined : ROUNDING_MODES[decoded.rm];
    case 'pred':
      return accessSet(imm >> 4);
    case 'succ':
      return accessSet(imm);
  }
}

/** An address in hexadecimal, wrapped to 64 bits; with its symbol it stands without prefix. */
function target(address: number, symbolize?: Symbolizer): string {
  const text = BigInt.asUintN(64, BigInt(address)).toString(16);
  const symbol = symbolize?.(address);
  return symbol === undefined ? `0x${text}` : `${text} <${symbol}>`;
}

/** The accesses that a fence orders: device input and output, memory reads and writes. */
export function accessSet(bits: number): string {
  const set = ['w', 'r', 'o', 'i'].filter((_, i) => ((bits >> i) & 1) !== 0);
  return set.length === 0 ? 'unknown' : set.reverse().join('');
}
