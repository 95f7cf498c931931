/** Lists of `hartscope profile` as text. */
import {
  compareCosts,
  namedLines,
  type ComparedRun,
  type CostDifference,
} from '../emulator/profile/comparison';
import type { ProfileList } from '../emulator/profile/top';
import { table } from './print';

/** More harts than these are told of in one line; those that retired most are shown. */
const MOST_HARTS = 24;
/** Longer names are cut. */
const NAME_LENGTH = 80;
const NANOSECONDS_PER_MS = 1e6;

const HART_COLUMNS = [
  ['loads', 'loads'],
  ['stores', 'stores'],
  ['branches', 'branches'],
  ['taken', 'taken'],
  ['systemCalls', 'syscalls'],
  ['faults', 'faults'],
  ['copies', 'copies'],
  ['loans', 'loans'],
] as const;

/** `1,234,567`. */
const grouped = (count: number): string => count.toLocaleString('en-US');

/** A cost in a list: instructions, or milliseconds. */
const costText =
  (unit: ProfileList['unit']) =>
  (cost: number): string =>
    unit === 'instructions'
      ? grouped(cost)
      : (cost / NANOSECONDS_PER_MS).toLocaleString('en-US', {
          minimumFractionDigits: 3,
          maximumFractionDigits: 3,
        });

const unitText = (unit: ProfileList['unit']): string =>
  unit === 'instructions' ? 'instructions' : 'ms of host time';

const cut = (name: string): string =>
  name.length <= NAME_LENGTH ? name : `${name.slice(0, NAME_LENGTH - 1)}…`;

/** A path keeps its end. */
const cutPath = (place: string): string =>
  place.length <= NAME_LENGTH ? place : `…${place.slice(1 - NAME_LENGTH)}`;

/** Columns of numbers, then a name; `left` says what is not shown. */
function listOf(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  left: string | undefined,
): string {
  const numbers = head.slice(0, -1).map((_, i) => i);
  const last = left === undefined ? [] : [[...numbers.map(() => ''), left]];
  return table([head, ...rows, ...last], { right: numbers });
}

/** Harts, then functions and lines, at most so many of each. */
export function listText(list: ProfileList, most: number): string {
  const { unit, instructions: all, functions, lines } = list;
  const cost = costText(unit);
  const share = (part: number): string =>
    `${all === 0 ? '0.0' : ((100 * part) / all).toFixed(1)} %`;
  const more = (rows: readonly unknown[]): string | undefined =>
    rows.length > most ? `… ${rows.length - most} more` : undefined;
  const parts = [
    `${cost(all)} ${unitText(unit)}\n`,
    hartsText(list, cost, share),
    listOf(
      ['own', '', 'with callees', '', 'calls', 'function'],
      functions
        .slice(0, most)
        .map(({ name, self, total, calls }) => [
          cost(self),
          share(self),
          ...(total === undefined ? ['', ''] : [cost(total), share(total)]),
          calls === undefined ? '' : grouped(calls),
          cut(name),
        ]),
      more(functions),
    ),
  ];
  if (lines.length > 0) {
    const rows = lines
      .slice(0, most)
      .map(({ file, line, self }) => [cost(self), share(self), cutPath(`${file}:${line}`)]);
    parts.push(listOf(['own', '', 'line'], rows, more(lines)));
  }
  return parts.join('\n');
}

function hartsText(
  { unit, harts }: ProfileList,
  cost: (cost: number) => string,
  share: (part: number) => string,
): string {
  const isCounted = harts.some((hart) => 'loads' in hart);
  const most = harts.toSorted((a, b) => b.instructions - a.instructions).slice(0, MOST_HARTS);
  const shown = harts.filter((hart) => most.includes(hart));
  const left = harts.filter((hart) => !most.includes(hart));
  const rest = left.reduce((sum, hart) => sum + hart.instructions, 0);
  return listOf(
    [
      unit === 'instructions' ? unit : 'ms',
      '',
      ...(isCounted ? HART_COLUMNS.map(([, head]) => head) : []),
      'hart',
    ],
    shown.map((hart) => [
      cost(hart.instructions),
      share(hart.instructions),
      ...('loads' in hart ? HART_COLUMNS.map(([key]) => grouped(hart[key])) : []),
      `${hart.hart} ${hart.name}`,
    ]),
    left.length === 0 ? undefined : `… ${left.length} more, together ${cost(rest)}`,
  );
}

/** Two runs: what all cost, then the functions and the source lines that differ, at most so many of each. */
export function comparisonText(before: ComparedRun, after: ComparedRun, most: number): string {
  const cost = costText(after.unit);
  const row = (from: number, to: number, name: string): string[] => [
    cost(from),
    cost(to),
    `${to > from ? '+' : ''}${cost(to - from)}`,
    from === 0 ? 'new' : `${(to / from).toFixed(3)} ×`,
    name,
  ];
  const list = (kind: string, first: readonly string[][], all: readonly CostDifference[]): string =>
    listOf(
      ['before', 'now', 'difference', '', kind],
      [...first, ...all.slice(0, most).map((each) => row(each.before, each.after, each.name))],
      all.length > most ? `… ${all.length - most} more` : undefined,
    );
  const whole = row(before.instructions, after.instructions, `all (${unitText(after.unit)})`);
  const functions = compareCosts(before.functions, after.functions);
  const shortened = functions.map((each) => ({ ...each, name: cut(each.name) }));
  const text = list('function', [whole], shortened);
  // A list that was saved without lines would make all of them new.
  if (!before.lines) return text;
  const lines = compareCosts(namedLines(before.lines), namedLines(after.lines ?? []));
  if (lines.length === 0) return text;
  const places = lines.map((each) => ({ ...each, name: cutPath(each.name) }));
  return `${text}\n${list('line', [], places)}`;
}
