import type { Hart } from '../multiprocess/hart';

/** What a command can still count on. */
interface Movable {
  /** All harts that live, but for those that are where the command wanted them. */
  readonly harts: readonly Hart[];
  /** Those that the command is about [all]; the others stand still unless these wait for them. */
  readonly moved?: readonly Hart[];
  readonly isAtBarrier: (hart: Hart) => boolean;
}

/**
 * Why nothing can run, when it is the debugger's doing: every hart is frozen, stands at a barrier point, or waits for
 * one that does.
 */
export function blockage({ harts, moved = harts, isAtBarrier }: Movable): string | undefined {
  const stands = (hart: Hart): boolean => hart.frozen || isAtBarrier(hart);
  const waiting = moved.filter((hart) => !stands(hart));
  const needed = waiting.length > 0 ? harts : moved;
  // Input, a timer or a signal may still come for a hart that waits for no other.
  if (needed.some((hart) => !stands(hart) && !hart.waiting?.ready)) return undefined;
  const frozen = needed.filter((hart) => hart.frozen);
  const held = needed.filter((hart) => !hart.frozen && isAtBarrier(hart));
  if (frozen.length === 0 && held.length === 0) return undefined;
  const areAll = moved.length === harts.length;
  return [
    areAll ? 'No hart can go on.' : `Hart ${numbers(moved)} cannot go on.`,
    ...(frozen.length > 0 ? [`Frozen: ${numbers(frozen)}.`] : []),
    ...(held.length > 0 ? [`At a barrier point: ${numbers(held)}.`] : []),
    ...(!areAll && waiting.length === 0 ? ['The others stand still: run all harts.'] : []),
    ...waiting.map((hart) => `Hart ${hart.index} waits for ${hart.waiting?.reason ?? 'nothing'}.`),
  ].join(' ');
}

const numbers = (harts: readonly Hart[]): string => harts.map(({ index }) => index).join(', ');
