import { acquire, release } from '../memory/lock';

/**
 * The arena's memory for what is counted of harts, which any thread may allocate and free in powers of two. It begins
 * with u32 words:
 *
 * | word   | field |
 * |--------|-------|
 * | 0      | lock |
 * | 1      | first byte that was never allocated |
 * | 8 + n  | first free piece of 2^n bytes, 0 = none; its first word is the next one |
 */
const LOCK = 0;
const NEXT = 1;
const FREE = 8;
const HEADER_BYTES = 256;
const LEAST = 6;

export interface HeapPlace {
  readonly base: number;
  readonly bytes: number;
}

export class CountingHeap {
  readonly u32: Uint32Array;
  readonly view: DataView;
  private readonly i32: Int32Array;
  private readonly at: number;
  private readonly end: number;

  /** @param place arena range; `clear` it before its first use */
  constructor(memory: WebAssembly.Memory, place: HeapPlace) {
    this.u32 = new Uint32Array(memory.buffer);
    this.i32 = new Int32Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    this.at = place.base >>> 2;
    this.end = place.base + place.bytes;
  }

  clear(): void {
    this.u32.fill(0, this.at, this.at + HEADER_BYTES / 4);
    this.u32[this.at + NEXT] = 4 * this.at + HEADER_BYTES;
  }

  /** @returns the address of zeroed bytes, at a multiple of 64; 0 when there is no room */
  allocate(bytes: number): number {
    const size = sizeClass(bytes);
    const address = this.take(size);
    if (address !== 0) this.u32.fill(0, address >>> 2, (address + 2 ** size) >>> 2);
    return address;
  }

  /** @param bytes as they were asked for */
  free(address: number, bytes: number): void {
    const list = this.at + FREE + sizeClass(bytes);
    acquire(this.i32, this.at + LOCK);
    this.u32[address >>> 2] = this.u32[list];
    this.u32[list] = address;
    release(this.i32, this.at + LOCK);
  }

  /** A u64 as a number. */
  long(address: number): number {
    return this.u32[address >>> 2] + this.u32[(address >>> 2) + 1] * 2 ** 32;
  }

  setLong(address: number, value: number): void {
    this.u32[address >>> 2] = value;
    this.u32[(address >>> 2) + 1] = Math.floor(value / 2 ** 32);
  }

  private take(size: number): number {
    const { u32, at } = this;
    acquire(this.i32, at + LOCK);
    try {
      const address = u32[at + FREE + size];
      if (address !== 0) {
        u32[at + FREE + size] = u32[address >>> 2];
        return address;
      }
      const next = u32[at + NEXT];
      if (next + 2 ** size > this.end) return 0;
      u32[at + NEXT] = next + 2 ** size;
      return next;
    } finally {
      release(this.i32, at + LOCK);
    }
  }
}

const sizeClass = (bytes: number): number => Math.max(LEAST, 32 - Math.clz32(bytes - 1));
