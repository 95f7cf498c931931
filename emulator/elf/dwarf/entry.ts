import type { Abbreviation } from './abbreviations';
import { DW_AT, DW_FORM } from './constants';
import type { FormValue } from './forms';
import type { Unit } from './unit';

/** The value of an attribute with the form that says what it means. */
export interface Attribute {
  readonly form: number;
  readonly value: FormValue;
}

/**
 * A debugging information entry (DWARF 5, section 2.1): a tag, attributes, and the entries that it owns.
 * The values are as stored; the methods say what they mean.
 */
export class Entry {
  readonly children: Entry[] = [];

  /**
   * @param offset of the entry in its section
   * @param values of the abbreviation's attributes, in their order
   */
  constructor(
    readonly unit: Unit,
    readonly offset: number,
    private readonly abbreviation: Abbreviation,
    private readonly values: readonly FormValue[],
    readonly parent: Entry | undefined,
  ) {}

  get tag(): number {
    return this.abbreviation.tag;
  }

  /** An attribute (DW_AT), as it stands here. */
  attribute(name: number): Attribute | undefined {
    const { attributes } = this.abbreviation;
    for (let i = 0; i < attributes.length; i++) {
      if (attributes[i].name === name) return { form: attributes[i].form, value: this.values[i] };
    }
    return undefined;
  }

  has(name: number): boolean {
    return this.abbreviation.attributes.some((attribute) => attribute.name === name);
  }

  /** A constant, an offset or an index that fits in 53 bits. */
  number(name: number): number | undefined {
    const value = this.attribute(name)?.value;
    return typeof value === 'number' ? value : undefined;
  }

  flag(name: number): boolean {
    return (this.number(name) ?? 0) !== 0;
  }

  /** @throws DwarfError when it refers to a text that is not there */
  text(name: number): string | undefined {
    const attribute = this.attribute(name);
    return attribute && this.unit.text(attribute);
  }

  /** @throws DwarfError when its index is not in .debug_addr */
  address(name: number): number | undefined {
    const attribute = this.attribute(name);
    return attribute && this.unit.address(attribute);
  }

  /** A block of bytes: an expression, mostly. */
  block(name: number): Uint8Array | undefined {
    const value = this.attribute(name)?.value;
    return value instanceof Uint8Array ? value : undefined;
  }

  /**
   * The entry that an attribute refers to.
   * @throws DwarfError when no entry begins there
   */
  reference(name: number): Entry | undefined {
    const attribute = this.attribute(name);
    return attribute && this.unit.reference(attribute);
  }

  /** The first address behind what begins at `low`: DW_AT_high_pc is an address or a size. */
  highPc(low: number): number | undefined {
    const attribute = this.attribute(DW_AT.highPc);
    if (attribute === undefined) return undefined;
    const isAddress = isAddressForm(attribute.form);
    const value = isAddress ? this.unit.address(attribute) : attribute.value;
    if (typeof value !== 'number') return undefined;
    return isAddress ? value : low + value;
  }
}

const isAddressForm = (form: number): boolean =>
  form === DW_FORM.addr ||
  form === DW_FORM.addrx ||
  (form >= DW_FORM.addrx1 && form <= DW_FORM.addrx4);
