import { fetchInstruction, isCall, isReturn } from './fetch';
import {
  describeAddress,
  type FunctionFinder,
  type SymbolPlace,
  type SymbolTable,
} from '../elf/symbols';
import type { AddressSpace } from '../memory/address-space';
import type { Hart } from '../multiprocess/hart';

/** What a hart's coming to an address of a goal means. */
export type Arrival = 'done' | 'pass' | 'leave' | 'next';

/** What a step or run wants to reach, beside the user's breakpoints. */
export interface Goal {
  /** Where to stop and look. */
  readonly addresses: readonly number[];
  /**
   * The hart stands at one of the addresses.
   * - `done`: this is it
   * - `pass`: a deeper call came by; go on
   * - `leave`: run this one instruction, then ask `left`
   * - `next`: ask `left` at once
   */
  arrived(): Arrival;
  /** Whether it is also asked about where the hart stands at the beginning. */
  readonly fromStart?: boolean;
  /** After a `leave` or `next`: undefined when this is it, else what to reach next. */
  left?(): Goal | undefined;
}

const SP = 2;
const RA = 1;

/** Functions of the guest library whose ecall starts vCPUs, and those that call them. */
const FORK_FUNCTIONS = ['mp_start', 'mp_fork', 'multiprocess', 'multiprocess_stacks'];
const FORK_CALLERS = ['mp_call'];

/** Whether calling the function of that name starts vCPUs. */
export const isForkFunction = (name: string): boolean =>
  FORK_FUNCTIONS.includes(name) || FORK_CALLERS.includes(name);

/**
 * Where a program may start vCPUs.
 * @throws Error when it has none of the guest library's functions
 */
export function forkFunctions(symbols: SymbolTable): number[] {
  const found = FORK_FUNCTIONS.flatMap((name) => symbols.byName(name)?.address ?? []);
  if (found.length > 0) return found;
  throw new Error(`The program has no ${FORK_FUNCTIONS.join(', ')}: set a breakpoint instead.`);
}

/** Stops at one of the addresses the first time. */
export function runTo(addresses: readonly number[]): Goal {
  return { addresses, arrived: () => 'done' };
}

/** Stops at an address when the stack is no deeper than now: a call in between may pass it. */
function returnTo({ state }: Hart, address: number): Goal {
  const depth = state.x(SP);
  return {
    addresses: [address],
    arrived: () => (state.x(SP) >= depth ? 'done' : 'pass'),
  };
}

/** Over the call that the hart stands at; undefined when it is no call, and one step does it. */
export function stepOver(hart: Hart): Goal | undefined {
  const { pc } = hart.state;
  const instruction = fetchInstruction(hart.space, pc);
  return instruction && isCall(instruction) ? returnTo(hart, pc + instruction.length) : undefined;
}

/**
 * Out of the function that the hart is in. Without unwind information: at a function's first instruction
 * ra holds the return address; further on every place where the function can be left is watched for.
 */
export function stepOut(hart: Hart, symbols: FunctionFinder): Goal {
  const { state, space } = hart;
  const returning = returnTarget(hart);
  if (returning !== undefined) return returnTo(hart, returning);
  const place = symbols.functionAt(state.pc);
  const isInside = place !== undefined && place.offset > 0 && place.symbol.size > 0;
  if (!isInside || functionExits(space, place.symbol.address, place.symbol.size).length === 0) {
    return returnTo(hart, Number(BigInt.asUintN(32, state.x(RA))));
  }
  return outOfBody(hart, symbols, place);
}

/** Where the return that the hart stands at goes. */
function returnTarget({ state, space }: Hart): number | undefined {
  const instruction = fetchInstruction(space, state.pc);
  if (!instruction || !isReturn(instruction)) return undefined;
  return Number(BigInt.asUintN(32, state.x(instruction.rs1)));
}

/** Out of a function by one of the places where it can be left. */
function outOfBody(hart: Hart, symbols: FunctionFinder, { symbol }: SymbolPlace): Goal {
  const { state, space } = hart;
  const { address, size } = symbol;
  const depth = state.x(SP);
  const framed = hasFrame(space, address, state.pc);
  let returning = false;
  const goal: Goal = {
    addresses: functionExits(space, address, size),
    arrived() {
      const instruction = fetchInstruction(space, state.pc);
      returning = instruction !== undefined && isReturn(instruction);
      const sp = state.x(SP);
      // A deeper call of the same function returns with the stack where our frame has it now.
      return sp > depth || (sp === depth && !(returning && framed)) ? 'leave' : 'pass';
    },
    left() {
      const now = state.pc;
      if (returning) return undefined;
      // A jump table stays inside; a tail call goes on in another function, which then returns for us.
      if (now > address && now < address + size) return goal;
      return symbols.functionAt(now)?.offset === 0 ? stepOut(hart, symbols) : undefined;
    },
  };
  return goal;
}

/**
 * To the instruction that returns from the function that the hart is in.
 * @throws Error when the function's end is not known
 */
export function runToReturn(hart: Hart, symbols: FunctionFinder): Goal {
  const { state, space } = hart;
  const place = symbols.functionAt(state.pc);
  const size = place?.symbol.size ?? 0;
  if (!place || functionExits(space, place.symbol.address, size).length === 0) {
    const where = describeAddress(symbols, state.pc);
    throw new Error(`No symbol says where the function at ${where} ends: step out of it instead.`);
  }
  return stoppingAtReturn(hart, outOfBody(hart, symbols, place));
}

/** As the goal says, but before the function returns. */
function stoppingAtReturn(hart: Hart, goal: Goal): Goal {
  return {
    addresses: goal.addresses,
    arrived() {
      const arrival = goal.arrived();
      const instruction = fetchInstruction(hart.space, hart.state.pc);
      return arrival === 'leave' && instruction && isReturn(instruction) ? 'done' : arrival;
    },
    left() {
      const next = goal.left?.();
      return next && stoppingAtReturn(hart, next);
    },
  };
}

/**
 * Whether the function's frame is on the stack at `pc`: code before it takes stack, and nothing between
 * the last jump and `pc` gives it back.
 */
function hasFrame(space: AddressSpace, start: number, pc: number): boolean {
  let taken = false;
  let given = false;
  for (let at = start; at < pc;) {
    const decoded = fetchInstruction(space, at);
    if (!decoded) break;
    const { instruction, rd, rs1, imm } = decoded;
    if (instruction.name === 'addi' && rd === SP && rs1 === SP) {
      if (imm < 0) taken = true;
      given = imm > 0;
    } else if (instruction.control) given = false;
    at += decoded.length;
  }
  return taken && !given;
}

/** Addresses of the instructions that can leave a function: returns, tail calls, indirect jumps. */
function functionExits(space: AddressSpace, start: number, size: number): number[] {
  const exits: number[] = [];
  for (let at = start; at < start + size;) {
    const decoded = fetchInstruction(space, at);
    if (!decoded) return exits;
    const { control } = decoded.instruction;
    const goesTo = at + decoded.imm;
    const tail =
      control === 'jump' && decoded.rd === 0 && (goesTo < start || goesTo >= start + size);
    const indirect = control === 'indirect' && decoded.rd === 0;
    if (isReturn(decoded) || tail || indirect) exits.push(at);
    at += decoded.length;
  }
  return exits;
}
