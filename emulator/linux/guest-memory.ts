import type { AddressSpace } from '../memory/address-space';
import type { EventKind } from '../memory/events';
import { ERRNO } from './abi/errno';
import { SyscallError } from './call';

/** Longest path, its NUL included. */
export const PATH_MAX = 4096;

const encoder = new TextEncoder();

/** Bytes of a guest string. */
export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * Guest memory as system calls use it: a pointer that the guest may not read or write is EFAULT. All
 * values are little-endian; no alignment is needed.
 */
export class GuestMemory {
  private readonly scratch = new Uint8Array(8);
  private readonly scratchView = new DataView(this.scratch.buffer);

  constructor(private space: AddressSpace) {}

  /** Records an event of the hart that calls. */
  note(kind: EventKind, page: number, from: number, to: number): void {
    const { hart, arena } = this.space;
    if (hart >= 0) arena.events.emit(hart, kind, page, from, to);
  }

  /** From now on addresses are those of the hart that calls: a forked vCPU has a space of its own. */
  use(space: AddressSpace): void {
    this.space = space;
  }

  /** A copy of `length` bytes. The caller bounds the length. */
  read(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.readInto(address, bytes);
    return bytes;
  }

  readInto(address: number, bytes: Uint8Array): void {
    if (this.space.readInto(address, bytes) < bytes.length) throw fault(address);
  }

  write(address: number, bytes: Uint8Array): void {
    if (this.space.write(address, bytes) < bytes.length) throw fault(address);
  }

  /** A NUL-terminated string of at most `limit` bytes, NUL included; longer is ENAMETOOLONG. */
  cString(address: number, limit = PATH_MAX): string {
    const { text, bytes, isTerminated } = this.space.readString(address, limit);
    if (isTerminated) return text;
    if (bytes.length < limit) throw fault(address + bytes.length);
    throw new SyscallError(ERRNO.ENAMETOOLONG, `the string at ${hex(address)} has no end`);
  }

  u32(address: number): number {
    this.readInto(address, this.scratch.subarray(0, 4));
    return this.scratchView.getUint32(0, true);
  }

  i32(address: number): number {
    return this.u32(address) | 0;
  }

  u64(address: number): bigint {
    this.readInto(address, this.scratch);
    return this.scratchView.getBigUint64(0, true);
  }

  i64(address: number): bigint {
    return BigInt.asIntN(64, this.u64(address));
  }

  setU32(address: number, value: number): void {
    this.scratchView.setUint32(0, value, true);
    this.write(address, this.scratch.subarray(0, 4));
  }

  setU64(address: number, value: bigint): void {
    this.scratchView.setBigUint64(0, value, true);
    this.write(address, this.scratch);
  }

  /** How many of the `length` bytes at `address` the guest may write, at least 1; else EFAULT. */
  writableLength(address: number, length: number): number {
    const count = this.space.accessible(address, length, 'write');
    if (count === 0) throw fault(address);
    return count;
  }
}

function fault(address: number): SyscallError {
  return new SyscallError(ERRNO.EFAULT, `the guest may not access the memory at ${hex(address)}`);
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
