import { hex } from '../reader';

/** Debugging information that cannot be read: which section, where in it, and what is wrong. */
export class DwarfError extends Error {
  override readonly name = 'DwarfError';

  constructor(
    message: string,
    readonly section: string,
    readonly offset: number,
  ) {
    super(`${message} (${section} offset ${hex(offset)})`);
  }
}

/**
 * A place in a section of debugging information that moves forward as it is read (DWARF 5, chapter 7).
 * Every access is checked against the end: what lies outside is a `DwarfError`, never an undefined value.
 */
export class DwarfReader {
  private readonly view: DataView;

  /**
   * @param section its name, for errors
   * @param at offset of the next byte
   * @param end offset behind the last byte that may be read
   */
  constructor(
    readonly section: string,
    readonly bytes: Uint8Array,
    public at = 0,
    readonly end = bytes.length,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (at < 0 || at > end || end > bytes.length) {
      throw new DwarfError(`the section has only ${bytes.length} bytes`, section, at);
    }
  }

  /** A reader of the next `length` bytes, which this one leaves behind. */
  part(length: number): DwarfReader {
    const start = this.take(length);
    return new DwarfReader(this.section, this.bytes, start, start + length);
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  i8(): number {
    return this.view.getInt8(this.take(1));
  }

  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  u24(): number {
    const at = this.take(3);
    return this.view.getUint16(at, true) + this.view.getUint8(at + 2) * 65536;
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  i32(): number {
    return this.view.getInt32(this.take(4), true);
  }

  bits64(): bigint {
    return this.view.getBigUint64(this.take(8), true);
  }

  /** 64 bits that must be an offset, a length or an address: below 2^53. */
  u64(): number {
    const value = this.bits64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.fail(`${hex(value)} is too large`, -8);
    return Number(value);
  }

  /** An unsigned number of 1, 2, 4 or 8 bytes. */
  unsigned(size: number): number {
    if (size === 8) return this.u64();
    if (size === 4) return this.u32();
    if (size === 2) return this.u16();
    if (size === 1) return this.u8();
    return this.fail(`a number of ${size} bytes`);
  }

  /** LEB128, unsigned: must be below 2^53. */
  uleb(): number {
    let value = 0;
    for (let weight = 1; ; weight *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * weight;
      if (value > Number.MAX_SAFE_INTEGER) this.fail('a LEB128 number is too large');
      if (byte < 0x80) return value;
      if (weight > 2 ** 63) this.fail('a LEB128 number has no end');
    }
  }

  /** LEB128, signed: must fit in 53 bits. */
  sleb(): number {
    const value = this.sleb64();
    if (BigInt.asIntN(53, value) !== value) this.fail('a LEB128 number is too large');
    return Number(value);
  }

  /** LEB128, the low 64 bits as an unsigned number. */
  uleb64(): bigint {
    return BigInt.asUintN(64, this.leb().value);
  }

  /** LEB128, the low 64 bits as a signed number. */
  sleb64(): bigint {
    const { value, bits, negative } = this.leb();
    return BigInt.asIntN(64, negative && bits < 64 ? value - (1n << BigInt(bits)) : value);
  }

  /** Bytes to the next NUL, without it. */
  text(): string {
    const nul = this.bytes.indexOf(0, this.at);
    if (nul < 0 || nul >= this.end) this.fail('a text has no end');
    const text = decodeText(this.bytes, this.at, nul);
    this.at = nul + 1;
    return text;
  }

  block(length: number): Uint8Array {
    const start = this.take(length);
    return this.bytes.subarray(start, start + length);
  }

  skip(length: number): void {
    this.take(length);
  }

  /** An offset into a section: 4 bytes in 32-bit DWARF, 8 in 64-bit DWARF. */
  offset(is64: boolean): number {
    return is64 ? this.u64() : this.u32();
  }

  /** An initial length: what follows belongs to one unit (DWARF 5, section 7.4). */
  initialLength(): { readonly length: number; readonly is64: boolean } {
    const first = this.u32();
    const is64 = first === 0xffffffff;
    if (!is64 && first >= 0xfffffff0) this.fail(`the length ${hex(first)} is reserved`, -4);
    const length = is64 ? this.u64() : first;
    if (length > this.end - this.at) {
      this.fail(`a unit of ${length} bytes ends behind its section`, is64 ? -12 : -4);
    }
    return { length, is64 };
  }

  fail(message: string, by = 0): never {
    throw new DwarfError(message, this.section, this.at + by);
  }

  private leb(): { value: bigint; bits: number; negative: boolean } {
    let value = 0n;
    for (let bits = 0; ;) {
      const byte = this.u8();
      if (bits < 64) value |= BigInt(byte & 0x7f) << BigInt(bits);
      bits += 7;
      if (byte < 0x80) return { value, bits, negative: (byte & 0x40) !== 0 };
      if (bits > 140) this.fail('a LEB128 number has no end');
    }
  }

  /** The offset of the next `length` bytes, which are then read. */
  private take(length: number): number {
    const at = this.at;
    if (length < 0 || at + length > this.end) {
      this.fail(`${length} bytes are needed, ${this.end - at} are left`);
    }
    this.at = at + length;
    return at;
  }
}

/** The text [start, end), UTF-8. */
function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > 200) return new TextDecoder().decode(bytes.subarray(start, end));
  // Most names are short and ASCII: much faster than a decoder.
  let text = '';
  for (let at = start; at < end; at++) {
    const code = bytes[at];
    if (code > 127) return new TextDecoder().decode(bytes.subarray(start, end));
    text += String.fromCharCode(code);
  }
  return text;
}
