import type { DisassembledLine, InstructionHelp, Location } from '../../emulator/debug/protocol';

/** Where the text begins; each of the functions has 64 bytes of it. */
export const TEXT = 0x10000;
export const STACK_END = 0x4000_0000;
export const FUNCTIONS = ['_start', 'main', 'dot', 'print'] as const;
const BODY: readonly (readonly [string, string])[] = [
  ['addi', 'sp,sp,-32'],
  ['sd', 'ra,24(sp)'],
  ['lui', 'a0,0x12'],
  ['flw', 'fa5,0(a0)'],
  ['fmadd.s', 'fa0,fa4,fa5,fa0'],
  ['add', 'a1,a1,a0'],
  ['jal', 'ra,dot'],
  ['bnez', 'a1,main'],
];

/** What symbol an address lies in. */
export function placeOf(address: number): Location {
  const index = Math.floor((address - TEXT) / 0x40);
  const symbol = FUNCTIONS[index];
  return symbol === undefined
    ? { address }
    : { address, symbol, offset: address - TEXT - 0x40 * index };
}

/** The instruction at an address of the text. */
export function instructionAt(address: number, translated: ReadonlySet<string>): DisassembledLine {
  const index = (address - TEXT) / 4;
  const [mnemonic, operands] = BODY[index % BODY.length] ?? ['nop', ''];
  const { symbol, offset } = placeOf(address);
  return {
    address,
    bytes: (index * 0x01_03_05 + 0x13).toString(16).padStart(8, '0'),
    mnemonic,
    operands,
    ...(symbol !== undefined && offset === 0
      ? { label: symbol, translated: translated.has(symbol) }
      : {}),
    ...(symbol === undefined ? {} : { symbol, offset: offset ?? 0 }),
    ...(mnemonic === 'jal' ? { target: placeOf(TEXT + 0x80) } : {}),
    ...(mnemonic === 'bnez' ? { target: placeOf(TEXT + 0x40) } : {}),
    known: true,
  };
}

/** What the instruction at an address is. */
export function helpAt(address: number): InstructionHelp {
  const line = instructionAt(address, new Set());
  return {
    name: line.mnemonic,
    extension: 'RV64I',
    sentence: 'Adds the sign-extended 12-bit immediate to rs1 and writes the sum to rd.',
    fields: [
      { name: 'imm[11:0]', high: 31, low: 20, bits: '111111100000', meaning: '-32' },
      { name: 'rs1', high: 19, low: 15, bits: '00010', meaning: 'sp' },
      { name: 'funct3', high: 14, low: 12, bits: '000' },
      { name: 'rd', high: 11, low: 7, bits: '00010', meaning: 'sp' },
      { name: 'opcode', high: 6, low: 0, bits: '0010011' },
    ],
  };
}
