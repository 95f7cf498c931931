/** What the times of a kernel may be at most, as multiples of others' times in the same run. */
export interface Limits {
  /** Of `gcc -O2` for this machine. */
  readonly native: number;
  /** Of QEMU's user mode. */
  readonly qemu: number;
}

/** By the guest's name. They hold in Node; what Electron's utility processes reach is reported beside it. */
export const KERNEL_LIMITS: Readonly<Record<string, Limits | undefined>> = {
  dot: { native: 2.0, qemu: 0.15 },
  'dot-unfused': { native: 3.5, qemu: 0.15 },
  matmul: { native: 3.5, qemu: 0.4 },
  sieve: { native: 4, qemu: 2.1 },
  xorshift: { native: 1.2, qemu: 1.2 },
  sha256: { native: 6.5, qemu: 2.0 },
  fib: { native: 12, qemu: 1.7 },
  copy: { native: 3.5, qemu: 1.3 },
};

/** From the first instruction of a hot loop until it runs at 90 % of its final speed, in milliseconds. */
export const TIER_UP_LIMIT_MS = 50;

/** How long a hart stands still for a translation at a time, in milliseconds. */
export const PAUSE_LIMIT_MS = 5;

/** Geometric mean over programs that run for ten seconds and more, as a multiple of QEMU's time. */
export const PROGRAMS_LIMIT = 1.5;

/** How much faster two vCPUs are than one plain hart, on kernels that take `SCALING_KERNEL_US` and more. */
export const SCALING_LIMIT = 1.85;
export const SCALING_KERNEL_US = 5000;

/** `multiprocess(4)` and the wait, nothing done, in microseconds. */
export const EMPTY_TASK_LIMIT = { minimumUs: 8, medianUs: 15 };

/** A fork of memory and its end, in microseconds, by resident pages. */
export const FORK_LIMITS_US = [
  [24, 1],
  [10_024, 5],
] as const;

/** The dot product of 8192 floats on one hart, translated, in microseconds. */
export const DOT_LIMIT_US = 20;

/** The share of a kernel's speed that counting may cost, on either engine. */
export const COUNTING_LOSS_LIMIT = 0.3;

/** Whether a limit is kept, as a sign. */
export const sign = (isKept: boolean): string => (isKept ? '✓' : '✗');
