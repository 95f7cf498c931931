import type { FloatMode } from './float-mode';

/** After so many samples groups are looked for, and each time again after twice as many. */
const FIRST_DUE = 24;
const LAST_DUE = 2048;
/** Places of a group lie so near the one that was met most often, in bytes: in its function, it is to be hoped. */
const WINDOW = 2 ** 14;
const FEWEST_PLACES = 3;
const MOST_PLACES = 48;
/** Part of the samples that a group has, and of a group's samples that places new to it have. */
const GROUP_PART = 1 / 16;
const NEW_PART = 1 / 10;

/**
 * Where control was met when it came to translated code, while the fuel was used up: the cases of a switch that is hot are
 * met one after another, each as often as it is run.
 */
export class Arrivals {
  private readonly counts = new Map<number, number>();
  /** Places that groups were made of already. */
  private readonly grouped = new Set<number>();
  private total = 0;
  private due = FIRST_DUE;
  private mode: FloatMode | undefined;

  /**
   * Control was met at `pc`, in a mode that regions are made for.
   * @param use takes a group of hot places that lie near each other, most samples first; false: not now
   */
  sample(pc: number, mode: FloatMode, use: (places: readonly number[]) => boolean): void {
    if (mode !== this.mode) this.begin(mode);
    this.counts.set(pc, (this.counts.get(pc) ?? 0) + 1);
    this.total += 1;
    if (this.total < this.due) return;
    const group = this.nextGroup();
    if (group) {
      if (use(group)) for (const place of group) this.grouped.add(place);
      return;
    }
    this.due *= 2;
    if (this.due > LAST_DUE) this.halve();
  }

  private begin(mode: FloatMode): void {
    this.mode = mode;
    this.counts.clear();
    this.grouped.clear();
    this.total = 0;
    this.due = FIRST_DUE;
  }

  /** A group with many samples at places that are new. */
  private nextGroup(): number[] | undefined {
    let rest = [...this.counts].toSorted(([, a], [, b]) => b - a);
    while (rest.length > 0) {
      const [[hottest]] = rest;
      const isNear = ([pc]: readonly [number, number]): boolean => Math.abs(pc - hottest) < WINDOW;
      const group = rest.filter(isNear).slice(0, MOST_PLACES);
      rest = rest.filter((each) => !isNear(each));
      const sum = sumOf(group);
      const fresh = sumOf(group.filter(([pc]) => !this.grouped.has(pc)));
      if (sum < this.total * GROUP_PART) return undefined;
      if (group.length >= FEWEST_PLACES && fresh >= sum * NEW_PART) return group.map(([pc]) => pc);
    }
    return undefined;
  }

  private halve(): void {
    this.total = 0;
    for (const [pc, count] of this.counts) {
      const half = count >> 1;
      this.total += half;
      if (half > 0) this.counts.set(pc, half);
      else this.counts.delete(pc);
    }
    this.due = LAST_DUE;
  }
}

const sumOf = (list: readonly (readonly [number, number])[]): number =>
  list.reduce((sum, [, count]) => sum + count, 0);
