import type { Decoded } from '../../isa/types';
import type { Strip } from './strips';
import type { Traits } from './traits';

/** The most instructions in a region: V8's compile time grows faster than a function's size. */
export const REGION_LIMIT = 1000;

/** The address of the block that a switch region begins with: no instruction's. */
export const SWITCH = 1;

/** Where the instructions of a region come from. */
export interface RegionSource {
  /** The 16 bits at an even address, or undefined when they cannot be fetched. */
  fetch(address: number): number | undefined;
  /** Whether control must stop before the instruction at `address`. */
  isBreakpoint(address: number): boolean;
  /** Whether control has been at `address` so far, or may have been. */
  isReached(address: number): boolean;
  /** The 64 bits of data at an address just now, or undefined when they cannot be read at once. */
  data(address: number): bigint | undefined;
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
 * - `call`: saves a return address; `target` is undefined for an indirect call, which `guess` is the likely target of
 * - `indirect`: to an address in a register, and a return is the usual case; `guesses` are likely targets in the region,
 *   `via` leads to its switch
 * - `switch`: to the one of these places that an indirect jump before it leads to, or out of the region
 * - `stop`: the instruction at `pc` is not translated: the interpreter runs it
 * - `strip`: to one of two versions of a loop (strips.ts)
 */
export type Terminator =
  | { readonly kind: 'jump'; readonly edge: Edge }
  | { readonly kind: 'branch'; readonly taken: Edge; readonly fall: Edge }
  | {
      readonly kind: 'call';
      readonly target: number | undefined;
      readonly guess?: number;
      readonly next: Edge;
    }
  | { readonly kind: 'indirect'; readonly guesses: readonly Edge[]; readonly via?: Edge }
  | { readonly kind: 'switch'; readonly targets: Edge[] }
  | { readonly kind: 'stop'; readonly pc: number }
  | {
      readonly kind: 'strip';
      readonly strip: Strip;
      readonly fast: Edge;
      readonly checked: Edge;
    };

/** Blocks of inlined functions have the addresses of others, where a function is inlined more than once. */
export interface Block {
  readonly pc: number;
  readonly items: readonly Item[];
  readonly terminator: Terminator;
  /** It is not part of an inlined function. */
  readonly isOutermost?: boolean;
  /** It is part of a loop's strip. */
  readonly strip?: Strip;
  /** It is the head of a loop that has strips too. */
  readonly begins?: Strip;
}

export interface Region {
  /** Where it may be entered: at its first block, or at the targets of the switch that it begins with. */
  readonly entries: readonly number[];
  readonly blocks: readonly Block[];
  readonly instructions: number;
  /** Calls out of it whose targets are known or guessed. */
  readonly calls: readonly number[];
  /** There was more code than the limit allows. */
  readonly isCut: boolean;
}

/** Whether control gets back to the entry inside of the region. */
export const isLoop = ({ blocks }: Region): boolean =>
  blocks.some((block) => edgesOf(block).some(({ to }) => to === blocks[0]));

const withEnd = (edge: Edge): readonly Edge[] => (edge.ends ? [edge, edge.ends] : [edge]);

/** Whether a block is the switch that its region begins with. */
export const isSwitch = ({ terminator }: Block): boolean => terminator.kind === 'switch';

/** The switch that a region begins with, which leads to each of its entries. */
export function switchOf({ blocks }: Region): Extract<Terminator, { kind: 'switch' }> | undefined {
  const { terminator } = blocks[0];
  return terminator.kind === 'switch' ? terminator : undefined;
}

export function edgesOf({ terminator }: Block): readonly Edge[] {
  switch (terminator.kind) {
    case 'jump':
      return withEnd(terminator.edge);
    case 'branch':
      return [...withEnd(terminator.taken), ...withEnd(terminator.fall)];
    case 'call':
      return [terminator.next];
    case 'indirect':
      return [...terminator.guesses.flatMap(withEnd), ...(terminator.via ? [terminator.via] : [])];
    case 'switch':
      return terminator.targets;
    case 'strip':
      return [terminator.fast, terminator.checked];
    default:
      return [];
  }
}
