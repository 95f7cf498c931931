import type { Decoded } from '../isa';
import { HART } from '../memory/layout';
import type { HartState } from './hart-state';

/** The control and status registers that a program can use here, by number (Privileged ISA, table 2.2). */
const CSR = {
  fflags: 0x001,
  frm: 0x002,
  fcsr: 0x003,
  cycle: 0xc00,
  time: 0xc01,
  instret: 0xc02,
  mhartid: 0xf14,
} as const;

/** What `time` counts: ticks of a 10 MHz clock, as QEMU's `virt` board has it. */
export const TIMEBASE_HZ = 10_000_000;
const NANOSECONDS_PER_TICK = 1_000_000_000 / TIMEBASE_HZ;

export interface CsrEnvironment {
  /** Ticks of the `time` CSR. */
  time(): bigint;
}

function read(number: number, hart: HartState, environment: CsrEnvironment): bigint | undefined {
  switch (number) {
    case CSR.fflags:
      return BigInt(hart.fcsr & 0x1f);
    case CSR.frm:
      return BigInt(hart.fcsr >>> 5);
    case CSR.fcsr:
      return BigInt(hart.fcsr);
    // One instruction a cycle: what a program can tell from it is the number of instructions.
    case CSR.cycle:
    case CSR.instret:
      return BigInt(hart.instret);
    case CSR.time:
      return hart.field(HART.virtualTime) === 0
        ? environment.time()
        : BigInt(Math.floor(hart.instret / NANOSECONDS_PER_TICK));
    case CSR.mhartid:
      return BigInt(hart.mhartid);
    default:
      return undefined;
  }
}

/** @returns false when the register cannot be written */
function write(number: number, value: bigint, hart: HartState): boolean {
  const low = Number(value & 0xffn);
  switch (number) {
    case CSR.fflags:
      hart.fcsr = (hart.fcsr & 0xe0) | (low & 0x1f);
      return true;
    case CSR.frm:
      hart.fcsr = (hart.fcsr & 0x1f) | ((low & 7) << 5);
      return true;
    case CSR.fcsr:
      hart.fcsr = low;
      return true;
    default:
      return false;
  }
}

/**
 * Executes a Zicsr instruction (Unprivileged ISA, chapter 7): csrrw csrrs csrrc and their immediate
 * forms. csrrs and csrrc with x0 or 0 read without writing; csrrw to x0 need not read.
 * @returns false when it is illegal: no such register, or a write to a read-only one
 */
export function executeCsr(
  decoded: Decoded,
  hart: HartState,
  environment: CsrEnvironment,
): boolean {
  const { name } = decoded.instruction;
  const number = decoded.imm & 0xfff;
  const old = read(number, hart, environment);
  if (old === undefined) return false;
  const immediate = name.endsWith('i');
  const operand = immediate ? BigInt(decoded.rs1) : hart.x(decoded.rs1);
  const swap = name.startsWith('csrrw');
  if (swap || decoded.rs1 !== 0) {
    const next = swap ? operand : name.startsWith('csrrs') ? old | operand : old & ~operand;
    if (!write(number, next, hart)) return false;
  }
  hart.setX(decoded.rd, old);
  return true;
}
