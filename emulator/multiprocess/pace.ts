/** What a hart runs at least before its thread looks around: interpreted, a tenth of a millisecond. */
const LEAST = 50_000;
/** What it runs at most, however fast it is. */
const MOST = 500_000;
/** How long a stretch should take, in milliseconds. */
const STRETCH_MS = 0.1;
/** Fewer instructions tell nothing about their speed. */
const TELLING = 5000;

/**
 * How many instructions a thread runs before it looks what others want of it: as many as take some tenth of a
 * millisecond. Translated code gets through ten times as many as the interpreter, and to look around costs as much as
 * some thousand.
 */
export class Pace {
  private length = LEAST;

  /** Instructions of the next stretch. */
  get instructions(): number {
    return this.length;
  }

  /** Instructions after which others that wait have their turn: what a thread has cached of a hart's memory must pay. */
  get turn(): number {
    return 5 * this.length;
  }

  /** What has been run, and how long that has taken. */
  note(instructions: number, milliseconds: number): void {
    if (instructions < TELLING) return;
    const now = (instructions / milliseconds) * STRETCH_MS;
    this.length = Math.round(Math.min(MOST, Math.max(LEAST, (this.length + now) / 2)));
  }
}
