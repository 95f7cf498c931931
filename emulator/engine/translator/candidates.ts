/** Addresses whose samples are counted at a time. */
const MOST_COUNTED = 4096;
/** Samples at one address that make it a candidate. */
const FIRST_DUE = 3;
/** Samples after which each counts half as much. */
const HALVED_AFTER = 8192;

interface Candidate {
  samples: number;
  /** With so many samples it is tried. */
  due: number;
}

export interface HotAddress {
  readonly pc: number;
  readonly samples: number;
}

/** Where code might be translated: the address with most samples first, each tried with more samples than the time before. */
export class Candidates {
  private readonly counted = new Map<number, Candidate>();
  private readonly ready = new Set<number>();
  private sampled = 0;

  sample(pc: number): void {
    this.sampled += 1;
    if (this.sampled % HALVED_AFTER === 0) this.decay();
    if (this.counted.size > MOST_COUNTED) this.clear();
    const candidate = this.counted.get(pc) ?? { samples: 0, due: FIRST_DUE };
    candidate.samples += 1;
    this.counted.set(pc, candidate);
    if (candidate.samples >= candidate.due) this.ready.add(pc);
  }

  /** The one to be tried next. */
  best(): HotAddress | undefined {
    let best: HotAddress | undefined;
    for (const pc of this.ready) {
      const samples = this.counted.get(pc)?.samples ?? 0;
      if (!best || samples > best.samples) best = { pc, samples };
    }
    return best;
  }

  /** It was tried: it comes again with twice the samples. */
  tried(pc: number): void {
    this.ready.delete(pc);
    const candidate = this.counted.get(pc);
    if (candidate) candidate.due = 2 * candidate.samples;
  }

  /** It is counted from nothing again. */
  delete(pc: number): void {
    this.ready.delete(pc);
    this.counted.delete(pc);
  }

  private clear(): void {
    this.counted.clear();
    this.ready.clear();
  }

  private decay(): void {
    for (const [pc, candidate] of this.counted) {
      candidate.samples >>= 1;
      candidate.due = Math.max(FIRST_DUE, candidate.due >> 1);
      if (candidate.samples === 0) this.delete(pc);
    }
  }
}
