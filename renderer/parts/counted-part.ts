/** How far counts follow a part of the host time that is chosen. */
import type { TimeRange } from '../../emulator/profile/timed-samples';

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
