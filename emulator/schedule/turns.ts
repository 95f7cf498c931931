import { QUANTUM } from '../engine/engine';
import type { Hart } from '../multiprocess/hart';
import { mix } from './generator';

/** Whose turn it is on a thread that runs several harts, and how long a turn lasts. */
export interface Turns {
  /**
   * Instructions of the turn that begins next. Asking again answers the same until one has begun.
   * @param alone there is no other hart
   */
  length(alone: boolean): number;
  /**
   * The hart whose turn comes next.
   * @param harts all of them in the order of their making
   * @param start place of the one after the current one
   */
  choose(harts: readonly Hart[], start: number, fits: (hart: Hart) => boolean): Hart | undefined;
  /** A turn has begun: its hart has retired an instruction. */
  begun(): void;
}

/** Instructions of a turn while there is more than one hart. */
export const TURN = 50_000;

/** Turns of equal length, in the order in which the harts were made. */
export class EqualTurns implements Turns {
  /** @param quantum instructions of a turn */
  constructor(private readonly quantum = TURN) {}

  length(alone: boolean): number {
    return alone ? QUANTUM : this.quantum;
  }

  choose(harts: readonly Hart[], start: number, fits: (hart: Hart) => boolean): Hart | undefined {
    for (let i = 0; i < harts.length; i++) {
      const hart = harts[(start + i) % harts.length];
      if (fits(hart)) return hart;
    }
    return undefined;
  }

  begun(): void {
    // Every turn is like the last one.
  }
}

/** What a random number is for. */
const LENGTH = 1;
const ORDER = 2;

/**
 * Turns whose order and lengths come from a seed. Both depend only on the number of the turn and the harts' numbers: a
 * hart that is tried in vain, because what it waits for has not come, changes nothing.
 */
export class SeededTurns implements Turns {
  private turn = 0;

  /**
   * @param quantum instructions of a turn on average
   * @param seed a whole number from 0 to 2^53 − 1
   */
  constructor(
    private readonly quantum: number,
    private readonly seed: number,
  ) {}

  length(alone: boolean): number {
    if (alone) return QUANTUM;
    return 1 + (mix(this.seed, LENGTH, this.turn) % (2 * this.quantum - 1));
  }

  choose(harts: readonly Hart[], _start: number, fits: (hart: Hart) => boolean): Hart | undefined {
    let first: Hart | undefined;
    let best = -1;
    for (const hart of harts) {
      if (!fits(hart)) continue;
      const rank = mix(this.seed, ORDER, this.turn, hart.index);
      if (rank <= best) continue;
      best = rank;
      first = hart;
    }
    return first;
  }

  begun(): void {
    this.turn += 1;
  }
}
