import { decode, instructionLength, type Decoded } from '../isa';
import type { AddressSpace } from '../memory/address-space';
import type { Hart } from '../multiprocess/hart';

/** The encoding at an address: 16 or 32 bits; undefined when it is not mapped. */
function fetchWord(space: AddressSpace, address: number): number | undefined {
  const bytes = space.peek(address, 4);
  if (bytes.length < 2) return undefined;
  const low = bytes[0] | (bytes[1] << 8);
  if (instructionLength(low) === 2) return low;
  return bytes.length < 4 ? undefined : (low | (bytes[2] << 16) | (bytes[3] << 24)) >>> 0;
}

/** The instruction at an address; undefined when there is none. */
export function fetchInstruction(space: AddressSpace, address: number): Decoded | undefined {
  const word = fetchWord(space, address);
  return word === undefined ? undefined : decode(word);
}

const RA = 1;
const ALTERNATE_LINK = 5;

/** Whether an instruction is a call: a jump that links to ra or t0 (Unprivileged ISA, table 3). */
export function isCall({ instruction, rd }: Decoded): boolean {
  const jumps = instruction.control === 'jump' || instruction.control === 'indirect';
  return jumps && (rd === RA || rd === ALTERNATE_LINK);
}

/** Whether an instruction is a return: an indirect jump to ra or t0 that links to nothing. */
export function isReturn({ instruction, rd, rs1 }: Decoded): boolean {
  return instruction.control === 'indirect' && rd === 0 && (rs1 === RA || rs1 === ALTERNATE_LINK);
}

/** An access to memory that an instruction is about to make. */
export interface DataReference {
  readonly address: number;
  readonly size: number;
  readonly reads: boolean;
  readonly writes: boolean;
}

const BYTES: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, d: 8 };
const LOAD = /^f?l([bhwd])u?$/;
const STORE = /^f?s([bhwd])$/;
const ATOMIC = /^(lr|sc|amo\w+)\.([wd])$/;

/** The access that the instruction at the hart's pc makes; undefined when it makes none. */
export function dataReference({ state, space }: Hart): DataReference | undefined {
  const decoded = fetchInstruction(space, state.pc);
  if (!decoded) return undefined;
  const { instruction, rs1, imm } = decoded;
  const at = (offset: number): number => Number(BigInt.asUintN(64, state.x(rs1) + BigInt(offset)));
  const atomic = ATOMIC.exec(instruction.name);
  if (atomic) {
    const [, operation, width] = atomic;
    const writes = operation !== 'lr';
    return { address: at(0), size: BYTES[width], reads: operation !== 'sc', writes };
  }
  const load = LOAD.exec(instruction.name);
  const access = load ?? STORE.exec(instruction.name);
  if (!access) return undefined;
  return { address: at(imm), size: BYTES[access[1]], reads: load !== null, writes: load === null };
}

/** Where the call at the hart's pc goes; undefined when it is no call. */
export function callTarget({ state, space }: Hart): number | undefined {
  const decoded = fetchInstruction(space, state.pc);
  if (!decoded || !isCall(decoded)) return undefined;
  const { instruction, rs1, imm } = decoded;
  if (instruction.control === 'jump') return state.pc + imm;
  return Number(BigInt.asUintN(32, (state.x(rs1) + BigInt(imm)) & ~1n));
}

/** Whether the hart stands at a system call. */
export const isAtCall = ({ state, space }: Hart): boolean =>
  fetchInstruction(space, state.pc)?.instruction.name === 'ecall';
