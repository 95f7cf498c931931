/** A hart that runs for less than this between two pauses has had one. */
const APART_MS = 1;
/** How long a hart stands still at a time, as far as that is known before. */
export const PAUSE_MS = 3;

/** How long the harts of a thread stand still for translations. */
export class Pauses {
  /** All of them, in milliseconds. */
  total = 0;
  longest = 0;
  private current = 0;
  private end = -Infinity;

  /** @param now milliseconds */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Whether a hart may stand still now for so many milliseconds; else it must run first. */
  allows(milliseconds: number): boolean {
    return this.current + milliseconds <= PAUSE_MS || this.now() - this.end >= APART_MS;
  }

  /** Does something for which a hart stands still, and tells how long that took, in milliseconds. */
  during(work: () => void): number {
    const start = this.now();
    work();
    const now = this.now();
    if (start - this.end >= APART_MS) this.current = 0;
    this.current += now - start;
    this.total += now - start;
    this.longest = Math.max(this.longest, this.current);
    this.end = now;
    return now - start;
  }
}
