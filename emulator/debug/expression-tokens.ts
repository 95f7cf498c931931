/** Why an expression cannot be read or evaluated. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}

const TOKEN =
  /\s*(?:(0[xX][0-9a-fA-F_]+|0[bB][01_]+|[0-9][0-9_]*)|'(\\?.)'|([A-Za-z_.$][\w.$@]*)|(<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>()[\]?:]))/y;

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0' };

export type Token =
  | { readonly kind: 'number'; readonly value: bigint; readonly at: number }
  | { readonly kind: 'name' | 'symbol' | 'end'; readonly text: string; readonly at: number };

/**
 * Cuts an expression into tokens; the last one is `end`.
 * @throws ExpressionError at a character that begins none
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) {
      const rest = text.slice(from).trim();
      throw new ExpressionError(`unexpected character at column ${from + 1}: ${rest}`);
    }
    const at = TOKEN.lastIndex - match[0].trimStart().length;
    const [, number, character, name, symbol] = match;
    if (number !== undefined) {
      tokens.push({ kind: 'number', value: BigInt(number.replaceAll('_', '')), at });
    } else if (character !== undefined) {
      const letter = character.startsWith('\\')
        ? (ESCAPES[character[1]] ?? character[1])
        : character;
      tokens.push({ kind: 'number', value: BigInt(letter.codePointAt(0) ?? 0), at });
    } else if (name !== undefined) tokens.push({ kind: 'name', text: name, at });
    else tokens.push({ kind: 'symbol', text: symbol, at });
  }
  tokens.push({ kind: 'end', text: 'the end', at: text.length });
  return tokens;
}
