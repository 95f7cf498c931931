import { describeInstruction } from '../isa';
import type { AddressSpace } from '../memory/address-space';
import { fetchInstruction } from './fetch';
import type { InstructionHelp } from './protocol';

/** Hover help for the instruction at an address; null when there is none. */
export function explain(space: AddressSpace, address: number): InstructionHelp | null {
  const decoded = fetchInstruction(space, address);
  if (!decoded) return null;
  const { name, extension, sentence, fields } = describeInstruction(decoded);
  return { name, extension, sentence, fields };
}
