/** What an access does. */
export type Access = 'read' | 'write' | 'execute';

/**
 * Why an access cannot be done.
 * - `unmapped`: nothing is mapped there
 * - `protection`: the page does not allow this access
 * - `guard`: the page is a guard page (a stack has overflowed)
 * - `out-of-range`: not within the guest's 4 GiB
 * - `out-of-memory`: the machine's memory limit is reached
 */
export type FaultKind = 'unmapped' | 'protection' | 'guard' | 'out-of-range' | 'out-of-memory';

export interface Fault {
  readonly kind: FaultKind;
  readonly access: Access;
  /**
   * Guest address of the first byte of the access. Those of the upper half of the 64 bits are negative, so that what lies
   * near either end, as wild pointers do, is exact.
   */
  readonly address: number;
}

/** An access that can be done but that a watch covers: whoever runs the hart decides. */
export interface Watched {
  readonly kind: 'watched';
  readonly access: Access;
  readonly address: number;
  /** Arena address of the first byte. */
  readonly arenaAddress: number;
}

/** The arena address of an access's first byte, or why there is none. */
export type Resolution = number | Fault | Watched;

/** The address of a fault as it is written. */
export function hexAddress(address: number): string {
  return `0x${BigInt.asUintN(64, BigInt(address)).toString(16)}`;
}

/** The address of a fault, or the nearest number to one of the upper half. */
export function positiveAddress(address: number): number {
  return address < 0 ? address + 2 ** 64 : address;
}
