/** Microseconds per call over the rounds. */
export interface Spread {
  readonly medianUs: number;
  readonly minimumUs: number;
}

export function spread(times: readonly number[]): Spread {
  const sorted = times.toSorted((a, b) => a - b);
  return { medianUs: sorted[Math.floor(sorted.length / 2)], minimumUs: sorted[0] };
}

export const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
