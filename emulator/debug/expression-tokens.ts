/** Why an expression cannot be read or evaluated. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}

/**
 * A piece of an expression. A name may be a register (`$a0`), qualified (`geometry::origin`, `Table<int, 4>::rows`) and, without blanks, have
 * dots: `point.x` is a member, `sum.constprop.0` and `memcpy@@GLIBC_2.27` are symbols; which one its meaning tells.
 */
export type Token =
  | {
      readonly kind: 'integer';
      readonly value: bigint;
      readonly suffix: string;
      readonly at: number;
    }
  | {
      readonly kind: 'float';
      readonly value: number;
      readonly single: boolean;
      readonly at: number;
    }
  | { readonly kind: 'character'; readonly value: number; readonly at: number }
  | { readonly kind: 'name' | 'symbol' | 'end'; readonly text: string; readonly at: number };

const TOKEN =
  /\s*(?:((?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?[fF]?|\d+[eE][-+]?\d+[fF]?)|(0[xX][0-9a-fA-F_]+|0[bB][01_]+|\d[\d_]*)([uUlL]*)|'(\\[0-7]{1,3}|\\?.)'|(\$?[A-Za-z_][\w$]*(?:(?:<[\w\s:,*&<>]*>)?::~?[A-Za-z_][\w$]*|(?:\.|@@?)\w[\w$]*)*)|(->|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>()[\].?:,]))/y;

const ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, a: 7, b: 8, v: 11, f: 12 };

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
    tokens.push(tokenOf(match, TOKEN.lastIndex - match[0].trimStart().length));
  }
  tokens.push({ kind: 'end', text: 'the end', at: text.length });
  return tokens;
}

function tokenOf(match: RegExpExecArray, at: number): Token {
  const [, float, integer, suffix, character, name, symbol] = match as (string | undefined)[];
  if (float !== undefined) {
    return { kind: 'float', value: Number.parseFloat(float), single: /f$/i.test(float), at };
  }
  if (integer !== undefined) {
    const digits = integer.replaceAll('_', '');
    const octal = /^0(\d+)$/.exec(digits)?.[1];
    const value = numberOf(octal === undefined ? digits : `0o${octal}`, integer);
    return { kind: 'integer', value, suffix: (suffix ?? '').toLowerCase(), at };
  }
  if (character !== undefined) return { kind: 'character', value: codeOf(character), at };
  if (name !== undefined) return { kind: 'name', text: name, at };
  return { kind: 'symbol', text: symbol ?? '', at };
}

/** @throws ExpressionError for `0x_` and `09`, and for what no type of C holds */
function numberOf(digits: string, text: string): bigint {
  let value: bigint;
  try {
    value = BigInt(digits);
  } catch {
    throw new ExpressionError(`${text} is no number`);
  }
  if (value >= 1n << 64n) throw new ExpressionError(`${text} has more than 64 bits`);
  return value;
}

function codeOf(character: string): number {
  if (!character.startsWith('\\')) return character.charCodeAt(0);
  const escaped = character.slice(1);
  if (/^[0-7]/.test(escaped)) return Number.parseInt(escaped, 8);
  return ESCAPES[escaped] ?? escaped.charCodeAt(0);
}
