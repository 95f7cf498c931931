import { functionName, type CallNode, type FunctionNames, type HartProfile } from './model';

/**
 * A tree of calls as a flame graph draws it: functions with the same callers are one node, and of one
 * caller the most expensive comes first. Nodes stand in depth-first order, so that a node's descendants
 * follow it directly.
 *
 * | array   | a node's element                                           |
 * |---------|------------------------------------------------------------|
 * | `name`  | index in `names`                                           |
 * | `depth` | 0 for the root, which stands for the whole profile         |
 * | `self`  | instructions of its own                                    |
 * | `total` | instructions of its own and of all that it called          |
 * | `calls` | how often it was called                                    |
 * | `entry` | address of the function                                    |
 */
export interface FlameTree {
  readonly names: readonly string[];
  readonly name: Uint32Array;
  readonly depth: Uint32Array;
  readonly self: Float64Array;
  readonly total: Float64Array;
  readonly calls: Float64Array;
  readonly entry: Float64Array;
}

/** A tree as JSON has it. */
export type PlainFlames = {
  readonly [Column in keyof FlameTree]: Column extends 'names'
    ? readonly string[]
    : readonly number[];
};

export const plainFlames = (tree: FlameTree): PlainFlames => ({
  names: tree.names,
  name: [...tree.name],
  depth: [...tree.depth],
  self: [...tree.self],
  total: [...tree.total],
  calls: [...tree.calls],
  entry: [...tree.entry],
});

interface Merged {
  readonly name: string;
  readonly entry: number;
  readonly depth: number;
  self: number;
  total: number;
  calls: number;
  readonly children: Map<string, Merged>;
}

const merged = (name: string, entry: number, depth: number): Merged => ({
  name,
  entry,
  depth,
  self: 0,
  total: 0,
  calls: 0,
  children: new Map(),
});

/** The flame graph of some harts' calls, merged. */
export function flameTree(harts: readonly HartProfile[], code: FunctionNames): FlameTree {
  const top = merged('all', 0, 0);
  const nodes = [top];
  const left: { from: CallNode; into: Merged }[] = harts.map(({ root }) => ({
    from: root,
    into: top,
  }));
  for (let next = left.pop(); next; next = left.pop()) {
    const { from, into } = next;
    const name = functionName(code, from.entry);
    let node = into.children.get(name);
    if (node === undefined) {
      node = merged(name, from.entry, into.depth + 1);
      into.children.set(name, node);
      nodes.push(node);
    }
    node.self += from.self;
    node.calls += from.calls;
    for (const child of from.children) left.push({ from: child, into: node });
  }
  // Callees come after their callers in `nodes`: from the end on, every total is complete.
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    node.total += node.self;
    for (const child of node.children.values()) node.total += child.total;
  }
  return inDepthFirstOrder(top, nodes.length);
}

function inDepthFirstOrder(top: Merged, count: number): FlameTree {
  const names: string[] = [];
  const numbers = new Map<string, number>();
  const tree: FlameTree = {
    names,
    name: new Uint32Array(count),
    depth: new Uint32Array(count),
    self: new Float64Array(count),
    total: new Float64Array(count),
    calls: new Float64Array(count),
    entry: new Float64Array(count),
  };
  const left = [top];
  for (let i = 0; i < count; i++) {
    const node = left.pop();
    if (node === undefined) throw new Error('the tree has fewer nodes than were counted');
    let number = numbers.get(node.name);
    if (number === undefined) {
      number = names.push(node.name) - 1;
      numbers.set(node.name, number);
    }
    tree.name[i] = number;
    tree.depth[i] = node.depth;
    tree.self[i] = node.self;
    tree.total[i] = node.total;
    tree.calls[i] = node.calls;
    tree.entry[i] = node.entry;
    const children = [...node.children.values()];
    left.push(...children.sort((a, b) => a.total - b.total || (a.name < b.name ? 1 : -1)));
  }
  return tree;
}
