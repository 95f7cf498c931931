/** A growing byte buffer with the integer encodings of the WebAssembly binary format (spec, section 5.2). */
export class ByteWriter {
  private buffer: Uint8Array;
  /** Bytes written so far. */
  length = 0;

  constructor(capacity = 256) {
    this.buffer = new Uint8Array(capacity);
  }

  u8(value: number): this {
    if (this.length === this.buffer.length) this.grow(1);
    this.buffer[this.length++] = value;
    return this;
  }

  bytes(data: ArrayLike<number>): this {
    if (this.length + data.length > this.buffer.length) this.grow(data.length);
    this.buffer.set(data, this.length);
    this.length += data.length;
    return this;
  }

  /** Unsigned LEB128 of an integer below 2^53. */
  uleb(value: number): this {
    do {
      const low = value % 128;
      value = Math.floor(value / 128);
      this.u8(value === 0 ? low : low | 0x80);
    } while (value !== 0);
    return this;
  }

  /** Signed LEB128 of a 32-bit integer. */
  sleb32(value: number): this {
    value |= 0;
    for (;;) {
      const low = value & 0x7f;
      value >>= 7;
      if ((value === 0 && (low & 0x40) === 0) || (value === -1 && (low & 0x40) !== 0)) {
        return this.u8(low);
      }
      this.u8(low | 0x80);
    }
  }

  /** Signed LEB128 of a 64-bit integer. */
  sleb64(value: bigint): this {
    value = BigInt.asIntN(64, value);
    if (value === BigInt.asIntN(32, value)) return this.sleb32(Number(value));
    for (;;) {
      const low = Number(value & 0x7fn);
      value >>= 7n;
      if ((value === 0n && (low & 0x40) === 0) || (value === -1n && (low & 0x40) !== 0)) {
        return this.u8(low);
      }
      this.u8(low | 0x80);
    }
  }

  /** A name: its length in UTF-8 bytes, then the bytes. */
  name(text: string): this {
    const encoded = new TextEncoder().encode(text);
    return this.uleb(encoded.length).bytes(encoded);
  }

  append(other: ByteWriter): this {
    return this.bytes(other.buffer.subarray(0, other.length));
  }

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.buffer.slice(0, this.length);
  }

  private grow(need: number): void {
    const bigger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + need));
    bigger.set(this.buffer.subarray(0, this.length));
    this.buffer = bigger;
  }
}
