import { ExpressionError } from './expression-tokens';

/** A piece of a C expression. Names may be qualified (`geometry::origin`) or registers (`$a0`). */
export type CToken =
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
  /\s*(?:((?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?[fF]?|\d+[eE][-+]?\d+[fF]?)|(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)([uUlL]*)|'(\\[0-7]{1,3}|\\?.)'|(\$?[A-Za-z_]\w*(?:::~?[A-Za-z_]\w*)*)|(->|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>()[\].?:,]))/y;

const ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, a: 7, b: 8, v: 11, f: 12 };

/**
 * Cuts a C expression into tokens; the last one is `end`.
 * @throws ExpressionError at a character that begins none
 */
export function tokenizeC(text: string): CToken[] {
  const tokens: CToken[] = [];
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

function tokenOf(match: RegExpExecArray, at: number): CToken {
  const [, float, integer, suffix, character, name, symbol] = match as (string | undefined)[];
  if (float !== undefined) {
    return { kind: 'float', value: Number.parseFloat(float), single: /f$/i.test(float), at };
  }
  if (integer !== undefined) {
    const isOctal = /^0\d/.test(integer);
    const value = BigInt(isOctal ? `0o${integer.slice(1)}` : integer);
    return { kind: 'integer', value, suffix: (suffix ?? '').toLowerCase(), at };
  }
  if (character !== undefined) return { kind: 'character', value: codeOf(character), at };
  if (name !== undefined) return { kind: 'name', text: name, at };
  return { kind: 'symbol', text: symbol ?? '', at };
}

function codeOf(character: string): number {
  if (!character.startsWith('\\')) return character.charCodeAt(0);
  const escaped = character.slice(1);
  if (/^[0-7]/.test(escaped)) return Number.parseInt(escaped, 8);
  return ESCAPES[escaped] ?? escaped.charCodeAt(0);
}
