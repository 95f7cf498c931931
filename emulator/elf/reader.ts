/** A file that is no loadable RISC-V program. `offset` is where in the file the fault lies. */
export class ElfError extends Error {
  override readonly name = 'ElfError';

  constructor(
    message: string,
    readonly offset?: number,
  ) {
    super(offset === undefined ? message : `${message} (at file offset 0x${offset.toString(16)})`);
  }
}

export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/**
 * Little-endian fields of an ELF file. Every access is checked against the file's size: what lies
 * outside is an `ElfError` that names the field, never an undefined value.
 */
export class ElfReader {
  private readonly view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  u8(offset: number, what: string): number {
    this.check(offset, 1, what);
    return this.view.getUint8(offset);
  }

  u16(offset: number, what: string): number {
    this.check(offset, 2, what);
    return this.view.getUint16(offset, true);
  }

  u32(offset: number, what: string): number {
    this.check(offset, 4, what);
    return this.view.getUint32(offset, true);
  }

  /** A 64-bit field as a number: 2^53 and above are no valid offset, size or address here. */
  u64(offset: number, what: string): number {
    this.check(offset, 8, what);
    const low = this.view.getUint32(offset, true);
    const high = this.view.getUint32(offset + 4, true);
    if (high >= 2 ** 21) {
      throw new ElfError(
        `${what} is ${hex(this.view.getBigUint64(offset, true))}, too large`,
        offset,
      );
    }
    return high * 2 ** 32 + low;
  }

  /** All 64 bits, for fields that may hold anything (the value of a symbol). */
  bits64(offset: number, what: string): bigint {
    this.check(offset, 8, what);
    return this.view.getBigUint64(offset, true);
  }

  /** The bytes [offset, offset + size) without a copy. */
  slice(offset: number, size: number, what: string): Uint8Array {
    this.check(offset, size, what);
    return this.bytes.subarray(offset, offset + size);
  }

  /** Throws unless [offset, offset + size) lies in the file. */
  check(offset: number, size: number, what: string): void {
    if (offset < 0 || size < 0 || offset + size > this.length) {
      throw new ElfError(
        `${what} needs bytes ${hex(offset)} to ${hex(offset + size)}, ` +
          `but the file ends at ${hex(this.length)}`,
      );
    }
  }
}
