import { i32, i64, type FunctionBuilder, type Local } from '../../wasm';

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
/** An odd number with bits all over, and the next ones by a congruential generator (Knuth, TAOCP 2, 3.3.4). */
const FIRST_FACTOR = 0x9e3779b1;
const MULTIPLIER = 0x19660d;
const INCREMENT = 0x3c6ef35e;

/** Finds a small table for even addresses below 4 GiB, none of them twice. */
export function perfectHash(addresses: readonly number[]): PerfectHash {
  let factor = FIRST_FACTOR;
  // The factors are odd, so that with all 32 bits no two addresses would have one place: this ends.
  for (let bits = Math.max(1, Math.ceil(Math.log2(addresses.length))); ; bits++) {
    for (let i = 0; i < TRIES; i++) {
      const places = placesOf(addresses, factor, bits);
      if (places) return { factor, bits, places };
      factor = ((Math.imul(factor, MULTIPLIER) + INCREMENT) | 1) >>> 0;
    }
  }
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

/** Runs the case of the address that `target` holds, which must leave; goes on behind where there is none. */
export function writeSwitch(
  f: FunctionBuilder,
  target: Local<'i64'>,
  cases: readonly (readonly [address: number, run: () => void])[],
): void {
  const { factor, bits, places } = perfectHash(cases.map(([address]) => address));
  const half = i32.wrap_i64(i64.shr_u(target, i64.const(1)));
  const place = i32.shr_u(i32.mul(half, i32.const(factor)), i32.const(32 - bits));
  f.block((other) => {
    const checked = cases.map(([address, run]) => () => {
      f.brIf(other, i64.ne(target, i64.const(address)));
      run();
    });
    f.switch(place, checked, () => f.br(other), places);
  });
}
