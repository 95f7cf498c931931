import type { PlainFlames } from './flame';
import type { FunctionCost, LineCost, ProfileList } from './top';

/** What is compared of a run. */
export interface ComparedRun extends Pick<ProfileList, 'unit' | 'instructions' | 'flame'> {
  readonly functions: readonly Pick<FunctionCost, 'name' | 'address' | 'self'>[];
  /** Lists of earlier versions that the window saved have none. */
  readonly lines?: readonly LineCost[];
}

/** What functions and lines have in common: a name that is the same in two runs, and a cost. */
interface NamedCost {
  readonly name: string;
  readonly self: number;
}

/** Something with a cost in two runs. */
export interface CostDifference {
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

/** How a source line is told from others: path and number. */
export const lineName = ({ file, line }: Pick<LineCost, 'file' | 'line'>): string =>
  `${file}:${line}`;

/** Lines as things with names. */
export const namedLines = (lines: readonly LineCost[]): NamedCost[] =>
  lines.map((each) => ({ name: lineName(each), self: each.self }));

/** Functions or lines by how much their own cost differs, the largest difference first; the same cost is left out. */
export function compareCosts(
  before: readonly NamedCost[],
  after: readonly NamedCost[],
): CostDifference[] {
  const selves = (costs: readonly NamedCost[]): Map<string, number> =>
    new Map(costs.map(({ name, self }) => [name, self]));
  const [old, now] = [selves(before), selves(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((name) => ({ name, before: old.get(name) ?? 0, after: now.get(name) ?? 0 }))
    .filter((each) => each.before !== each.after)
    .sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before));
}

/**
 * A list that `profile --json` has printed, or the window has saved. What a guest has written to the same file before
 * is passed over.
 * @throws Error with what is wrong with it
 */
export function parseProfileList(text: string): ComparedRun {
  const line = text
    .trimEnd()
    .split('\n')
    .findLast((each) => each.startsWith('{"'));
  const list = JSON.parse(line ?? text) as Partial<ComparedRun> | null;
  const isList =
    typeof list?.instructions === 'number' &&
    (list.unit === 'instructions' || list.unit === 'nanoseconds') &&
    Array.isArray(list.functions) &&
    list.functions.every(isCost) &&
    (list.lines === undefined || (Array.isArray(list.lines) && list.lines.every(isLine))) &&
    (list.flame === undefined || isFlame(list.flame));
  if (!isList) throw new Error('it is no list that "hartscope profile --json" has printed');
  return list as ComparedRun;
}

const isCost = (cost: unknown): boolean => {
  const { name, self, address } = (cost ?? {}) as Partial<FunctionCost>;
  return typeof name === 'string' && typeof self === 'number' && typeof address === 'number';
};

const isLine = (cost: unknown): boolean => {
  const { file, line, self } = (cost ?? {}) as Partial<LineCost>;
  return typeof file === 'string' && typeof line === 'number' && typeof self === 'number';
};

/** Whether every node has all its numbers, and a name. */
function isFlame({ names, ...columns }: Partial<PlainFlames>): boolean {
  const { name, depth, self, total, calls, entry } = columns;
  return (
    Array.isArray(names) &&
    names.every((each) => typeof each === 'string') &&
    [name, depth, self, total, calls, entry].every(
      (column) =>
        Array.isArray(column) &&
        column.length === name?.length &&
        column.every((each) => typeof each === 'number'),
    ) &&
    (name ?? []).every((each) => each in names)
  );
}
