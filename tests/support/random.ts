/** A small seeded generator (xorshift32), so that a failure can be repeated. */
export class Random {
  private state: number;

  /** @param seed any number; 0, which xorshift would never leave, stands for another one */
  constructor(seed: number) {
    this.state = seed | 0 || 0x9e3779b9;
  }

  u32(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return this.state >>> 0;
  }

  /** A whole number from 0 to before `limit`. */
  below(limit: number): number {
    return this.u32() % limit;
  }

  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }
}

/** An integer register value: small, around powers of two, sparse or random. */
export function integerValue(random: Random): bigint {
  const power = 1n << BigInt(random.below(64));
  const sign = random.oneIn(2) ? 1n : -1n;
  const value = (): bigint => {
    switch (random.below(5)) {
      case 0:
        return BigInt(random.below(32));
      case 1:
        return power + BigInt(random.below(5) - 2);
      case 2:
        return random.u64() & (2n * power - 1n);
      case 3:
        return random.pick([0n, 1n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 1n << 63n]);
      default:
        return random.u64();
    }
  };
  return BigInt.asUintN(64, sign * value());
}
