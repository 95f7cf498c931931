import { inflateSync } from 'node:zlib';
import { SHF_COMPRESSED } from '../format';
import type { ElfImage } from '../parse';
import { sectionBytes, type ElfSection } from '../sections';
import { DwarfError } from './reader';

/** Bytes of an Elf64_Chdr: type u32, reserved u32, size u64, alignment u64. */
const COMPRESSION_HEADER = 24;
const ELFCOMPRESS_ZLIB = 1;
/** A section that would be larger than this is refused, whatever its header says. */
const MAX_SECTION_BYTES = 1 << 30;
/** zlib makes nothing smaller than about a thousandth. */
const MAX_RATIO = 1040;

const EMPTY = new Uint8Array(0);

/** The sections of debugging information of a file, by name, decompressed when they are first asked for. */
export class DwarfSections {
  private readonly known = new Map<string, Uint8Array>();

  constructor(private readonly image: ElfImage) {}

  has(name: string): boolean {
    return this.find(name) !== undefined;
  }

  /** Address of a section as linked; 0 when there is none. */
  address(name: string): number {
    return this.find(name)?.address ?? 0;
  }

  /**
   * Content of a section, without bytes when the file has none.
   * @throws DwarfError when it is compressed and cannot be decompressed
   */
  bytes(name: string): Uint8Array {
    let bytes = this.known.get(name);
    if (bytes === undefined) {
      const section = this.find(name);
      bytes = section === undefined ? EMPTY : this.read(section);
      this.known.set(name, bytes);
    }
    return bytes;
  }

  private find(name: string): ElfSection | undefined {
    return this.image.sections.find((section) => section.name === name);
  }

  private read(section: ElfSection): Uint8Array {
    const raw = sectionBytes(this.image.bytes, section);
    return (section.flags & SHF_COMPRESSED) === 0 ? raw : decompress(raw, section.name);
  }
}

function decompress(raw: Uint8Array, name: string): Uint8Array {
  if (raw.length < COMPRESSION_HEADER) {
    throw new DwarfError('the compression header is cut off', name, 0);
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const type = view.getUint32(0, true);
  if (type !== ELFCOMPRESS_ZLIB) {
    throw new DwarfError(`compressed by method ${type}: only zlib (1) is read`, name, 0);
  }
  const size = Number(view.getBigUint64(8, true));
  if (size > MAX_SECTION_BYTES || size > raw.length * MAX_RATIO) {
    throw new DwarfError(`it says that it decompresses to ${size} bytes`, name, 8);
  }
  let content: Uint8Array;
  try {
    content = inflateSync(raw.subarray(COMPRESSION_HEADER), { maxOutputLength: size || 1 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DwarfError(`it cannot be decompressed: ${reason}`, name, COMPRESSION_HEADER);
  }
  if (content.length !== size) {
    throw new DwarfError(`it has ${content.length} bytes instead of ${size}`, name, 8);
  }
  return content;
}
