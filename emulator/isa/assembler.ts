import { bindInstruction } from './assembly-forms';
import { PSEUDO_INSTRUCTIONS } from './assembly-pseudo';
import {
  AssemblyError,
  readExpression,
  readStatements,
  readString,
  type Statement,
  type SymbolLookup,
} from './assembly-text';

export interface AssemblyOptions {
  /** The address of the first byte; 0 by default. */
  readonly base?: number;
}

/** Machine code with what a test wants to know about it. */
export interface Assembly {
  readonly bytes: Uint8Array;
  /** Addresses of the labels. */
  readonly symbols: ReadonlyMap<string, number>;
  /** Where the code or data of each line begins, in order. */
  readonly lines: readonly { readonly line: number; readonly address: number }[];
}

/** A stretch of bytes whose length is known before its content. */
interface Chunk {
  readonly line: number;
  readonly address: number;
  readonly length: number;
  bytes(symbols: SymbolLookup): ArrayLike<number>;
}

type Content = Pick<Chunk, 'length' | 'bytes'>;

/**
 * Assembles a text: every instruction of the table under its name, the pseudo-instructions of the manual, labels
 * (`1:` with `1b` and `1f` too) and the directives `.byte .half .word .dword .zero .ascii .asciz .string .align`.
 * Nothing is compressed or relaxed: the `c.` instructions are written by name.
 *
 * Differences from GNU as: `call` and `la` are always two instructions, `li` may choose another sequence.
 * @throws AssemblyError with the line and what was expected there.
 */
export function assemble(text: string, { base = 0 }: AssemblyOptions = {}): Assembly {
  const chunks: Chunk[] = [];
  const symbols = new Map<string, number>();
  const numbered: { readonly name: string; readonly before: number; readonly address: number }[] =
    [];
  let address = base;
  for (const statement of readStatements(text)) {
    const { line } = statement;
    if ('label' in statement) {
      const name = statement.label;
      if (/^\d/.test(name)) numbered.push({ name, before: chunks.length, address });
      else if (symbols.has(name)) throw new AssemblyError(line, `label "${name}" is defined twice`);
      else symbols.set(name, address);
      continue;
    }
    for (const { length, bytes } of located(line, () => contents(statement, address))) {
      chunks.push({ line, address, length, bytes });
      address += length;
    }
  }

  const lookUp = (name: string, chunk: Chunk, index: number): number | undefined => {
    if (name === '.') return chunk.address;
    const [, number, direction] = /^(\d+)([bf])$/.exec(name) ?? [];
    if (number === undefined) return symbols.get(name);
    const same = numbered.filter((label) => label.name === number);
    return direction === 'b'
      ? same.findLast((label) => label.before <= index)?.address
      : same.find((label) => label.before > index)?.address;
  };
  const bytes = new Uint8Array(address - base);
  for (const [index, chunk] of chunks.entries()) {
    const values = located(chunk.line, () =>
      chunk.bytes((name) => {
        const value = lookUp(name, chunk, index);
        return value === undefined ? undefined : BigInt(value);
      }),
    );
    bytes.set(values, chunk.address - base);
  }
  const starts = chunks.filter((chunk, i) => chunk.line !== chunks[i - 1]?.line);
  return { bytes, symbols, lines: starts.map(({ line, address }) => ({ line, address })) };
}

/** Adds the line to an error. */
function located<T>(line: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof AssemblyError) throw error;
    throw new AssemblyError(line, error instanceof Error ? error.message : String(error));
  }
}

type Command = Exclude<Statement, { readonly label: string }>;

function contents({ mnemonic, operands }: Command, address: number): Content[] {
  if (mnemonic.startsWith('.')) return [directive(mnemonic, operands, address)];
  const pseudo = PSEUDO_INSTRUCTIONS.get(mnemonic);
  if (!pseudo) return [instruction(mnemonic, operands)];
  if (operands.length !== pseudo.operands) {
    throw new Error(`${mnemonic} takes "${pseudo.syntax}", found "${operands.join(', ')}"`);
  }
  return pseudo.expand(...operands).map(([name, ...rest]) => instruction(name, rest));
}

function instruction(mnemonic: string, operands: readonly string[]): Content {
  const bound = bindInstruction(mnemonic, operands);
  const { length } = bound;
  return { length, bytes: (symbols) => littleEndian(BigInt(bound.encode(symbols)), length) };
}

const DATA_WIDTHS: Readonly<Record<string, number>> = {
  '.byte': 1,
  '.half': 2,
  '.word': 4,
  '.dword': 8,
};
/** No more than this many bytes come from one directive. */
const LARGEST_FILL = 1 << 24;

function directive(name: string, operands: readonly string[], address: number): Content {
  switch (name) {
    case '.byte':
    case '.half':
    case '.word':
    case '.dword':
      return data(name, operands);
    case '.zero': {
      const length = count(name, operands, LARGEST_FILL);
      return { length, bytes: () => new Uint8Array(length) };
    }
    case '.align': {
      const alignment = 2 ** count(name, operands, 16);
      const padding = nops((alignment - (address % alignment)) % alignment);
      return { length: padding.length, bytes: () => padding };
    }
    case '.ascii':
    case '.asciz':
    case '.string': {
      const strings = operands.map((operand) => {
        const string = readString(operand);
        if (!string) throw new Error(`expected a string in double quotes, found "${operand}"`);
        return name === '.ascii' ? [...string] : [...string, 0];
      });
      if (strings.length === 0) throw new Error(`${name} takes strings in double quotes`);
      const all = strings.flat();
      return { length: all.length, bytes: () => all };
    }
    default:
      throw new Error(`unknown instruction or directive "${name}"`);
  }
}

function data(name: string, operands: readonly string[]): Content {
  const width = DATA_WIDTHS[name];
  const values = operands.map((operand) => {
    const value = readExpression(operand);
    if (!value) throw new Error(`expected a number or a label, found "${operand}"`);
    return value;
  });
  if (values.length === 0) throw new Error(`${name} takes numbers or labels`);
  const bits = 8 * width;
  return {
    length: width * values.length,
    bytes: (symbols) =>
      values.flatMap((expression) => {
        const value = expression(symbols);
        if (value !== BigInt.asIntN(bits, value) && value !== BigInt.asUintN(bits, value)) {
          throw new Error(`${value} does not fit into ${bits} bits`);
        }
        return littleEndian(value, width);
      }),
  };
}

function count(name: string, operands: readonly string[], largest: number): number {
  const expression = operands.length === 1 ? readExpression(operands[0]) : undefined;
  const value = expression?.(() => undefined);
  if (value === undefined || value < 0n || value > BigInt(largest)) {
    throw new Error(`${name} takes a number from 0 to ${largest}, found "${operands.join(', ')}"`);
  }
  return Number(value);
}

/** Padding that does nothing when it is run: a zero byte, c.nop, then nops, as needed. */
function nops(length: number): number[] {
  const odd = length % 2 === 1 ? [0] : [];
  const half = length % 4 >= 2 ? [0x01, 0x00] : [];
  const words = Array.from({ length: Math.floor(length / 4) }, () => [0x13, 0x00, 0x00, 0x00]);
  return [...odd, ...half, ...words.flat()];
}

const littleEndian = (value: bigint, width: number): number[] =>
  Array.from({ length: width }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
