import { UnavailableError } from '../elf/dwarf/expression';
import { DwarfError } from '../elf/dwarf/reader';
import type { Hart } from '../multiprocess/hart';
import { ExpressionError, parseExpression, type Expression } from './expression';
import { targetScope } from './scope';
import { sourceOf } from './source-debugger';
import type { DebugTarget } from './target';
import { isC } from './variables-expression';

type ExtraNames = Readonly<Record<string, bigint>>;

/** Whether the condition of a breakpoint holds on a hart. @throws ExpressionError */
export type Condition = (target: DebugTarget, hart: Hart, extra: ExtraNames) => boolean;

/**
 * Reads a condition: C over the variables that are in scope where the program has debugging information,
 * else (and for what C does not have, such as `u8[sp]`) the language of registers and symbols.
 * @throws ExpressionError when it is neither
 */
export function readCondition(text: string): Condition {
  const plain = readPlain(text);
  const inC = isC(text);
  if (plain instanceof ExpressionError && !inC) throw plain;
  return (target, hart, extra) => {
    const source = sourceOf(target, hart);
    if (inC && source.hasVariables) {
      try {
        return source.isTrue(text, hart, extra);
      } catch (error) {
        if (error instanceof UnavailableError || error instanceof DwarfError) {
          throw new ExpressionError(error.message.replace(/^<|>$/g, ''));
        }
        if (!(error instanceof ExpressionError) || plain instanceof ExpressionError) throw error;
      }
    }
    if (plain instanceof ExpressionError) throw plain;
    return plain(targetScope(target, hart, extra)) !== 0n;
  };
}

function readPlain(text: string): Expression | ExpressionError {
  try {
    return parseExpression(text);
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
}
