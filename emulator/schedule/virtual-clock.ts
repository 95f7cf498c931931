import type { Clock } from '../linux/clock';

/** How long an instruction takes: 500 million a second, as processor time is counted. */
export const NANOSECONDS_PER_INSTRUCTION = 2;
/** When the guest's time of day begins: 2024-01-01 00:00 UTC, in nanoseconds since 1970. */
export const FIRST_MOMENT = 1_704_067_200_000_000_000n;
const NANOSECONDS_PER_MILLISECOND = 1e6;

/** Time that passes with the instructions that run, and jumps while everybody sleeps: the same in every run. */
export class VirtualClock implements Clock {
  /** Instructions retired by all harts up to this moment; set by the machine. */
  retired: () => number = () => 0;
  /** Nanoseconds that were slept. */
  private skipped = 0n;

  monotonic(): bigint {
    return BigInt(this.retired()) * BigInt(NANOSECONDS_PER_INSTRUCTION) + this.skipped;
  }

  realtime(): bigint {
    return FIRST_MOMENT + this.monotonic();
  }

  /** Lets time pass at once up to `deadline` in monotonic milliseconds; at least a nanosecond. */
  sleepUntil(deadline: number): void {
    const now = this.monotonic();
    const until = BigInt(Math.ceil(deadline * NANOSECONDS_PER_MILLISECOND));
    this.skipped += until > now ? until - now : 1n;
  }
}
