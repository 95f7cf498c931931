import { UnavailableError } from '../elf/dwarf/expression';
import type { AddressSpace } from '../memory/address-space';

const GUEST_END = 1n << 32n;

/** Reads what a hart sees, for whoever unwinds its stack or shows its variables. */
export class StackMemory {
  constructor(private readonly space: Pick<AddressSpace, 'peek'>) {}

  /** An unsigned number of 1 to 8 bytes; undefined when it cannot be read. */
  number(address: number | bigint, size: number): bigint | undefined {
    if (typeof address === 'bigint' ? address >= GUEST_END : address < 0) return undefined;
    const bytes = this.space.peek(Number(address), size);
    if (bytes.length < size) return undefined;
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    return value;
  }

  /** @throws UnavailableError when the number cannot be read */
  need(address: bigint, size: number): bigint {
    const value = this.number(address, size);
    if (value === undefined) {
      throw new UnavailableError(`memory at 0x${address.toString(16)} cannot be read`);
    }
    return value;
  }

  /** As many bytes as can be read, at most `size`. */
  bytes(address: bigint, size: number): Uint8Array {
    return address >= GUEST_END || address < 0n
      ? new Uint8Array(0)
      : this.space.peek(Number(address), size);
  }
}
