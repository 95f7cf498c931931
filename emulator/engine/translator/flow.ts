import type { Graph, Node } from './dominators';
import { edgesOf, isSwitch, type Block, type Edge, type Item } from './region';

/**
 * What is known of the registers at a point of a region: sets of register numbers as bits.
 *
 * A floating-point register has two locals: an `f32` for its value as a single (`single`), which is the canonical
 * NaN if it is none, and an `f64` for all bits (`double`). At each point one of them or both are valid; if the
 * second is not, the register holds a boxed single.
 */
export interface RegisterState {
  /** Integer and floating-point registers whose local may differ from the hart's context. */
  dirtyX: number;
  dirtyF: number;
  single: number;
  double: number;
  /** Of the singles those that are all there is to the register: it holds a boxed single. */
  boxed: number;
}

/** Registers whose locals may still be read: by code, or by an exit that stores them. */
export interface LiveSet {
  x: number;
  f: number;
}

export interface RegisterFlow {
  /** The state at the beginning of a node's block. */
  before(node: Node): Readonly<RegisterState>;
  /** Registers that must be in their locals at the beginning of a node's block. */
  live(node: Node): Readonly<LiveSet>;
  /** Integer registers that are in their locals at the region's switch; the context has all others. */
  readonly kept: number;
}

const bit = (register: number): number => 1 << register;

/** A register that this part of a switch's targets need stays in its local there. */
const KEPT_PART = 1 / 4;

/** What an instruction does to the state of the registers. */
function advance(state: RegisterState, { decoded, traits }: Item): void {
  for (const { field, view } of traits.readsF) {
    if (view === 's') state.single |= bit(decoded[field]);
    else if (view === 'd') state.double |= bit(decoded[field]);
  }
  if (traits.writesX && decoded.rd !== 0) state.dirtyX |= bit(decoded.rd);
  if (traits.writesF) {
    const register = bit(decoded.rd);
    state.dirtyF |= register;
    const isSingle = traits.writesF === 's';
    state.single = isSingle ? state.single | register : state.single & ~register;
    state.boxed = isSingle ? state.boxed | register : state.boxed & ~register;
    state.double = isSingle ? state.double & ~register : state.double | register;
  }
}

/** Nothing is dirty, and floating-point registers are held as 64 bits. */
export const ALL_LOADED: Readonly<RegisterState> = {
  dirtyX: 0,
  dirtyF: 0,
  single: 0,
  double: -1,
  boxed: 0,
};

/** After a call all registers are in the context, and those that are needed are loaded as 64 bits. */
export function forget(state: RegisterState): void {
  Object.assign(state, ALL_LOADED);
}

/** On the way to a switch only some integer registers stay in their locals. */
function forgetBut(state: RegisterState, kept: number): void {
  Object.assign(state, { ...ALL_LOADED, dirtyX: state.dirtyX & kept });
}

const stateAfter = (before: Readonly<RegisterState>, block: Block): RegisterState => {
  const state = { ...before };
  for (const item of block.items) advance(state, item);
  if (block.terminator.kind === 'call') forget(state);
  return state;
};

/** Registers whose first use in the order of the blocks is as a single. */
function firstUsedAsSingle({ nodes }: Graph): number {
  let seen = 0;
  let single = 0;
  for (const { block } of nodes) {
    for (const { decoded, traits } of block.items) {
      for (const { field, view } of traits.readsF) {
        if ((seen & bit(decoded[field])) === 0 && view === 's') single |= bit(decoded[field]);
        seen |= bit(decoded[field]);
      }
      if (traits.writesF) seen |= bit(decoded.rd);
    }
  }
  return single;
}

export function analyseRegisters(graph: Graph): RegisterFlow {
  const kept = keptIn(graph);
  const before = forward(graph, kept);
  const live = backward(graph, before, kept);
  return { before: ({ index }) => before[index], live: ({ index }) => live[index], kept };
}

/** Integer registers that enough of a switch's targets read what they held before. */
function keptIn(graph: Graph): number {
  const { terminator } = graph.nodes[0].block;
  if (terminator.kind !== 'switch') return 0;
  const nothing = graph.nodes.map(() => ALL_LOADED);
  const live = backward(graph, nothing, 0);
  const reads = terminator.targets.flatMap(({ to }) => (to ? live[graph.nodeOf(to).index].x : []));
  let kept = 0;
  for (let n = 1; n < 32; n++) {
    const count = reads.filter((set) => (set & bit(n)) !== 0).length;
    if (count >= reads.length * KEPT_PART) kept |= bit(n);
  }
  return kept;
}

/** Where ways with different views of a register meet, it is held as 64 bits. */
function forward(graph: Graph, kept: number): RegisterState[] {
  const { nodes } = graph;
  const unknown: RegisterState = { dirtyX: 0, dirtyF: 0, single: -1, double: -1, boxed: -1 };
  const states = nodes.map((): RegisterState => ({ ...unknown }));
  const incoming = nodes.map((): Node[] => []);
  for (const node of nodes) {
    for (const { to } of edgesOf(node.block)) if (to) incoming[graph.nodeOf(to).index].push(node);
  }
  const single = firstUsedAsSingle(graph);
  const entry: RegisterState = isSwitch(nodes[0].block)
    ? { ...ALL_LOADED }
    : { dirtyX: 0, dirtyF: 0, single, double: ~single, boxed: single };
  for (let changed = true; changed;) {
    changed = false;
    nodes.forEach((_, i) => {
      const old = states[i];
      const ways = incoming[i].map((from) => stateAfter(states[from.index], from.block));
      if (isSwitch(nodes[i].block)) for (const way of ways) forgetBut(way, kept);
      if (i === 0) ways.push(entry);
      const meet: RegisterState = { ...old, double: -1 };
      for (const way of ways) {
        meet.dirtyX |= way.dirtyX;
        meet.dirtyF |= way.dirtyF;
        // Only ever loses registers, so that this ends.
        meet.single &= way.single;
        meet.boxed &= way.boxed;
        meet.double &= way.double;
      }
      meet.double |= ~meet.boxed;
      if (
        meet.dirtyX !== old.dirtyX ||
        meet.dirtyF !== old.dirtyF ||
        meet.single !== old.single ||
        meet.boxed !== old.boxed ||
        meet.double !== old.double
      ) {
        states[i] = meet;
        changed = true;
      }
    });
  }
  return states;
}

function backward(
  graph: Graph,
  before: readonly Readonly<RegisterState>[],
  kept: number,
): LiveSet[] {
  const { nodes } = graph;
  const live = nodes.map((): LiveSet => ({ x: 0, f: 0 }));
  for (let changed = true; changed;) {
    changed = false;
    for (let i = nodes.length - 1; i >= 0; i--) {
      const next = isSwitch(nodes[i].block)
        ? { x: kept, f: 0 }
        : liveBefore(nodes[i], graph, before[i], live);
      if (next.x === live[i].x && next.f === live[i].f) continue;
      live[i] = next;
      changed = true;
    }
  }
  return live;
}

function liveBefore(
  node: Node,
  graph: Graph,
  before: Readonly<RegisterState>,
  live: readonly LiveSet[],
): LiveSet {
  const { items, terminator } = node.block;
  // What is dirty before each instruction, and after the last one.
  const state = { ...before };
  const dirty: LiveSet[] = [];
  for (const item of items) {
    dirty.push({ x: state.dirtyX, f: state.dirtyF });
    advance(state, item);
  }
  const atEnd: LiveSet = { x: state.dirtyX, f: state.dirtyF };
  const result: LiveSet = { x: 0, f: 0 };
  const add = ({ x, f }: LiveSet): void => {
    result.x |= x;
    result.f |= f;
  };
  const isBack = ({ to }: Edge): boolean =>
    to !== undefined && graph.nodeOf(to).index <= node.index;
  if (terminator.kind === 'call') add(atEnd);
  else {
    const edges = edgesOf(node.block);
    // Ways out store what is dirty; a way back does when the fuel is used up.
    const mayLeave = edges.length === 0 || terminator.kind === 'indirect';
    if (mayLeave || edges.some((edge) => !edge.to || isBack(edge))) add(atEnd);
    for (const { to } of edges) if (to) add(live[graph.nodeOf(to).index]);
  }
  for (let i = items.length - 1; i >= 0; i--) {
    const { decoded, traits } = items[i];
    if (traits.writesX) result.x &= ~bit(decoded.rd);
    if (traits.writesF) result.f &= ~bit(decoded.rd);
    for (const field of traits.readsX) result.x |= bit(decoded[field]);
    for (const { field } of traits.readsF) result.f |= bit(decoded[field]);
    if (traits.leaves) add(dirty[i]);
  }
  result.x &= ~1;
  return result;
}
