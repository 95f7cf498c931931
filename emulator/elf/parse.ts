import { architectureString } from './attributes';
import {
  EHDR_SIZE,
  ELFCLASS64,
  ELFDATA2LSB,
  ELF_MAGIC,
  EM_RISCV,
  ET_DYN,
  ET_EXEC,
  FILE_TYPE_NAMES,
  MACHINE_NAMES,
  PF_X,
  PHDR_SIZE,
  PT_GNU_STACK,
  PT_INTERP,
  PT_LOAD,
  SHT_RISCV_ATTRIBUTES,
} from './format';
import { readPltSymbols } from './plt';
import { ElfError, ElfReader, hex } from './reader';
import {
  readSections,
  readSymbols,
  sectionBytes,
  type ElfSection,
  type ElfSymbol,
} from './sections';

/** A program header (`Elf64_Phdr`, gABI chapter 5). Sizes and offsets in bytes. */
export interface ElfSegment {
  readonly index: number;
  /** PT_LOAD, PT_TLS … */
  readonly type: number;
  /** PF_R | PF_W | PF_X. */
  readonly flags: number;
  readonly offset: number;
  /** Virtual address as linked: for a position-independent program relative to its base. */
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly alignment: number;
}

/** What an ELF file says, before anything of it is loaded. */
export interface ElfImage {
  readonly bytes: Uint8Array;
  /** `dyn` is ET_DYN: the program can be loaded at any page. */
  readonly type: 'exec' | 'dyn';
  /** Virtual address of the first instruction, as linked. */
  readonly entry: number;
  /** `e_flags`. */
  readonly flags: number;
  readonly programHeaderOffset: number;
  readonly programHeaderCount: number;
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];
  /** Symbols of .symtab, or of .dynsym when the file has no .symtab; then the stubs of .plt. */
  readonly symbols: readonly ElfSymbol[];
  /** Path of the dynamic linker (PT_INTERP) of a dynamic program. */
  readonly interpreter?: string;
  /** PT_GNU_STACK asks for an executable stack. */
  readonly executableStack: boolean;
  /** Architecture string of .riscv.attributes, for example `rv64i2p1_m2p0…`. */
  readonly architecture?: string;
  /**
   * What is wrong with parts that a program does not need to run (sections, symbols). Linux does not
   * look at them, so they do not keep a program from being loaded.
   */
  readonly problems: readonly string[];
}

/** Linux refuses larger program header tables (fs/binfmt_elf.c, load_elf_phdrs). */
const MAX_PROGRAM_HEADERS_SIZE = 65536;
const PATH_MAX = 4096;

/**
 * Reads an ELF64 little-endian RISC-V executable. Nothing is loaded; `bytes` is kept, not copied.
 * @throws ElfError when the file cannot be a RISC-V program
 */
export function parseElf(bytes: Uint8Array): ElfImage {
  const reader = new ElfReader(bytes);
  const type = checkIdentity(reader);
  const entry = reader.u64(24, 'the entry address (e_entry)');
  const programHeaderOffset = reader.u64(32, 'the program header offset (e_phoff)');
  const flags = reader.u32(48, 'e_flags');
  const segments = readSegments(reader, programHeaderOffset);
  if (!segments.some((s) => s.type === PT_LOAD)) {
    throw new ElfError('the file has no PT_LOAD segment: nothing of it would be loaded');
  }
  const interpreter = readInterpreter(reader, segments);
  const stack = segments.find((s) => s.type === PT_GNU_STACK);

  const problems: string[] = [];
  const sections = readSections(reader, problems);
  const symbols = [...readSymbols(reader, sections, problems), ...readPltSymbols(reader, sections)];
  const attributes = sections.find((s) => s.type === SHT_RISCV_ATTRIBUTES);
  const architecture = attributes && architectureString(sectionBytes(bytes, attributes));
  return {
    bytes,
    type,
    entry,
    flags,
    programHeaderOffset,
    programHeaderCount: segments.length,
    segments,
    sections,
    symbols,
    ...(interpreter !== undefined && { interpreter }),
    executableStack: stack !== undefined && (stack.flags & PF_X) !== 0,
    ...(architecture !== undefined && { architecture }),
    problems,
  };
}

/** Checks the ELF header up to `e_version`; answers whether the program is position-independent. */
function checkIdentity(reader: ElfReader): 'exec' | 'dyn' {
  if (reader.length < 4 || reader.u32(0, 'the magic number') !== ELF_MAGIC) {
    throw new ElfError(describeForeignFile(reader.bytes), 0);
  }
  reader.check(0, EHDR_SIZE, 'the ELF header');
  const elfClass = reader.u8(4, 'EI_CLASS');
  if (elfClass !== ELFCLASS64) {
    const found = elfClass === 1 ? 'a 32-bit file' : `class ${elfClass}`;
    throw new ElfError(`only 64-bit ELF files can be run, this is ${found}`, 4);
  }
  if (reader.u8(5, 'EI_DATA') !== ELFDATA2LSB) {
    throw new ElfError('only little-endian ELF files can be run', 5);
  }
  const machine = reader.u16(18, 'e_machine');
  if (machine !== EM_RISCV) {
    const found = MACHINE_NAMES[machine] ?? `machine ${machine}`;
    throw new ElfError(`the program is for ${found}, not for RISC-V (e_machine ${EM_RISCV})`, 18);
  }
  const type = reader.u16(16, 'e_type');
  if (type !== ET_EXEC && type !== ET_DYN) {
    const found = FILE_TYPE_NAMES[type] ?? `type ${type}`;
    throw new ElfError(`only executables can be run, this file is ${found}`, 16);
  }
  return type === ET_EXEC ? 'exec' : 'dyn';
}

function describeForeignFile(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'the file is empty, not an ELF file';
  if (bytes[0] === 0x23 && bytes[1] === 0x21) return 'the file is a script (#!), not an ELF file';
  return 'not an ELF file: it does not start with 7f 45 4c 46';
}

function readSegments(reader: ElfReader, tableOffset: number): ElfSegment[] {
  const entrySize = reader.u16(54, 'e_phentsize');
  const count = reader.u16(56, 'e_phnum');
  if (count === 0) throw new ElfError('the file has no program headers: it is no executable', 56);
  if (entrySize !== PHDR_SIZE) {
    throw new ElfError(`a program header has ${entrySize} bytes instead of ${PHDR_SIZE}`, 54);
  }
  if (count * PHDR_SIZE > MAX_PROGRAM_HEADERS_SIZE) {
    throw new ElfError(`${count} program headers are more than Linux takes`, 56);
  }
  reader.check(tableOffset, count * PHDR_SIZE, `the table of ${count} program headers`);
  const segments: ElfSegment[] = [];
  for (let index = 0; index < count; index++) {
    segments.push(readSegment(reader, tableOffset + index * PHDR_SIZE, index));
  }
  return segments;
}

function readSegment(reader: ElfReader, at: number, index: number): ElfSegment {
  const type = reader.u32(at, 'p_type');
  const flags = reader.u32(at + 4, 'p_flags');
  const name = `segment ${index}`;
  // Only what is loaded must make sense; Linux does not look at the rest either.
  const field = (offset: number, what: string): number =>
    type === PT_LOAD || type === PT_INTERP
      ? reader.u64(at + offset, `${what} of ${name}`)
      : Number(reader.bits64(at + offset, what));
  const segment: ElfSegment = {
    index,
    type,
    flags,
    offset: field(8, 'the file offset'),
    address: field(16, 'the address'),
    fileSize: field(32, 'the file size'),
    memorySize: field(40, 'the memory size'),
    alignment: field(48, 'the alignment'),
  };
  if (type === PT_LOAD) {
    if (segment.fileSize > segment.memorySize) {
      throw new ElfError(
        `${name} has more bytes in the file (${hex(segment.fileSize)}) ` +
          `than in memory (${hex(segment.memorySize)})`,
        at + 32,
      );
    }
    // A segment of zeros only may name any place in the file.
    if (segment.fileSize > 0) reader.check(segment.offset, segment.fileSize, name);
  }
  return segment;
}

function readInterpreter(reader: ElfReader, segments: readonly ElfSegment[]): string | undefined {
  const segment = segments.find((s) => s.type === PT_INTERP);
  if (segment === undefined) return undefined;
  if (segment.fileSize < 2 || segment.fileSize > PATH_MAX) {
    throw new ElfError(`the interpreter path (PT_INTERP) has ${segment.fileSize} bytes`);
  }
  const path = reader.slice(segment.offset, segment.fileSize, 'the interpreter path (PT_INTERP)');
  if (path[path.length - 1] !== 0) {
    throw new ElfError('the interpreter path (PT_INTERP) has no end', segment.offset);
  }
  return new TextDecoder().decode(path.subarray(0, path.indexOf(0)));
}
