/** The Profile pane's lists: which functions are shown in which order, and how evenly harts work. */
import type { CountedHart } from '../../../emulator/debug/protocol-profile';
import type { ComparedRun } from '../../../emulator/profile/comparison';
import type { FunctionCost } from '../../../emulator/profile/top';

import { grouped, groupedNumber } from '../../format';

export type CostColumn = 'self' | 'earlier' | 'difference' | 'total' | 'calls' | 'name';

/** A function, its own cost in another run, and by how much this run's differs. */
export interface FunctionRow extends FunctionCost {
  readonly earlier?: number;
  readonly difference?: number;
}

/** Functions with their differences; those that only the earlier run has cost nothing in this one. */
export function comparedRows(
  functions: readonly FunctionCost[],
  before: Pick<ComparedRun, 'functions'>,
): FunctionRow[] {
  const gone = new Map(before.functions.map((each) => [each.name, each]));
  const rows = functions.map((each) => {
    const earlier = gone.get(each.name)?.self ?? 0;
    gone.delete(each.name);
    return { ...each, earlier, difference: each.self - earlier };
  });
  return [
    ...rows,
    ...Array.from(gone.values(), ({ name, address, self }) => ({
      name,
      address,
      self: 0,
      total: undefined,
      calls: undefined,
      earlier: self,
      difference: -self,
    })),
  ];
}

/** Functions whose name has the text in it, by a column: numbers from the largest down, names from A to Z. */
export function functionRows(
  functions: readonly FunctionRow[],
  search: string,
  column: CostColumn,
  isReversed: boolean,
): FunctionRow[] {
  const wanted = search.trim().toLowerCase();
  const sign = isReversed ? -1 : 1;
  return functions
    .filter(({ name }) => name.toLowerCase().includes(wanted))
    .sort((a, b) => {
      if (column === 'name') return sign * a.name.localeCompare(b.name);
      if (column === 'difference')
        return sign * (Math.abs(b.difference ?? 0) - Math.abs(a.difference ?? 0));
      return sign * ((b[column] ?? 0) - (a[column] ?? 0) || a.name.localeCompare(b.name));
    });
}

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
