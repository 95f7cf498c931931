import { DW_FORM } from './constants';
import { DwarfReader } from './reader';

/** One attribute of an abbreviation: which it is and how its value is stored. */
export interface AttributeSpec {
  readonly name: number;
  readonly form: number;
  /** The value itself, for DW_FORM_implicit_const. */
  readonly constant: number;
}

/** What the entries of one code look like (DWARF 5, section 7.5.3). */
export interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly attributes: readonly AttributeSpec[];
}

/** Abbreviations of a unit by their codes. */
export type Abbreviations = ReadonlyMap<number, Abbreviation>;

/**
 * Reads the table at `offset` of .debug_abbrev.
 * @throws DwarfError
 */
export function readAbbreviations(section: Uint8Array, offset: number): Abbreviations {
  const reader = new DwarfReader('.debug_abbrev', section, offset);
  const table = new Map<number, Abbreviation>();
  for (let code = reader.uleb(); code !== 0; code = reader.uleb()) {
    const tag = reader.uleb();
    const hasChildren = reader.u8() !== 0;
    table.set(code, { tag, hasChildren, attributes: readSpecs(reader) });
    if (reader.done) break;
  }
  return table;
}

function readSpecs(reader: DwarfReader): AttributeSpec[] {
  const attributes: AttributeSpec[] = [];
  for (;;) {
    const name = reader.uleb();
    const form = reader.uleb();
    const constant = form === DW_FORM.implicitConst ? reader.sleb() : 0;
    if (name === 0 && form === 0) return attributes;
    attributes.push({ name, form, constant });
  }
}
