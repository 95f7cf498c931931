import { functionName, walk, type Profile, type ProfileCode } from '../model';

/**
 * Collapsed stacks, a line for each: frames from the outermost in, joined by `;`, and how many
 * instructions retired there. The first frame is the hart. Read by FlameGraph, inferno and speedscope.
 */
export function collapsedStacks(profile: Profile, code: ProfileCode): string {
  const sums = new Map<string, number>();
  for (const hart of profile.harts) {
    for (const { node, path } of walk(hart.root)) {
      if (node.self === 0) continue;
      const frames = path.map(({ entry }) => functionName(code, entry));
      const stack = [hart.name, ...frames].map((frame) => frame.replaceAll(';', ',')).join(';');
      sums.set(stack, (sums.get(stack) ?? 0) + node.self);
    }
  }
  return [...sums].map(([stack, count]) => `${stack} ${count}\n`).join('');
}
