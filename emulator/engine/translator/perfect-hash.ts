/** A table in which each of some addresses has a place of its own. */
export interface PerfectHash {
  /** The place of an address: the upper `bits` bits of its half multiplied by this, mod 2^32. */
  readonly factor: number;
  readonly bits: number;
  /** For each place the index of the address there, or -1. */
  readonly places: readonly number[];
}

/** Factors that are tried for each size of the table. */
const TRIES = 200;
const MOST_BITS = 10;
/** An odd number with bits all over, and the next ones by a congruential generator (Knuth, TAOCP 2, 3.3.4). */
const FIRST_FACTOR = 0x9e3779b1;
const MULTIPLIER = 0x19660d;
const INCREMENT = 0x3c6ef35e;

/**
 * Finds a small table for even addresses below 4 GiB, none of them twice.
 * @returns undefined when none was found
 */
export function perfectHash(addresses: readonly number[]): PerfectHash | undefined {
  const least = Math.max(1, Math.ceil(Math.log2(addresses.length)));
  let factor = FIRST_FACTOR;
  for (let bits = least; bits <= MOST_BITS; bits++) {
    for (let i = 0; i < TRIES; i++) {
      const places = placesOf(addresses, factor, bits);
      if (places) return { factor, bits, places };
      factor = ((Math.imul(factor, MULTIPLIER) + INCREMENT) | 1) >>> 0;
    }
  }
  return undefined;
}

/** @returns undefined where two addresses have one place */
function placesOf(
  addresses: readonly number[],
  factor: number,
  bits: number,
): number[] | undefined {
  const places = new Array<number>(2 ** bits).fill(-1);
  for (const [i, address] of addresses.entries()) {
    const place = Math.imul(address >>> 1, factor) >>> (32 - bits);
    if (places[place] !== -1) return undefined;
    places[place] = i;
  }
  return places;
}
