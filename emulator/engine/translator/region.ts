import { decode } from '../../isa/decoder';
import type { Decoded } from '../../isa/types';
import type { Strip } from './strips';
import { traitsOf, type Traits } from './traits';

/** The most instructions in a region: V8's compile time grows faster than a function's size. */
export const REGION_LIMIT = 1000;

/** Where the instructions of a region come from. */
export interface RegionSource {
  /** The 16 bits at an even address, or undefined when they cannot be fetched. */
  fetch(address: number): number | undefined;
  /** Whether control must stop before the instruction at `address`. */
  isBreakpoint(address: number): boolean;
  /** Whether control has been at `address` so far, or may have been. */
  isReached(address: number): boolean;
}

interface DiscoveryOptions {
  /** The most instructions [REGION_LIMIT]. */
  readonly limit?: number;
  /** Whether code that control has not been at is left out, where jumps and branches lead to it [false]. */
  readonly onlyReached?: boolean;
}

export interface Item {
  readonly pc: number;
  readonly decoded: Decoded;
  readonly traits: Traits;
}

/** A way from one block to an address; `to` is the block there, undefined outside of the region. */
export interface Edge {
  readonly pc: number;
  to: Block | undefined;
  /** Of the edge back of a loop with strips: where it leads at the strip's end. */
  readonly ends?: Edge;
}

/**
 * How a block ends; the control instruction itself is the last of its `items`.
 *
 * - `jump`: to one place, by `j` or by falling through (which has no instruction)
 * - `branch`: to one of two
 * - `call`: saves a return address; `target` is undefined for an indirect call
 * - `indirect`: to an address in a register, and a return is the usual case
 * - `stop`: the instruction at `pc` is not translated: the interpreter runs it
 * - `strip`: to one of two versions of a loop (strips.ts)
 */
export type Terminator =
  | { readonly kind: 'jump'; readonly edge: Edge }
  | { readonly kind: 'branch'; readonly taken: Edge; readonly fall: Edge }
  | { readonly kind: 'call'; readonly target: number | undefined; readonly next: Edge }
  | { readonly kind: 'indirect' }
  | { readonly kind: 'stop'; readonly pc: number }
  | {
      readonly kind: 'strip';
      readonly strip: Strip;
      readonly fast: Edge;
      readonly checked: Edge;
    };

export interface Block {
  readonly pc: number;
  readonly items: readonly Item[];
  readonly terminator: Terminator;
  /** It is part of a loop's strip. */
  readonly strip?: Strip;
  /** It is the head of a loop that has strips too. */
  readonly begins?: Strip;
}

export interface Region {
  readonly entry: number;
  readonly blocks: readonly Block[];
  readonly instructions: number;
  /** Direct calls out of it, by target. */
  readonly calls: readonly number[];
  /** There was more code than the limit allows. */
  readonly isCut: boolean;
}

/** Whether control gets back to the entry inside of the region. */
export const isLoop = ({ blocks }: Region): boolean =>
  blocks.some((block) => edgesOf(block).some(({ to }) => to === blocks[0]));

const withEnd = (edge: Edge): readonly Edge[] => (edge.ends ? [edge, edge.ends] : [edge]);

export function edgesOf({ terminator }: Block): readonly Edge[] {
  switch (terminator.kind) {
    case 'jump':
      return withEnd(terminator.edge);
    case 'branch':
      return [...withEnd(terminator.taken), ...withEnd(terminator.fall)];
    case 'call':
      return [terminator.next];
    case 'strip':
      return [terminator.fast, terminator.checked];
    default:
      return [];
  }
}

/** What control does after an instruction. */
type Flow =
  | { readonly kind: 'on' }
  | { readonly kind: 'jump'; readonly target: number }
  | { readonly kind: 'branch'; readonly target: number }
  | { readonly kind: 'call'; readonly target: number | undefined }
  | { readonly kind: 'indirect' };

function flowOf({ pc, decoded }: Item): Flow {
  const target = (pc + decoded.imm) >>> 0;
  switch (decoded.instruction.control) {
    case 'branch':
      return { kind: 'branch', target };
    case 'jump':
      return decoded.rd === 0 ? { kind: 'jump', target } : { kind: 'call', target };
    case 'indirect':
      return decoded.rd === 0 ? { kind: 'indirect' } : { kind: 'call', target: undefined };
    default:
      return { kind: 'on' };
  }
}

const after = ({ pc, decoded }: Item): number => pc + decoded.length;

/**
 * Finds the code that control can get to from `entry` without an indirect jump or a call, nearest first, and
 * cuts it into basic blocks. The first block is the entry's.
 * @returns undefined when not even the first instruction can be translated
 */
export function discoverRegion(
  source: RegionSource,
  entry: number,
  { limit = REGION_LIMIT, onlyReached = false }: DiscoveryOptions = {},
): Region | undefined {
  const items = new Map<number, Item>();
  const leaders = new Set<number>();
  const isWanted = (pc: number): boolean => !onlyReached || source.isReached(pc);
  const queue = [entry];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    leaders.add(next);
    for (let pc = next; items.size < limit;) {
      if (items.has(pc)) {
        leaders.add(pc);
        break;
      }
      const item = itemAt(source, pc);
      if (!item) break;
      items.set(pc, item);
      const flow = flowOf(item);
      if (flow.kind !== 'on') {
        const jumps = flow.kind === 'jump' || flow.kind === 'branch';
        const goesOn = flow.kind === 'branch' || flow.kind === 'call';
        if (jumps && isWanted(flow.target)) queue.push(flow.target);
        if (goesOn && isWanted(after(item))) queue.push(after(item));
        break;
      }
      pc = after(item);
    }
  }
  if (!items.has(entry)) return undefined;
  return { ...buildBlocks(source, entry, items, leaders), isCut: items.size >= limit };
}

/** The instruction at `pc`, unless the interpreter must run it. */
function itemAt(source: RegionSource, pc: number): Item | undefined {
  if (source.isBreakpoint(pc)) return undefined;
  const low = source.fetch(pc);
  const high = low !== undefined && (low & 3) === 3 ? source.fetch(pc + 2) : 0;
  if (low === undefined || high === undefined) return undefined;
  const decoded = decode(((high << 16) | low) >>> 0);
  if (!decoded) return undefined;
  const traits = traitsOf(decoded.instruction);
  return traits.traps ? undefined : { pc, decoded, traits };
}

function buildBlocks(
  source: RegionSource,
  entry: number,
  items: ReadonlyMap<number, Item>,
  leaders: ReadonlySet<number>,
): Omit<Region, 'isCut'> {
  const blocks = new Map<number, Block>();
  const calls = new Set<number>();
  const edge = (pc: number): Edge => ({ pc, to: undefined });
  const starts = [entry, ...[...leaders].filter((pc) => pc !== entry && items.has(pc))];
  for (const start of starts) {
    const list: Item[] = [];
    let terminator: Terminator | undefined;
    for (let pc = start; !terminator;) {
      const item = items.get(pc);
      if (!item) {
        // Beyond the limit the code goes on; anything else is not for translation.
        terminator = itemAt(source, pc) ? { kind: 'jump', edge: edge(pc) } : { kind: 'stop', pc };
        break;
      }
      list.push(item);
      pc = after(item);
      const flow = flowOf(item);
      if (flow.kind === 'branch') {
        terminator = { kind: 'branch', taken: edge(flow.target), fall: edge(pc) };
      } else if (flow.kind === 'jump') {
        terminator = { kind: 'jump', edge: edge(flow.target) };
      } else if (flow.kind === 'call') {
        terminator = { kind: 'call', target: flow.target, next: edge(pc) };
        if (flow.target !== undefined) calls.add(flow.target);
      } else if (flow.kind === 'indirect') terminator = { kind: 'indirect' };
      else if (leaders.has(pc)) terminator = { kind: 'jump', edge: edge(pc) };
    }
    blocks.set(start, { pc: start, items: list, terminator });
  }
  for (const block of blocks.values()) {
    for (const out of edgesOf(block)) out.to = blocks.get(out.pc);
  }
  return { entry, blocks: [...blocks.values()], instructions: items.size, calls: [...calls] };
}
