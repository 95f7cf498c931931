import { fetchInstruction, isCall, isReturn } from './fetch';
import type { DebugTarget } from './target';

/** What a step or run wants to reach, beside the user's breakpoints. */
export interface Goal {
  /** Where to stop and look. */
  readonly addresses: readonly number[];
  /**
   * The hart stands at one of the addresses.
   * - `done`: this is it
   * - `pass`: a deeper call came by; go on
   * - `leave`: run this one instruction, then ask `left`
   */
  arrived(): 'done' | 'pass' | 'leave';
  /** After a `leave`: undefined when this is it, else what to reach next. */
  left?(): Goal | undefined;
}

const SP = 2;
const RA = 1;

/** Stops at an address the first time. */
export function runTo(address: number): Goal {
  return { addresses: [address], arrived: () => 'done' };
}

/** Stops at an address when the stack is no deeper than now: a call in between may pass it. */
function returnTo(target: DebugTarget, address: number): Goal {
  const depth = target.hart.x(SP);
  return {
    addresses: [address],
    arrived: () => (target.hart.x(SP) >= depth ? 'done' : 'pass'),
  };
}

/** Over the call that the hart stands at; undefined when it is no call, and one step does it. */
export function stepOver(target: DebugTarget): Goal | undefined {
  const { pc } = target.hart;
  const instruction = fetchInstruction(target.space, pc);
  return instruction && isCall(instruction) ? returnTo(target, pc + instruction.length) : undefined;
}

/**
 * Out of the function that the hart is in. Without unwind information: at a function's first instruction
 * ra holds the return address; further on every place where the function can be left is watched for.
 */
export function stepOut(target: DebugTarget): Goal {
  const { pc } = target.hart;
  const place = target.symbols.functionAt(pc);
  const exits =
    place === undefined || place.offset === 0 || place.symbol.size === 0
      ? []
      : functionExits(target, place.symbol.address, place.symbol.size);
  if (place === undefined || exits.length === 0) {
    return returnTo(target, Number(BigInt.asUintN(32, target.hart.x(RA))));
  }
  const depth = target.hart.x(SP);
  const { address, size } = place.symbol;
  const goal: Goal = {
    addresses: exits,
    arrived: () => (target.hart.x(SP) >= depth ? 'leave' : 'pass'),
    left() {
      const now = target.hart.pc;
      // A jump table stays inside; a tail call goes on in another function, which then returns for us.
      if (now > address && now < address + size) return goal;
      return target.symbols.functionAt(now)?.offset === 0 ? stepOut(target) : undefined;
    },
  };
  return goal;
}

/** Addresses of the instructions that can leave a function: returns, tail calls, indirect jumps. */
function functionExits(target: DebugTarget, start: number, size: number): number[] {
  const exits: number[] = [];
  for (let at = start; at < start + size;) {
    const decoded = fetchInstruction(target.space, at);
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
