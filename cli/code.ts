import { PF_X, PT_LOAD, SHF_EXECINSTR, SHT_NOBITS } from '../emulator/elf/format';
import type { ElfImage } from '../emulator/elf/parse';
import { sectionBytes } from '../emulator/elf/sections';
import { decode, instructionLength } from '../emulator/isa';
import type { Decoded } from '../emulator/isa';

/** A stretch of a program's code: a section, or a segment of a file without sections. */
export interface CodeRange {
  readonly name: string;
  /** Address as linked. */
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** A run of bytes that belong together: an instruction, or data between instructions. */
export interface CodeUnit {
  readonly address: number;
  readonly bytes: Uint8Array;
  /** The low bits hold the unit's bytes, little-endian. */
  readonly word: number;
  /** Absent for data and for what is no instruction of RV64GC. */
  readonly decoded?: Decoded;
  /** A mapping symbol says that this is data among the code. */
  readonly data: boolean;
}

/**
 * The executable parts of a program in ascending order of address. Parts that together are larger than
 * the file share its bytes, which no linker does; they are left out from the one on where that shows.
 */
export function codeRanges(image: ElfImage): CodeRange[] {
  const sections = image.sections.filter(
    (s) => (s.flags & SHF_EXECINSTR) !== 0 && s.type !== SHT_NOBITS && s.size > 0,
  );
  const ranges: CodeRange[] =
    sections.length > 0
      ? sections.map((s) => ({
          name: s.name,
          address: s.address,
          bytes: sectionBytes(image.bytes, s),
        }))
      : image.segments
          .filter((s) => s.type === PT_LOAD && (s.flags & PF_X) !== 0 && s.fileSize > 0)
          .map((s) => ({
            name: `segment ${s.index}`,
            address: s.address,
            bytes: image.bytes.subarray(s.offset, s.offset + s.fileSize),
          }));
  let total = 0;
  return ranges
    .sort((a, b) => a.address - b.address)
    .filter(({ bytes }) => (total += bytes.length) <= image.bytes.length);
}

/** Takes a range of code apart, from its start to its end. */
export function* unitsOf(range: CodeRange, mapping: MappingSymbols): Generator<CodeUnit> {
  const { bytes, address } = range;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at < bytes.length) {
    const rest = Math.min(bytes.length - at, mapping.untilChange(address + at));
    const data = mapping.isData(address + at);
    const size = unitSize(view, at, rest, data);
    const word =
      size === 4
        ? view.getUint32(at, true)
        : size === 2
          ? view.getUint16(at, true)
          : (bytes[at] ?? 0);
    const complete = size === 4 || (size === 2 && (word & 3) !== 3);
    const decoded = !data && complete ? decode(word) : undefined;
    yield {
      address: address + at,
      bytes: bytes.subarray(at, at + size),
      word,
      data,
      ...(decoded !== undefined && { decoded }),
    };
    at += size;
  }
}

function unitSize(view: DataView, at: number, rest: number, data: boolean): 1 | 2 | 4 {
  if (rest < 2) return 1;
  if (data) return rest < 4 ? 2 : 4;
  return rest >= 4 && instructionLength(view.getUint16(at, true)) === 4 ? 4 : 2;
}

/**
 * Where code holds data, as the assembler's mapping symbols say: `$d` begins data, `$x` instructions
 * (RISC-V ELF psABI, "Mapping Symbols").
 */
export class MappingSymbols {
  /** Ascending addresses where code gives way to data and back, data first. */
  private readonly changes: readonly number[];
  /** Index of the first change behind the last address asked for. */
  private next = 0;

  constructor(image: ElfImage) {
    const marks = image.symbols
      .filter((s) => s.name.startsWith('$d') || s.name.startsWith('$x'))
      .map((s) => ({ address: s.value, data: s.name.startsWith('$d') }))
      .sort((a, b) => a.address - b.address);
    const changes: number[] = [];
    for (const { address, data } of marks) {
      if (data === (changes.length % 2 === 0)) changes.push(address);
    }
    this.changes = changes;
  }

  isData(address: number): boolean {
    this.seek(address);
    return this.next % 2 === 1;
  }

  /** Bytes from an address to the next change between code and data. */
  untilChange(address: number): number {
    this.seek(address);
    return (this.changes[this.next] ?? Infinity) - address;
  }

  private seek(address: number): void {
    if ((this.changes[this.next - 1] ?? -1) > address) this.next = 0;
    while ((this.changes[this.next] ?? Infinity) <= address) this.next++;
  }
}
