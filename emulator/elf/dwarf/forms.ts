import { DW_FORM } from './constants';
import type { DwarfReader } from './reader';

/** A value as it stands in an entry: numbers that do not fit in 53 bits are bigints, blocks are bytes. */
export type FormValue = number | bigint | string | Uint8Array;

/** What the size of some forms depends on. */
export interface FormContext {
  readonly version: number;
  readonly is64: boolean;
  readonly addressSize: number;
}

/** References of DW_FORM_ref_supN and strings of strp_sup lie in a supplementary file, which nobody has. */
export const isSupplementary = (form: number): boolean =>
  form === DW_FORM.refSup4 || form === DW_FORM.refSup8 || form === DW_FORM.strpSup;

/**
 * Reads one value (DWARF 5, section 7.5.5). Indices (strx, addrx, …) and offsets stay what they are.
 * @throws DwarfError for an unknown form or a value that ends behind its unit
 */
export function readForm(reader: DwarfReader, form: number, context: FormContext): FormValue {
  switch (form) {
    case DW_FORM.addr:
      return reader.unsigned(context.addressSize);
    case DW_FORM.data1:
    case DW_FORM.flag:
    case DW_FORM.ref1:
    case DW_FORM.strx1:
    case DW_FORM.addrx1:
      return reader.u8();
    case DW_FORM.data2:
    case DW_FORM.ref2:
    case DW_FORM.strx2:
    case DW_FORM.addrx2:
      return reader.u16();
    case DW_FORM.strx3:
    case DW_FORM.addrx3:
      return reader.u24();
    case DW_FORM.data4:
    case DW_FORM.ref4:
    case DW_FORM.strx4:
    case DW_FORM.addrx4:
    case DW_FORM.refSup4:
      return reader.u32();
    case DW_FORM.data8:
    case DW_FORM.refSig8:
      return small(reader.bits64());
    case DW_FORM.ref8:
    case DW_FORM.refSup8:
      return reader.u64();
    case DW_FORM.data16:
      return reader.block(16);
    case DW_FORM.sdata:
      return small(reader.sleb64());
    case DW_FORM.udata:
      return small(reader.uleb64());
    case DW_FORM.refUdata:
    case DW_FORM.strx:
    case DW_FORM.addrx:
    case DW_FORM.loclistx:
    case DW_FORM.rnglistx:
      return reader.uleb();
    case DW_FORM.string:
      return reader.text();
    case DW_FORM.strp:
    case DW_FORM.lineStrp:
    case DW_FORM.strpSup:
    case DW_FORM.secOffset:
      return reader.offset(context.is64);
    case DW_FORM.refAddr:
      return context.version <= 2
        ? reader.unsigned(context.addressSize)
        : reader.offset(context.is64);
    case DW_FORM.block1:
      return reader.block(reader.u8());
    case DW_FORM.block2:
      return reader.block(reader.u16());
    case DW_FORM.block4:
      return reader.block(reader.u32());
    case DW_FORM.block:
    case DW_FORM.exprloc:
      return reader.block(reader.uleb());
    case DW_FORM.flagPresent:
      return 1;
    default:
      return reader.fail(`the form 0x${form.toString(16)} is not known`);
  }
}

function small(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
