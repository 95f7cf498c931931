import { edgesOf, switchOf, type Block, type Edge, type Region } from './region';

/** A block in the graph of a region, numbered in reverse postorder: forward edges lead to higher numbers. */
export interface Node {
  readonly index: number;
  readonly block: Block;
  /** The nodes that it immediately dominates, in ascending order. */
  readonly children: Node[];
  /** Some edge leads back to it. */
  isLoopHead: boolean;
  /** Several forward edges lead to it. */
  isMerge: boolean;
}

export interface Graph {
  readonly nodes: readonly Node[];
  nodeOf(block: Block): Node;
}

/**
 * The region's blocks in reverse postorder with their dominator tree (Cooper, Harvey and Kennedy, "A Simple,
 * Fast Dominance Algorithm", 2001). Edges back to a block that does not dominate their source would need
 * irreducible control flow: they are cut, so that control leaves the region there, or goes by the region's switch if it has
 * one.
 */
export function analyseGraph(region: Region): Graph {
  for (;;) {
    const graph = buildGraph(region);
    if (graph) return graph;
  }
}

/** @returns undefined when an edge had to be cut */
function buildGraph(region: Region): Graph | undefined {
  const order = reversePostorder(region.blocks[0]);
  const numbers = new Map(order.map((block, i) => [block, i]));
  const incoming: { from: number; edge: Edge }[][] = order.map(() => []);
  order.forEach((block, from) => {
    for (const edge of edgesOf(block)) {
      if (edge.to) incoming[numbers.get(edge.to)!].push({ from, edge });
    }
  });
  const dominator = immediateDominators(incoming);
  const dominates = (above: number, below: number): boolean => {
    while (below > above) below = dominator[below];
    return below === above;
  };
  let cut = false;
  incoming.forEach((list, to) => {
    for (const { from, edge } of list) {
      if (from < to || dominates(to, from)) continue;
      edge.to = goesBySwitch(region, edge) ? region.blocks[0] : undefined;
      cut = true;
    }
  });
  if (cut) return undefined;
  const nodes = order.map((block, index): Node => ({
    index,
    block,
    children: [],
    isLoopHead: incoming[index].some(({ from }) => from >= index),
    isMerge: incoming[index].filter(({ from }) => from < index).length > 1,
  }));
  for (const node of nodes.slice(1)) nodes[dominator[node.index]].children.push(node);
  return { nodes, nodeOf: (block) => nodes[numbers.get(block)!] };
}

/** Whether the region's switch leads to where an edge does, from now on if it did not before. */
function goesBySwitch(region: Region, { pc, to, ends }: Edge): boolean {
  const found = switchOf(region);
  // A round of a strip has what comes before it.
  if (!found || !to?.isOutermost || to.strip || ends) return false;
  if (!found.targets.some((target) => target.pc === pc)) found.targets.push({ pc, to });
  return true;
}

function reversePostorder(entry: Block): Block[] {
  const order: Block[] = [];
  const seen = new Set<Block>([entry]);
  const stack: { block: Block; next: Block[] }[] = [];
  const open = (block: Block): void => {
    const next = edgesOf(block).flatMap(({ to }) => to ?? []);
    stack.push({ block, next });
  };
  open(entry);
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const to = top.next.pop();
    if (!to) {
      order.push(top.block);
      stack.pop();
    } else if (!seen.has(to)) {
      seen.add(to);
      open(to);
    }
  }
  return order.reverse();
}

function immediateDominators(incoming: readonly (readonly { from: number }[])[]): number[] {
  const dominator = incoming.map(() => -1);
  dominator[0] = 0;
  const meet = (a: number, b: number): number => {
    while (a !== b) {
      while (a > b) a = dominator[a];
      while (b > a) b = dominator[b];
    }
    return a;
  };
  for (let changed = true; changed;) {
    changed = false;
    for (let i = 1; i < incoming.length; i++) {
      let best = -1;
      for (const { from } of incoming[i]) {
        if (dominator[from] >= 0) best = best < 0 ? from : meet(from, best);
      }
      if (best !== dominator[i]) {
        dominator[i] = best;
        changed = true;
      }
    }
  }
  return dominator;
}

/**
 * For each node the number of instructions that run at most before the fuel is looked at again: at an edge
 * back, after a call, in a switch, or when the region is left.
 */
export function longestWays(graph: Graph): number[] {
  const { nodes } = graph;
  const needs: number[] = [];
  for (const node of nodes.toReversed()) {
    const { items, terminator } = node.block;
    let rest = 0;
    for (const { to } of terminator.kind === 'call' ? [] : edgesOf(node.block)) {
      const next = to && graph.nodeOf(to).index;
      if (next !== undefined && next > node.index) rest = Math.max(rest, needs[next]);
    }
    needs[node.index] = items.length + rest;
  }
  return needs;
}
