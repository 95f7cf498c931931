const WORD = 2 ** 32;

/** The finaliser of MurmurHash3: every bit of the result depends on every bit of `value`. */
function scramble(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** A number that looks random, and is the same whenever the numbers are: 0 to 2^32 − 1. */
export function mix(...numbers: readonly number[]): number {
  let bits = 0x9e37_79b9;
  for (const number of numbers) {
    bits = scramble(bits ^ (number >>> 0)) + 0x9e37_79b9;
    bits = scramble(bits ^ Math.floor(number / WORD));
  }
  return bits >>> 0;
}

/**
 * Random numbers from a seed: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators",
 * 2021). Not for secrets.
 */
export class Generator {
  private readonly state: Uint32Array;

  /** @param seed whole numbers from 0 to 2^53 − 1 */
  constructor(...seed: readonly number[]) {
    this.state = Uint32Array.from([1, 2, 3, 4], (n) => mix(...seed, n) || n);
  }

  /** 0 to 2^32 − 1. */
  u32(): number {
    const { state } = this;
    const result = Math.imul(rotate(Math.imul(state[1], 5), 7), 9) >>> 0;
    const third = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= third;
    state[3] = rotate(state[3], 11);
    return result;
  }

  /** Fills with random bytes: the same ones in however many calls. */
  fill(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      // A byte a number: what is left of one would have to be kept for the next call.
      bytes[i] = this.u32() >>> 24;
    }
  }
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
