/**
 * What a run cost, counted exactly: how often each instruction ran and who called whom, for each hart.
 * Profilers fill this in; the formats of other tools and the window's views are made from it.
 */
import type { InstructionCounts } from '../engine/flow-counts';
import type { EventCounts } from '../engine/hart-counts';

/**
 * A function in the place it was called from: one node of a hart's tree of calls. A recursion is one node:
 * what calls itself, over others or not, is in the tree once on each path.
 */
export interface CallNode {
  /** Where the function was entered. */
  readonly entry: number;
  /** The instruction that called it first from there; of a root: its own entry. */
  readonly callSite: number;
  readonly calls: number;
  /** Instructions that retired in it, without those of the functions that it called. */
  readonly self: number;
  readonly children: readonly CallNode[];
}

/** The calls of one function by one instruction, over all paths. */
export interface CallArc {
  readonly site: number;
  /** Entry of the function that is called. */
  readonly callee: number;
  readonly calls: number;
  /** Instructions from these calls to their returns; those inside a recursion count once. */
  readonly inclusive: number;
}

export interface HartProfile {
  readonly hart: number;
  /** `main`, `task 1 vCPU 2`, `thread 1001`, `process 1002`. */
  readonly name: string;
  readonly counts: InstructionCounts;
  /** What happened to it, by kind; not of sampled harts. */
  readonly events?: EventCounts;
  /** The tree of calls; the sum of its `self` is the hart's retired instructions. */
  readonly root: CallNode;
  readonly arcs: readonly CallArc[];
}

export interface Profile {
  /** The program's name, and what it was called with. */
  readonly program: string;
  readonly arguments: readonly string[];
  /** Harts that ran, those that have ended included; the main VM's first. */
  readonly harts: readonly HartProfile[];
  /** Of a profile that was sampled: what its numbers are instead of exact counts. Nothing has calls then. */
  readonly sampled?: 'instructions' | 'nanoseconds';
}

export interface ProfiledFunction {
  readonly name: string;
  readonly address: number;
  /** Bytes. */
  readonly size: number;
}

export interface FunctionNames {
  functionAt(address: number): ProfiledFunction | undefined;
}

/** What the formats need to know of the program's code. */
export interface ProfileCode extends FunctionNames {
  /** Source line of an address, from debug information. */
  lineAt(address: number): { readonly file: string; readonly line: number } | undefined;
  /** Which kind of instruction stands at an address. */
  kindAt(address: number): InstructionKind;
}

/** `atomic` both loads and stores; `branch` is conditional; `call` is a system call. */
export type InstructionKind = 'load' | 'store' | 'atomic' | 'branch' | 'call' | 'other';

/** Name of a function where none is known. */
export const functionName = (code: FunctionNames, address: number): string =>
  code.functionAt(address)?.name ?? `0x${address.toString(16)}`;

/** Instructions of a node and all that it called. */
export function inclusive(node: CallNode): number {
  let sum = 0;
  for (const each of walk(node)) sum += each.node.self;
  return sum;
}

/** A node with its callers, the outermost first. */
export interface CallPath {
  readonly node: CallNode;
  /** From the root down to the node itself. */
  readonly path: readonly CallNode[];
}

/** All nodes of a tree, callers before those they call. Deep recursion does not deepen the host's stack. */
export function* walk(root: CallNode): Generator<CallPath> {
  const left: CallPath[] = [{ node: root, path: [root] }];
  for (let next = left.pop(); next; next = left.pop()) {
    yield next;
    for (let i = next.node.children.length - 1; i >= 0; i--) {
      const child = next.node.children[i];
      left.push({ node: child, path: [...next.path, child] });
    }
  }
}

/** Retired instructions of a hart: the sum over its instructions. */
export const retired = ({ counts }: HartProfile): number =>
  counts.executions.reduce((sum, each) => sum + each, 0);

/** The counts of several harts added up, in the order of addresses. */
export function addCounts(all: readonly InstructionCounts[]): InstructionCounts {
  const sums = new Map<number, { executions: number; taken: number }>();
  for (const { addresses, executions, taken } of all) {
    addresses.forEach((address, i) => {
      const sum = sums.get(address) ?? { executions: 0, taken: 0 };
      sum.executions += executions[i];
      sum.taken += taken[i];
      sums.set(address, sum);
    });
  }
  const ordered = [...sums].sort(([a], [b]) => a - b);
  return {
    addresses: Float64Array.from(ordered, ([address]) => address),
    executions: Float64Array.from(ordered, ([, sum]) => sum.executions),
    taken: Float64Array.from(ordered, ([, sum]) => sum.taken),
  };
}
