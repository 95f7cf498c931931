import type { CallTreeNode } from '../engine/call-graph';
import type { CallArc, CallNode } from './model';

/** A hart's calls as the profile has them. */
export interface Calls {
  readonly root: CallNode;
  readonly arcs: readonly CallArc[];
}

interface Growing extends CallNode {
  readonly children: CallNode[];
}

/**
 * The tree and the arcs of what a `CallGraph` has gathered.
 * @param nodes by their numbers, the root at 1; an edge to a node with a lower number is a recursion
 */
export function callsOf(nodes: readonly CallTreeNode[]): Calls {
  const grown: Growing[] = nodes.map(({ entry, calls, self }) => ({
    entry,
    callSite: entry,
    calls,
    self,
    children: [],
  }));
  const arcs = new Map<string, CallArc>();
  nodes.forEach(({ edges }, caller) => {
    const seen = new Set<number>();
    for (const { site, calls, inclusive, node } of edges) {
      const callee = nodes[node].entry;
      const key = `${site}:${callee}`;
      const known = arcs.get(key) ?? { site, callee, calls: 0, inclusive: 0 };
      arcs.set(key, {
        ...known,
        calls: known.calls + calls,
        inclusive: known.inclusive + inclusive,
      });
      if (node <= caller || seen.has(node)) continue;
      seen.add(node);
      grown[node] = Object.assign(grown[node], { callSite: site });
      grown[caller].children.push(grown[node]);
    }
  });
  return { root: grown[1], arcs: [...arcs.values()] };
}
