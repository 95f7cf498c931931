import { INSTRUCTIONS } from '../isa/table';
import type { Instruction } from '../isa/types';
import { FUSED } from './fused';
import { PSEUDO_COUNT } from './records';

/** One entry of the interpreter's jump table: an instruction, or several that run without dispatch. */
export interface Operation {
  readonly instructions: readonly Instruction[];
}

const base = INSTRUCTIONS.filter((instruction) => instruction.semantics);
const byName = new Map(base.map((instruction) => [instruction.name, instruction]));

function named(name: string): Instruction {
  const instruction = byName.get(name);
  if (!instruction)
    throw new Error(`fused.ts names an instruction that is not in the table: ${name}`);
  return instruction;
}

/** By operation number; the pseudo-operations (`PSEUDO`) come first and have no instruction. */
export const operations: readonly (Operation | null)[] = [
  ...new Array<null>(PSEUDO_COUNT).fill(null),
  ...base.map((instruction) => ({ instructions: [instruction] })),
  ...FUSED.map((names) => ({ instructions: names.split(' ').map(named) })),
];

const numbers = new Map(base.map((instruction, i) => [instruction, PSEUDO_COUNT + i]));

/** The operation number of a base instruction. */
export function operationOf(instruction: Instruction): number {
  const number = numbers.get(instruction);
  if (number === undefined) throw new Error(`${instruction.name} has no semantics of its own`);
  return number;
}

/** The most instructions in one operation. */
export const LONGEST_FUSED = Math.max(1, ...FUSED.map((names) => names.split(' ').length));

/** Fused operations as a tree over operation numbers: `children` by the next instruction's number. */
interface FusedNode {
  operation?: number;
  readonly children: Map<number, FusedNode>;
}

const root: FusedNode = { children: new Map() };
FUSED.forEach((names, i) => {
  let node = root;
  for (const name of names.split(' ')) {
    const number = operationOf(named(name));
    let child = node.children.get(number);
    if (!child) node.children.set(number, (child = { children: new Map() }));
    node = child;
  }
  node.operation = PSEUDO_COUNT + base.length + i;
});

/** The longest fused operation that the instructions from `start` on make, or undefined. */
export function fusedAt(plain: readonly number[], start: number): number | undefined {
  let best: number | undefined;
  let node: FusedNode | undefined = root;
  for (let i = start; i < plain.length; i++) {
    node = node.children.get(plain[i]);
    if (!node) break;
    best = node.operation ?? best;
  }
  return best;
}
