import { type Abbreviation, type Abbreviations, readAbbreviations } from './abbreviations';
import { DW_AT, DW_FORM, DW_UT } from './constants';
import { Entry, type Attribute } from './entry';
import { isSupplementary, readForm, type FormContext, type FormValue } from './forms';
import { DwarfError, DwarfReader } from './reader';
import type { DwarfSections } from './sections';
import type { DwarfStrings } from './strings';

/** Entries and values that the entries of one unit may have: more is hostile. */
const MAX_VALUES = 1 << 23;
const MAX_DEPTH = 500;

/** What units share. */
export interface UnitContext {
  readonly sections: DwarfSections;
  readonly strings: DwarfStrings;
  /** The entry at an offset of .debug_info, in whichever unit. */
  entryAt(offset: number): Entry;
  /** The type of a type unit. */
  typeOf(signature: bigint): Entry;
}

/** The header of a unit (DWARF 5, section 7.5.1; .debug_types: DWARF 4, section 7.5.1.2). */
export interface UnitHeader extends FormContext {
  readonly section: '.debug_info' | '.debug_types';
  /** Where the unit and its first entry begin, and where the unit ends, in the section. */
  readonly offset: number;
  readonly entries: number;
  readonly end: number;
  readonly abbreviations: number;
  /** DW_UT. */
  readonly kind: number;
  /** Of a type unit: its signature, and where its type is, from the unit's beginning. */
  readonly signature?: bigint;
  readonly typeOffset?: number;
}

/** Reads the header at the reader's place and leaves the whole unit behind. */
export function readUnitHeader(
  reader: DwarfReader,
  section: UnitHeader['section'],
): UnitHeader | DwarfError {
  const offset = reader.at;
  const { length, is64 } = reader.initialLength();
  const unit = reader.part(length);
  try {
    return headerOf(unit, section, offset, is64);
  } catch (error) {
    // The next unit can be found all the same.
    if (error instanceof DwarfError) return error;
    throw error;
  }
}

function headerOf(
  unit: DwarfReader,
  section: UnitHeader['section'],
  offset: number,
  is64: boolean,
): UnitHeader {
  const version = unit.u16();
  if (version < 2 || version > 5) unit.fail(`DWARF ${version} is not read, only 2 to 5`, -2);
  let kind: number = section === '.debug_types' ? DW_UT.type : DW_UT.compile;
  let abbreviations: number;
  let addressSize: number;
  if (version >= 5) {
    kind = unit.u8();
    addressSize = unit.u8();
    abbreviations = unit.offset(is64);
  } else {
    abbreviations = unit.offset(is64);
    addressSize = unit.u8();
  }
  if (addressSize !== 8 && addressSize !== 4) unit.fail(`addresses have ${addressSize} bytes`, -1);
  const isType = kind === DW_UT.type || kind === DW_UT.splitType;
  const signature = isType ? unit.bits64() : undefined;
  const typeOffset = isType ? unit.offset(is64) : undefined;
  if (version >= 5 && (kind === DW_UT.skeleton || kind === DW_UT.splitCompile)) unit.skip(8);
  return {
    section,
    offset,
    entries: unit.at,
    end: unit.end,
    version,
    is64,
    addressSize,
    abbreviations,
    kind,
    ...(signature !== undefined && { signature }),
    ...(typeOffset !== undefined && { typeOffset }),
  };
}

/** One unit of debugging information. Its entries are read when they are first asked for. */
export class Unit {
  private rootEntry: Entry | undefined;
  private byOffset: Map<number, Entry> | undefined;
  private table: Abbreviations | undefined;
  private failure: DwarfError | undefined;

  constructor(
    readonly header: UnitHeader,
    readonly context: UnitContext,
  ) {}

  /**
   * The unit's first entry; its children are not read with it.
   * @throws DwarfError
   */
  get root(): Entry {
    return (this.rootEntry ??= this.readRoot());
  }

  /**
   * The unit's first entry with everything below it.
   * @throws DwarfError
   */
  get tree(): Entry {
    this.load();
    return this.root;
  }

  /** @throws DwarfError when no entry begins at that offset of the section */
  entryAt(offset: number): Entry {
    const entry = this.load().get(offset);
    if (entry === undefined) {
      throw new DwarfError('no entry begins here', this.header.section, offset);
    }
    return entry;
  }

  /** Whether variables of the unit have location lists: the compiler tracked where they are. */
  get tracksLocations(): boolean {
    for (const { attributes } of this.abbreviations.values()) {
      const tracked = attributes.some(
        ({ name, form }) =>
          name === DW_AT.location &&
          (form === DW_FORM.secOffset || form === DW_FORM.loclistx || form === DW_FORM.data4),
      );
      if (tracked) return true;
    }
    return false;
  }

  /** Where the unit's offsets of location lists begin in .debug_loclists. */
  get listsBase(): number {
    return this.root.number(DW_AT.loclistsBase) ?? (this.header.is64 ? 20 : 12);
  }

  text({ form, value }: Attribute): string | undefined {
    const { strings } = this.context;
    if (typeof value === 'string') return value;
    if (typeof value !== 'number' || isSupplementary(form)) return undefined;
    if (form === DW_FORM.strp) return strings.at('.debug_str', value);
    if (form === DW_FORM.lineStrp) return strings.at('.debug_line_str', value);
    if (!isIndexedText(form)) return undefined;
    return strings.at('.debug_str', this.textOffset(value));
  }

  address({ form, value }: Attribute): number | undefined {
    if (typeof value !== 'number') return undefined;
    return form === DW_FORM.addr ? value : this.indexedAddress(value);
  }

  /** An address of .debug_addr. */
  indexedAddress(index: number): number {
    const { addressSize } = this.header;
    const at = (this.root.number(DW_AT.addrBase) ?? 8) + index * addressSize;
    const bytes = this.context.sections.bytes('.debug_addr');
    return new DwarfReader('.debug_addr', bytes, at).unsigned(addressSize);
  }

  /** Whether a value refers to an entry. */
  isReference({ form }: Attribute): boolean {
    const { refAddr, refUdata, refSig8 } = DW_FORM;
    return (form >= refAddr && form <= refUdata) || form === refSig8;
  }

  reference({ form, value }: Attribute): Entry | undefined {
    if (isSupplementary(form)) return undefined;
    if (form === DW_FORM.refSig8) return this.context.typeOf(BigInt(value as number | bigint));
    if (typeof value !== 'number') return undefined;
    if (form === DW_FORM.refAddr) return this.context.entryAt(value);
    return this.entryAt(this.header.offset + value);
  }

  private textOffset(index: number): number {
    const { is64, version } = this.header;
    const size = is64 ? 8 : 4;
    const base = this.root.number(DW_AT.strOffsetsBase) ?? (version >= 5 ? (is64 ? 16 : 8) : 0);
    const bytes = this.context.sections.bytes('.debug_str_offsets');
    return new DwarfReader('.debug_str_offsets', bytes, base + index * size).offset(is64);
  }

  private get abbreviations(): Abbreviations {
    const { sections } = this.context;
    return (this.table ??= readAbbreviations(
      sections.bytes('.debug_abbrev'),
      this.header.abbreviations,
    ));
  }

  private reader(): DwarfReader {
    const { section, entries, end } = this.header;
    return new DwarfReader(section, this.context.sections.bytes(section), entries, end);
  }

  private readRoot(): Entry {
    const reader = this.reader();
    const root = this.readEntry(reader, undefined);
    return root === undefined ? reader.fail('the unit has no entries') : root.entry;
  }

  /** Reads all entries, once; what was wrong then is said again. */
  private load(): Map<number, Entry> {
    if (this.failure) throw this.failure;
    if (this.byOffset) return this.byOffset;
    try {
      return (this.byOffset = this.readTree());
    } catch (error) {
      if (error instanceof DwarfError) this.failure = error;
      throw error;
    }
  }

  private readTree(): Map<number, Entry> {
    const reader = this.reader();
    const all = new Map<number, Entry>();
    const open: Entry[] = [];
    let budget = MAX_VALUES;
    while (!reader.done) {
      const parent = open.at(-1);
      const found = this.readEntry(reader, parent);
      if (found === undefined) {
        open.pop();
        if (open.length === 0) break;
        continue;
      }
      // The root is one object, however it was first asked for.
      const entry = parent === undefined ? (this.rootEntry ??= found.entry) : found.entry;
      all.set(entry.offset, entry);
      parent?.children.push(entry);
      budget -= 1 + found.abbreviation.attributes.length;
      if (budget < 0) reader.fail('the unit has too many entries');
      if (found.abbreviation.hasChildren) open.push(entry);
      else if (parent === undefined) break;
      if (open.length > MAX_DEPTH) reader.fail('the entries are nested too deeply');
    }
    return all;
  }

  /** The entry at the reader's place; undefined for the end of a list of siblings. */
  private readEntry(
    reader: DwarfReader,
    parent: Entry | undefined,
  ): { readonly entry: Entry; readonly abbreviation: Abbreviation } | undefined {
    const offset = reader.at;
    const code = reader.uleb();
    if (code === 0) return undefined;
    const abbreviation = this.abbreviations.get(code);
    if (abbreviation === undefined) return reader.fail(`abbreviation ${code} is not known`);
    const values: FormValue[] = [];
    for (const { form, constant } of abbreviation.attributes) {
      values.push(this.readValue(reader, form, constant));
    }
    return { entry: new Entry(this, offset, abbreviation, values, parent), abbreviation };
  }

  private readValue(reader: DwarfReader, form: number, constant: number): FormValue {
    if (form === DW_FORM.implicitConst) return constant;
    if (form !== DW_FORM.indirect) return readForm(reader, form, this.header);
    const actual = reader.uleb();
    // Its meaning would be lost: no compiler makes them.
    return reader.fail(`DW_FORM_indirect (0x${actual.toString(16)}) is not read`);
  }
}

const isIndexedText = (form: number): boolean =>
  form === DW_FORM.strx || (form >= DW_FORM.strx1 && form <= DW_FORM.strx4);
