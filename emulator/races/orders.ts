import type { AddressSpace } from '../memory/address-space';

/** What a fence or an AMO orders. */
export const ACQUIRES = 1;
export const RELEASES = 2;

/** FENCE (Unprivileged ISA, section 2.7): bits 24–27 of the encoding, and 20–23, are i o r w of pred and succ. */
const WRITES = 1;
const READS = 2;
/** AMO, LR and SC: bit 26 is aq, bit 25 is rl (section 13.1). */
const AQ = 1 << 26;
const RL = 1 << 25;

/**
 * What a fence orders, as C11's fences are mapped: loads before it against loads behind it make it one of acquire,
 * stores against stores one of release. FENCE.TSO is both.
 */
export function fenceOrders(space: AddressSpace, pc: number): number {
  const bits = encoding(space, pc);
  const pred = (bits >>> 24) & 0xf;
  const succ = (bits >>> 20) & 0xf;
  const both = pred & succ;
  return ((both & READS) !== 0 ? ACQUIRES : 0) | ((both & WRITES) !== 0 ? RELEASES : 0);
}

/** What the aq and rl bits of an atomic instruction say. */
export function atomicOrders(space: AddressSpace, pc: number): number {
  const bits = encoding(space, pc);
  return ((bits & AQ) !== 0 ? ACQUIRES : 0) | ((bits & RL) !== 0 ? RELEASES : 0);
}

/** The instruction at `pc`, which may lie across two pages. */
function encoding(space: AddressSpace, pc: number): number {
  return (space.readU16(pc) ?? 0) | ((space.readU16(pc + 2) ?? 0) << 16);
}
