import { DW_AT, DW_FORM } from './constants';
import type { Entry } from './entry';
import { DwarfReader } from './reader';
import type { Unit } from './unit';

/** Addresses [start, end), as linked. */
export interface AddressRange {
  readonly start: number;
  readonly end: number;
}

/** Lists that are longer are hostile. */
const MAX_RANGES = 1 << 20;

/** Entry kinds of .debug_rnglists (DW_RLE, DWARF 5, section 7.25). */
const RLE = {
  endOfList: 0,
  baseAddressx: 1,
  startxEndx: 2,
  startxLength: 3,
  offsetPair: 4,
  baseAddress: 5,
  startEnd: 6,
  startLength: 7,
} as const;

/**
 * The addresses of an entry: [DW_AT_low_pc, DW_AT_high_pc) or its list of ranges, without empty ones.
 * @throws DwarfError when the list cannot be read
 */
export function rangesOf(entry: Entry): AddressRange[] {
  const list = entry.attribute(DW_AT.ranges);
  if (list !== undefined && typeof list.value === 'number') {
    const { unit } = entry;
    return unit.header.version >= 5
      ? readList(unit, listOffset(unit, list.form, list.value))
      : readOldList(unit, list.value);
  }
  const start = entry.address(DW_AT.lowPc);
  const end = start === undefined ? undefined : entry.highPc(start);
  return start === undefined || end === undefined || end <= start ? [] : [{ start, end }];
}

/** Whether a list of ranges holds an address. */
export const holds = (ranges: readonly AddressRange[], address: number): boolean =>
  ranges.some(({ start, end }) => address >= start && address < end);

/** What offsets in the lists of a unit count from at first. */
export const unitBase = (unit: Unit): number => unit.root.address(DW_AT.lowPc) ?? 0;

function listOffset(unit: Unit, form: number, value: number): number {
  if (form !== DW_FORM.rnglistx) return value;
  const { is64 } = unit.header;
  const base = unit.root.number(DW_AT.rnglistsBase) ?? (is64 ? 20 : 12);
  const bytes = unit.context.sections.bytes('.debug_rnglists');
  return (
    base + new DwarfReader('.debug_rnglists', bytes, base + value * (is64 ? 8 : 4)).offset(is64)
  );
}

/** A list of .debug_ranges (DWARF 4, section 2.17.3). */
function readOldList(unit: Unit, offset: number): AddressRange[] {
  const { addressSize } = unit.header;
  const bytes = unit.context.sections.bytes('.debug_ranges');
  const reader = new DwarfReader('.debug_ranges', bytes, offset);
  const selection = addressSize === 8 ? 0xffff_ffff_ffff_ffffn : 0xffff_ffffn;
  const word = (): bigint => (addressSize === 8 ? reader.bits64() : BigInt(reader.u32()));
  const ranges: AddressRange[] = [];
  let base = unitBase(unit);
  while (ranges.length < MAX_RANGES) {
    const [first, second] = [word(), word()];
    if (first === 0n && second === 0n) return ranges;
    if (first === selection) base = Number(second);
    else add(ranges, base + Number(first), base + Number(second));
  }
  return reader.fail('the list of ranges is too long');
}

function readList(unit: Unit, offset: number): AddressRange[] {
  const { addressSize } = unit.header;
  const bytes = unit.context.sections.bytes('.debug_rnglists');
  const reader = new DwarfReader('.debug_rnglists', bytes, offset);
  const ranges: AddressRange[] = [];
  let base = unitBase(unit);
  const indexed = (): number => unit.indexedAddress(reader.uleb());
  const address = (): number => reader.unsigned(addressSize);
  while (ranges.length < MAX_RANGES) {
    const kind = reader.u8();
    if (kind === RLE.endOfList) return ranges;
    if (kind === RLE.baseAddressx) base = indexed();
    else if (kind === RLE.baseAddress) base = address();
    else if (kind === RLE.offsetPair) {
      const first = reader.uleb();
      add(ranges, base + first, base + reader.uleb());
    } else if (kind === RLE.startxEndx) {
      const start = indexed();
      add(ranges, start, indexed());
    } else if (kind === RLE.startEnd) {
      const start = address();
      add(ranges, start, address());
    } else if (kind === RLE.startxLength || kind === RLE.startLength) {
      const start = kind === RLE.startLength ? address() : indexed();
      add(ranges, start, start + reader.uleb());
    } else reader.fail(`a range of kind ${kind} is not known`, -1);
  }
  return reader.fail('the list of ranges is too long');
}

function add(ranges: AddressRange[], start: number, end: number): void {
  if (end > start) ranges.push({ start, end });
}
