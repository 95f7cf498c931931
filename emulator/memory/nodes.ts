import { HEADER, NODE_BYTES, type ArenaViews } from './arena-layout';
import { acquire, release } from './lock';

/**
 * The arena's page-table nodes: 64 words each, reference-counted (a node's parents are top tables and
 * other nodes). Node 0 means "none". Free nodes are linked through their first word.
 */
export class Nodes {
  private readonly base: number;
  private readonly refs: number;

  constructor(private readonly views: ArenaViews) {
    this.base = views.regions.nodes >>> 2;
    this.refs = views.regions.nodeRefs >>> 2;
  }

  reset(): void {
    const { u32, i32 } = this.views;
    u32.fill(0, this.refs, this.refs + u32[HEADER.nodesNext]);
    u32[HEADER.nodesFree] = 0;
    u32[HEADER.nodesNext] = 1;
    u32[HEADER.nodesUsed] = 0;
    Atomics.store(i32, HEADER.nodeLock, 0);
  }

  get used(): number {
    return this.views.u32[HEADER.nodesUsed];
  }

  /** Word index of a node's first entry. */
  word(node: number): number {
    return this.base + node * (NODE_BYTES / 4);
  }

  /** A node with one reference and undefined contents, 0 when there is none left. */
  allocate(): number {
    const { u32, i32, counts } = this.views;
    acquire(i32, HEADER.nodeLock);
    let node = u32[HEADER.nodesFree];
    if (node !== 0) {
      u32[HEADER.nodesFree] = u32[this.word(node)];
    } else if (u32[HEADER.nodesNext] < counts.nodes) {
      node = u32[HEADER.nodesNext]++;
    }
    if (node !== 0) u32[HEADER.nodesUsed]++;
    release(i32, HEADER.nodeLock);
    if (node !== 0) Atomics.store(i32, this.refs + node, 1);
    return node;
  }

  retain(node: number): void {
    Atomics.add(this.views.i32, this.refs + node, 1);
  }

  /** One reference less. True when it was the last: the caller releases the entries, then calls `free`. */
  drop(node: number): boolean {
    return Atomics.sub(this.views.i32, this.refs + node, 1) === 1;
  }

  free(node: number): void {
    const { u32, i32 } = this.views;
    acquire(i32, HEADER.nodeLock);
    u32[this.word(node)] = u32[HEADER.nodesFree];
    u32[HEADER.nodesFree] = node;
    u32[HEADER.nodesUsed]--;
    release(i32, HEADER.nodeLock);
  }

  references(node: number): number {
    return Atomics.load(this.views.i32, this.refs + node);
  }
}
