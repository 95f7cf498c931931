import type { Hart } from '../multiprocess/hart';
import type { HartId } from './protocol';

const SP = 2;

/** Bytes of stack that a hart uses: since its start, or below its stack's end. */
function stackDepth({ state, startSp, stack }: Hart): number {
  return (startSp ?? stack.top) - Number(state.x(SP));
}

/** Harts at the same pc with the same depth of stack are at the same place. */
const placeKey = (hart: Hart): string => `${hart.state.pc} ${stackDepth(hart)}`;

/** The harts by place, in their order. */
function byPlace(harts: readonly Hart[]): Map<string, Hart[]> {
  const places = new Map<string, Hart[]>();
  for (const hart of harts) {
    const key = placeKey(hart);
    const there = places.get(key);
    if (there) there.push(hart);
    else places.set(key, [hart]);
  }
  return places;
}

export const areTogether = (harts: readonly Hart[]): boolean => byPlace(harts).size <= 1;

/** The hart with those at the same place. */
export const groupOf = (hart: Hart, harts: readonly Hart[]): Hart[] =>
  byPlace(harts).get(placeKey(hart)) ?? [hart];

/** Lockstep groups, which form by themselves, and which of the last one commanded have parted. */
export class Lockstep {
  private last: readonly Hart[] = [];

  forget(): void {
    this.last = [];
  }

  /** A command moves these together; they are what divergence is measured against. */
  command(members: readonly Hart[]): void {
    if (members.length > 1) this.last = [...members];
  }

  /** The members of the hart's last group that live; the hart alone when it was in none. */
  membersWith(hart: Hart): Hart[] {
    const living = this.last.filter(({ ended }) => !ended);
    return living.includes(hart) ? living : [hart];
  }

  /** For each hart of a group of two or more the lowest number in it. */
  groups(harts: readonly Hart[]): Map<Hart, HartId> {
    const groups = new Map<Hart, HartId>();
    for (const members of byPlace(harts).values()) {
      if (members.length < 2) continue;
      for (const hart of members) groups.set(hart, members[0].index);
    }
    return groups;
  }

  /** Those of the last group that are not where most of it is. */
  diverged(): Set<Hart> {
    const parts = [...byPlace(this.last.filter(({ ended }) => !ended)).values()];
    const most = Math.max(0, ...parts.map(({ length }) => length));
    const main = parts.find(({ length }) => length === most);
    return new Set(parts.flatMap((part) => (part === main ? [] : part)));
  }
}

/**
 * Which of some harts that have parted goes next, so that they meet: the one deepest in calls, of those
 * the one at the lowest address (the MinSP-PC rule for SIMT machines without a divergence stack: compilers
 * lay code out so that paths meet at higher addresses).
 */
export function behind(harts: readonly Hart[]): Hart | undefined {
  return harts.reduce<Hart | undefined>((best, hart) => {
    if (!best) return hart;
    const deeper = stackDepth(hart) - stackDepth(best);
    return deeper > 0 || (deeper === 0 && hart.state.pc < best.state.pc) ? hart : best;
  }, undefined);
}
