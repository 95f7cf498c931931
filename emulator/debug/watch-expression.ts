import { ExpressionError } from './expression-tokens';
import type { HartValue } from './protocol';
import type { DebugTarget } from './target';
import { readExpression } from './user-expression';

/**
 * What an expression gives on each hart. A hart on which it cannot be evaluated gets the reason.
 * @throws ExpressionError when it cannot be read at all
 */
export function evaluateOnHarts(text: string, target: DebugTarget): HartValue[] {
  const expression = readExpression(text);
  return target.liveHarts.map((hart): HartValue => {
    try {
      const value = BigInt.asUintN(64, expression(target, hart).bits());
      return { hart: hart.index, value: `0x${value.toString(16).padStart(16, '0')}` };
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      return { hart: hart.index, problem: error.message };
    }
  });
}
