/** The Profile pane's lists: which functions and lines are shown in which order, and how evenly harts work. */
import type { CountedHart } from '../../../emulator/debug/protocol-profile';
import { lineName, type ComparedRun } from '../../../emulator/profile/comparison';
import type { LineCost } from '../../../emulator/profile/top';
import { grouped, groupedNumber } from '../../format';

export type CostColumn = 'self' | 'earlier' | 'difference' | 'total' | 'calls' | 'name';

/** Where a function or a line stands. */
export type CostPlace =
  { readonly address: number } | { readonly file: string; readonly line: number };

/** A function or a source line of a list. */
export interface ListedCost {
  /** Tells it from others, in other runs too. */
  readonly name: string;
  /** What is shown of the name. */
  readonly label: string;
  readonly self: number;
  /** Only of functions whose calls were counted. */
  readonly total?: number | undefined;
  readonly calls?: number | undefined;
  readonly place: CostPlace;
}

export const listedFunctions = (
  functions: readonly (ComparedRun['functions'][number] & Pick<ListedCost, 'total' | 'calls'>)[],
): ListedCost[] =>
  functions.map(({ name, self, total, calls, address }) => ({
    name,
    label: name,
    self,
    total,
    calls,
    place: { address },
  }));

/** Lines are shown by the last part of their path. */
export const listedLines = (lines: readonly LineCost[]): ListedCost[] =>
  lines.map(({ file, line, self }) => ({
    name: lineName({ file, line }),
    label: `${file.slice(file.lastIndexOf('/') + 1)}:${line}`,
    self,
    place: { file, line },
  }));

/** A cost, that in another run, and by how much this run's differs. */
interface CostRow extends ListedCost {
  readonly earlier?: number;
  readonly difference?: number;
}

/** Costs with their differences; what only the earlier run has costs nothing in this one. */
export function comparedRows(
  costs: readonly ListedCost[],
  before: readonly ListedCost[],
): CostRow[] {
  const gone = new Map(before.map((each) => [each.name, each]));
  const rows = costs.map((each) => {
    const earlier = gone.get(each.name)?.self ?? 0;
    gone.delete(each.name);
    return { ...each, earlier, difference: each.self - earlier };
  });
  return [
    ...rows,
    ...Array.from(gone.values(), ({ name, label, place, self }) => ({
      name,
      label,
      place,
      self: 0,
      total: undefined,
      calls: undefined,
      earlier: self,
      difference: -self,
    })),
  ];
}

/** What has the text in its name, by a column: numbers from the largest down, names from A to Z. */
export function costRows(
  costs: readonly CostRow[],
  search: string,
  column: CostColumn,
  isReversed: boolean,
): CostRow[] {
  const wanted = search.trim().toLowerCase();
  const sign = isReversed ? -1 : 1;
  return costs
    .filter(({ name }) => name.toLowerCase().includes(wanted))
    .sort((a, b) => {
      if (column === 'name') return sign * byLabel(a, b);
      if (column === 'difference')
        return sign * (Math.abs(b.difference ?? 0) - Math.abs(a.difference ?? 0));
      return sign * ((b[column] ?? 0) - (a[column] ?? 0) || byLabel(a, b));
    });
}

/** Names from A to Z, lines of a file in their order. */
const byLabel = (a: ListedCost, b: ListedCost): number =>
  a.label.localeCompare(b.label, 'en', { numeric: true });

/**
 * How evenly the vCPUs of the newest task share its instructions: their mean by the largest, as the POP
 * measures define load balance; 1 is best. Undefined as long as no task has two vCPUs.
 */
export function loadBalance(
  harts: readonly CountedHart[],
): { readonly task: number; readonly balance: number } | undefined {
  const tasks = new Map<number, number[]>();
  for (const { name, instructions } of harts) {
    const task = /^task (\d+) vCPU /.exec(name)?.[1];
    if (task === undefined) continue;
    tasks.set(Number(task), [...(tasks.get(Number(task)) ?? []), instructions]);
  }
  const newest = [...tasks].filter(([, work]) => work.length > 1).sort(([a], [b]) => b - a)[0];
  if (newest === undefined) return undefined;
  const [task, work] = newest;
  const largest = Math.max(...work);
  if (largest === 0) return undefined;
  return { task, balance: work.reduce((sum, each) => sum + each, 0) / work.length / largest };
}

/** A cost of a profile in words: `1 234 instructions`, `5.60 ms`. */
export function costText(cost: number, unit: 'instructions' | 'nanoseconds'): string {
  if (unit === 'instructions') return `${grouped(cost)} instructions`;
  return `${groupedNumber(cost / 1e6, 2)} ms`;
}

/** The same without instructions' name, for a column. */
export const costCell = (cost: number, unit: 'instructions' | 'nanoseconds'): string =>
  unit === 'instructions' ? grouped(cost) : costText(cost, unit);

/** `12.3 %`, empty where nothing is known. */
export const share = (part: number | undefined, of: number): string =>
  part === undefined || of === 0 ? '' : `${((100 * part) / of).toFixed(1)} %`;
