import type { AddressSpace } from '../memory/address-space';
import { ADDRESS_LIMIT, PAGE_SIZE } from '../memory/layout';
import type { MemoryBlock } from './protocol';

/** Bytes of guest memory for display: unmapped pages are zeros in `bytes` and named in `holes`. */
export function readMemoryBlock(space: AddressSpace, address: number, length: number): MemoryBlock {
  const count = Math.max(0, Math.min(length, ADDRESS_LIMIT - address));
  const bytes = new Uint8Array(count);
  const holes: { start: number; end: number }[] = [];
  for (let done = 0; done < count;) {
    const at = address + done;
    const part = space.peek(at, count - done);
    bytes.set(part, done);
    done += part.length;
    if (done >= count) break;
    // Up to the next page that may be mapped.
    const start = address + done;
    const end = Math.min(address + count, start + PAGE_SIZE - (start % PAGE_SIZE));
    const last = holes.at(-1);
    if (last?.end === start) last.end = end;
    else holes.push({ start, end });
    done = end - address;
  }
  return { address, bytes, holes };
}
