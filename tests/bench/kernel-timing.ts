/** What a kernel program prints about its timing (guests/runtime/benchmark.c). */
export interface Timing {
  readonly callsPerSample: number;
  readonly minimumUs: number;
  readonly medianUs: number;
}

/** A guest with arguments that is timed. */
export interface KernelRow {
  readonly name: string;
  readonly guest: string;
  /** Behind the number of calls and samples; or, with `isWhole`, all of them. */
  readonly args: readonly string[];
  /** It does not time itself: it is timed from outside, from its start to its end. */
  readonly isWhole?: boolean;
}

const row = (guest: string): KernelRow => ({ name: guest, guest, args: [] });
const fractions = (guest: string): KernelRow => ({
  name: `${guest}, fractions`,
  guest,
  args: ['fractions'],
});

/** In the order of the table. On whole numbers no result is ever inexact; programs are rarely so lucky. */
export const KERNEL_ROWS: readonly KernelRow[] = [
  row('dot'),
  fractions('dot'),
  row('dot-unfused'),
  fractions('dot-unfused'),
  row('matmul'),
  fractions('matmul'),
  ...['sieve', 'xorshift', 'sha256', 'fib', 'copy', 'intmix', 'bytecode'].map(row),
  { name: 'mandelbrot', guest: 'mandelbrot', args: ['400', '200', '1000'], isWhole: true },
];

/** @throws Error when the program has not printed its times */
export function parseTiming(text: string): Timing {
  const field = (name: string): number => {
    const value = Number(new RegExp(`${name}=([0-9.]+)`).exec(text)?.[1]);
    if (!Number.isFinite(value)) throw new Error(`a kernel printed no ${name}: ${text}`);
    return value;
  };
  return {
    callsPerSample: field('calls_per_sample'),
    minimumUs: field('min_us'),
    medianUs: field('median_us'),
  };
}

/**
 * Times a kernel once.
 * @param calls in a sample; 0: as many as the program thinks right
 * @param run runs the program and gives what it has printed
 */
export async function timeKernel(
  { args, isWhole }: KernelRow,
  calls: number,
  samples: number,
  run: (args: readonly string[]) => string | Promise<string>,
): Promise<Timing> {
  if (!isWhole) return parseTiming(await run([String(calls), String(samples), ...args]));
  const start = performance.now();
  await run(args);
  const us = 1000 * (performance.now() - start);
  return { callsPerSample: 1, minimumUs: us, medianUs: us };
}
