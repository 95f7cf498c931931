import { Command } from 'commander';
import type { ElfImage } from '../../emulator/elf/parse';
import { SymbolTable } from '../../emulator/elf/symbols';
import { codeRanges, MappingSymbols } from '../code';
import { CommandError, usageError } from '../errors';
import type { Host } from '../host';
import { hexOf, listing, type Extent, type ListingLine } from '../listing';
import { INSPECT_FAILURE, parseProgram, readProgram } from '../program-file';
import { hex } from '../print';
import { parseAddress } from '../values';

const EXAMPLES = `
Addresses are those that the program is linked at. ELF is a path or the name of a bundled guest.

Examples:
  hartscope disasm hello
  hartscope disasm --symbol main guests/bin/calc.elf
  hartscope disasm --start 0x11000 --end 0x11040 hello
  hartscope disasm --json --symbol main hello
`;

const EVERYTHING: Extent = { start: 0, end: Infinity };

interface Options {
  readonly symbol?: string;
  readonly start?: number;
  readonly end?: number;
  readonly json?: boolean;
}

/** `hartscope disasm`: a program's code as assembly. */
export function disasmCommand(host: Host): Command {
  return new Command('disasm')
    .summary("print a program's code as assembly")
    .description("Prints a program's code as assembly, as objdump -d does.")
    .argument('<ELF>', 'the program')
    .option('-s, --symbol <name>', 'only the function of that name')
    .option('--start <address>', 'from this address on', parseAddress)
    .option('--end <address>', 'up to before this address', parseAddress)
    .option('--json', 'print JSON: an array with an object for each instruction')
    .addHelpText('after', EXAMPLES)
    .action((name: string, options: Options) => {
      const file = readProgram(name, false, INSPECT_FAILURE);
      const image = parseProgram(file, INSPECT_FAILURE);
      const symbols = new SymbolTable(image);
      const extent = extentOf(options, symbols, file.name);
      if (options.json === true) printJson(host, image, symbols, extent);
      else printText(host, file.name, image, symbols, extent);
    });
}

function extentOf({ symbol, start, end }: Options, symbols: SymbolTable, name: string): Extent {
  if (symbol === undefined) {
    const extent = { start: start ?? EVERYTHING.start, end: end ?? EVERYTHING.end };
    if (extent.start < extent.end) return extent;
    throw usageError(`--end ${hex(extent.end)} is not behind --start ${hex(extent.start)}`);
  }
  if (start !== undefined || end !== undefined) {
    throw usageError('--symbol goes without --start and --end');
  }
  const found = symbols.byName(symbol);
  if (found === undefined) throw new CommandError(`${name}: has no symbol ${symbol}`);
  if (found.kind !== 'function') throw new CommandError(`${name}: ${symbol} is no function`);
  // Without a size it reaches to the next function.
  let last = found.address + Math.max(found.size, 1);
  if (found.size === 0) {
    const next = symbols.allFunctions().find((f) => f.address > found.address);
    last = next?.address ?? Infinity;
  }
  return { start: found.address, end: last };
}

function printText(
  host: Host,
  name: string,
  image: ElfImage,
  symbols: SymbolTable,
  extent: Extent,
): void {
  const mapping = new MappingSymbols(image);
  host.out(`\n${name}:     file format elf64-littleriscv\n`);
  let some = false;
  for (const range of codeRanges(image)) {
    let first = true;
    for (const line of listing(range, extent, symbols, mapping)) {
      if (first) host.out(`\n\nDisassembly of section ${range.name}:\n`);
      if (first && line.label === undefined) host.out('\n');
      first = false;
      some = true;
      host.out(textLine(line));
    }
  }
  if (!some) throw new CommandError(`${name}: has no code ${describeExtent(extent)}`);
}

function describeExtent({ start, end }: Extent): string {
  if (start === 0 && end === Infinity) return 'at all';
  return end === Infinity ? `from ${hex(start)} on` : `from ${hex(start)} to ${hex(end)}`;
}

function textLine({ address, bytes, label, mnemonic, operands }: ListingLine): string {
  const head =
    label === undefined ? '' : `\n${address.toString(16).padStart(16, '0')} <${label}>:\n`;
  // The widths are objdump's, so that the two can be compared.
  const code = hexOf(bytes).padEnd(bytes.length === 4 ? 18 : 20);
  const text = operands === '' ? mnemonic : `${mnemonic}\t${operands}`;
  return `${head}${address.toString(16).padStart(8)}:\t${code}\t${text}\n`;
}

function printJson(host: Host, image: ElfImage, symbols: SymbolTable, extent: Extent): void {
  const mapping = new MappingSymbols(image);
  let separator = '[\n';
  for (const range of codeRanges(image)) {
    for (const line of listing(range, extent, symbols, mapping)) {
      const { address, bytes, label, mnemonic, operands } = line;
      const place = symbols.functionAt(address);
      const data = {
        address,
        bytes: hexOf(bytes),
        section: range.name,
        ...(label !== undefined && { label }),
        ...(place !== undefined && { symbol: place.symbol.name, offset: place.offset }),
        mnemonic,
        operands,
      };
      host.out(`${separator}${JSON.stringify(data)}`);
      separator = ',\n';
    }
  }
  host.out(separator === '[\n' ? '[]\n' : '\n]\n');
}
