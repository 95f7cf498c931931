/** Ends a list of edges, and stands for "no node". */
const NONE = 0;
/** Deeper calls count as the function at this depth: a runaway recursion must not take the host's memory. */
const DEEPEST = 1 << 16;

/** A function in the place it was called from. A recursion is one node: what is called again is on the path already. */
export interface CallTreeNode {
  /** Where the function was entered. */
  readonly entry: number;
  readonly calls: number;
  /** Instructions that retired in it, without those of the functions that it called. */
  readonly self: number;
  /** Calls that it made, by the instruction that made them. */
  readonly edges: readonly CallTreeEdge[];
}

export interface CallTreeEdge {
  readonly site: number;
  readonly calls: number;
  /** Instructions from these calls to their returns; those inside a recursion count once. */
  readonly inclusive: number;
  /** Number of the node that is called. */
  readonly node: number;
}

/**
 * Who called whom, and how many instructions each retired: made from calls and returns in their order.
 *
 * A return goes back to the call whose return address it has, also over several (longjmp, exceptions); one
 * that fits no call changes nothing. A tail call counts as its caller.
 */
export class CallTree {
  /**
   * Nodes and edges, columns of numbers that grow; number 0 is none, node 1 the root.
   *
   * | nodes: entry, parent, first edge, how often it is on the stack, self, calls |
   * | edges: site, node, next edge of the same caller, calls, inclusive           |
   */
  private readonly entry: number[] = [0];
  private readonly parent: number[] = [NONE];
  private readonly firstEdge: number[] = [NONE];
  private readonly active: number[] = [0];
  private readonly self: number[] = [0];
  private readonly calls: number[] = [0];
  private readonly site: number[] = [0];
  private readonly callee: number[] = [NONE];
  private readonly nextEdge: number[] = [NONE];
  private readonly edgeCalls: number[] = [0];
  private readonly inclusive: number[] = [0];
  /** The stack: edge, return address, time of the call. */
  private readonly stack: number[] = [];
  private current: number;
  /** Calls beyond `DEEPEST` that have not returned. */
  private beyond = 0;
  private since: number;

  /**
   * @param entry where the hart begins
   * @param time instructions that it has retired
   */
  constructor(entry: number, time: number) {
    this.current = this.addNode(entry, NONE);
    this.calls[this.current] = 1;
    this.active[this.current] = 1;
    this.since = time;
  }

  /** @param time instructions retired, the calling one included */
  call(site: number, target: number, returnAddress: number, time: number): void {
    this.spend(time);
    if (this.stack.length >= 3 * DEEPEST) {
      this.beyond += 1;
      return;
    }
    const edge = this.edgeTo(site, target);
    const node = this.callee[edge];
    this.edgeCalls[edge] += 1;
    this.calls[node] += 1;
    this.active[node] += 1;
    this.stack.push(edge, returnAddress, time);
    this.current = node;
  }

  /** @param time instructions retired, the returning one included */
  return(target: number, time: number): void {
    this.spend(time);
    if (this.beyond > 0) {
      this.beyond -= 1;
      return;
    }
    const { stack } = this;
    let depth = stack.length - 3;
    while (depth >= 0 && stack[depth + 1] !== target) depth -= 3;
    if (depth < 0) return;
    while (stack.length > depth) this.leave(time);
  }

  /** Attributes what has run since the last call or return. */
  spend(time: number): void {
    this.self[this.current] += time - this.since;
    this.since = time;
  }

  /** All nodes by their numbers; number 0 is none, number 1 the root. Calls that have not returned count to here. */
  nodes(): CallTreeNode[] {
    const inclusive = [...this.inclusive];
    const seen = new Set<number>();
    for (let at = 0; at < this.stack.length; at += 3) {
      const [edge, , time] = this.stack.slice(at, at + 3);
      // The outermost of a recursion holds the inner ones.
      if (!seen.has(this.callee[edge])) inclusive[edge] += this.since - time;
      seen.add(this.callee[edge]);
    }
    return this.entry.map((entry, node) => {
      const edges: CallTreeEdge[] = [];
      for (let edge = this.firstEdge[node]; edge !== NONE; edge = this.nextEdge[edge]) {
        const [site, calls, callee] = [this.site[edge], this.edgeCalls[edge], this.callee[edge]];
        edges.push({ site, calls, inclusive: inclusive[edge], node: callee });
      }
      return { entry, calls: this.calls[node], self: this.self[node], edges: edges.reverse() };
    });
  }

  private leave(time: number): void {
    const called = this.stack.pop() ?? time;
    this.stack.pop();
    const edge = this.stack.pop() ?? NONE;
    const node = this.callee[edge];
    this.active[node] -= 1;
    if (this.active[node] === 0) this.inclusive[edge] += time - called;
    const above = this.stack.at(-3);
    this.current = above === undefined ? 1 : this.callee[above];
  }

  private edgeTo(site: number, target: number): number {
    const { current } = this;
    for (let edge = this.firstEdge[current]; edge !== NONE; edge = this.nextEdge[edge]) {
      if (this.site[edge] === site && this.entry[this.callee[edge]] === target) return edge;
    }
    const edge = this.site.push(site) - 1;
    this.callee.push(this.nodeFor(target));
    this.nextEdge.push(this.firstEdge[current]);
    this.edgeCalls.push(0);
    this.inclusive.push(0);
    this.firstEdge[current] = edge;
    return edge;
  }

  /** The node of a function that the current one calls: on the path already, called from another site, or new. */
  private nodeFor(target: number): number {
    for (let node = this.current; node !== NONE; node = this.parent[node]) {
      if (this.entry[node] === target) return node;
    }
    for (let edge = this.firstEdge[this.current]; edge !== NONE; edge = this.nextEdge[edge]) {
      const node = this.callee[edge];
      if (this.entry[node] === target) return node;
    }
    return this.addNode(target, this.current);
  }

  private addNode(entry: number, parent: number): number {
    this.parent.push(parent);
    this.firstEdge.push(NONE);
    this.active.push(0);
    this.self.push(0);
    this.calls.push(0);
    return this.entry.push(entry) - 1;
  }
}
