import type { Slot } from './pattern';

/**
 * One operand of a `syntax` text.
 * - `register`, `float`: a register in a slot; `sp`: the stack pointer, written but not encoded
 * - `imm`, `shamt`, `uimm`, `upper`: numbers; `upper` is written without its low 12 bits
 * - `offset`: a target relative to pc, written as its address
 * - `memory`: `imm(base)`, or `(base)` when it has no offset
 * - `csr`, `rm`, `pred`, `succ`: named values
 */
export type Operand =
  | { readonly kind: 'register' | 'float'; readonly slot: Slot }
  | { readonly kind: 'memory'; readonly base: 'rs1' | 'sp'; readonly offset: boolean }
  | {
      readonly kind:
        'sp' | 'imm' | 'shamt' | 'uimm' | 'upper' | 'offset' | 'csr' | 'rm' | 'pred' | 'succ';
    };

const OPERANDS: Readonly<Record<string, Operand | undefined>> = {
  rd: { kind: 'register', slot: 'rd' },
  rs1: { kind: 'register', slot: 'rs1' },
  rs2: { kind: 'register', slot: 'rs2' },
  frd: { kind: 'float', slot: 'rd' },
  frs1: { kind: 'float', slot: 'rs1' },
  frs2: { kind: 'float', slot: 'rs2' },
  frs3: { kind: 'float', slot: 'rs3' },
  sp: { kind: 'sp' },
  imm: { kind: 'imm' },
  'imm[31:12]': { kind: 'upper' },
  shamt: { kind: 'shamt' },
  uimm: { kind: 'uimm' },
  offset: { kind: 'offset' },
  csr: { kind: 'csr' },
  rm: { kind: 'rm' },
  pred: { kind: 'pred' },
  succ: { kind: 'succ' },
  'imm(rs1)': { kind: 'memory', base: 'rs1', offset: true },
  'imm(sp)': { kind: 'memory', base: 'sp', offset: true },
  '(rs1)': { kind: 'memory', base: 'rs1', offset: false },
};

/**
 * Reads the operand list of a row or an alias.
 * @throws Error when an operand is unknown.
 */
export function parseSyntax(syntax: string): readonly Operand[] {
  if (syntax === '') return [];
  return syntax.split(', ').map((text) => {
    const operand = OPERANDS[text];
    if (!operand) throw new Error(`syntax "${syntax}": unknown operand "${text}"`);
    return operand;
  });
}
