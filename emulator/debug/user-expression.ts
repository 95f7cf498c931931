import { UnavailableError } from '../elf/dwarf/expression';
import { DwarfError } from '../elf/dwarf/reader';
import type { Hart } from '../multiprocess/hart';
import { ExpressionError, parseTyped, type TypedExpression } from './expression';
import { targetScope } from './scope';
import { sourceOf } from './source-debugger';
import type { DebugTarget } from './target';
import { valueText } from './values';
import { isTrue, scalarBits, scalarOf, type Scalar } from './variables-arithmetic';
import { CExpression, isC } from './variables-expression';
import { StackMemory } from './stack-memory';

type ExtraNames = Readonly<Record<string, bigint>>;

/** What an expression gives on a hart. Each part throws ExpressionError where it cannot be had. */
export interface UserValue {
  /** As gdb shows it; numbers of registers and memory in decimal. */
  text(): string;
  /** A number's bits: integers and pointers with their sign, floating-point numbers as they are stored. */
  bits(): bigint;
  isTrue(): boolean;
}

/**
 * An expression that has been read, for any hart.
 * @param extra names that stand before all others
 * @throws ExpressionError where it cannot be evaluated on this hart
 */
export type UserExpression = (target: DebugTarget, hart: Hart, extra?: ExtraNames) => UserValue;

/**
 * Reads what a user wrote as a condition, watch or part of a message: C over the variables that are in scope where
 * the program has debugging information, else (and for what C does not have, such as `u8[sp]`) the language of
 * registers and symbols.
 * @throws ExpressionError when it is neither
 */
export function readExpression(text: string): UserExpression {
  const plain = readPlain(text);
  const inC = isC(text) ? new CExpression(text) : undefined;
  if (plain instanceof ExpressionError && !inC) throw plain;
  return (target, hart, extra = {}) => {
    if (inC && sourceOf(target, hart).hasVariables) {
      try {
        return valueInC(target, hart, inC, extra);
      } catch (error) {
        if (!(error instanceof ExpressionError) || plain instanceof ExpressionError) throw error;
      }
    }
    if (plain instanceof ExpressionError) throw plain;
    return plainValue(plain, target, hart, extra);
  };
}

function valueInC(
  target: DebugTarget,
  hart: Hart,
  expression: CExpression,
  extra: ExtraNames,
): UserValue {
  const source = sourceOf(target, hart);
  const value = explained(() => source.evaluate(expression, hart, source.innermost(hart), extra));
  const scalar = (): Scalar => explained(() => scalarOf(value, new StackMemory(hart.space)));
  return {
    text: () => explained(() => source.text(value, hart)),
    bits: () => scalarBits(scalar()),
    isTrue: () => isTrue(scalar()),
  };
}

/** What cannot be had of a variable, as a problem of the expression. */
function explained<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (error instanceof UnavailableError || error instanceof DwarfError) {
      throw new ExpressionError(error.message.replace(/^<|>$/g, ''));
    }
    throw error;
  }
}

function plainValue(
  { value, type }: TypedExpression,
  target: DebugTarget,
  hart: Hart,
  extra: ExtraNames,
): UserValue {
  const result = value(targetScope(target, hart, extra));
  return {
    text: () => valueText(result, type),
    bits: () => result,
    isTrue: () => result !== 0n,
  };
}

function readPlain(text: string): TypedExpression | ExpressionError {
  try {
    return parseTyped(text);
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
}
