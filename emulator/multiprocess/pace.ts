/** What a hart runs at least before its thread looks around: interpreted, a tenth of a millisecond. */
const LEAST = 50_000;
/** A stretch that took less than this many milliseconds is followed by a longer one, and by a shorter one above. */
const SHORT_MS = 0.05;
const LONG_MS = 0.2;

/**
 * How many instructions a thread runs before it looks what others want of it: as many as take some tenth of a
 * millisecond. Translated code gets through ten times as many as the interpreter, and to look around costs as much as
 * some thousand.
 */
export class Pace {
  private length = LEAST;

  /** @param most instructions, however fast */
  constructor(private readonly most: number) {}

  /** Instructions of the next stretch. */
  get instructions(): number {
    return this.length;
  }

  /** A stretch is over; one that ended early, for a reason of its own, tells nothing. */
  note(instructions: number, milliseconds: number): void {
    if (instructions < this.length) return;
    if (milliseconds < SHORT_MS) this.length = Math.min(2 * this.length, this.most);
    else if (milliseconds > LONG_MS) this.length = Math.max(LEAST, this.length / 2);
  }
}
