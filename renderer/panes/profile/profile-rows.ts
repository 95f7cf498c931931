/** The Profile pane's lists: which functions are shown in which order, and how evenly harts work. */
import type { CountedHart } from '../../../emulator/debug/protocol-profile';
import type { FunctionCost } from '../../../emulator/profile/top';

export type CostColumn = 'self' | 'total' | 'calls' | 'name';

/** Functions whose name has the text in it, by a column: numbers from the largest down, names from A to Z. */
export function functionRows(
  functions: readonly FunctionCost[],
  search: string,
  column: CostColumn,
  isReversed: boolean,
): FunctionCost[] {
  const wanted = search.trim().toLowerCase();
  const sign = isReversed ? -1 : 1;
  return functions
    .filter(({ name }) => name.toLowerCase().includes(wanted))
    .sort((a, b) => {
      if (column === 'name') return sign * a.name.localeCompare(b.name);
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

/** `12.3 %`, empty where nothing is known. */
export const share = (part: number | undefined, of: number): string =>
  part === undefined || of === 0 ? '' : `${((100 * part) / of).toFixed(1)} %`;
