import { plainFlames, flameTree, type PlainFlames } from './flame';
import { summarizeHart, type HartSummary } from './hart-summary';
import {
  addCounts,
  functionName,
  retired,
  walk,
  type FunctionNames,
  type HartProfile,
  type Profile,
  type ProfileCode,
} from './model';

/** What a function costs, over all harts. */
export interface FunctionCost {
  readonly name: string;
  /** Where it begins, or its first instruction that ran where no function is known. */
  readonly address: number;
  /** Instructions of its own, counted at each of them. */
  readonly self: number;
  /**
   * With all that it called; inside a recursion once. Of what runs in it without a call (a tail call, the begin of a vCPU)
   * its own, if that is more. Undefined when calls were not counted.
   */
  readonly total: number | undefined;
  readonly calls: number | undefined;
}

/**
 * Functions by their own cost, the most expensive first.
 * @param isSampled samples do not tell how often a function is called
 */
export function functionCosts(
  profile: Pick<Profile, 'harts'>,
  code: FunctionNames,
  isSampled = false,
): FunctionCost[] {
  const all = new Map<string, GrowingCost>();
  for (const hart of profile.harts) {
    for (const [name, cost] of costsOf(hart, code)) {
      const sum = all.get(name);
      if (!sum) all.set(name, cost);
      else {
        sum.self += cost.self;
        sum.total += cost.total;
        sum.calls += cost.calls;
      }
    }
  }
  const hasCalls = profile.harts.some(({ root }) => root.children.length > 0);
  return [...all]
    .map(([name, { address, self, total, calls }]) => ({
      name,
      address,
      self,
      total: hasCalls ? total : undefined,
      calls: hasCalls && !isSampled ? calls : undefined,
    }))
    .sort((a, b) => b.self - a.self || (a.name < b.name ? -1 : 1));
}

interface GrowingCost {
  readonly address: number;
  self: number;
  total: number;
  calls: number;
}

/** What functions cost on one hart, by name. */
function costsOf({ counts, root }: HartProfile, code: FunctionNames): Map<string, GrowingCost> {
  const costs = new Map<string, GrowingCost>();
  const costOf = (address: number): GrowingCost => {
    const start = code.functionAt(address)?.address ?? address;
    const name = functionName(code, start);
    let cost = costs.get(name);
    if (!cost) costs.set(name, (cost = { address: start, self: 0, total: 0, calls: 0 }));
    return cost;
  };
  counts.addresses.forEach((address, i) => (costOf(address).self += counts.executions[i]));
  for (const { node, path } of walk(root)) {
    costOf(node.entry).calls += node.calls;
    // What is called below counts for each function on the path, once.
    const seen = new Set<string>();
    for (const { entry } of path) {
      const above = functionName(code, entry);
      if (seen.has(above)) continue;
      seen.add(above);
      costOf(entry).total += node.self;
    }
  }
  // The tree has what runs in a function that was not called (a tail call, the begin of a vCPU) at its caller.
  for (const cost of costs.values()) cost.total = Math.max(cost.total, cost.self);
  return costs;
}

/** What a source line costs, over all harts. */
export interface LineCost {
  /** Its path, as the debugging information has it. */
  readonly file: string;
  readonly line: number;
  readonly self: number;
}

/** Source lines by what is on them, the most expensive first; only code with debugging information. */
export function lineCosts(
  profile: Pick<Profile, 'harts'>,
  code: Pick<ProfileCode, 'lineAt'>,
): LineCost[] {
  const costs = new Map<string, { file: string; line: number; self: number }>();
  const { addresses, executions } = addCounts(profile.harts.map(({ counts }) => counts));
  addresses.forEach((address, i) => {
    const place = code.lineAt(address);
    if (!place) return;
    const key = `${place.file}:${place.line}`;
    const cost = costs.get(key) ?? { ...place, self: 0 };
    cost.self += executions[i];
    costs.set(key, cost);
  });
  return [...costs.values()].sort((a, b) => b.self - a.self);
}

/** A profile as a list: what `hartscope profile` prints, and compares with what it printed before. */
export interface ProfileList {
  /** What the numbers are: nanoseconds, or instructions. */
  readonly unit: 'instructions' | 'nanoseconds';
  /** The sum of all harts, in that unit. */
  readonly instructions: number;
  readonly harts: readonly (HartSummary | Pick<HartSummary, 'hart' | 'name' | 'instructions'>)[];
  readonly functions: readonly FunctionCost[];
  readonly lines: readonly LineCost[];
  /** The calls of all harts, merged; lists of earlier versions have none. */
  readonly flame?: PlainFlames;
}

export function profileList(profile: Profile, code: ProfileCode): ProfileList {
  const harts = profile.harts.map((hart) =>
    profile.sampled
      ? { hart: hart.hart, name: hart.name, instructions: retired(hart) }
      : summarizeHart(hart, code),
  );
  return {
    unit: profile.sampled ?? 'instructions',
    instructions: harts.reduce((sum, hart) => sum + hart.instructions, 0),
    harts,
    functions: functionCosts(profile, code, profile.sampled !== undefined),
    lines: lineCosts(profile, code),
    flame: plainFlames(flameTree(profile.harts, code)),
  };
}
