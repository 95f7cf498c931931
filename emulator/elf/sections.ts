import { SHDR_SIZE, SHN_LORESERVE, SHT_DYNSYM, SHT_NOBITS, SHT_SYMTAB, SYM_SIZE } from './format';
import { ElfError, hex, type ElfReader } from './reader';
import { StringTable } from './strings';

/** A section header (`Elf64_Shdr`, gABI chapter 4). */
export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly offset: number;
  /** Bytes in memory; in the file none when the type is SHT_NOBITS. */
  readonly size: number;
  readonly link: number;
  readonly entrySize: number;
}

/** A symbol (`Elf64_Sym`, gABI chapter 4). */
export interface ElfSymbol {
  readonly name: string;
  /** Address as linked. */
  readonly value: number;
  readonly size: number;
  /** STT_FUNC, STT_OBJECT … */
  readonly type: number;
  /** STB_LOCAL, STB_GLOBAL, STB_WEAK. */
  readonly binding: number;
  /** Section it is defined in; 0 = undefined. */
  readonly section: number;
}

/** Content of a section; empty for SHT_NOBITS. */
export function sectionBytes(file: Uint8Array, section: ElfSection): Uint8Array {
  if (section.type === SHT_NOBITS) return file.subarray(0, 0);
  return file.subarray(section.offset, section.offset + section.size);
}

/** Reads the section headers. What is wrong goes to `problems`, and the section is left out. */
export function readSections(reader: ElfReader, problems: string[]): ElfSection[] {
  try {
    return readTable(reader, problems);
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    problems.push(error.message);
    return [];
  }
}

function readTable(reader: ElfReader, problems: string[]): ElfSection[] {
  const offset = reader.u64(40, 'the section header offset (e_shoff)');
  if (offset === 0) return [];
  const entrySize = reader.u16(58, 'e_shentsize');
  if (entrySize !== SHDR_SIZE) {
    throw new ElfError(`a section header has ${entrySize} bytes instead of ${SHDR_SIZE}`, 58);
  }
  // More than 65,279 sections: the counts are in the first header (gABI, "extended numbering").
  const count = reader.u16(60, 'e_shnum') || reader.u64(offset + 32, 'the number of sections');
  const shortIndex = reader.u16(62, 'e_shstrndx');
  const nameIndex =
    shortIndex === 0xffff ? reader.u32(offset + 40, 'the index of .shstrtab') : shortIndex;
  reader.check(offset, count * SHDR_SIZE, `the table of ${count} section headers`);
  const names = stringTableAt(reader, offset, count, nameIndex, problems);

  const sections: ElfSection[] = [];
  for (let index = 0; index < count; index++) {
    const at = offset + index * SHDR_SIZE;
    try {
      sections.push(readSection(reader, at, index, names));
    } catch (error) {
      if (!(error instanceof ElfError)) throw error;
      report(problems, `section ${index} is left out: ${error.message}`);
    }
  }
  return sections;
}

function readSection(
  reader: ElfReader,
  at: number,
  index: number,
  names: StringTable | undefined,
): ElfSection {
  const type = reader.u32(at + 4, 'sh_type');
  const found = names?.at(reader.u32(at, 'sh_name'));
  const section: ElfSection = {
    index,
    name: found !== undefined && 'name' in found ? found.name : '',
    type,
    flags: Number(reader.bits64(at + 8, 'sh_flags')),
    address: reader.u64(at + 16, 'its address'),
    offset: reader.u64(at + 24, 'its offset'),
    size: reader.u64(at + 32, 'its size'),
    link: reader.u32(at + 40, 'sh_link'),
    entrySize: reader.u64(at + 56, 'its entry size'),
  };
  if (type !== SHT_NOBITS && type !== 0) reader.check(section.offset, section.size, 'its content');
  return section;
}

function stringTableAt(
  reader: ElfReader,
  tableOffset: number,
  count: number,
  index: number,
  problems: string[],
): StringTable | undefined {
  if (index === 0) return undefined;
  if (index >= count) {
    report(problems, `the section names are in section ${index}, but there are only ${count}`);
    return undefined;
  }
  const at = tableOffset + index * SHDR_SIZE;
  const offset = reader.u64(at + 24, 'the offset of .shstrtab');
  const size = reader.u64(at + 32, 'the size of .shstrtab');
  return new StringTable(reader.slice(offset, size, 'the section name table'));
}

/** Symbols of .symtab, or of .dynsym when the file is stripped. */
export function readSymbols(
  reader: ElfReader,
  sections: readonly ElfSection[],
  problems: string[],
): ElfSymbol[] {
  const table =
    sections.find((s) => s.type === SHT_SYMTAB) ?? sections.find((s) => s.type === SHT_DYNSYM);
  if (table === undefined) return [];
  const strings = sections.find((s) => s.index === table.link);
  if (strings === undefined || strings.type === SHT_NOBITS) {
    report(problems, `the symbol table names section ${table.link} for its strings: not there`);
    return [];
  }
  return readSymbolTable(
    reader,
    table,
    new StringTable(sectionBytes(reader.bytes, strings)),
    problems,
  );
}

function readSymbolTable(
  reader: ElfReader,
  table: ElfSection,
  names: StringTable,
  problems: string[],
): ElfSymbol[] {
  if (table.entrySize !== SYM_SIZE) {
    report(problems, `a symbol has ${table.entrySize} bytes instead of ${SYM_SIZE}`);
    return [];
  }
  let budget = nameBudget(names);
  const symbols: ElfSymbol[] = [];
  const end = table.offset + table.size - SYM_SIZE;
  for (let at = table.offset + SYM_SIZE; at <= end; at += SYM_SIZE) {
    const found = names.at(reader.u32(at, 'st_name'));
    if ('problem' in found) {
      report(problems, `the symbol at file offset ${hex(at)} is left out: ${found.problem}`);
      continue;
    }
    budget -= found.name.length;
    if (budget < 0) {
      report(problems, 'the names of the symbols overlap each other; the rest is left out');
      break;
    }
    const info = reader.u8(at + 4, 'st_info');
    const value = reader.bits64(at + 8, 'st_value');
    const section = reader.u16(at + 6, 'st_shndx');
    symbols.push({
      name: found.name,
      value: Number(value),
      size: Number(reader.bits64(at + 16, 'st_size')),
      type: info & 0xf,
      binding: info >> 4,
      section,
    });
  }
  return symbols;
}

/**
 * Characters of all names together, at most. Linkers share the tails of names, no more: names that overlap beyond that
 * are hostile and would make a small file cost gigabytes.
 */
export const nameBudget = (names: StringTable): number => 8 * names.length + 65536;

/** True for a symbol that this file defines at an address of its own. */
export function isDefined(symbol: ElfSymbol): boolean {
  return symbol.section !== 0 && symbol.section < SHN_LORESERVE;
}

const MAX_PROBLEMS = 20;

function report(problems: string[], problem: string): void {
  if (problems.length < MAX_PROBLEMS) problems.push(problem);
}
