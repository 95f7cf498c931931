import { orders } from '../interpreter';
import { analyseGraph, type Graph, type Node } from './dominators';
import { edgesOf, type Block, type Edge, type Item, type Region, type Terminator } from './region';

/** Accesses through one register that lie so close together that one page serves them for some rounds of a loop. */
export interface Window {
  /** The integer register that holds the address. */
  readonly register: number;
  /** The least immediate of the accesses: the window's address in the arena is that of `register` plus this. */
  base: number;
  /** The bytes that a round accesses, from `low` to before `high`, from the register's value at the loop's head. */
  low: number;
  high: number;
  /** The most bytes by which the register moves in a round; negative: towards lower addresses. */
  readonly step: number;
  reads: boolean;
  writes: boolean;
}

/**
 * A loop whose rounds can be run in strips: before a strip it is known how many rounds stay within the pages of its
 * windows, so that a round need not look its pages up.
 */
export interface Strip {
  readonly windows: readonly Window[];
  /** The fewest instructions in a round. */
  readonly round: number;
  /** Accesses in windows. */
  readonly accesses: number;
  /** The window of an access. */
  windowOf(item: Item): Window | undefined;
}

/** Instructions of a loop at most, and of all loops in a region: they are written twice. */
const LOOP_LIMIT = 64;
const LOOPS_LIMIT = 192;
/** A larger step leaves its page after too few rounds. */
const STEP_LIMIT = 256;
/** Bytes in a window: the wider it is, the more often it crosses a page. */
const WIDTH_LIMIT = 256;
const WINDOWS_LIMIT = 6;

/** The nodes from which `sources` can be reached without going through `head`, with the head first. */
function loopOf(
  incoming: readonly (readonly Node[])[],
  head: Node,
  sources: readonly Node[],
): Node[] {
  const inside = new Set<Node>([head]);
  const open = [...sources];
  for (let node = open.pop(); node; node = open.pop()) {
    if (inside.has(node)) continue;
    inside.add(node);
    open.push(...incoming[node.index]);
  }
  return [...inside].toSorted((a, b) => a.index - b.index);
}

/**
 * The loops that begin at a node, largest first: that of all edges back to it, and those of each. In a region that is
 * entered at the head of an inner loop, the outer ones lead back there too.
 */
function loopsOf(graph: Graph, head: Node): Node[][] {
  const incoming = graph.nodes.map((): Node[] => []);
  for (const node of graph.nodes) {
    for (const { to } of edgesOf(node.block)) if (to) incoming[graph.nodeOf(to).index].push(node);
  }
  const sources = [...new Set(incoming[head.index].filter(({ index }) => index >= head.index))];
  const each = sources.length > 1 ? sources.map((source) => [source]) : [];
  return [sources, ...each]
    .map((list) => loopOf(incoming, head, list))
    .toSorted((a, b) => sizeOf(b) - sizeOf(a));
}

const sizeOf = (nodes: readonly Node[]): number =>
  nodes.reduce((sum, { block }) => sum + block.items.length, 0);

/** Whether there is no other loop, call, switch or atomic instruction in a loop. */
const isPlain = ([head, ...rest]: readonly Node[]): boolean =>
  rest.every(({ isLoopHead }) => !isLoopHead) &&
  [head, ...rest].every(
    ({ block: { terminator, items } }) =>
      terminator.kind !== 'call' &&
      terminator.kind !== 'switch' &&
      items.every(({ decoded }) => !orders(decoded.instruction)),
  );

interface Range {
  low: number;
  high: number;
}

const join = (a: Range | undefined, b: Range): Range =>
  a ? { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) } : { ...b };

/** How the integer registers move in a loop. */
class Motion {
  /** Registers that the loop changes by anything but adding constants. */
  private readonly varying = new Set<number>();
  /** How far each register may be from its value at the head, at the beginning of each node. */
  private readonly before = new Map<Node, Map<number, Range>>();
  private readonly steps = new Map<number, Range>();
  /** The fewest instructions in a round. */
  readonly round: number;

  constructor(graph: Graph, nodes: readonly Node[]) {
    const moving = new Set<number>();
    for (const { block } of nodes) {
      for (const { decoded, traits } of block.items) {
        if (!traits.writesX || decoded.rd === 0) continue;
        const { instruction, rd, rs1 } = decoded;
        (instruction.name === 'addi' && rd === rs1 ? moving : this.varying).add(rd);
      }
    }
    const [head] = nodes;
    const least = new Map<Node, number>([[head, 0]]);
    let round = Infinity;
    this.before.set(head, new Map([...moving].map((n) => [n, { low: 0, high: 0 }])));
    for (const node of nodes) {
      const at = new Map(this.before.get(node));
      for (const item of node.block.items) this.advance(at, item);
      const count = least.get(node)! + node.block.items.length;
      for (const { to } of edgesOf(node.block)) {
        const next = to && graph.nodeOf(to);
        if (!next || !nodes.includes(next)) continue;
        if (next === head) {
          round = Math.min(round, count);
          for (const [n, range] of at) this.steps.set(n, join(this.steps.get(n), range));
          continue;
        }
        least.set(next, Math.min(least.get(next) ?? Infinity, count));
        const known = this.before.get(next) ?? new Map<number, Range>();
        for (const [n, range] of at) known.set(n, join(known.get(n), range));
        this.before.set(next, known);
      }
    }
    this.round = round;
  }

  private advance(at: Map<number, Range>, { decoded }: Item): void {
    const { rd, imm } = decoded;
    const range = at.get(rd);
    if (!range || decoded.instruction.name !== 'addi' || rd !== decoded.rs1) return;
    at.set(rd, { low: range.low + imm, high: range.high + imm });
  }

  /** How much a register moves in a round; undefined when that is not known or has no direction. */
  step(register: number): number | undefined {
    if (register === 0 || this.varying.has(register)) return undefined;
    const { low, high } = this.steps.get(register) ?? { low: 0, high: 0 };
    const step = low < 0 ? low : high;
    return (low < 0 && high > 0) || Math.abs(step) > STEP_LIMIT ? undefined : step;
  }

  /** The accesses in a node through registers whose steps are known: which bytes, from the values at the head. */
  accesses(
    node: Node,
  ): { item: Item; register: number; step: number; low: number; high: number }[] {
    const at = new Map(this.before.get(node));
    const list = [];
    for (const item of node.block.items) {
      const { traits, decoded } = item;
      const step = traits.access && this.step(decoded.rs1);
      if (traits.access && step !== undefined) {
        const register = decoded.rs1;
        const { low, high } = at.get(register) ?? { low: 0, high: 0 };
        const { imm } = decoded;
        list.push({ item, register, step, low: low + imm, high: high + imm + traits.access.bytes });
      }
      this.advance(at, item);
    }
    return list;
  }
}

function stripOf(graph: Graph, nodes: readonly Node[]): Strip | undefined {
  const motion = new Motion(graph, nodes);
  const windows: Window[] = [];
  const windowOf = new Map<Item, Window>();
  const accesses = nodes.flatMap((node) => motion.accesses(node));
  for (const { item, register, step, low, high } of accesses.toSorted((a, b) => a.low - b.low)) {
    let window = windows.find(
      (other) =>
        other.register === register && Math.max(other.high, high) - other.low <= WIDTH_LIMIT,
    );
    const { imm } = item.decoded;
    if (!window) {
      if (windows.length === WINDOWS_LIMIT || high - low > WIDTH_LIMIT) continue;
      window = { register, base: imm, low, high, step, reads: false, writes: false };
      windows.push(window);
    }
    window.base = Math.min(window.base, imm);
    window.high = Math.max(window.high, high);
    if (item.traits.access!.writes) window.writes = true;
    else window.reads = true;
    windowOf.set(item, window);
  }
  if (windows.length === 0) return undefined;
  const { round } = motion;
  return { windows, round, accesses: windowOf.size, windowOf: (item) => windowOf.get(item) };
}

/** The edges of a terminator, replaced. */
function withEdges(terminator: Terminator, change: (edge: Edge) => Edge): Terminator {
  switch (terminator.kind) {
    case 'jump':
      return { ...terminator, edge: change(terminator.edge) };
    case 'branch':
      return { ...terminator, taken: change(terminator.taken), fall: change(terminator.fall) };
    case 'call':
      return { ...terminator, next: change(terminator.next) };
    case 'indirect':
      return {
        ...terminator,
        guesses: terminator.guesses.map(change),
        ...(terminator.via && { via: change(terminator.via) }),
      };
    case 'switch':
      return { ...terminator, targets: terminator.targets.map(change) };
    default:
      return terminator;
  }
}

/**
 * The region's graph, with loops that can be run in strips written twice: as they are, which is how they are entered and
 * what runs at the end of a page or without a delta, and as rounds of a strip. Between them stands a block that
 * finds out how long the next strip may be. Rounds come before it, so that short loops do not pay for it, and so that
 * it sees registers as a round leaves them.
 */
export function graphWithStrips(region: Region): Graph {
  const graph = analyseGraph(region);
  const strips = new Map<Block, Choice>();
  let room = LOOPS_LIMIT;
  for (const head of graph.nodes) {
    const choice = head.isLoopHead ? choose(graph, head, Math.min(LOOP_LIMIT, room)) : undefined;
    if (!choice) continue;
    room -= choice.size;
    strips.set(head.block, choice);
  }
  return strips.size === 0 ? graph : analyseGraph({ ...region, blocks: copy(region, strips) });
}

interface Choice {
  readonly strip: Strip;
  readonly blocks: ReadonlySet<Block>;
  readonly size: number;
}

/** Of the loops that begin at a node the one with the most accesses in windows. */
function choose(graph: Graph, head: Node, limit: number): Choice | undefined {
  let best: Choice | undefined;
  for (const nodes of loopsOf(graph, head)) {
    const size = sizeOf(nodes);
    const strip = size <= limit && isPlain(nodes) ? stripOf(graph, nodes) : undefined;
    if (!strip || (best && best.strip.accesses >= strip.accesses)) continue;
    best = { strip, blocks: new Set(nodes.map(({ block }) => block)), size };
  }
  return best;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function copy(region: Region, strips: ReadonlyMap<Block, Choice>): Block[] {
  const result: Block[] = [];
  const add = (block: Block): Mutable<Block> => {
    const clone = { ...block };
    result.push(clone);
    return clone;
  };
  const plain = new Map(region.blocks.map((block) => [block, add(block)]));
  const outside = ({ pc, to }: Edge): Edge => ({ pc, to: to && plain.get(to) });
  for (const [block, clone] of plain) clone.terminator = withEdges(block.terminator, outside);
  for (const [first, { strip, blocks }] of strips) {
    const { pc } = first;
    const rounds = new Map([...blocks].map((block) => [block, add({ ...block, strip })]));
    const checked = new Map([...blocks].map((block) => [block, plain.get(block)!]));
    const fast = { pc, to: rounds.get(first) };
    const again = { pc, to: checked.get(first) };
    const next = add({ pc, items: [], terminator: { kind: 'strip', strip, fast, checked: again } });
    again.to!.begins = strip;
    for (const copies of [rounds, checked]) {
      const inside = (edge: Edge): Edge => {
        const to = edge.to && copies.get(edge.to);
        if (!to) return outside(edge);
        return { pc: edge.pc, to, ...(edge.to === first && { ends: { pc, to: next } }) };
      };
      for (const [block, clone] of copies) clone.terminator = withEdges(block.terminator, inside);
    }
  }
  return result;
}
