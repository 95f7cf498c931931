/** How much faster than one plain hart a kernel of so many elements was. */
export interface SpeedupPoint {
  readonly elements: number;
  readonly speedup: number;
}

/**
 * From how many elements on vCPUs are faster than one plain hart: between two sizes that were measured on a straight
 * line in logarithms.
 * @param points of one mode and number of vCPUs, in ascending order
 * @returns undefined when they never are; 0 when they are from the smallest size on
 */
export function breakEven(points: readonly SpeedupPoint[]): number | undefined {
  // What was slower once more at a larger size has not paid yet.
  const from = points.findLastIndex(({ speedup }) => speedup < 1) + 1;
  if (from === points.length) return undefined;
  if (from === 0) return 0;
  const [below, above] = [points[from - 1], points[from]];
  const part = -Math.log(below.speedup) / Math.log(above.speedup / below.speedup);
  return below.elements * (above.elements / below.elements) ** part;
}
