import { readExpression } from './assembly-text';

/** An instruction as text: mnemonic and operands. */
export type InstructionText = readonly [mnemonic: string, ...operands: string[]];

interface Pseudo {
  readonly syntax: string;
  readonly operands: number;
  expand(...operands: string[]): InstructionText[];
}

/** auipc adds the upper part of a distance, the second instruction the rest; it is 4 bytes further on. */
const address: Pseudo = {
  syntax: 'rd, symbol',
  operands: 2,
  expand: (rd, symbol) => [
    ['auipc', rd, `%hi(${symbol}-.)`],
    ['addi', rd, rd, `%lo(${symbol}-.+4)`],
  ],
};

/**
 * Pseudo-instructions that become several instructions (Unprivileged ISA, chapter "RISC-V Assembly
 * Programmer's Handbook"): written as text again, so that the table does the encoding.
 */
export const PSEUDO_INSTRUCTIONS: ReadonlyMap<string, Pseudo> = new Map<string, Pseudo>([
  ['la', address],
  ['lla', address],
  [
    'call',
    {
      syntax: 'symbol',
      operands: 1,
      expand: (symbol) => [
        ['auipc', 'ra', `%hi(${symbol}-.)`],
        ['jalr', 'ra', `%lo(${symbol}-.+4)(ra)`],
      ],
    },
  ],
  [
    'tail',
    {
      syntax: 'symbol',
      operands: 1,
      expand: (symbol) => [
        ['auipc', 't1', `%hi(${symbol}-.)`],
        ['jalr', 'zero', `%lo(${symbol}-.+4)(t1)`],
      ],
    },
  ],
  ['li', { syntax: 'rd, constant', operands: 2, expand: expandLoadImmediate }],
]);

function expandLoadImmediate(rd: string, text: string): InstructionText[] {
  const constant = readExpression(text);
  if (!constant) throw new Error(`expected a constant as operand 2 of li, found "${text}"`);
  return loadImmediate(
    rd,
    constant(() => undefined),
  );
}

/** Builds a 64-bit constant in a register with lui, addi(w) and slli. */
function loadImmediate(rd: string, constant: bigint): InstructionText[] {
  const value = BigInt.asIntN(64, constant);
  const low = BigInt.asIntN(12, value);
  if (value === low) return [['addi', rd, 'zero', String(low)]];
  if (value === BigInt.asIntN(32, value)) {
    const lui: InstructionText = ['lui', rd, String(BigInt.asUintN(20, (value - low) >> 12n))];
    return low === 0n ? [lui] : [lui, ['addiw', rd, rd, String(low)]];
  }
  // The low 12 bits are added last; the rest is built without its trailing zeros and shifted into place.
  let rest = (value - low) >> 12n;
  let shift = 12;
  for (; (rest & 1n) === 0n; shift++) rest >>= 1n;
  const high = loadImmediate(rd, BigInt.asIntN(64 - shift, rest));
  const shifted: InstructionText[] = [...high, ['slli', rd, rd, String(shift)]];
  return low === 0n ? shifted : [...shifted, ['addi', rd, rd, String(low)]];
}
