/** What texts name: places in memory, and what is written to them. */
import { strip } from '../elf/dwarf/types';
import { typeName } from '../elf/dwarf/type-names';
import { ADDRESS_LIMIT } from '../memory/layout';
import type { Hart } from '../multiprocess/hart';
import { Expression, type ExpressionScope } from './expression';
import { ExpressionError } from './expression-tokens';
import { readRegister, writeRegister } from './registers';
import { symbolsNamed } from './scope';
import { sourceOf } from './source-debugger';
import { StackMemory } from './stack-memory';
import type { DebugTarget } from './target';
import { explained, readExpression } from './user-expression';
import { addressOf, castTo, scalarBits, scalarOf } from './variables-arithmetic';
import { frameScope, UNKNOWN_FUNCTION } from './variables-names';
import { sizeOf, type Value } from './variables-value';

/** A place in memory; `size` when a type says how many bytes there belong together. */
export interface MemoryPlace {
  readonly address: number;
  readonly size?: number;
}

/**
 * The place that a text names: `sum + 8`, `*(int *)a0`, `shared.total`, `partial[2]`. A register or number is the
 * address itself.
 * @throws ExpressionError when it names none below 4 GiB
 */
export function memoryPlace(target: DebugTarget, hart: Hart, text: string): MemoryPlace {
  const memory = new StackMemory(hart.space);
  const value = placed(target, hart, text);
  const isObject = value.source.kind === 'memory' && strip(value.type).kind !== 'function';
  if (!isObject) return { address: inGuest(numberOf(value, memory)) };
  const size = explained(() => sizeOf(value.type, value.context));
  return { address: inGuest(addressOf(value)), size };
}

/**
 * The address that a text gives: as `memoryPlace`, but of a pointer variable or memory what it holds.
 * @throws ExpressionError when it gives none below 4 GiB
 */
export function addressValue(target: DebugTarget, hart: Hart, text: string): number {
  const value = placed(target, hart, text);
  const { kind } = strip(value.type);
  const isWhole = kind === 'struct' || kind === 'class' || kind === 'union';
  const memory = new StackMemory(hart.space);
  return inGuest(isWhole ? addressOf(value) : numberOf(value, memory));
}

/** A variable's part: `shared.total`, `partial[2]`, `head->next`. */
const PART = /^\s*[\w$:]+(?:\s*(?:\.|->)\s*\w+|\s*\[[^[\]]*\])+\s*$/;

/** The value of a text: a variable's part means the same as in C, elsewhere symbols stand for their addresses. */
function placed(target: DebugTarget, hart: Hart, text: string): Value {
  if (!PART.test(text)) return bySymbols(target, hart, text);
  try {
    return explained(() => sourceOf(target, hart).evaluate(new Expression(text), hart));
  } catch (problem) {
    if (!(problem instanceof ExpressionError)) throw problem;
    // Nothing has parts without debugging information; and a symbol may have dots: `sum.constprop.0`.
    return bySymbols(target, hart, text);
  }
}

/** The value of a text in which symbols stand for their addresses, before all variables. */
function bySymbols(target: DebugTarget, hart: Hart, text: string): Value {
  const source = sourceOf(target, hart);
  const frame = frameScope(source.modules, source.innermost(hart), hart);
  const scope: ExpressionScope = {
    ...frame,
    value(name) {
      const register = readRegister(hart.state, name);
      const [symbol] = register === undefined ? symbolsNamed(target, hart, name) : [];
      if (symbol === undefined) return frame.value(name);
      // Like a function: its value is its address, which counts in bytes.
      const address = BigInt(symbol.address);
      return { type: UNKNOWN_FUNCTION, source: { kind: 'memory', address } };
    },
  };
  return explained(() => new Expression(text).evaluate(scope));
}

function numberOf(value: Value, memory: StackMemory): bigint {
  const scalar = explained(() => scalarOf(value, memory));
  if (scalar.kind === 'float') throw new ExpressionError('a floating-point number is no address');
  return scalar.value;
}

function inGuest(value: bigint): number {
  const address = BigInt.asUintN(64, value);
  if (address < BigInt(ADDRESS_LIMIT)) return Number(address);
  throw new ExpressionError(`0x${address.toString(16)} is above 4 GiB, where guest addresses end`);
}

/**
 * Writes the value of an expression to a variable, a register or memory.
 * @throws ExpressionError when the place can hold no value, or not this one
 */
export function assign(target: DebugTarget, hart: Hart, place: string, text: string): void {
  const source = sourceOf(target, hart);
  const memory = new StackMemory(hart.space);
  const expression = new Expression(place);
  const where = explained(() => source.evaluate(expression, hart));
  const { onlyName } = expression;
  if (where.source.kind === 'memory' && !where.bits && strip(where.type).kind !== 'function') {
    const value = explained(() => source.evaluate(text, hart));
    const bits = explained(() => converted(value, where, memory));
    const size = sizeOf(where.type, where.context);
    const bytes = Uint8Array.from({ length: size }, (_, i) =>
      Number((bits >> BigInt(8 * i)) & 0xffn),
    );
    const address = inGuest(where.source.address);
    if (hart.space.poke(address, bytes) === size) return;
    throw new ExpressionError(`memory at 0x${address.toString(16)} cannot be written`);
  }
  if (onlyName === undefined || readRegister(hart.state, onlyName) === undefined) {
    throw new ExpressionError(`${place} is neither a register nor memory`);
  }
  writeRegister(hart.state, onlyName, registerBits(target, hart, text));
}

/**
 * What an expression puts into a register.
 * @throws ExpressionError when it is no number
 */
export function registerBits(target: DebugTarget, hart: Hart, text: string): bigint {
  return readExpression(text)(target, hart).bits();
}

/** The bits of a value as those of the place's type. */
function converted(value: Value, { type }: Value, memory: StackMemory): bigint {
  const scalar = scalarOf(value, memory);
  const result = scalarOf(castTo(value, type, memory), memory);
  const isKept =
    scalar.kind === 'float' || result.kind === 'float' || sameBits(scalar.value, sizeOf(type));
  if (isKept) return scalarBits(result);
  throw new ExpressionError(`${scalar.value} does not fit in a ${typeName(type)}`);
}

const sameBits = (value: bigint, size: number): boolean =>
  value === BigInt.asIntN(8 * size, value) || value === BigInt.asUintN(8 * size, value);
