import type { AddressSpace } from '../memory/address-space';
import { OutOfMemory } from '../memory/errors';
import { PAGE_SIZE } from '../memory/layout';
import type { EngineStop } from './engine';

/** A delta that only the next instruction gets, and the word of its entry in the delta table. */
export interface LentDelta {
  readonly entry: number;
  readonly delta: number;
}

interface MissedAccess {
  readonly address: number;
  readonly size: number;
  readonly write: boolean;
  readonly atomic: boolean;
  /** Whether it may be done although somebody watches it. */
  readonly through: boolean;
}

/**
 * Resolves the pages of an access that had no delta.
 * @returns why it cannot be done, or the deltas that the pages have not got but for this once
 */
export function resolveAccess(
  space: AddressSpace,
  { address, size, write, atomic, through }: MissedAccess,
): EngineStop | readonly LentDelta[] {
  const words = space.arena.u32;
  const table = (write ? space.writeTable : space.readTable) >>> 2;
  const lent: LentDelta[] = [];
  for (const part of pageParts(address, size)) {
    const result = space.resolve(part.address, write ? 'write' : 'read', part.size, atomic);
    let at = result;
    if (typeof at !== 'number') {
      if (at.kind !== 'watched') return { kind: 'fault', fault: { ...at, kind: at.kind } };
      if (!through) return { kind: 'watch', address, size, write };
      at = at.arenaAddress;
    }
    const entry = table + Math.floor(part.address / PAGE_SIZE);
    if (words[entry] === 0) lent.push({ entry, delta: (at - part.address) >>> 0 });
  }
  return lent;
}

/**
 * A borrower sees from here on what its lenders have new.
 * @param pc of the hart's next instruction
 * @returns a fault there when there is no memory for it
 */
export function adoptNews(space: AddressSpace, pc: number): EngineStop | undefined {
  try {
    space.adopt();
    return undefined;
  } catch (error) {
    if (!(error instanceof OutOfMemory)) throw error;
    return { kind: 'fault', fault: { kind: 'out-of-memory', access: 'read', address: pc } };
  }
}

/** An access, cut where it crosses from one page into the next. */
function pageParts(address: number, size: number): { address: number; size: number }[] {
  const first = Math.min(size, PAGE_SIZE - (address % PAGE_SIZE));
  if (first === size) return [{ address, size }];
  return [
    { address, size: first },
    { address: address + first, size: size - first },
  ];
}
