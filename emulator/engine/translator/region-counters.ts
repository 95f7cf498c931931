import { i32, i64, type Expr, type FunctionBuilder, type Local } from '../../wasm';
import { COUNTING, isLink, RETURNED } from '../counting-layout';
import type { Graph, Node } from './dominators';
import { edgesOf, type Block } from './region';

/** What the counters of a module count, in their order: see `COUNTERS_SECTION` in counting-layout.ts. */
export class CounterSites {
  private readonly indices = new Map<number, number>();

  indexOf(site: number): number {
    let index = this.indices.get(site);
    if (index === undefined) this.indices.set(site, (index = this.indices.size));
    return index;
  }

  get words(): Uint32Array {
    return Uint32Array.from(this.indices.keys());
  }
}

/**
 * The counters of a region. In loops without calls they are locals, which are added to the memory where the region is
 * left: an addition in a register costs a round next to nothing.
 */
export class RegionCounters {
  private readonly quick: ReadonlySet<Node>;
  private readonly locals = new Map<number, Local<'i32'>>();

  /**
   * @param base where the module's counters begin, from those of all modules
   */
  constructor(
    private readonly f: FunctionBuilder,
    private readonly context: Local<'i32'>,
    private readonly base: Expr<'i32'>,
    private readonly sites: CounterSites,
    graph: Graph,
  ) {
    this.quick = nodesOfPlainLoops(graph);
  }

  /** Whether there are locals to `flush` where the region is left. */
  get isDeferred(): boolean {
    return this.quick.size > 0;
  }

  /** The branch or jump at `site`, which ends the node's block, goes to its target so many times. */
  taken(node: Node, site: number, times: Expr<'i32'> = i32.const(1)): void {
    const index = this.sites.indexOf(site);
    if (!this.quick.has(node)) {
      this.add(index, i64.extend_i32_u(times));
      return;
    }
    let local = this.locals.get(index);
    if (!local) this.locals.set(index, (local = this.f.local('i32')));
    this.f.set(local, i32.add(local, times));
  }

  /** The call at `site` has returned. */
  returned(site: number): void {
    this.add(this.sites.indexOf(site | RETURNED), i64.const(1));
  }

  /** Adds the locals to the counters in memory; the region ends. */
  flush(): void {
    for (const [index, local] of this.locals) this.add(index, i64.extend_i32_u(local));
  }

  private add(index: number, amount: Expr<'i64'>): void {
    this.f.scope((temp) => {
      const at = temp('i32');
      this.f.set(at, i32.add(i32.load(this.context, COUNTING.regionCounters), this.base));
      this.f.do(i64.store(at, i64.add(i64.load(at, 8 * index), amount), 8 * index));
    });
  }
}

/** Of a block that ends with an indirect jump whether that is a return. */
export function returns({ items }: Block): boolean {
  const last = items.at(-1);
  return last !== undefined && !isLink(last.decoded.rd) && isLink(last.decoded.rs1);
}

/** The nodes of loops in which nothing is called. */
function nodesOfPlainLoops(graph: Graph): Set<Node> {
  const { nodes } = graph;
  const incoming = nodes.map((): Node[] => []);
  for (const node of nodes) {
    for (const { to } of edgesOf(node.block)) if (to) incoming[graph.nodeOf(to).index].push(node);
  }
  const plain = new Set<Node>();
  for (const head of nodes.filter(({ isLoopHead }) => isLoopHead)) {
    const inside = new Set([head]);
    const open = incoming[head.index].filter(({ index }) => index >= head.index);
    for (let node = open.pop(); node; node = open.pop()) {
      if (inside.has(node)) continue;
      inside.add(node);
      open.push(...incoming[node.index]);
    }
    const calls = [...inside].some(({ block }) => block.terminator.kind === 'call');
    if (!calls) for (const node of inside) plain.add(node);
  }
  return plain;
}
