import type { Hart } from '../multiprocess/hart';
import { ExpressionError, parseExpression, type Scope } from './expression';
import type { HartValue } from './protocol';

/**
 * What an expression gives on each hart. A hart on which it cannot be evaluated gets the reason.
 * @throws ExpressionError when it cannot be read at all
 */
export function evaluateOnHarts(
  text: string,
  harts: readonly Hart[],
  scopeOf: (hart: Hart) => Scope,
): HartValue[] {
  const expression = parseExpression(text);
  return harts.map((hart): HartValue => {
    try {
      const value = BigInt.asUintN(64, expression(scopeOf(hart)));
      return { hart: hart.index, value: `0x${value.toString(16).padStart(16, '0')}` };
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      return { hart: hart.index, problem: error.message };
    }
  });
}
