import type { Block, Item } from './region';
import type { Strip, Window } from './strips';
import { reliesOnMode } from './traits';

/** A load or store of a loop: its address is that of `register` at the loop's head plus `from`. */
export interface Access {
  readonly item: Item;
  readonly window: Window;
  readonly from: number;
}

/**
 * A loop of one block that computes doubles from doubles, each round for itself: it loads the next elements of arrays,
 * stores one, and ends when a pointer has reached a register.
 */
export interface ElementLoop {
  /** Of the branch that ends a round. */
  readonly end: number;
  readonly items: readonly Item[];
  readonly accesses: ReadonlyMap<Item, Access>;
  readonly store: Access;
  /** Integer registers and what a round adds to them. */
  readonly steps: ReadonlyMap<number, number>;
  /** Floating-point registers that a round writes, and those that it only reads. */
  readonly written: ReadonlySet<number>;
  readonly read: ReadonlySet<number>;
  /** The rounds end when `moving` is equal to `bound`. */
  readonly moving: number;
  readonly bound: number;
}

/** Of an element. */
export const BYTES = 8;
const ARITHMETIC = /^f(n?m(add|sub)|add|sub|mul)\.d$/;

/** The loop that a block is, if its rounds can be computed two at a time. */
export function elementLoopOf(block: Block, strip: Strip): ElementLoop | undefined {
  const { terminator, items } = block;
  const last = items.at(-1);
  if (terminator.kind !== 'branch' || terminator.taken.to !== block) return undefined;
  if (last?.decoded.instruction.name !== 'bne') return undefined;
  const steps = new Map<number, number>();
  const written = new Set<number>();
  const read = new Set<number>();
  const accesses = new Map<Item, Access>();
  const stores: Access[] = [];
  const body = items.slice(0, -1);
  for (const item of body) {
    const { instruction, rd, rs1, imm } = item.decoded;
    for (const { field } of item.traits.readsF) {
      const register = item.decoded[field];
      if (!written.has(register)) read.add(register);
    }
    if (instruction.name === 'addi' && rd === rs1) {
      if (rd !== 0) steps.set(rd, (steps.get(rd) ?? 0) + imm);
    } else if (instruction.name === 'fld' || instruction.name === 'fsd') {
      const window = strip.windowOf(item);
      if (window?.step !== BYTES) return undefined;
      const access = { item, window, from: (steps.get(rs1) ?? 0) + imm };
      accesses.set(item, access);
      if (instruction.name === 'fsd') stores.push(access);
    } else if (!ARITHMETIC.test(instruction.name) || !reliesOnMode(item.decoded)) return undefined;
    if (item.traits.writesF) written.add(rd);
  }
  // What a round reads before it writes it comes from the round before.
  if ([...written].some((register) => read.has(register))) return undefined;
  const [store] = stores;
  if (stores.length !== 1) return undefined;
  for (const { item, window, from } of accesses.values()) {
    const isSame = from === store.from && body.indexOf(item) <= body.indexOf(store.item);
    if (window === store.window && !isSame) return undefined;
  }
  const { rs1, rs2 } = last.decoded;
  const [moving, bound] = steps.has(rs1) ? [rs1, rs2] : [rs2, rs1];
  // It moves by a power of two.
  if (!Number.isInteger(Math.log2(steps.get(moving) ?? 0)) || steps.has(bound)) return undefined;
  return { end: last.pc, items: body, accesses, store, steps, written, read, moving, bound };
}
