import type { ArenaViews } from './arena-layout';
import type { Access } from './faults';
import { ADDRESS_LIMIT, PAGE_SIZE } from './layout';

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
  /** The same whatever the permissions; 0 = unmapped or out of memory. */
  protected abstract reachForced(page: number, isWrite: boolean): number;

  /** How many of the `length` bytes at `address` the guest may access before the first fault. */
  accessible(address: number, length: number, access: Access): number {
    return this.walk(address, length, (page) => this.reach(page, access));
  }

  /** Whether the guest may read all `length` bytes at `address`. */
  isReadable(address: number, length: number): boolean {
    return this.accessible(address, length, 'read') === length;
  }

  /** Whether the guest may write all `length` bytes at `address`; makes the pages writable at once. */
  isWritable(address: number, length: number): boolean {
    return this.accessible(address, length, 'write') === length;
  }

  /** A copy of the bytes at `address` up to the first that the guest may not read: at most `length`. */
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
      const at = isGuestAddress(next) ? this.reach(next >>> 12, 'read') : 0;
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
    return this.load(address, 1)?.getUint8(0);
  }

  readU16(address: number): number | undefined {
    return this.load(address, 2)?.getUint16(0, true);
  }

  readU32(address: number): number | undefined {
    return this.load(address, 4)?.getUint32(0, true);
  }

  readU64(address: number): bigint | undefined {
    return this.load(address, 8)?.getBigUint64(0, true);
  }

  /** The same number as `readU64`, exact below 2^53. */
  readNumber64(address: number): number | undefined {
    const value = this.readU64(address);
    return value === undefined ? undefined : Number(value);
  }

  /** Each `writeU…` writes all of its bytes or none, and returns whether it did. */
  writeU8(address: number, value: number): boolean {
    scratch.setUint8(0, value);
    return this.store(address, 1);
  }

  writeU16(address: number, value: number): boolean {
    scratch.setUint16(0, value, true);
    return this.store(address, 2);
  }

  writeU32(address: number, value: number): boolean {
    scratch.setUint32(0, value, true);
    return this.store(address, 4);
  }

  writeU64(address: number, value: bigint | number): boolean {
    scratch.setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
    return this.store(address, 8);
  }

  private load(address: number, size: number): DataView | undefined {
    const bytes = new Uint8Array(scratch.buffer, 0, size);
    return this.readInto(address, bytes) === size ? scratch : undefined;
  }

  private store(address: number, size: number): boolean {
    if (!this.isWritable(address, size)) return false;
    return this.write(address, new Uint8Array(scratch.buffer, 0, size)) === size;
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
      const frame = reach(Math.floor(next / PAGE_SIZE));
      if (frame === 0) break;
      each?.(frame + (next % PAGE_SIZE), count, done);
      done += count;
    }
    return done;
  }
}

const scratch = new DataView(new ArrayBuffer(8));

/** Whether `address` is a whole number within the guest's 4 GiB. */
function isGuestAddress(address: number): boolean {
  return Number.isInteger(address) && address >= 0 && address < ADDRESS_LIMIT;
}
