import type { SymbolTable } from '../emulator/elf/symbols';
import { disassemble, disassembleWord, type Symbolizer } from '../emulator/isa/disassemble';
import { unitsOf, type CodeRange, type CodeUnit, type MappingSymbols } from './code';

/** One line of a disassembly. */
export interface ListingLine {
  readonly address: number;
  readonly bytes: Uint8Array;
  /** The function that begins here. */
  readonly label?: string;
  readonly mnemonic: string;
  /** Separated by commas, as GNU objdump prints them. */
  readonly operands: string;
}

/** The part of a program that is to be listed, [start, end). */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/** Names of data by its size in bytes, as the assembler has them. */
const DATA_NAMES: Readonly<Record<number, string>> = { 1: '.byte', 2: '.short', 4: '.word' };

/** Lists a range of code, instruction by instruction; those that begin in `extent`. */
export function* listing(
  range: CodeRange,
  extent: Extent,
  symbols: SymbolTable,
  mapping: MappingSymbols,
): Generator<ListingLine> {
  const symbolize: Symbolizer = (address) => nameOf(symbols, address);
  for (const unit of unitsOf(clip(range, extent), mapping)) {
    const place = symbols.functionAt(unit.address);
    yield {
      address: unit.address,
      bytes: unit.bytes,
      ...(place?.offset === 0 && { label: place.symbol.name }),
      ...textOf(unit, symbolize),
    };
  }
}

/** The bytes of a range that lie in the extent. */
function clip(range: CodeRange, { start, end }: Extent): CodeRange {
  const first = Math.max(0, start - range.address);
  const address = range.address + first;
  return {
    ...range,
    address,
    bytes: range.bytes.subarray(first, Math.max(first, end - range.address)),
  };
}

function textOf(unit: CodeUnit, symbolize: Symbolizer): { mnemonic: string; operands: string } {
  const { decoded, word, address, bytes, data } = unit;
  if (decoded !== undefined) {
    const { mnemonic, operands } = disassemble(decoded, address, { symbolize });
    return { mnemonic, operands };
  }
  if (data || bytes.length === 1 || (bytes.length === 2 && (word & 3) === 3)) {
    const name = DATA_NAMES[bytes.length] ?? '.byte';
    return { mnemonic: name, operands: `0x${word.toString(16).padStart(2 * bytes.length, '0')}` };
  }
  const { mnemonic, operands } = disassembleWord(word, address, { symbolize });
  return { mnemonic, operands };
}

function nameOf(symbols: SymbolTable, address: number): string | undefined {
  const place = symbols.functionAt(address) ?? symbols.objectAt(address);
  if (place === undefined) return undefined;
  return place.offset === 0
    ? place.symbol.name
    : `${place.symbol.name}+0x${place.offset.toString(16)}`;
}

/** An instruction as objdump shows it: parcels of two bytes or a word, most significant digit first. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).reverse().toString('hex');
}
