import { cpus } from 'node:os';

/** Microseconds per call over the rounds. */
export interface Spread {
  readonly medianUs: number;
  readonly minimumUs: number;
}

export interface KernelResult {
  readonly kernel: string;
  readonly instructionsPerCall: number;
  /** Of the interpreter, from its median. */
  readonly mips: number;
  /** By the contender's name. */
  readonly times: Readonly<Record<string, Spread>>;
}

export interface Report {
  readonly host: string;
  readonly node: string;
  readonly rounds: number;
  readonly kernels: readonly KernelResult[];
  readonly geometricMeanMips: number;
  /** Median over the kernels' interpreter ÷ contender times, as geometric means. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly absent: readonly string[];
}

export function spread(times: readonly number[]): Spread {
  const sorted = times.toSorted((a, b) => a - b);
  return { medianUs: sorted[Math.floor(sorted.length / 2)], minimumUs: sorted[0] };
}

const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

export function makeReport(
  kernels: readonly KernelResult[],
  others: readonly string[],
  rounds: number,
  absent: readonly string[],
): Report {
  const ratio = (name: string): number =>
    geometricMean(kernels.map(({ times }) => times.interpreter.medianUs / times[name].medianUs));
  return {
    host: `${cpus()[0]?.model.trim() ?? 'unknown processor'} × ${cpus().length}`,
    node: process.version,
    rounds,
    kernels,
    geometricMeanMips: geometricMean(kernels.map(({ mips }) => mips)),
    ratios: Object.fromEntries(others.map((name) => [name, ratio(name)])),
    absent,
  };
}

const us = (value: number): string => (value < 1000 ? value.toFixed(1) : value.toFixed(0));

/** The report as a table for people. */
export function printReport({ host, node, rounds, kernels, ...rest }: Report): string {
  const names = Object.keys(rest.ratios);
  const headings = [
    'kernel',
    'instr/call',
    'MIPS',
    'µs/call',
    'minimum',
    ...names.flatMap((name) => [`${name} µs`, 'ratio']),
  ];
  const rows = kernels.map(({ kernel, instructionsPerCall, mips, times }) => [
    kernel,
    String(instructionsPerCall),
    mips.toFixed(0),
    us(times.interpreter.medianUs),
    us(times.interpreter.minimumUs),
    ...names.flatMap((name) => [
      us(times[name].medianUs),
      `${(times.interpreter.medianUs / times[name].medianUs).toFixed(1)}×`,
    ]),
  ]);
  const means = [
    'geometric mean',
    '',
    rest.geometricMeanMips.toFixed(0),
    '',
    '',
    ...names.flatMap((name) => ['', `${rest.ratios[name].toFixed(1)}×`]),
  ];
  const table = [headings, ...rows, means];
  const widths = headings.map((_, i) => Math.max(...table.map((row) => row[i].length)));
  const line = (row: string[]): string =>
    row.map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join('  ');
  return [
    `${host}, Node ${node}; ${rounds} interleaved rounds, medians`,
    ...table.map(line),
    ...rest.absent.map((reason) => `not compared: ${reason}`),
  ].join('\n');
}
