/**
 * How much time translation may take: a part of the time that harts run, and something to begin with. All threads of a
 * machine have one budget. Words (i32):
 *
 * | word | field |
 * |------|-------|
 * | 0    | what is left, in microseconds, beyond `CREDIT_MS` |
 * | 1    | what translating an instruction takes, in nanoseconds; 0 = not known yet |
 */
const LEFT = 0;
const COST = 1;

export const BUDGET_WORDS = 2;

/** What may be taken at first, so that a hot loop is translated soon. */
export const CREDIT_MS = 30;
/** The part of the harts' time that translation may take at first, and of a hart that has run for long. */
export const SHARE = 0.3;
const LATER_SHARE = 1;
/** Who has run for so long goes on for as long again, more likely than not: then code that is only warm pays too. */
const LONG_MS = 1500;
/** More is not saved up. */
const MOST_MS = 100;
/** A hart that was away for longer than this has waited, not run. */
const LONGEST_TURN_MS = 20;
/** What translating an instruction takes once the host has compiled the translator. */
const FIRST_COST_MS = 0.05;
/** Beyond this it is the host that is slow just now, not the code that is large. */
const MOST_COST_MS = 0.06;
/** What an instruction that runs in the interpreter takes longer than a translated one. */
const GAIN_MS = 4e-6;
/** Code that was met runs so many times as much again: most hot code stays so until the program ends. */
const FUTURE = 250;

export class TranslationBudget {
  private since: number;
  private total = 0;

  /** @param now milliseconds */
  constructor(
    private readonly words: Int32Array = new Int32Array(BUDGET_WORDS),
    private readonly now: () => number = () => performance.now(),
  ) {
    this.since = now();
  }

  /** A hart has run since this was called last. */
  ran(): void {
    const now = this.now();
    const turn = Math.min(LONGEST_TURN_MS, now - this.since);
    this.since = now;
    this.total += turn;
    if (this.left >= MOST_MS) return;
    this.add(turn * (this.total < LONG_MS ? SHARE : LATER_SHARE));
  }

  /** So much was spent on translating so many instructions, or on something else where there are none. */
  spent(milliseconds: number, instructions = 0): void {
    this.add(-milliseconds);
    if (instructions === 0) return;
    const cost = (this.cost + milliseconds / instructions) / 2;
    Atomics.store(this.words, COST, Math.ceil(cost * 1e6));
  }

  /** What may be spent now, in milliseconds; negative where more was spent. */
  get left(): number {
    return CREDIT_MS + Atomics.load(this.words, LEFT) / 1000;
  }

  /** What translating an instruction takes, in milliseconds, by what the last ones have taken. */
  get cost(): number {
    return Atomics.load(this.words, COST) / 1e6 || FIRST_COST_MS;
  }

  /** How many instructions pay for their translation, if so many go on being interpreted there. */
  worth(interpreted: number): number {
    return Math.floor((interpreted * FUTURE * GAIN_MS) / Math.min(this.cost, MOST_COST_MS));
  }

  private add(milliseconds: number): void {
    Atomics.add(this.words, LEFT, Math.round(milliseconds * 1000));
  }
}
