import { DW_FORM } from './constants';
import type { Entry } from './entry';
import { unitBase } from './ranges';
import { DwarfReader } from './reader';
import type { Unit } from './unit';

/** Lists that are longer are hostile. */
const MAX_PARTS = 1 << 20;

/** Entry kinds of .debug_loclists (DW_LLE, DWARF 5, section 7.7.3). */
const LLE = {
  endOfList: 0,
  baseAddressx: 1,
  startxEndx: 2,
  startxLength: 3,
  offsetPair: 4,
  defaultLocation: 5,
  baseAddress: 6,
  startEnd: 7,
  startLength: 8,
} as const;

/**
 * The expression that an attribute gives for an instruction: its only one, or that of its location list
 * (DWARF 5, section 2.6.2) whose range holds the address. Undefined when there is none: the object has no
 * place there.
 * @param address as linked
 * @throws DwarfError when the list cannot be read
 */
export function expressionAt(
  entry: Entry,
  attributeName: number,
  address: number,
): Uint8Array | undefined {
  const attribute = entry.attribute(attributeName);
  if (attribute === undefined) return undefined;
  const { form, value } = attribute;
  if (value instanceof Uint8Array) return value;
  if (typeof value !== 'number') return undefined;
  const { unit } = entry;
  if (unit.header.version >= 5) return findInList(unit, listOffset(unit, form, value), address);
  return findInOldList(unit, value, address);
}

function listOffset(unit: Unit, form: number, value: number): number {
  if (form !== DW_FORM.loclistx) return value;
  const { is64 } = unit.header;
  const base = unit.listsBase;
  const bytes = unit.context.sections.bytes('.debug_loclists');
  const at = base + value * (is64 ? 8 : 4);
  return base + new DwarfReader('.debug_loclists', bytes, at).offset(is64);
}

/** A list of .debug_loc (DWARF 4, section 2.6.2). */
function findInOldList(unit: Unit, offset: number, address: number): Uint8Array | undefined {
  const { addressSize } = unit.header;
  const bytes = unit.context.sections.bytes('.debug_loc');
  const reader = new DwarfReader('.debug_loc', bytes, offset);
  const selection = addressSize === 8 ? 0xffff_ffff_ffff_ffffn : 0xffff_ffffn;
  const word = (): bigint => (addressSize === 8 ? reader.bits64() : BigInt(reader.u32()));
  let base = unitBase(unit);
  for (let parts = 0; parts < MAX_PARTS; parts++) {
    const [first, second] = [word(), word()];
    if (first === 0n && second === 0n) return undefined;
    if (first === selection) {
      base = Number(second);
      continue;
    }
    const expression = reader.block(reader.u16());
    if (address >= base + Number(first) && address < base + Number(second)) return expression;
  }
  return reader.fail('the location list is too long');
}

function findInList(unit: Unit, offset: number, address: number): Uint8Array | undefined {
  const { addressSize } = unit.header;
  const bytes = unit.context.sections.bytes('.debug_loclists');
  const reader = new DwarfReader('.debug_loclists', bytes, offset);
  const indexed = (): number => unit.indexedAddress(reader.uleb());
  const plain = (): number => reader.unsigned(addressSize);
  const expression = (): Uint8Array => reader.block(reader.uleb());
  let base = unitBase(unit);
  let otherwise: Uint8Array | undefined;
  for (let parts = 0; parts < MAX_PARTS; parts++) {
    const kind = reader.u8();
    if (kind === LLE.endOfList) return otherwise;
    if (kind === LLE.baseAddressx) base = indexed();
    else if (kind === LLE.baseAddress) base = plain();
    else if (kind === LLE.defaultLocation) otherwise = expression();
    else {
      const [start, end] = bounds(reader, kind, base, indexed, plain);
      const found = expression();
      if (address >= start && address < end) return found;
    }
  }
  return reader.fail('the location list is too long');
}

function bounds(
  reader: DwarfReader,
  kind: number,
  base: number,
  indexed: () => number,
  plain: () => number,
): [start: number, end: number] {
  switch (kind) {
    case LLE.offsetPair:
      return [base + reader.uleb(), base + reader.uleb()];
    case LLE.startxEndx:
      return [indexed(), indexed()];
    case LLE.startEnd:
      return [plain(), plain()];
    case LLE.startxLength: {
      const start = indexed();
      return [start, start + reader.uleb()];
    }
    case LLE.startLength: {
      const start = plain();
      return [start, start + reader.uleb()];
    }
    default:
      return reader.fail(`a location of kind ${kind} is not known`, -1);
  }
}
