import type { Hart } from '../multiprocess/hart';
import { ExpressionError } from './expression-tokens';
import type { DebugTarget } from './target';
import { readExpression } from './user-expression';

/** A message with the values of expressions in it. */
export type LogMessage = (
  target: DebugTarget,
  hart: Hart,
  extra?: Readonly<Record<string, bigint>>,
) => string;

/**
 * Reads a message: `{expression}` stands for a value, `{expression:x}` for one in hexadecimal, `{{` and
 * `}}` for braces.
 * @throws ExpressionError when a brace is not closed or an expression cannot be read
 */
export function parseLogMessage(text: string): LogMessage {
  const parts: (string | LogMessage)[] = [];
  const pattern = /\{\{|\}\}|\{([^{}]*)\}|[{}]/g;
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    parts.push(text.slice(at, match.index));
    at = match.index + match[0].length;
    const [all, expression] = match;
    if (expression !== undefined) parts.push(placeholder(expression));
    else if (all.length === 2) parts.push(all[0]);
    else throw new ExpressionError(`column ${match.index + 1}: “${all}” has no partner`);
  }
  parts.push(text.slice(at));
  return (...at) => parts.map((part) => (typeof part === 'string' ? part : part(...at))).join('');
}

function placeholder(text: string): LogMessage {
  const [, expression = text, format] = /^(.*[^:?]):([xd])$/.exec(text) ?? [];
  const parsed = readExpression(expression);
  return (...at) => {
    try {
      const value = parsed(...at);
      return format === 'x' ? `0x${BigInt.asUintN(64, value.bits()).toString(16)}` : value.text();
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      // What cannot be evaluated shows why, so that the message is not lost.
      return `<${error.message}>`;
    }
  };
}
