import type { CountingHeap } from './counting-heap';
import { COUNTING, EDGE, FRAME, NODE, PENDING } from './counting-layout';
import type { HartState } from './hart-state';

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
 * Where a hart's calls are, in a counting heap:
 *
 * | offset | type | field |
 * |--------|------|-------|
 * | 0      | u32  | the edge that stands for the hart's start; its node is the root |
 * | 4      | u32  | memory of open calls |
 * | 8      | u32  | its bytes |
 * | 12     | u32  | an edge that fits no call |
 * | 16     | u32  | the last chunk of nodes and edges; its first word is the one before it |
 * | 20     | u32  | bytes of that chunk that are in use |
 * | 24     | u32  | where a return has gone to that ended no call while none was open; 0 = there was none |
 * | 28     | u32  | instructions retired until then, modulo 2^32 |
 */
const CALLS = {
  root: 0,
  stack: 4,
  stackBytes: 8,
  none: 12,
  chunk: 16,
  used: 20,
  outer: 24,
  outerSince: 28,
} as const;

const CHUNK_BYTES = 4096;
const CHUNK_HEADER = 64;
const FIRST_STACK = 4096;
/** Beyond so many bytes of open calls (a runaway recursion) all count as returned. */
const LARGEST_STACK = 4 << 20;
/** An address that no instruction has. */
const NOWHERE = 1;

/**
 * Who called whom, and how many instructions each retired. WebAssembly keeps the tree's numbers and the stack of open
 * calls (call-code.ts); here it grows.
 *
 * A return goes back to the call whose return address it has, also over several (longjmp, exceptions); one
 * that fits no open call changes nothing. Where no call is open the hart began in the middle of a function, as
 * forks do, and goes on in that one's caller, which is the root from then on. A tail call counts as its caller.
 */
export class CallGraph {
  /** @param at where `CALLS` lies */
  constructor(
    private readonly heap: CountingHeap,
    private readonly at: number,
  ) {}

  private get(field: number): number {
    return this.heap.u32[(this.at + field) >>> 2];
  }

  private set(field: number, value: number): void {
    this.heap.u32[(this.at + field) >>> 2] = value;
  }

  /** The hart begins where it is. @returns false when there is no room */
  begin(hart: HartState): boolean {
    const { heap } = this;
    const stack = heap.allocate(FIRST_STACK);
    if (stack === 0) return false;
    this.set(CALLS.stack, stack);
    this.set(CALLS.stackBytes, FIRST_STACK);
    const none = this.allocate(EDGE.size);
    const root = none && this.newNode(hart.pc, 0);
    const edge = root && this.allocate(EDGE.size);
    if (edge === 0) return false;
    this.set(CALLS.root, edge);
    writeEdge(heap, edge, { site: NOWHERE, target: hart.pc, node: root, next: 0 });
    this.setFrame(stack, edge, NOWHERE, hart.instret);
    hart.setField(COUNTING.top, stack);
    hart.setField(COUNTING.end, stack + FIRST_STACK);
    hart.setField(COUNTING.pending, 0);
    return true;
  }

  /** Does what WebAssembly has left to do: grows the tree or the stack, or looks for the call that a return ends. */
  resolve(hart: HartState): void {
    const kind = hart.field(COUNTING.pending);
    hart.setField(COUNTING.pending, 0);
    const time = hart.longField(COUNTING.pendingTime);
    if (kind === PENDING.return) this.leave(hart, hart.field(COUNTING.pendingTarget), time);
    // Translated code needs room for as many calls as it may make.
    else this.makeRoom(hart, kind === PENDING.call ? time : hart.instret);
    if (kind !== PENDING.call) return;
    const top = hart.field(COUNTING.top);
    const node = this.word(this.word(top + FRAME.edge) + EDGE.node);
    const site = hart.field(COUNTING.pendingSite);
    const edge = this.edgeTo(node, site, hart.field(COUNTING.pendingTarget));
    // Without room for it the call counts as its caller.
    if (edge === 0) return;
    this.setFrame(top + FRAME.size, edge, hart.field(COUNTING.pendingReturn), time);
    hart.setField(COUNTING.top, top + FRAME.size);
  }

  /**
   * All nodes by their numbers; number 0 is none, number 1 the root. Calls that have not returned count to here. Call
   * `resolve` first.
   */
  nodes(hart: HartState): CallTreeNode[] {
    const open = new Map<number, { calls: number; time: number }>();
    for (let at = this.get(CALLS.stack); at <= hart.field(COUNTING.top); at += FRAME.size) {
      const edge = this.word(at + FRAME.edge);
      const known = open.get(edge) ?? { calls: 0, time: 0 };
      const time = known.time + hart.instret - this.heap.long(at + FRAME.time);
      open.set(edge, { calls: known.calls + 1, time });
    }
    const reading = (edge: number): EdgeReading => ({
      site: this.word(edge + EDGE.site),
      node: this.word(edge + EDGE.node),
      calls: this.heap.long(edge + EDGE.calls) + (open.get(edge)?.calls ?? 0),
      time: this.heap.long(edge + EDGE.time) + (open.get(edge)?.time ?? 0),
    });
    const root = reading(this.get(CALLS.root));
    // A vCPU's own return goes to no code, and nothing retires there.
    const goesOn = hart.instret % 2 ** 32 !== this.get(CALLS.outerSince);
    const outer = goesOn ? this.get(CALLS.outer) : 0;
    return callTree(root, {
      entry: (node) => (node === root.node && outer) || this.word(node + NODE.entry),
      parent: (node) => this.word(node + NODE.parent),
      edges: (node) => this.edgesOf(node).map(reading).reverse(),
    });
  }

  /** Gives all memory back. */
  free(): void {
    const { heap } = this;
    for (let chunk = this.get(CALLS.chunk); chunk !== 0;) {
      const before = this.word(chunk);
      heap.free(chunk, CHUNK_BYTES);
      chunk = before;
    }
    if (this.get(CALLS.stack) !== 0) heap.free(this.get(CALLS.stack), this.get(CALLS.stackBytes));
  }

  private word(address: number): number {
    return this.heap.u32[address >>> 2];
  }

  private setFrame(at: number, edge: number, returnAddress: number, time: number): void {
    const { heap } = this;
    heap.u32[(at + FRAME.edge) >>> 2] = edge;
    heap.u32[(at + FRAME.returnAddress) >>> 2] = returnAddress;
    heap.setLong(at + FRAME.time, time);
  }

  private leave(hart: HartState, target: number, time: number): void {
    const base = this.get(CALLS.stack);
    const top = hart.field(COUNTING.top);
    for (let at = top; at > base; at -= FRAME.size) {
      if (this.word(at + FRAME.returnAddress) === target) {
        this.close(hart, at, time);
        return;
      }
    }
    if (top > base) return;
    this.set(CALLS.outer, target);
    this.set(CALLS.outerSince, time);
  }

  /** The calls from `last` on have returned. */
  private close(hart: HartState, last: number, time: number): void {
    const { heap } = this;
    for (let at = hart.field(COUNTING.top); at >= last; at -= FRAME.size) {
      const edge = this.word(at + FRAME.edge);
      heap.setLong(edge + EDGE.calls, heap.long(edge + EDGE.calls) + 1);
      const taken = time - heap.long(at + FRAME.time);
      heap.setLong(edge + EDGE.time, heap.long(edge + EDGE.time) + taken);
    }
    hart.setField(COUNTING.top, last - FRAME.size);
  }

  private makeRoom(hart: HartState, time: number): void {
    const { heap } = this;
    const [stack, bytes] = [this.get(CALLS.stack), this.get(CALLS.stackBytes)];
    if (hart.field(COUNTING.top) - stack < bytes / 2) return;
    const larger = 2 * bytes > LARGEST_STACK ? 0 : heap.allocate(2 * bytes);
    if (larger === 0) {
      this.close(hart, stack + FRAME.size, time);
      return;
    }
    heap.u32.copyWithin(larger >>> 2, stack >>> 2, (stack + bytes) >>> 2);
    hart.setField(COUNTING.top, hart.field(COUNTING.top) - stack + larger);
    hart.setField(COUNTING.end, larger + 2 * bytes);
    this.set(CALLS.stack, larger);
    this.set(CALLS.stackBytes, 2 * bytes);
    heap.free(stack, bytes);
  }

  private *edges(node: number): Generator<number> {
    for (
      let edge = this.word(node + NODE.firstEdge);
      edge !== 0;
      edge = this.word(edge + EDGE.next)
    )
      yield edge;
  }

  private edgesOf(node: number): number[] {
    return [...this.edges(node)];
  }

  private edgeTo(from: number, site: number, target: number): number {
    for (const edge of this.edges(from)) {
      if (this.word(edge + EDGE.site) === site && this.word(edge + EDGE.target) === target)
        return edge;
    }
    const node = this.nodeFor(from, target);
    const edge = node && this.allocate(EDGE.size);
    if (edge === 0) return 0;
    writeEdge(this.heap, edge, { site, target, node, next: this.word(from + NODE.firstEdge) });
    this.heap.u32[(from + NODE.firstEdge) >>> 2] = edge;
    return edge;
  }

  /** The node of a function that `from` calls: on the path already, called from another site, or new. */
  private nodeFor(from: number, target: number): number {
    for (let node = from; node !== 0; node = this.word(node + NODE.parent)) {
      if (this.word(node + NODE.entry) === target) return node;
    }
    for (const edge of this.edges(from)) {
      if (this.word(edge + EDGE.target) === target) return this.word(edge + EDGE.node);
    }
    return this.newNode(target, from);
  }

  private newNode(entry: number, parent: number): number {
    const node = this.allocate(NODE.size);
    if (node === 0) return 0;
    const word = node >>> 2;
    this.heap.u32[word + NODE.entry / 4] = entry;
    this.heap.u32[word + NODE.parent / 4] = parent;
    const slots = word + NODE.slots / 4;
    this.heap.u32.fill(this.get(CALLS.none), slots, slots + NODE.slotCount);
    return node;
  }

  /** Memory for a node or an edge; 0 when there is none left. The first one is the edge that fits nothing. */
  private allocate(bytes: number): number {
    let chunk = this.get(CALLS.chunk);
    if (chunk === 0 || this.get(CALLS.used) + bytes > CHUNK_BYTES) {
      const made = this.heap.allocate(CHUNK_BYTES);
      if (made === 0) return 0;
      this.heap.u32[made >>> 2] = chunk;
      this.set(CALLS.chunk, (chunk = made));
      this.set(CALLS.used, CHUNK_HEADER);
    }
    const address = chunk + this.get(CALLS.used);
    this.set(CALLS.used, this.get(CALLS.used) + bytes);
    if (this.get(CALLS.none) === 0) {
      this.set(CALLS.none, address);
      this.heap.u32[(address + EDGE.site) >>> 2] = NOWHERE;
    }
    return address;
  }
}

function writeEdge(
  { u32 }: CountingHeap,
  edge: number,
  fields: {
    readonly site: number;
    readonly target: number;
    readonly node: number;
    readonly next: number;
  },
): void {
  u32[(edge + EDGE.site) >>> 2] = fields.site;
  u32[(edge + EDGE.target) >>> 2] = fields.target;
  u32[(edge + EDGE.node) >>> 2] = fields.node;
  u32[(edge + EDGE.next) >>> 2] = fields.next;
}

interface EdgeReading {
  readonly site: number;
  readonly node: number;
  readonly calls: number;
  readonly time: number;
}

interface TreeReader {
  entry(node: number): number;
  parent(node: number): number;
  edges(node: number): readonly EdgeReading[];
}

/**
 * The tree, callers before whom they call. A node's own instructions are those of all calls of it without those of
 * the calls that it made: that holds for recursions too, because a call inside of one counts on both sides.
 */
function callTree(root: EdgeReading, reader: TreeReader): CallTreeNode[] {
  const numbers = new Map<number, number>([[root.node, 1]]);
  const nodes = [0, root.node];
  const edges: (readonly EdgeReading[])[] = [[]];
  for (let i = 1; i < nodes.length; i++) {
    const made = reader.edges(nodes[i]);
    edges.push(made);
    for (const { node } of made) {
      if (!numbers.has(node)) numbers.set(node, nodes.push(node) - 1);
    }
  }
  const self = nodes.map(() => 0);
  const calls = nodes.map(() => 0);
  const number = (node: number): number => numbers.get(node) ?? 0;
  const count = (edge: EdgeReading, caller: number): void => {
    self[number(edge.node)] += edge.time;
    calls[number(edge.node)] += edge.calls;
    self[caller] -= edge.time;
  };
  count(root, 0);
  edges.forEach((made, caller) => made.forEach((edge) => count(edge, caller)));
  const inclusive = inclusiveTimes(edges, self, number);
  return nodes.map((node, i) => ({
    entry: i === 0 ? 0 : reader.entry(node),
    calls: calls[i],
    self: i === 0 ? 0 : self[i],
    edges: edges[i].map((edge, n) => ({
      site: edge.site,
      calls: edge.calls,
      inclusive: inclusive[i][n],
      node: number(edge.node),
    })),
  }));
}

/**
 * For each edge the instructions of its calls, those inside a recursion once. An edge that closes a recursion has none
 * of its own. Where a recursion leads back above a call, the measured times hold parts of it several times: then what
 * was counted in the tree below is shared among the callers.
 */
function inclusiveTimes(
  edges: readonly (readonly EdgeReading[])[],
  self: readonly number[],
  number: (node: number) => number,
): number[][] {
  const total = [...self];
  // The lowest node that calls below a node lead back to.
  const back = self.map((_, i) => i);
  for (let i = edges.length - 1; i > 0; i--) {
    const seen = new Set<number>();
    for (const { node } of edges[i]) {
      const callee = number(node);
      back[i] = Math.min(back[i], callee, back[callee]);
      if (callee <= i || seen.has(callee)) continue;
      seen.add(callee);
      total[i] += total[callee];
    }
  }
  return edges.map((made, caller) => {
    const sums = new Map<number, number>();
    for (const { node, time } of made) sums.set(node, (sums.get(node) ?? 0) + time);
    return made.map(({ node, time }) => {
      const callee = number(node);
      if (callee <= caller) return 0;
      if (back[callee] > caller) return time;
      const all = sums.get(node) ?? 0;
      return all === 0 ? 0 : Math.round((total[callee] * time) / all);
    });
  });
}
