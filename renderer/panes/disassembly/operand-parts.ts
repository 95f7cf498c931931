/** Operands cut into what is drawn alike: names (registers, symbols), numbers and the rest. */
export interface OperandPart {
  readonly kind: 'name' | 'number' | 'rest';
  readonly text: string;
}

const TOKEN = /(-?\b0x[0-9a-f]+\b|-?\b\d+\b)|([A-Za-z_.][\w.]*)|([^\w.-]+|-)/gi;

export function operandParts(operands: string): OperandPart[] {
  return [...operands.matchAll(TOKEN)].map(([text, number, name]) => ({
    kind: number !== undefined ? 'number' : name !== undefined ? 'name' : 'rest',
    text,
  }));
}
