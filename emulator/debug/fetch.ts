import { decode, instructionLength, type Decoded } from '../isa';
import type { AddressSpace } from '../memory/address-space';

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
