import { UnavailableError } from '../elf/dwarf/expression';
import { DwarfError } from '../elf/dwarf/reader';
import type { Hart } from '../multiprocess/hart';
import { Expression } from './expression';
import { ExpressionError } from './expression-tokens';
import { sourceOf } from './source-debugger';
import { StackMemory } from './stack-memory';
import type { DebugTarget } from './target';
import { isTrue, scalarBits, scalarOf, type Scalar } from './variables-arithmetic';

/** What an expression gives on a hart. Each part throws ExpressionError where it cannot be had. */
export interface UserValue {
  /** As gdb shows it. */
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
export type UserExpression = (
  target: DebugTarget,
  hart: Hart,
  extra?: Readonly<Record<string, bigint>>,
) => UserValue;

/**
 * Reads what a user wrote as a condition, watch or part of a message. Its names are looked up in the innermost frame.
 * @throws ExpressionError when it is no expression
 */
export function readExpression(text: string): UserExpression {
  const expression = new Expression(text);
  return (target, hart, extra = {}) => {
    const source = sourceOf(target, hart);
    const value = explained(() => source.evaluate(expression, hart, source.innermost(hart), extra));
    const scalar = (): Scalar => explained(() => scalarOf(value, new StackMemory(hart.space)));
    return {
      text: () => explained(() => source.text(value, hart)),
      bits: () => scalarBits(scalar()),
      isTrue: () => isTrue(scalar()),
    };
  };
}

/** What cannot be had of a variable, as a problem of the expression. */
export function explained<T>(ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (error instanceof UnavailableError || error instanceof DwarfError) {
      throw new ExpressionError(error.message.replace(/^<|>$/g, ''));
    }
    throw error;
  }
}
