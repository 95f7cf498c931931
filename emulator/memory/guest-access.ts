import type { ArenaViews } from './arena-layout';
import type { Access } from './faults';
import { ADDRESS_LIMIT, PAGE_SHIFT, PAGE_SIZE } from './layout';

/** Text read from the guest. */
export interface GuestString {
  /** The bytes before the terminating zero, as UTF-8. */
  readonly text: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** False when the limit or an unreadable page came before the zero. */
  readonly isTerminated: boolean;
}

const decoder = new TextDecoder();

/**
 * The host's reads and writes of guest memory. Any address and length may be asked for: what cannot be
 * reached is left out and the result says how far it went, so that a wild pointer is EFAULT for the kernel and
 * an empty view for the debugger. `read…`, `write…` follow the guest's permissions (the kernel's copies);
 * `peek` and `poke` ignore them (the debugger's), `peek` without any effect on the guest.
 */
export abstract class GuestAccess {
  protected abstract readonly views: ArenaViews;

  /** Arena address of the first byte of `page` for an access with the guest's permissions, 0 = fault. */
  protected abstract reach(page: number, access: Access): number;
  /** Whether the guest's permissions let it access `page`; allocates nothing. */
  protected abstract allows(page: number, access: Access): boolean;
  /** The same as `reach` whatever the permissions; 0 = unmapped or out of memory. */
  protected abstract reachForced(page: number, isWrite: boolean): number;

  /**
   * How many of the `length` bytes at `address` the guest may access before the first it may not. Allocates
   * nothing, so that a huge range costs only the look: a write may still run out of memory.
   */
  accessible(address: number, length: number, access: Access): number {
    return this.walk(address, length, (page) => (this.allows(page, access) ? 1 : 0));
  }

  /** Whether the guest may read all `length` bytes at `address`. */
  isReadable(address: number, length: number): boolean {
    return this.accessible(address, length, 'read') === length;
  }

  /** Whether the guest may write all `length` bytes at `address`. */
  isWritable(address: number, length: number): boolean {
    return this.accessible(address, length, 'write') === length;
  }

  /**
   * A copy of the bytes at `address` up to the first that the guest may not read: at most `length`. The host
   * needs memory for what is there, up to 4 GiB: whoever takes `length` from a guest bounds it.
   */
  read(address: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.accessible(address, length, 'read'));
    this.readInto(address, bytes);
    return bytes;
  }

  /** Fills `target` with the bytes at `address`; returns how many before the first fault. */
  readInto(address: number, target: Uint8Array): number {
    return this.copyOut(address, target, (page) => this.reach(page, 'read'));
  }

  /** Writes `bytes` at `address`; returns how many before the first fault. */
  write(address: number, bytes: Uint8Array): number {
    return this.copyIn(address, bytes, (page) => this.reach(page, 'write'));
  }

  /** Writes `length` zero bytes at `address`; returns how many before the first fault. */
  clear(address: number, length: number): number {
    return this.walk(
      address,
      length,
      (page) => this.reach(page, 'write'),
      (at, count) => this.views.u8.fill(0, at, at + count),
    );
  }

  /** As `read`, whatever the permissions and without effect on the guest. */
  peek(address: number, length: number): Uint8Array<ArrayBuffer> {
    const reach = (page: number): number => this.reachForced(page, false);
    const bytes = new Uint8Array(this.walk(address, length, reach));
    this.copyOut(address, bytes, reach);
    return bytes;
  }

  /** As `write`, whatever the permissions. */
  poke(address: number, bytes: Uint8Array): number {
    return this.copyIn(address, bytes, (page) => this.reachForced(page, true));
  }

  /** The bytes at `address` up to a zero byte, at most `limit`. */
  readString(address: number, limit = 65536): GuestString {
    let length = 0;
    let isTerminated = false;
    const { u8 } = this.views;
    for (let next = address; length < limit && !isTerminated;) {
      const count = Math.min(limit - length, PAGE_SIZE - (next % PAGE_SIZE));
      const at = isGuestAddress(next) ? this.reach(next >>> PAGE_SHIFT, 'read') : 0;
      if (at === 0) break;
      const from = at + (next % PAGE_SIZE);
      const zero = u8.subarray(from, from + count).indexOf(0);
      isTerminated = zero >= 0;
      length += isTerminated ? zero : count;
      next += count;
    }
    const bytes = this.read(address, length);
    return { text: decoder.decode(bytes), bytes, isTerminated };
  }

  readU8(address: number): number | undefined {
    const at = this.locate(address, 1, 'read');
    return at === 0 ? undefined : this.views.u8[at];
  }

  readU16(address: number): number | undefined {
    const at = this.locate(address, 2, 'read');
    if (at !== 0) return this.views.view.getUint16(at, true);
    return this.readParts(address, 2)?.getUint16(0, true);
  }

  readU32(address: number): number | undefined {
    const at = this.locate(address, 4, 'read');
    if (at !== 0) return this.views.view.getUint32(at, true);
    return this.readParts(address, 4)?.getUint32(0, true);
  }

  readU64(address: number): bigint | undefined {
    const at = this.locate(address, 8, 'read');
    if (at !== 0) return this.views.view.getBigUint64(at, true);
    return this.readParts(address, 8)?.getBigUint64(0, true);
  }

  /** The number that `readU64` reads: exact below 2^53, else the nearest double. */
  readNumber64(address: number): number | undefined {
    const value = this.readU64(address);
    return value === undefined ? undefined : Number(value);
  }

  /** Each `writeU…` writes all of its bytes or none, and returns whether it did. */
  writeU8(address: number, value: number): boolean {
    const at = this.locate(address, 1, 'write');
    if (at === 0) return false;
    this.views.u8[at] = value;
    return true;
  }

  writeU16(address: number, value: number): boolean {
    const at = this.locate(address, 2, 'write');
    if (at === 0) return this.writeParts(address, 2, (view) => view.setUint16(0, value, true));
    this.views.view.setUint16(at, value, true);
    return true;
  }

  writeU32(address: number, value: number): boolean {
    const at = this.locate(address, 4, 'write');
    if (at === 0) return this.writeParts(address, 4, (view) => view.setUint32(0, value, true));
    this.views.view.setUint32(at, value, true);
    return true;
  }

  writeU64(address: number, value: bigint | number): boolean {
    const bits = BigInt.asUintN(64, BigInt(value));
    const at = this.locate(address, 8, 'write');
    if (at === 0) return this.writeParts(address, 8, (view) => view.setBigUint64(0, bits, true));
    this.views.view.setBigUint64(at, bits, true);
    return true;
  }

  /** Arena address of `size` bytes within one page, 0 when they cross a page or the guest may not. */
  private locate(address: number, size: number, access: Access): number {
    const offset = address % PAGE_SIZE;
    if (!isGuestAddress(address) || offset + size > PAGE_SIZE) return 0;
    const frame = this.reach(address >>> PAGE_SHIFT, access);
    return frame === 0 ? 0 : frame + offset;
  }

  private readParts(address: number, size: number): DataView | undefined {
    if (!crossesPage(address, size)) return undefined;
    const bytes = this.read(address, size);
    return bytes.length === size ? new DataView(bytes.buffer) : undefined;
  }

  private writeParts(address: number, size: number, encode: (view: DataView) => void): boolean {
    if (!crossesPage(address, size)) return false;
    // Both pages first: what cannot be written whole is not written at all.
    if (this.walk(address, size, (page) => this.reach(page, 'write')) < size) return false;
    const bytes = new Uint8Array(size);
    encode(new DataView(bytes.buffer));
    return this.write(address, bytes) === size;
  }

  private copyOut(address: number, to: Uint8Array, reach: (page: number) => number): number {
    const { u8 } = this.views;
    return this.walk(address, to.length, reach, (at, count, done) =>
      to.set(u8.subarray(at, at + count), done),
    );
  }

  private copyIn(address: number, from: Uint8Array, reach: (page: number) => number): number {
    const { u8 } = this.views;
    return this.walk(address, from.length, reach, (at, count, done) =>
      u8.set(from.subarray(done, done + count), at),
    );
  }

  /** Goes through a guest range page by page until one cannot be reached; returns the bytes before it. */
  private walk(
    address: number,
    length: number,
    reach: (page: number) => number,
    each?: (at: number, count: number, done: number) => void,
  ): number {
    if (!isGuestAddress(address) || !(length > 0)) return 0;
    const total = Math.min(Math.floor(length), ADDRESS_LIMIT - address);
    let done = 0;
    while (done < total) {
      const next = address + done;
      const count = Math.min(total - done, PAGE_SIZE - (next % PAGE_SIZE));
      const frame = reach(next >>> PAGE_SHIFT);
      if (frame === 0) break;
      each?.(frame + (next % PAGE_SIZE), count, done);
      done += count;
    }
    return done;
  }
}

/** Whether `address` is a whole number within the guest's 4 GiB. */
function isGuestAddress(address: number): boolean {
  return Number.isInteger(address) && address >= 0 && address < ADDRESS_LIMIT;
}

const crossesPage = (address: number, size: number): boolean =>
  (address % PAGE_SIZE) + size > PAGE_SIZE;
