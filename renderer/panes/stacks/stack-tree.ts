import type { StackInfo } from '../../../emulator/debug/protocol-source';

/** A place that several harts' stacks share, from their outermost frame inwards. */
export interface StackBranch {
  readonly key: string;
  /** The function. */
  readonly name: string;
  /** `dot.c:12`, or nothing when the line is not known. */
  readonly place: string;
  readonly depth: number;
  /** Harts whose stacks go through here, and those that stand here. */
  readonly harts: readonly number[];
  readonly here: readonly number[];
}

interface Node {
  readonly name: string;
  readonly place: string;
  readonly harts: number[];
  readonly here: number[];
  readonly children: Map<string, Node>;
}

const node = (name: string, place: string): Node => ({
  name,
  place,
  harts: [],
  here: [],
  children: new Map(),
});

/**
 * Merges call stacks into one tree: frames of the same function at the same line are one branch, the
 * outermost frames first. The rows are in the order of the tree.
 */
export function mergeStacks(stacks: readonly StackInfo[]): StackBranch[] {
  const root = node('', '');
  for (const { hart, frames } of stacks) {
    let at = root;
    for (const frame of [...frames].reverse()) {
      const name = frame.name ?? `0x${frame.location.address.toString(16)}`;
      const place = frame.place ? `${baseName(frame.place.path)}:${frame.place.line}` : '';
      const key = `${name} ${place || frame.location.address}`;
      let next = at.children.get(key);
      if (!next) at.children.set(key, (next = node(name, place)));
      next.harts.push(hart);
      at = next;
    }
    at.here.push(hart);
  }
  return rowsOf(root, '', 0);
}

function rowsOf(of: Node, key: string, depth: number): StackBranch[] {
  return [...of.children].flatMap(([name, child]) => {
    const inner = `${key}/${name}`;
    const { harts, here, place } = child;
    return [
      { key: inner, name: child.name, place, depth, harts, here },
      ...rowsOf(child, inner, depth + 1),
    ];
  });
}

/** The last part of a path. */
export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
