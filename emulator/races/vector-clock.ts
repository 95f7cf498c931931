/**
 * A vector clock: for each slot (strands.ts) the time up to which its owner knows what happened there
 * (Mattern 1989). Slots that it does not hold count as 0.
 */
export class VectorClock {
  private times: Uint32Array;

  constructor(times: Uint32Array = new Uint32Array(4)) {
    this.times = times;
  }

  get(slot: number): number {
    return slot < this.times.length ? this.times[slot] : 0;
  }

  set(slot: number, time: number): void {
    this.ensure(slot + 1);
    this.times[slot] = time;
  }

  /** Knows from now on what the other one knows too. */
  join(other: VectorClock): void {
    const theirs = other.times;
    this.ensure(theirs.length);
    const mine = this.times;
    for (let slot = 0; slot < theirs.length; slot++) {
      if (theirs[slot] > mine[slot]) mine[slot] = theirs[slot];
    }
  }

  copy(): VectorClock {
    return new VectorClock(this.times.slice());
  }

  private ensure(slots: number): void {
    if (slots <= this.times.length) return;
    const grown = new Uint32Array(2 ** Math.ceil(Math.log2(slots)));
    grown.set(this.times);
    this.times = grown;
  }
}
