import type { Decoded, Instruction } from '../isa/types';
import { HART } from '../memory/layout';

/**
 * A record is one predecoded instruction, 16 bytes in the arena's record pool; records of instructions
 * that follow each other lie next to each other, so the next record is always `record + 16` and the
 * number of instructions run is a difference of record addresses.
 *
 * | offset | type | field |
 * |--------|------|-------|
 * | 0      | u16  | operation: index into the interpreter's jump table; bit 15 = breakpoint here |
 * | 2      | u16  | rd: byte offset in the hart context (x0 is the sink) |
 * | 4      | u16  | rs1: byte offset in the hart context |
 * | 6      | u16  | rs2: byte offset in the hart context; of jal and jalr: bytes of the instruction |
 * | 8      | i32  | immediate; of branches and jumps: bytes to the target's record; |
 * |        |      | of rounding instructions: u16 rs3, u8 rounding mode, u8 fast mask (below) |
 * | 12     | u32  | pc |
 */
export const RECORD = {
  size: 16,
  operation: 0,
  rd: 2,
  rs1: 4,
  rs2: 6,
  immediate: 8,
  rs3: 8,
  rm: 10,
  fastMask: 11,
  pc: 12,
} as const;

/** Records in one run before it must be joined to the next by a `goto`, where fuel is looked at. */
export const LONGEST_RUN = 128;

/** Set in a record's operation where the run engine must stop before the instruction. */
export const BREAKPOINT_BIT = 0x8000;

/**
 * Set in a record's operation where translated code begins; the low bits are then the place of the region in
 * the table of regions, and the record's own operation lies in the region block.
 */
export const ENTRY_BIT = 0x4000;
/** Regions that one engine can have at a time. */
export const REGION_SLOTS = 4096;
/** Of so many regions translated code knows the place without looking the address up; a power of two. */
export const FOUND_REGIONS = 2048;

/**
 * The region block of an engine, at the head of its record pool (`HART.regions` points to it):
 *
 * | offset | type      | field |
 * |--------|-----------|-------|
 * | 0      | u64       | instructions that ran in translated code |
 * | 8      | u64       | times that the interpreter entered translated code |
 * | 16     | 13×u64    | times that translated code was left, by cause (`EXIT`) |
 * | 120    | u32       | record at which the interpreter went on when translated code was left last, not for want of fuel, or 0 |
 * | 128    | 4096×u16  | the own operation of the record where the region begins |
 * | 8320   | 2048×2 u32 | regions that translated code has found: address + 1, or 0, and place in the table; |
 * |        |           | at the address's bits 1 to 11 |
 */
export const REGIONS = {
  instructions: 0,
  entries: 8,
  exits: 16,
  left: 120,
  operations: 128,
  found: 128 + 2 * REGION_SLOTS,
  size: 128 + 2 * REGION_SLOTS + 8 * FOUND_REGIONS,
} as const;

/** Why translated code was left for the interpreter: the numbers of its counters in `REGIONS`. */
export const EXIT = {
  /**
   * For code that has no region, by a branch, jump, call or return. The counter has direct jumps out of regions, those that another
   * region goes on after included: how often the interpreter goes on is what the other causes leave of the entries.
   */
  jump: 0,
  /** The fuel may not last to the next check. */
  fuel: 1,
  /** An access without a delta, a misaligned one, or one that crosses pages. */
  memory: 2,
  /** A result that may raise a flag, or is no ordinary number. */
  float: 3,
  /** The rounding mode or the inexact flag is not what the region was translated for. */
  mode: 4,
  /** A system call, a CSR, `fence.i`, a breakpoint, or bytes that are no instruction. */
  system: 5,
  /** The lender has newer pages. */
  news: 6,
} as const;

/** Operations that are not instructions. */
export const PSEUDO = {
  /** Goes on at the record of the address in `pc`; hands over when there is none yet. */
  lookup: 0,
  /** Goes on at the record `immediate` bytes away: joins two runs. */
  goto: 1,
  /** Stands for bytes that are no instruction. */
  illegal: 2,
} as const;
export const PSEUDO_COUNT = 3;

/** Why the interpreter returned. The record that it stopped at is in `HART.trapRecord`. */
export const REASON = {
  /** The fuel is used up (run: to within a margin); the stopped record has not run. */
  fuel: 0,
  /** No record for the address in `HART.pc` yet. */
  lookup: 1,
  /** A memory access that the delta tables do not serve; `HART.faultAddress`, `HART.faultAccess`. */
  miss: 2,
  ecall: 3,
  ebreak: 4,
  illegal: 5,
  fenceI: 6,
  csr: 7,
  /** An atomic access to an address that is not a multiple of its width. */
  misaligned: 8,
  breakpoint: 9,
  /** A fence or an atomic has run, and the lender has newer pages: `AddressSpace.adopt`. */
  news: 10,
  /** While calls are counted: one of them must be looked after first (`PENDING` in counting-layout.ts). */
  calls: 11,
} as const;

/**
 * A rounding instruction may use the host's arithmetic when the rounding mode is round-to-nearest-even
 * and the inexact flag is set already: `fcsr & mask` is then 1. With a dynamic mode the mask covers frm
 * and NX; with static RNE only NX; with another static mode nothing, so that it never is 1.
 */
function fastMask(rm: number): number {
  if (rm === 7) return 0xe1;
  return rm === 0 ? 0x01 : 0x00;
}

const xOffset = (n: number): number => HART.x + 8 * n;
const fOffset = (n: number): number => HART.f + 8 * n;

/** Which of an instruction's register operands are floating-point, from its assembly syntax. */
interface OperandFiles {
  readonly rd: (n: number) => number;
  readonly rs1: (n: number) => number;
  readonly rs2: (n: number) => number;
  readonly rounds: boolean;
}

const files = new WeakMap<Instruction, OperandFiles>();

function operandFiles(instruction: Instruction): OperandFiles {
  let found = files.get(instruction);
  if (!found) {
    const operands = instruction.syntax.split(/[\s,()]+/);
    const file = (name: string) => (operands.includes(`f${name}`) ? fOffset : xOffset);
    found = {
      rd: operands.includes('frd') ? fOffset : (n) => (n === 0 ? HART.sink : xOffset(n)),
      rs1: file('rs1'),
      rs2: file('rs2'),
      rounds: operands.includes('rm') || operands.includes('frs3'),
    };
    files.set(instruction, found);
  }
  return found;
}

/** Writes the operands of `decoded` into the record at `at`; branches get their displacement later. */
export function writeOperands(view: DataView, at: number, decoded: Decoded, pc: number): void {
  const { instruction, rd, rs1, rs2, rs3, imm, rm, length } = decoded;
  const file = operandFiles(instruction);
  const linked = instruction.control === 'jump' || instruction.control === 'indirect';
  view.setUint16(at + RECORD.rd, file.rd(rd), true);
  view.setUint16(at + RECORD.rs1, file.rs1(rs1), true);
  view.setUint16(at + RECORD.rs2, linked ? length : file.rs2(rs2), true);
  if (file.rounds) {
    view.setUint16(at + RECORD.rs3, fOffset(rs3), true);
    view.setUint8(at + RECORD.rm, rm);
    view.setUint8(at + RECORD.fastMask, fastMask(rm));
  } else {
    view.setInt32(at + RECORD.immediate, imm, true);
  }
  view.setUint32(at + RECORD.pc, pc, true);
}
