import type { Format } from '../../isa/emitter';

/**
 * An IEEE 754 binary interchange format (IEEE 754-2019, section 3.4). All softfloat code is written once
 * over this description; the generator runs it for each format.
 *
 * | format | width | exponent bits | fraction bits | bias | canonical NaN        |
 * |--------|-------|---------------|---------------|------|----------------------|
 * | h      | 16    | 5             | 10            | 15   | 0x7e00               |
 * | s      | 32    | 8             | 23            | 127  | 0x7fc00000           |
 * | d      | 64    | 11            | 52            | 1023 | 0x7ff8000000000000   |
 */
export interface FloatFormat {
  readonly name: Format;
  readonly width: number;
  /** Bits of the significand that are stored: all but the leading one. */
  readonly fractionBits: number;
  readonly bias: number;
  /** The exponent field of infinities and NaNs, all ones. */
  readonly maxExponent: number;
  readonly signBit: bigint;
  readonly fractionMask: bigint;
  /** The leading one of a normal significand, which the encoding leaves out. */
  readonly hiddenBit: bigint;
  /** Set in quiet NaNs, clear in signalling ones (section 6.2.1). */
  readonly quietBit: bigint;
  /** All bits but the sign. */
  readonly magnitudeMask: bigint;
  readonly infinity: bigint;
  /** What every operation with a NaN result gives (RISC-V manual, "NaN Generation and Propagation"). */
  readonly canonicalNan: bigint;
}

function describe(name: Format, exponentBits: number, fractionBits: number): FloatFormat {
  const width = 1 + exponentBits + fractionBits;
  const hiddenBit = 1n << BigInt(fractionBits);
  const maxExponent = 2 ** exponentBits - 1;
  const infinity = BigInt(maxExponent) << BigInt(fractionBits);
  const signBit = 1n << BigInt(width - 1);
  return {
    name,
    width,
    fractionBits,
    bias: 2 ** (exponentBits - 1) - 1,
    maxExponent,
    signBit,
    fractionMask: hiddenBit - 1n,
    hiddenBit,
    quietBit: hiddenBit >> 1n,
    magnitudeMask: signBit - 1n,
    infinity,
    canonicalNan: infinity | (hiddenBit >> 1n),
  };
}

export const FORMATS: Readonly<Record<Format, FloatFormat>> = {
  h: describe('h', 5, 10),
  s: describe('s', 8, 23),
  d: describe('d', 11, 52),
};

/** Accrued exception flags in fcsr (RISC-V manual, "Floating-Point Control and Status Register"). */
export const FFLAGS = { NV: 16, DZ: 8, OF: 4, UF: 2, NX: 1 } as const;

/** Rounding modes, as encoded in frm and in the rm field of instructions. */
export const ROUNDING = { RNE: 0, RTZ: 1, RDN: 2, RUP: 3, RMM: 4 } as const;
