import { describeInstruction } from '../isa';
import type { AddressSpace } from '../memory/address-space';
import { fetchInstruction } from './fetch';
import type { InstructionHelp } from './protocol';

/** Hover help for the instruction at an address; null when there is none. */
export function explain(space: AddressSpace, address: number): InstructionHelp | null {
  const decoded = fetchInstruction(space, address);
  if (!decoded) return null;
  const { name, extension, sentence, bits, fields } = describeInstruction(decoded);
  return {
    name,
    extension,
    sentence,
    fields: bits.map((run) => {
      // `imm[11:5]` is a part of the field `imm`.
      const field = fields.find((f) => f.name === run.label?.replace(/\[.*/, ''));
      const name = run.label ?? 'fixed';
      const { high, low, bits: digits } = run;
      return { name, high, low, bits: digits, ...(field && { meaning: field.text }) };
    }),
  };
}
