import {
  addCounts,
  functionName,
  retired,
  walk,
  type FunctionNames,
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
  /** With all that it called; inside a recursion once. Undefined when calls were not counted. */
  readonly total: number | undefined;
  readonly calls: number | undefined;
}

/** Functions by their own cost, the most expensive first. */
export function functionCosts(
  profile: Pick<Profile, 'harts'>,
  code: FunctionNames,
): FunctionCost[] {
  const costs = new Map<string, { address: number; self: number; total: number; calls: number }>();
  const costOf = (address: number): { self: number; total: number; calls: number } => {
    const start = code.functionAt(address)?.address ?? address;
    const name = functionName(code, start);
    let cost = costs.get(name);
    if (!cost) costs.set(name, (cost = { address: start, self: 0, total: 0, calls: 0 }));
    return cost;
  };
  const { addresses, executions } = addCounts(profile.harts.map(({ counts }) => counts));
  addresses.forEach((address, i) => (costOf(address).self += executions[i]));
  const hasCalls = profile.harts.some(({ root }) => root.children.length > 0);
  if (hasCalls) {
    for (const { root } of profile.harts) {
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
    }
  }
  return [...costs]
    .map(([name, { address, self, total, calls }]) => ({
      name,
      address,
      self,
      total: hasCalls ? total : undefined,
      calls: hasCalls ? calls : undefined,
    }))
    .sort((a, b) => b.self - a.self || (a.name < b.name ? -1 : 1));
}

/** The list that `hartscope profile` prints: harts, then functions; as text or one line of JSON. */
export function topList(
  profile: Profile,
  code: ProfileCode,
  most: number,
  asJson: boolean,
): string {
  const all = functionCosts(profile, code);
  const harts = profile.harts.map((hart) => ({
    hart: hart.hart,
    name: hart.name,
    instructions: retired(hart),
  }));
  const instructions = harts.reduce((sum, hart) => sum + hart.instructions, 0);
  const functions = all.slice(0, most);
  if (asJson) return `${JSON.stringify({ instructions, harts, functions })}\n`;
  const share = (part: number): string =>
    `${instructions === 0 ? '0.0' : ((100 * part) / instructions).toFixed(1)} %`.padStart(7);
  const lines = [
    `${instructions} instructions`,
    '',
    `${'instructions'.padStart(15)}         hart`,
    ...harts.map(
      ({ hart, name, instructions: count }) =>
        `${String(count).padStart(15)} ${share(count)} ${hart} ${name}`,
    ),
    '',
    `${'own'.padStart(15)} ${'with callees'.padStart(23)} ${'calls'.padStart(12)}  function`,
    ...functions.map(({ name, self, total, calls }) => {
      const whole =
        total === undefined ? ''.padStart(23) : `${String(total).padStart(15)} ${share(total)}`;
      const times = calls === undefined ? '' : String(calls);
      return `${String(self).padStart(15)} ${share(self)} ${whole} ${times.padStart(12)}  ${name}`;
    }),
  ];
  if (all.length > functions.length)
    lines.push(`${''.padStart(15)} … ${all.length - functions.length} more`);
  return `${lines.join('\n')}\n`;
}
