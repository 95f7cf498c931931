/** How far counts follow a part that is chosen elsewhere. */
import type { TimeRange } from '../../emulator/profile/timed-samples';
import { counted } from '../format';

const lengthText = ({ from, to }: TimeRange): string => `${(to - from).toFixed(2)} ms`;

/**
 * @param covers what they really cover; undefined: nothing has retired in the part
 * @param chosen the part
 */
export function countedPartText(covers: TimeRange | undefined, chosen: TimeRange): string {
  const part = `the ${lengthText(chosen)} that are chosen in the Timeline or Launches`;
  if (!covers) return `counted: nothing in ${part}`;
  return `counted: ${lengthText(covers)}, the slices that reach into ${part}`;
}

/** Counters are not read by a launch's instructions: of a part by them only the harts are known. */
export const countedHartsText = (names: readonly string[]): string =>
  `counted, from start to end: ${counted(names.length, 'hart')} of the part chosen in Launches by instructions`;
