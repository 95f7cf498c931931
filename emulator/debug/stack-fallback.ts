import { decode, instructionLength, type Decoded } from '../isa';
import type { StackMemory } from './stack-memory';
import { callerRegisters, type Caller } from './stack-caller';
import { FP, RA, SP, type FrameRegisters } from './stack-registers';

/** Instructions of a function that are looked at, at most. */
const MOST_INSTRUCTIONS = 200;

/** What a function's first instructions have done to the stack. */
export interface PrologueRules {
  /** The register that the frame is found by: sp, or s0 once it is the frame pointer. */
  readonly base: number;
  /** Bytes from that register's value up to the caller's stack pointer. */
  readonly size: number;
  /** Offsets from the caller's stack pointer where registers are saved. */
  readonly saved: ReadonlyMap<number, number>;
}

/** Whether an instruction could be executed at an address. */
export const isCode = (memory: StackMemory, address: number): boolean =>
  address % 2 === 0 && memory.number(address, 2) !== undefined;

/**
 * Reads the instructions from a function's start up to `pc` for what they do to sp and where they save
 * registers: `addi sp, sp, -32`, `sd ra, 24(sp)`, `addi s0, sp, 32`.
 */
export function prologueRules(
  memory: StackMemory,
  start: number,
  pc: number,
): PrologueRules | undefined {
  let size = 0;
  let framePointer: number | undefined;
  const saved = new Map<number, number>();
  let at = start;
  for (let count = 0; at < pc && count < MOST_INSTRUCTIONS; count++) {
    const decoded = instructionAt(memory, at);
    if (decoded === undefined) return undefined;
    at += decoded.length;
    const { instruction, rd, rs1, rs2, imm } = decoded;
    const { name, control } = instruction;
    if (name === 'addi' && rd === SP && rs1 === SP) {
      // The epilogue of an early return is followed by code that still has the frame.
      if (imm < 0 || framePointer !== undefined || isLast(memory, at, pc)) size -= imm;
    } else if (name === 'addi' && rd === FP && rs1 === SP) framePointer = imm - size;
    else if (name === 'sd' && rs1 === SP && !saved.has(rs2)) saved.set(rs2, imm - size);
    else if (control === 'indirect' && rd === 0 && rs1 === RA && at < pc) continue;
  }
  if (framePointer === undefined) return { base: SP, size, saved };
  // s0 = caller's sp + framePointer.
  return { base: FP, size: -framePointer, saved };
}

/** Whether nothing between two addresses leaves straight-line code. */
function isLast(memory: StackMemory, from: number, to: number): boolean {
  for (let at = from; at < to;) {
    const decoded = instructionAt(memory, at);
    if (decoded === undefined || decoded.instruction.control) return false;
    at += decoded.length;
  }
  return true;
}

function instructionAt(memory: StackMemory, address: number): Decoded | undefined {
  const low = memory.number(address, 2);
  if (low === undefined) return undefined;
  if (instructionLength(Number(low)) === 2) return decode(Number(low));
  const word = memory.number(address, 4);
  return word === undefined ? undefined : decode(Number(word));
}

/** How far up the stack the frame pointer may point. */
const LARGEST_FRAME = 1 << 24;

/**
 * The caller by the chain of frame pointers: s0 is the caller's stack pointer, with the return address and
 * the caller's s0 right below it (psABI, "Frame Pointer Convention").
 */
export function framePointerCaller(
  registers: FrameRegisters,
  memory: StackMemory,
): Caller | undefined {
  const cfa = registers.address(FP);
  const sp = registers.address(SP);
  if (cfa === undefined || sp === undefined || cfa % 16 !== 0) return undefined;
  if (cfa <= sp || cfa - sp > LARGEST_FRAME) return undefined;
  const pc = memory.number(cfa - 8, 8);
  const outer = memory.number(cfa - 16, 8);
  if (pc === undefined || outer === undefined || pc >= 1n << 32n) return undefined;
  if (!isCode(memory, Number(pc))) return undefined;
  const caller = callerRegisters(registers, cfa);
  caller.set(FP, outer);
  return { pc: Number(pc), registers: caller, cfa, method: 'frame-pointer' };
}
