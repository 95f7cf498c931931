import { breakEven } from './break-even';
import { SCALING_KERNEL_US, SCALING_LIMIT, sign } from './limits';
import {
  MODES,
  SIZES,
  VCPUS,
  type MultiprocessReport,
  type MultiprocessResult,
  type Pages,
} from './multiprocess';
import type { NativeThreads } from './native-threads';
import type { Spread } from './spread';
import { textTable } from './text-table';

const ENGINE_NAMES = { interpreter: 'interpreted', auto: 'translated', translator: '' } as const;
const modesOf = (results: readonly MultiprocessResult[]): string[] =>
  MODES.filter((mode) => results.some((result) => result.mode === mode));

const HEADS = ['mode', ...VCPUS.map((n) => `${n} vCPU`)];

const us = (value: number): string => value.toFixed(value < 1000 ? 1 : 0);
const pagesText = ({ sent, returned }: Pages): string =>
  `${sent.toFixed(1)} pages, ${returned.toFixed(1)} back`;

const spreadText = ({ minimumUs, medianUs }: Spread): string =>
  `${us(minimumUs)} (${us(medianUs)})`;

function cellText({ time, speedup }: MultiprocessResult): string {
  const text = spreadText(time);
  return speedup && speedup.minimum !== 1 ? `${text} ×${speedup.minimum.toFixed(2)}` : text;
}

/** The cells of one size on one engine. */
function sizeTable(name: string, results: readonly MultiprocessResult[]): string {
  const plain = results.find(({ mode }) => mode === 'plain');
  const rows = modesOf(results).flatMap((mode) => {
    const cells = VCPUS.map((n) => results.find((row) => row.mode === mode && row.vcpus === n));
    const texts = cells.map((cell) => (cell ? cellText(cell) : ''));
    const pages = cells.map((cell) => (cell?.pages ? pagesText(cell.pages) : ''));
    return pages.some((text) => text !== '')
      ? [
          [mode, ...texts],
          ['', ...pages],
        ]
      : [[mode, ...texts]];
  });
  const engine = ENGINE_NAMES[results[0].engine];
  const title = `${name} elements, ${engine}${plain ? `, plain ${cellText(plain)}` : ''}`;
  return `${title}\n${textTable(HEADS, rows)}`;
}

/** From which size on each mode is faster than one plain hart, from minima. */
function breakEvenTable(results: readonly MultiprocessResult[]): string {
  const rows = modesOf(results).map((mode) => [
    mode,
    ...VCPUS.map((vcpus) => {
      const points = results.flatMap((r) =>
        r.mode === mode && r.vcpus === vcpus && r.speedup
          ? [{ elements: r.elements, speedup: r.speedup.minimum }]
          : [],
      );
      return sizeText(breakEven(points));
    }),
  ]);
  const engine = ENGINE_NAMES[results[0].engine];
  return `faster than the plain single hart from so many elements on, ${engine}\n${textTable(HEADS, rows)}`;
}

function sizeText(elements: number | undefined): string {
  if (elements === undefined) return 'never';
  if (elements === 0) return `below ${SIZES[1][1]}`;
  return elements < 2 ** 20
    ? `${(elements / 1024).toFixed(0)} Ki`
    : `${(elements / 2 ** 20).toFixed(1)} Mi`;
}

/** What two vCPUs gain on kernels that are long enough, beside what two threads of native code gain. */
function scalingTable(
  cells: readonly MultiprocessResult[],
  native: readonly NativeThreads[],
): string {
  const nameOf = (elements: number): string => SIZES.find(([n]) => n === elements)?.[1] ?? '';
  const long = cells.filter(
    ({ mode, engine, elements }) =>
      mode !== 'plain' &&
      cells.some(
        (plain) =>
          plain.mode === 'plain' &&
          plain.engine === engine &&
          plain.elements === elements &&
          plain.time.minimumUs >= SCALING_KERNEL_US,
      ),
  );
  const columns = [...new Set(long.map(({ engine, elements }) => `${elements} ${engine}`))].map(
    (key) => long.filter(({ engine, elements }) => `${elements} ${engine}` === key),
  );
  const rows = modesOf(cells).map((mode) => [
    mode,
    ...columns.map((column) => {
      const gain = column.find((c) => c.mode === mode && c.vcpus === 2)?.speedup;
      return gain
        ? `${gain.minimum.toFixed(2)} ${sign(gain.minimum >= SCALING_LIMIT)} (${gain.median.toFixed(2)})`
        : '';
    }),
  ]);
  const heads = columns.map(
    ([{ elements, engine }]) => `${nameOf(elements)} ${ENGINE_NAMES[engine]}`,
  );
  const threads = native.map(
    ({ elements, one, two }) =>
      `native code, ${nameOf(elements)}: ${spreadText(one)} on one thread, ${spreadText(two)} on two:` +
      ` ×${(one.minimumUs / two.minimumUs).toFixed(2)} (${(one.medianUs / two.medianUs).toFixed(2)})`,
  );
  return [
    `two vCPUs, times as fast as the plain single hart at best (in the median), at least ${SCALING_LIMIT} from ${SCALING_KERNEL_US / 1000} ms on`,
    textTable(['mode', ...heads], rows),
    ...(threads.length ? threads : ['native code was not measured: gcc is not installed']),
  ].join('\n');
}

/** The results as tables for people: µs at best (median), and how much faster than one plain hart. */
export function printMultiprocess({ cells, native }: MultiprocessReport): string {
  const engines = [...new Set(cells.map(({ engine }) => engine))];
  const of = (engine: string): MultiprocessResult[] => cells.filter((c) => c.engine === engine);
  return [
    'dot product, µs per call at best (median), × = faster than the plain single hart at best',
    ...SIZES.filter(([n]) => cells.some(({ elements }) => elements === n)).flatMap(
      ([elements, name]) =>
        engines.map((engine) =>
          sizeTable(
            name,
            of(engine).filter((cell) => cell.elements === elements),
          ),
        ),
    ),
    // Of one size there is nothing between which it could lie.
    ...(new Set(cells.map(({ elements }) => elements)).size > 1
      ? engines.map((engine) => breakEvenTable(of(engine)))
      : []),
    scalingTable(cells, native),
  ].join('\n\n');
}
