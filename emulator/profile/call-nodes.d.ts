import type { CallTreeNode } from '../engine/call-tree';
import type { CallArc, CallNode } from './model';
/** A hart's calls as the profile has them. */
export interface Calls {
  readonly root: CallNode;
  readonly arcs: readonly CallArc[];
}
/**
 * The tree and the arcs of what a `CallTree` has gathered.
 * @param nodes by their numbers, the root at 1; an edge to a node with a lower number is a recursion
 */
export declare function callsOf(nodes: readonly CallTreeNode[]): Calls;
