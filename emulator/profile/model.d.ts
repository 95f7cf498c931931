/**
 * What a run cost, counted exactly: how often each instruction ran and who called whom, for each hart.
 * Profilers fill this in; the formats of other tools and the window's views are made from it.
 */
import type { InstructionCounts } from '../engine/flow-counts';
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
  /** `main`, `task 1 vCPU 2`, `thread 1001`. */
  readonly name: string;
  readonly counts: InstructionCounts;
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
}
export interface ProfiledFunction {
  readonly name: string;
  readonly address: number;
  /** Bytes. */
  readonly size: number;
}
/** What the formats need to know of the program's code. */
export interface ProfileCode {
  functionAt(address: number): ProfiledFunction | undefined;
  /** Source line of an address, from debug information. */
  lineAt(address: number):
    | {
        readonly file: string;
        readonly line: number;
      }
    | undefined;
  /** Which kind of instruction stands at an address. */
  kindAt(address: number): InstructionKind;
}
/** `atomic` both loads and stores; `branch` is conditional. */
export type InstructionKind = 'load' | 'store' | 'atomic' | 'branch' | 'other';
/** Name of a function where none is known. */
export declare const functionName: (code: ProfileCode, address: number) => string;
/** Instructions of a node and all that it called. */
export declare function inclusive(node: CallNode): number;
/** A node with its callers, the outermost first. */
export interface CallPath {
  readonly node: CallNode;
  /** From the root down to the node itself. */
  readonly path: readonly CallNode[];
}
/** All nodes of a tree, callers before those they call. Deep recursion does not deepen the host's stack. */
export declare function walk(root: CallNode): Generator<CallPath>;
/** Retired instructions of a hart: the sum over its instructions. */
export declare const retired: ({ counts }: HartProfile) => number;
/** The counts of several harts added up, in the order of addresses. */
export declare function addCounts(all: readonly InstructionCounts[]): InstructionCounts;
