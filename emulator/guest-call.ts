import { describeStop } from './describe-stop';
import { QUANTUM, type Engine } from './engine/engine';
import type { Executor } from './executor';
import type { HartState } from './engine/hart-state';
import type { Arena } from './memory/arena';
import { READ, WRITE, type AddressSpace } from './memory/address-space';
import { ADDRESS_LIMIT, HART, PAGE_SIZE } from './memory/layout';

/** What a called guest function left in its result registers. */
export interface CallResult {
  /** a0 as a signed 64-bit integer. */
  readonly integer: bigint;
  /** fa0 as a double. */
  readonly double: number;
  /** fa0's low half as a single. */
  readonly single: number;
}

/** Pages of one machine that a function of another one may use while it is called. */
export interface LentPages {
  /** The space that they belong to: `machine.space`. */
  readonly from: AddressSpace;
  /** Their first byte and how many: all pages that hold some of them are lent. */
  readonly address: number;
  readonly length: number;
  /** Where the first page appears in the machine that is called [at its own address]. */
  readonly at?: number;
  /** READ and WRITE or'ed together [both]. */
  readonly protection?: number;
}

export interface CallOptions {
  /** Instructions that the call may take [any number]. */
  readonly budget?: number;
  /** [none] */
  readonly lend?: readonly LentPages[];
}

/** An integer argument, or a floating-point one by its format. */
export type CallArgument =
  number | bigint | { readonly double: number } | { readonly single: number };

/**
 * Where a function called from outside returns to: the first address behind the guest's 4 GiB, where nothing
 * can ever be mapped, so that the fault there can mean nothing else.
 */
const RETURN_ADDRESS = ADDRESS_LIMIT;

const RA = 1;
const SP = 2;
const A0 = 10;
const FA0 = 10;
const ARGUMENT_REGISTERS = 8;
/** Kept free below the stack pointer: the interrupted code may be about to use it. */
const STACK_GAP = 256n;

/**
 * Sets a hart up to run a function by the standard calling convention (RISC-V ELF psABI, integer and
 * hardware floating-point calling convention).
 * @throws Error when an argument would have to go on the stack
 */
export function beginCall(hart: HartState, address: number, args: readonly CallArgument[]): void {
  let integers = 0;
  let floats = 0;
  for (const argument of args) {
    if (typeof argument === 'object') hart.setF(FA0 + floats++, floatBits(argument));
    else hart.setX(A0 + integers++, BigInt.asUintN(64, BigInt(argument)));
    if (integers > ARGUMENT_REGISTERS || floats > ARGUMENT_REGISTERS) {
      throw new Error(
        'more than eight arguments of a kind go on the stack, which call does not do',
      );
    }
  }
  hart.setX(RA, BigInt(RETURN_ADDRESS));
  hart.setX(SP, (hart.x(SP) - STACK_GAP) & ~15n);
  hart.pc = address;
}

/** What a function that has returned gave back. */
export function callResult(hart: HartState): CallResult {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setBigUint64(0, hart.f(FA0), true);
  return {
    integer: BigInt.asIntN(64, hart.x(A0)),
    double: bits.getFloat64(0, true),
    single: bits.getFloat32(0, true),
  };
}

/** Keeps a hart's registers; the returned function puts them back, the count of instructions stays. */
export function saveRegisters(arena: Arena, hart: HartState): () => void {
  const registers = arena.u8.slice(hart.base, hart.base + HART.instret);
  const { fcsr } = hart;
  return () => {
    arena.u8.set(registers, hart.base);
    hart.fcsr = fcsr;
  };
}

/**
 * Lends pages to a space; the returned function takes them back, and brings back what was there before.
 * @throws MappingError when a page is not mapped, or cannot be where it should; nothing is lent then
 */
export function lendPages(ranges: readonly LentPages[], to: AddressSpace): () => void {
  const lent: number[] = [];
  // In the opposite order: a page may have been put in place of one that was lent before.
  const takeBack = (): void => {
    for (const page of lent.reverse()) to.uninstall(page);
  };
  try {
    for (const { from, address, length, at = address, protection = READ | WRITE } of ranges) {
      const first = Math.floor(address / PAGE_SIZE);
      const end = Math.ceil((address + length) / PAGE_SIZE);
      const moved = Math.floor(at / PAGE_SIZE) - first;
      for (let page = first; page < end; page++) {
        from.lendPage(page, to, page + moved, protection);
        lent.push(page + moved);
      }
    }
  } catch (error) {
    takeBack();
    throw error;
  }
  return takeBack;
}

function floatBits(argument: { readonly double: number } | { readonly single: number }): bigint {
  const bits = new DataView(new ArrayBuffer(8));
  if ('double' in argument) bits.setFloat64(0, argument.double, true);
  else {
    bits.setFloat32(0, argument.single, true);
    // A single in a register is boxed: ones above it.
    bits.setInt32(4, -1, true);
  }
  return bits.getBigUint64(0, true);
}

/**
 * Runs the main VM's hart alone until the call that was begun returns.
 * @param name of the function, for errors
 * @throws Error when it does not return within `budget` instructions, or stops
 */
export function runToReturn(
  executor: Executor,
  engine: Engine,
  name: string,
  budget: number,
): void {
  const { harts, stops } = executor;
  const { main } = harts;
  const limit = main.state.instret + budget;
  executor.enter(main);
  for (;;) {
    const left = limit - main.state.instret;
    if (left <= 0) throw new Error(`${name} did not return within ${budget} instructions`);
    const before = main.state.instret;
    const stop = engine.run(main.state, Math.min(left, QUANTUM));
    harts.ran(main, main.state.instret - before);
    if (stop.kind === 'fault' && main.state.pc === RETURN_ADDRESS) return;
    const outcome = stops.settle(main, stop) ?? (main.waiting && executor.waits(main));
    if (outcome) throw new Error(`${name} stopped: ${describeStop(outcome)}`);
  }
}
