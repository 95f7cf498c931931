import { readExpression, type SymbolLookup } from './assembly-text';
import { csrNumber } from './csrs';
import type { Operand } from './operands';
import type { Slot } from './pattern';
import { FLOAT_REGISTERS, INTEGER_REGISTERS, ROUNDING_MODES } from './registers';

/** What an operand puts into the slots of its instruction, once the symbols are known. */
export interface Binding {
  readonly slot: Slot;
  /** The value; those of several operands in one slot are joined. */
  value(symbols: SymbolLookup): bigint;
}

/** The bindings of an operand's text, or what was expected instead. */
export type Bound = { readonly bindings: readonly Binding[] } | { readonly expected: string };

const SP = 2;

const integerRegisters = registerNumbers(INTEGER_REGISTERS, 'x');
integerRegisters.set('fp', 8);
const floatRegisters = registerNumbers(FLOAT_REGISTERS, 'f');

function registerNumbers(names: readonly string[], letter: string): Map<string, number> {
  return new Map(
    names.flatMap((name, i): [string, number][] => [
      [name, i],
      [`${letter}${i}`, i],
    ]),
  );
}

const constant = (slot: Slot, value: number | undefined, expected: string): Bound =>
  value === undefined ? { expected } : { bindings: [{ slot, value: () => BigInt(value) }] };

const isRegister = (text: string): boolean =>
  integerRegisters.has(text) || floatRegisters.has(text);

/** A number or symbols in slot `slot`, changed by `change` (which gets the symbols too: `.` is pc). */
function expression(
  slot: Slot,
  text: string,
  expected: string,
  change: (value: bigint, symbols: SymbolLookup) => bigint = (value) => value,
): Bound {
  const value = isRegister(text) ? undefined : readExpression(text);
  if (!value) return { expected };
  return { bindings: [{ slot, value: (symbols) => change(value(symbols), symbols) }] };
}

/** Numbers of 20 bits, signed or not; larger ones are left to the check of the field. */
const upper = (value: bigint): bigint =>
  value >> 20n === 0n ? BigInt.asIntN(32, value << 12n) : value << 12n;
const relative = (value: bigint, symbols: SymbolLookup): bigint =>
  BigInt.asIntN(64, value - (symbols('.') ?? 0n));

/** Reads the text of one operand. */
export function bindOperand(operand: Operand, text: string): Bound {
  switch (operand.kind) {
    case 'register':
      return constant(operand.slot, integerRegisters.get(text), 'an integer register');
    case 'float':
      return constant(operand.slot, floatRegisters.get(text), 'a floating-point register');
    case 'sp':
      return integerRegisters.get(text) === SP ? { bindings: [] } : { expected: 'sp' };
    case 'memory':
      return bindMemory(operand, text);
    case 'imm':
      return expression('imm', text, 'a number');
    case 'shamt':
      return expression('imm', text, 'a shift amount');
    case 'uimm':
      return expression('rs1', text, 'a number');
    case 'upper':
      return expression('imm', text, 'a number of 20 bits', upper);
    case 'offset':
      return expression('imm', text, 'a label or an address', relative);
    case 'csr': {
      const number = csrNumber(text);
      return number === undefined
        ? expression('imm', text, 'a CSR')
        : constant('imm', number, 'a CSR');
    }
    case 'rm': {
      const mode = ROUNDING_MODES.indexOf(text);
      return constant('rm', mode < 0 ? undefined : mode, 'a rounding mode');
    }
    case 'pred':
      return bindAccessSet(text, 4);
    case 'succ':
      return bindAccessSet(text, 0);
  }
}

/** `imm(base)`; without a number the offset is zero. */
function bindMemory(operand: Operand & { kind: 'memory' }, text: string): Bound {
  const shape = operand.offset ? `number(${operand.base})` : '(register)';
  const [, offset, name] = /^(.*)\(\s*(\w+)\s*\)$/.exec(text) ?? [];
  const base = integerRegisters.get(name);
  if (base === undefined || (operand.base === 'sp' && base !== SP)) return { expected: shape };
  const bindings: Binding[] = [];
  if (operand.base === 'rs1') bindings.push({ slot: 'rs1', value: () => BigInt(base) });
  if (offset.trim() === '' || (!operand.offset && offset.trim() === '0')) return { bindings };
  if (!operand.offset) return { expected: shape };
  const bound = expression('imm', offset.trim(), shape);
  return 'expected' in bound ? bound : { bindings: [...bindings, ...bound.bindings] };
}

/** A set of accesses as `fence` names them; `unknown` is how the empty set is printed. */
function bindAccessSet(text: string, shift: number): Bound {
  const valid = text === 'unknown' || (text !== '' && /^i?o?r?w?$/.test(text));
  if (!valid) return { expected: 'a set of accesses out of iorw' };
  const bits = ['w', 'r', 'o', 'i'].reduce(
    (set, letter, i) => (text !== 'unknown' && text.includes(letter) ? set | (1 << i) : set),
    0,
  );
  return { bindings: [{ slot: 'imm', value: () => BigInt(bits << shift) }] };
}
