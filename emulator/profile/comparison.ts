import type { PlainFlames } from './flame';
import { WIDE, type FunctionCost, type ProfileList } from './top';

/** What is compared of a run. */
export interface ComparedRun extends Pick<ProfileList, 'unit' | 'instructions' | 'flame'> {
  readonly functions: readonly Pick<FunctionCost, 'name' | 'address' | 'self'>[];
}

/** A function in two runs. */
interface FunctionDifference {
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

/** Functions by how much their own cost differs, the largest difference first; those that cost the same are left out. */
function compareFunctions(
  before: Pick<ComparedRun, 'functions'>,
  after: Pick<ComparedRun, 'functions'>,
): FunctionDifference[] {
  const selves = ({ functions }: Pick<ComparedRun, 'functions'>): Map<string, number> =>
    new Map(functions.map(({ name, self }) => [name, self]));
  const [old, now] = [selves(before), selves(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((name) => ({ name, before: old.get(name) ?? 0, after: now.get(name) ?? 0 }))
    .filter((each) => each.before !== each.after)
    .sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before));
}

/** Two runs as text: what all cost, then the functions that differ, at most so many. */
export function comparisonText(before: ComparedRun, after: ComparedRun, most: number): string {
  const row = (from: number, to: number, name: string): string => {
    const ratio = from === 0 ? 'new' : `${(to / from).toFixed(3)} ×`;
    const change = to - from;
    const cells = [from, to, change > 0 ? `+${change}` : change, ratio];
    return `${cells.map((cell) => String(cell).padStart(WIDE)).join(' ')}  ${name}`;
  };
  const all = compareFunctions(before, after);
  return `${[
    `${['before', 'now', 'difference', ''].map((head) => head.padStart(WIDE)).join(' ')}  function`,
    row(before.instructions, after.instructions, `all (${after.unit})`),
    ...all.slice(0, most).map((each) => row(each.before, each.after, each.name)),
    ...(all.length > most ? [`${''.padStart(WIDE)} … ${all.length - most} more`] : []),
  ].join('\n')}\n`;
}

/**
 * A list that `profile --json` has printed, or the window has saved.
 * @throws Error with what is wrong with it
 */
export function parseProfileList(text: string): ComparedRun {
  const list = JSON.parse(text) as Partial<ComparedRun> | null;
  const isList =
    typeof list?.instructions === 'number' &&
    (list.unit === 'instructions' || list.unit === 'nanoseconds') &&
    Array.isArray(list.functions) &&
    list.functions.every(isCost) &&
    (list.flame === undefined || isFlame(list.flame));
  if (!isList) throw new Error('it is no list that "hartscope profile --json" has printed');
  return list as ComparedRun;
}

const isCost = (cost: unknown): boolean => {
  const { name, self, address } = (cost ?? {}) as Partial<FunctionCost>;
  return typeof name === 'string' && typeof self === 'number' && typeof address === 'number';
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
