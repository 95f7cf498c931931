import { ExpressionError, parseTyped, type Scope, type TypedExpression } from './expression';
import { valueText } from './values';

/** A message with the values of expressions in it. */
export type LogMessage = (scope: Scope) => string;

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
  return (scope) => parts.map((part) => (typeof part === 'string' ? part : part(scope))).join('');
}

function placeholder(text: string): LogMessage {
  const [, expression = text, format] = /^(.*[^:?]):([xd])$/.exec(text) ?? [];
  const parsed = parseTyped(expression);
  return (scope) => shown(parsed, scope, format);
}

/** What cannot be evaluated shows why, so that the message is not lost. */
function shown(expression: TypedExpression, scope: Scope, format: string | undefined): string {
  try {
    const value = expression.value(scope);
    if (format === 'x') return `0x${BigInt.asUintN(64, value).toString(16)}`;
    return valueText(value, expression.type);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return `<${error.message}>`;
  }
}
