/** Operands cut into what is drawn alike: names (registers, symbols), numbers and the rest. */
export interface OperandPart {
  readonly kind: 'name' | 'number' | 'rest';
  readonly text: string;
}

/** A number may be hexadecimal without a prefix, as the targets of jumps are. */
const NUMBER = /^-?(0x[0-9a-f]+|\d[0-9a-f]*)$/i;
const TOKEN = /-?[\w.]+|[^\w.-]+|-/g;

export function operandParts(operands: string): OperandPart[] {
  return [...operands.matchAll(TOKEN)].map(([text]) => ({
    kind: NUMBER.test(text) ? 'number' : /^-?[\w.]/.test(text) ? 'name' : 'rest',
    text,
  }));
}

/** The operands without the ` <function+offset>` at their end, which is shown as a link instead. */
export const withoutTarget = (operands: string): string => operands.replace(/ <[^>]*>$/, '');
