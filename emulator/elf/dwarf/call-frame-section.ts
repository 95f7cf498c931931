import { DwarfError, DwarfReader } from './reader';
import type { DwarfSections } from './sections';
import { RangeIndex } from './unit-index';

/** A common information entry: what the frame descriptions that name it share (DWARF 5, section 6.4.1). */
interface CommonInformation {
  readonly codeAlignment: number;
  readonly dataAlignment: number;
  readonly returnRegister: number;
  /** The frame is one of a signal handler's caller: its pc is no return address. */
  readonly isSignalFrame: boolean;
  readonly addressSize: number;
  /** DW_EH_PE of addresses; `PE.absolute` in .debug_frame. */
  readonly encoding: number;
  /** Descriptions have augmentation data. */
  readonly isAugmented: boolean;
  /** Call frame instructions [at, end) of the section. */
  readonly instructions: { readonly at: number; readonly end: number };
}

/** A frame description entry: how to unwind the instructions [start, end). Addresses are as linked. */
export interface FrameDescription {
  readonly start: number;
  readonly end: number;
  readonly codeAlignment: number;
  readonly dataAlignment: number;
  readonly returnRegister: number;
  readonly isSignalFrame: boolean;
  /** Instructions of the common entry, then those of this one. Readers are new for each call. */
  instructions(): readonly [DwarfReader, DwarfReader];
  /** Reads an address as the section stores them. */
  address(reader: DwarfReader): number;
}

type FrameSection = '.debug_frame' | '.eh_frame';

/** Pointer encodings (DW_EH_PE; LSB core, "Exception Frames"). */
const PE = {
  absolute: 0x00,
  uleb: 0x01,
  udata2: 0x02,
  udata4: 0x03,
  udata8: 0x04,
  sleb: 0x09,
  sdata2: 0x0a,
  sdata4: 0x0b,
  sdata8: 0x0c,
  formatMask: 0x0f,
  relative: 0x10,
  applicationMask: 0x70,
  indirect: 0x80,
  omit: 0xff,
} as const;

/** The frame descriptions of a file, from .eh_frame and .debug_frame, found by address. */
export class CallFrameTable {
  private index: RangeIndex<FrameDescription> | undefined;
  /** What could not be read. */
  readonly problems: string[] = [];

  constructor(private readonly sections: DwarfSections) {}

  find(address: number): FrameDescription | undefined {
    this.index ??= new RangeIndex(
      (['.eh_frame', '.debug_frame'] as const)
        .flatMap((section) => this.read(section))
        .map((owner) => ({ start: owner.start, end: owner.end, owner })),
    );
    return this.index.find(address);
  }

  /** All descriptions that could be read before the first that could not. */
  private read(name: FrameSection): FrameDescription[] {
    const found: FrameDescription[] = [];
    try {
      new FrameSectionReader(this.sections, name, found).readAll();
    } catch (error) {
      if (!(error instanceof DwarfError)) throw error;
      this.problems.push(error.message);
    }
    return found;
  }
}

class FrameSectionReader {
  private readonly bytes: Uint8Array;
  private readonly base: number;
  private readonly commons = new Map<number, CommonInformation>();
  private readonly isEh: boolean;

  constructor(
    sections: DwarfSections,
    private readonly name: FrameSection,
    private readonly found: FrameDescription[],
  ) {
    this.bytes = sections.bytes(name);
    this.base = sections.address(name);
    this.isEh = name === '.eh_frame';
  }

  readAll(): void {
    const reader = new DwarfReader(this.name, this.bytes);
    while (!reader.done) {
      const { length, is64 } = reader.initialLength();
      // A length of 0 ends .eh_frame; in .debug_frame it is padding.
      if (length === 0 && this.isEh) return;
      if (length === 0) continue;
      const entry = reader.part(length);
      const at = entry.at;
      const id = this.identity(entry, is64);
      if (id !== undefined) this.readDescription(entry, this.isEh ? at - id : id);
    }
  }

  /** What tells a description from a common entry: where its common entry is; undefined for those. */
  private identity(entry: DwarfReader, is64: boolean): number | undefined {
    // In .eh_frame it has 4 bytes even behind a long length.
    if (!is64 || this.isEh) {
      const id = entry.u32();
      return id === (this.isEh ? 0 : 0xffff_ffff) ? undefined : id;
    }
    const id = entry.bits64();
    return id === 0xffff_ffff_ffff_ffffn ? undefined : Number(id);
  }

  private readDescription(entry: DwarfReader, commonAt: number): void {
    const common = this.commonAt(entry, commonAt);
    const start = this.address(entry, common.encoding, common.addressSize);
    // The size is stored in the same format, relative to nothing.
    const size = this.address(entry, common.encoding & PE.formatMask, common.addressSize);
    if (common.isAugmented) entry.skip(entry.uleb());
    if (size <= 0) return;
    const { codeAlignment, dataAlignment, returnRegister, isSignalFrame, instructions } = common;
    const { at, end } = entry;
    this.found.push({
      start,
      end: start + size,
      codeAlignment,
      dataAlignment,
      returnRegister,
      isSignalFrame,
      instructions: () => [
        new DwarfReader(this.name, this.bytes, instructions.at, instructions.end),
        new DwarfReader(this.name, this.bytes, at, end),
      ],
      address: (reader) => this.address(reader, common.encoding, common.addressSize),
    });
  }

  private commonAt(from: DwarfReader, at: number): CommonInformation {
    const known = this.commons.get(at);
    if (known) return known;
    if (at < 0 || at >= this.bytes.length) from.fail(`no common entry lies at ${at}`);
    const reader = new DwarfReader(this.name, this.bytes, at);
    const { length, is64 } = reader.initialLength();
    const entry = reader.part(length);
    if (this.identity(entry, is64) !== undefined) entry.fail('this is no common entry');
    const common = this.readCommon(entry);
    this.commons.set(at, common);
    return common;
  }

  private readCommon(entry: DwarfReader): CommonInformation {
    const version = entry.u8();
    if (version !== 1 && version !== 3 && version !== 4) {
      entry.fail(`call frame information of version ${version} is not read`, -1);
    }
    const augmentation = entry.text();
    const addressSize = version >= 4 ? entry.u8() : 8;
    if (version >= 4) entry.skip(1); // segment_selector_size
    const codeAlignment = entry.uleb();
    const dataAlignment = entry.sleb();
    const returnRegister = version === 1 ? entry.u8() : entry.uleb();
    let encoding: number = PE.absolute;
    const isAugmented = augmentation.startsWith('z');
    if (!isAugmented && augmentation !== '') {
      entry.fail(`the augmentation "${augmentation}" is not known`);
    }
    if (isAugmented) {
      const data = entry.part(entry.uleb());
      for (const letter of augmentation.slice(1)) {
        if (letter === 'R') encoding = data.u8();
        else if (letter === 'L') data.skip(1);
        else if (letter === 'P') this.skipPointer(data, data.u8(), addressSize);
        else if (letter !== 'S' && letter !== 'B') break;
      }
    }
    return {
      codeAlignment,
      dataAlignment,
      returnRegister,
      isSignalFrame: augmentation.includes('S'),
      addressSize,
      encoding,
      isAugmented,
      instructions: { at: entry.at, end: entry.end },
    };
  }

  private skipPointer(reader: DwarfReader, encoding: number, addressSize: number): void {
    if (encoding !== PE.omit) this.address(reader, encoding & PE.formatMask, addressSize);
  }

  private address(reader: DwarfReader, encoding: number, addressSize: number): number {
    const at = reader.at;
    const application = encoding & PE.applicationMask;
    if ((encoding & PE.indirect) !== 0) reader.fail('an address is stored indirectly');
    const value = this.number(reader, encoding & PE.formatMask, addressSize);
    if (application === PE.absolute) return value;
    if (application !== PE.relative) {
      reader.fail(`the pointer encoding 0x${encoding.toString(16)} is not read`);
    }
    return this.base + at + value;
  }

  private number(reader: DwarfReader, format: number, addressSize: number): number {
    switch (format) {
      case PE.absolute:
        return reader.unsigned(addressSize);
      case PE.uleb:
        return reader.uleb();
      case PE.udata2:
        return reader.u16();
      case PE.udata4:
        return reader.u32();
      case PE.udata8:
        return reader.u64();
      case PE.sleb:
        return reader.sleb();
      case PE.sdata2:
        return (reader.u16() << 16) >> 16;
      case PE.sdata4:
        return reader.i32();
      case PE.sdata8:
        return Number(BigInt.asIntN(64, reader.bits64()));
      default:
        return reader.fail(`the pointer format ${format} is not known`);
    }
  }
}
