import { Command } from 'commander';
import {
  EF_RISCV_FLOAT_ABI,
  EF_RISCV_RVC,
  EF_RISCV_RVE,
  PF_R,
  PF_W,
  PF_X,
  PT_TLS,
  segmentTypeName,
  SHF_ALLOC,
} from '../../emulator/elf/format';
import type { ElfImage } from '../../emulator/elf/parse';
import { SymbolTable, type ProgramSymbol } from '../../emulator/elf/symbols';
import { usageError } from '../errors';
import type { Host } from '../host';
import { neededCalls, type NeededCalls } from '../needed-calls';
import { hex, json, table, wrap } from '../print';
import { INSPECT_FAILURE, parseProgram, readProgram } from '../program-file';
import { usedCalls } from '../used-calls';

const EXAMPLES = `
The system calls are read out of the code: each ecall and the number put into a7 before it. What is
in the code need not run, and a number that comes from elsewhere is shown as unknown. With
--syscalls-used the program is run instead, without its output, and what it called is counted.
ELF is a path or the name of a bundled guest.

Examples:
  hartscope info hello
  hartscope info --symbols guests/bin/calc.elf
  hartscope info --json ./program
  hartscope info --syscalls-used ./program argument
`;

/** Float ABIs by bits 1 and 2 of e_flags (psABI, "File Header"). */
const FLOAT_ABIS = ['soft float', 'single float', 'double float', 'quad float'];

interface Options {
  readonly symbols?: boolean;
  readonly syscallsUsed?: boolean;
  readonly json?: boolean;
}

/** `hartscope info`: what an ELF file says of its program. */
export function infoCommand(host: Host): Command {
  return new Command('info')
    .summary('print what is in a program: segments, sections, symbols, system calls')
    .description(
      'Prints what is in a program: segments, sections, symbols and the system calls it needs.',
    )
    .argument('<ELF>', 'the program')
    .argument('[args...]', "the guest's arguments, with --syscalls-used")
    .option('--symbols', 'list the symbols too')
    .option('--syscalls-used', 'run the program, and count the system calls that it makes')
    .option('--json', 'print JSON')
    .passThroughOptions()
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, args: string[], options: Options) => {
      if (options.syscallsUsed === true) {
        host.out(await usedCalls(host, name, args, options.json === true));
        return;
      }
      if (args.length > 0) throw usageError('arguments go with --syscalls-used only');
      const file = readProgram(name, false, INSPECT_FAILURE);
      const image = parseProgram(file, INSPECT_FAILURE);
      const info = gather(file.path, image, options.symbols === true);
      host.out(options.json === true ? json(info) : text(info));
    });
}

type ProgramInfo = ReturnType<typeof gather>;

function gather(path: string, image: ElfImage, withSymbols: boolean) {
  const symbols = new SymbolTable(image);
  const { segments, sections } = image;
  return {
    file: path,
    size: image.bytes.length,
    type: image.type === 'exec' ? 'ET_EXEC' : 'ET_DYN',
    linking: linkingOf(image),
    interpreter: image.interpreter ?? null,
    entry: image.entry,
    entrySymbol: symbols.functionAt(image.entry)?.symbol.name ?? null,
    abi: abiOf(image.flags),
    architecture: image.architecture ?? null,
    executableStack: image.executableStack,
    threadLocalStorage: segments.find((s) => s.type === PT_TLS)?.memorySize ?? 0,
    segments: segments.map((s) => ({
      type: segmentTypeName(s.type),
      permissions: permissionsOf(s.flags),
      address: s.address,
      memorySize: s.memorySize,
      offset: s.offset,
      fileSize: s.fileSize,
      alignment: s.alignment,
    })),
    sections: sections
      .filter((s) => s.index !== 0)
      .map((s) => ({
        name: s.name,
        address: s.address,
        offset: s.offset,
        size: s.size,
        loaded: (s.flags & SHF_ALLOC) !== 0,
      })),
    symbolCount: image.symbols.length,
    functionCount: symbols.functionCount,
    ...(withSymbols && { symbols: allSymbols(symbols) }),
    systemCalls: neededCalls(image, symbols),
    problems: image.problems,
  };
}

/** How the program finds its libraries and where it can be loaded. */
function linkingOf({ type, interpreter }: ElfImage): string {
  if (interpreter !== undefined) return 'dynamic';
  return type === 'exec' ? 'static' : 'static-pie';
}

function abiOf(flags: number): string {
  const float = FLOAT_ABIS[(flags & EF_RISCV_FLOAT_ABI) >> 1] ?? '';
  const compressed = (flags & EF_RISCV_RVC) === 0 ? '' : ', compressed code';
  return `${(flags & EF_RISCV_RVE) === 0 ? '' : 'RVE, '}${float}${compressed}`;
}

function permissionsOf(flags: number): string {
  const letter = (bit: number, name: string): string => ((flags & bit) === 0 ? '-' : name);
  return letter(PF_R, 'r') + letter(PF_W, 'w') + letter(PF_X, 'x');
}

function allSymbols(symbols: SymbolTable): ProgramSymbol[] {
  return symbols
    .search('', Infinity)
    .map(({ name, linkageName, address, size, kind }) => ({
      name,
      linkageName,
      address,
      size,
      kind,
    }))
    .sort((a, b) => a.address - b.address);
}

function text(info: ProgramInfo): string {
  const { entry, entrySymbol, symbols } = info;
  const facts: [string, string][] = [
    ['file', `${info.file} (${info.size} bytes)`],
    ['type', `${info.type}, ${info.linking}`],
    ['entry', hex(entry) + (entrySymbol === null ? '' : ` <${entrySymbol}>`)],
    ['ABI', info.abi],
    ['architecture', info.architecture ?? 'not stated'],
  ];
  if (info.interpreter !== null) facts.push(['interpreter', info.interpreter]);
  facts.push(
    ['stack', info.executableStack ? 'executable' : 'not executable'],
    ['thread-local', `${info.threadLocalStorage} bytes`],
    ['symbols', `${info.symbolCount}, ${info.functionCount} functions`],
  );
  const parts = [
    table(facts),
    '\nSegments\n',
    segmentTable(info),
    '\nSections\n',
    sectionTable(info),
    '\nSystem calls\n',
    callsText(info.systemCalls),
  ];
  if (symbols !== undefined) parts.push('\nSymbols\n', symbolTable(symbols));
  if (info.problems.length > 0) {
    parts.push('\nProblems\n', ...info.problems.map((problem) => `  ${problem}\n`));
  }
  return parts.join('');
}

function segmentTable({ segments }: ProgramInfo): string {
  const rows = segments.map((s) => [
    s.type,
    s.permissions,
    hex(s.address),
    hex(s.memorySize),
    hex(s.offset),
    hex(s.fileSize),
  ]);
  const head = ['type', 'may', 'address', 'size', 'offset', 'in file'];
  return table([head, ...rows], { indent: '  ', right: [2, 3, 4, 5] });
}

function sectionTable({ sections }: ProgramInfo): string {
  if (sections.length === 0) return '  none\n';
  const rows = sections.map((s) => [
    s.name,
    s.loaded ? hex(s.address) : '-',
    hex(s.size),
    hex(s.offset),
  ]);
  const head = ['name', 'address', 'size', 'offset'];
  return table([head, ...rows], { indent: '  ', right: [1, 2, 3] });
}

function symbolTable(symbols: readonly ProgramSymbol[]): string {
  const rows = symbols.map((s) => [hex(s.address), String(s.size), s.kind, s.name]);
  return table(rows, { indent: '  ', right: [0, 1] });
}

function callsText({ calls, unknown }: NeededCalls): string {
  if (calls.length === 0 && unknown.length === 0) return '  none\n';
  const rows = calls.map(({ number, name, places }) => [
    String(number),
    name ?? 'no such call in riscv64 Linux',
    shorten(places),
  ]);
  const rest =
    unknown.length === 0 ? '' : `  number not known from the code, in:\n${wrap(unknown, '    ')}`;
  return table(rows, { indent: '  ', right: [0] }) + rest;
}

/** The first few places of many. */
function shorten(places: readonly string[]): string {
  const shown = places.slice(0, 4).join(', ');
  return places.length > 4 ? `${shown} and ${places.length - 4} more` : shown;
}
