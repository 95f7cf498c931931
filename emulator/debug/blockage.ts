import type { Hart } from '../multiprocess/hart';

/**
 * Why nothing can run, when it is the debugger's doing: every hart is frozen, held, or waits for one that is.
 * @param passing harts that are held for this one command only
 */
export function blockage(harts: readonly Hart[], passing: readonly Hart[]): string | undefined {
  const stands = (hart: Hart): boolean => hart.frozen || (hart.held && !passing.includes(hart));
  const free = harts.filter((hart) => !stands(hart));
  // Input, a timer or a signal may still come for a hart that waits for no other.
  if (free.some(({ waiting }) => waiting === undefined || !waiting.ready)) return undefined;
  const frozen = harts.filter(({ frozen: isFrozen }) => isFrozen);
  const held = harts.filter((hart) => stands(hart) && !hart.frozen);
  if (frozen.length === 0 && held.length === 0) return undefined;
  return [
    'No hart can go on.',
    ...(frozen.length > 0 ? [`Frozen: ${numbers(frozen)}.`] : []),
    ...(held.length > 0 ? [`At a barrier point: ${numbers(held)}.`] : []),
    ...free.map(({ index, waiting }) => `Hart ${index} waits for ${waiting?.reason ?? 'nothing'}.`),
  ].join(' ');
}

const numbers = (harts: readonly Hart[]): string => harts.map(({ index }) => index).join(', ');
