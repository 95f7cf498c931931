import { cpus } from 'node:os';
import type { ContenderName } from './contenders';
import type { KernelResult } from './kernels';
import { KERNEL_LIMITS, sign } from './limits';
import { geometricMean, type Spread } from './spread';
import { textTable } from './text-table';
import { printTierUp, type TierUp } from './tier-up';

export interface KernelReport {
  readonly host: string;
  readonly node: string;
  readonly rounds: number;
  readonly kernels: readonly KernelResult[];
  /** Of the interpreter, over the rows. */
  readonly geometricMeanMips: number;
  /** Measured with all kernels. */
  readonly tierUp: readonly TierUp[];
  readonly absent: readonly string[];
}

const COLUMNS: readonly (readonly [ContenderName, string])[] = [
  ['interpreter', 'interpreter'],
  ['translated', 'translated'],
  ['utility', 'in utility'],
  ['native', 'gcc -O2'],
  ['scalar', 'scalar'],
  ['qemu', 'QEMU'],
];

export function makeKernelReport(
  kernels: readonly KernelResult[],
  tierUp: readonly TierUp[],
  rounds: number,
  absent: readonly string[],
): KernelReport {
  const mips = kernels.flatMap(({ instructionsPerCall, times: { interpreter } }) =>
    interpreter ? [instructionsPerCall / interpreter.minimumUs] : [],
  );
  return {
    host: `${cpus()[0]?.model.trim() ?? 'unknown processor'} × ${cpus().length}`,
    node: process.version,
    rounds,
    kernels,
    geometricMeanMips: geometricMean(mips),
    tierUp,
    absent,
  };
}

const us = (value: number): string => value.toFixed(value < 100 ? 1 : 0);
const times = (value: number): string => value.toFixed(value < 0.995 ? 2 : value < 9.95 ? 1 : 0);
const ratio = (one: Spread | undefined, other: Spread | undefined): number | undefined =>
  one && other && one.minimumUs / other.minimumUs;

/** How many times another's time a contender takes at best, the limit of that, and whether it is kept. */
function judged(value: number | undefined, limit: number | undefined): string {
  if (value === undefined) return '';
  if (limit === undefined) return `${times(value)}        `;
  return `${times(value)} ≤ ${String(limit).padEnd(4)} ${sign(value <= limit)}`;
}

function ratioRows(kernels: readonly KernelResult[]): string[][] {
  return kernels.map(({ kernel, guest, times: { translated, utility, native, scalar, qemu } }) => {
    const limits = KERNEL_LIMITS[guest];
    const plain = (value: number | undefined): string => (value ? times(value) : '');
    return [
      kernel,
      judged(ratio(translated, native), limits?.native),
      judged(ratio(translated, scalar), limits?.native),
      judged(ratio(translated, qemu), limits?.qemu),
      plain(ratio(utility, native)),
      plain(ratio(utility, qemu)),
      plain(ratio(utility, translated)),
    ];
  });
}

/** The report as tables for people. */
export function printKernels(report: KernelReport): string {
  const { host, node, rounds, kernels, geometricMeanMips, tierUp, absent } = report;
  const columns = COLUMNS.filter(([name]) => kernels.every((kernel) => kernel.times[name]));
  const medians = kernels.map((result) => [
    result.kernel,
    String(result.instructionsPerCall),
    ...columns.map(([name]) => {
      const { minimumUs, medianUs } = result.times[name] ?? { minimumUs: 0, medianUs: 0 };
      return `${us(minimumUs)} (${us(medianUs)})`;
    }),
  ]);
  const translations = kernels.map(({ kernel, translation }) => [
    kernel,
    String(translation.instructions),
    translation.bytesPerInstruction.toFixed(0),
    translation.usPerInstruction.toFixed(0),
    `${(100 * translation.share).toFixed(1)} %`,
  ]);
  const ratioHead = ['× at best', 'gcc -O2', 'scalar', 'QEMU'];
  return [
    `${host}, Node ${node}; ${rounds} interleaved rounds; µs per call at best (median)`,
    textTable(['kernel', 'instructions', ...columns.map(([, title]) => title)], medians),
    `interpreter, geometric mean: ${geometricMeanMips.toFixed(0)} MIPS`,
    '',
    'translated code, as multiples of the times of others: the most that is allowed, and whether it is kept',
    textTable([...ratioHead, 'utility/gcc', 'utility/QEMU', 'utility/Node'], ratioRows(kernels)),
    '',
    'what was translated',
    textTable(['kernel', 'instructions', 'bytes each', 'µs each', 'ran translated'], translations),
    ...(tierUp.length > 0 ? ['', printTierUp(tierUp)] : []),
    ...absent.map((reason) => `not compared: ${reason}`),
  ].join('\n');
}
