/** The guest's time. Replace it to make a run repeatable. */
export interface Clock {
  /** Nanoseconds since 1970. */
  realtime(): bigint;
  /** Nanoseconds since some start; never goes back. */
  monotonic(): bigint;
}

export const NANOSECONDS = 1_000_000_000n;
const NANOSECONDS_PER_MILLISECOND = 1_000_000n;

/** Milliseconds, fractions included, to nanoseconds. */
function fromMilliseconds(milliseconds: number): bigint {
  const whole = Math.floor(milliseconds);
  const rest = Math.floor((milliseconds - whole) * 1e6);
  return BigInt(whole) * NANOSECONDS_PER_MILLISECOND + BigInt(rest);
}

/** Where the host's monotonic clock begins, by `process.hrtime.bigint()`: the same for all threads that are told. */
export const HOST_ORIGIN = process.hrtime.bigint() - fromMilliseconds(performance.now());
const REALTIME_ORIGIN = fromMilliseconds(performance.timeOrigin);

const monotonic = (): bigint => process.hrtime.bigint() - HOST_ORIGIN;

/** The host's clocks. `monotonic` is `performance.now()`, in nanoseconds; the real time goes along with it. */
export const hostClock: Clock = { realtime: () => REALTIME_ORIGIN + monotonic(), monotonic };

/** Nanoseconds to milliseconds, fractions included. */
export function toMilliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e6;
}
