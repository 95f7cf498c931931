/** Cuts source text into what is drawn alike: enough of C, C++ and assembly to colour it, no more. */

export type TokenKind =
  'keyword' | 'type' | 'number' | 'string' | 'comment' | 'directive' | 'plain';

export interface SourceToken {
  readonly kind: TokenKind;
  readonly text: string;
}

const KEYWORDS: ReadonlySet<string> = new Set(
  (
    'alignas alignof asm auto break case catch class const consteval constexpr constinit continue ' +
    'decltype default delete do else enum explicit export extern false final for friend goto if inline ' +
    'mutable namespace new noexcept nullptr operator override private protected public register ' +
    'requires restrict return sizeof static static_assert static_cast reinterpret_cast const_cast ' +
    'dynamic_cast struct switch template this thread_local throw true try typedef typeid typename ' +
    'union using virtual volatile while NULL _Thread_local _Static_assert __asm__ __attribute__'
  ).split(' '),
);

const TYPES: ReadonlySet<string> = new Set(
  'bool char double float int long short signed unsigned void wchar_t auto _Bool'.split(' '),
);

const TOKEN =
  /(\/\/.*$|\/\*)|("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)|(\b(?:0[xX][\da-fA-F']+|0[bB][01']+|\d[\d.']*(?:[eE][-+]?\d+)?)[\w]*\b)|([A-Za-z_$][\w$]*)|(\s+)|([^\sA-Za-z_$\d"'/]+|.)/g;

/**
 * The tokens of each line. Block comments go on from line to line.
 * @param isAssembly `#` begins a comment, unless a directive of the preprocessor follows
 */
export function colourLines(lines: readonly string[], isAssembly: boolean): SourceToken[][] {
  let inComment = false;
  return lines.map((line) => {
    const tokens: SourceToken[] = [];
    let at = 0;
    if (inComment) {
      const end = line.indexOf('*/');
      at = end < 0 ? line.length : end + 2;
      inComment = end < 0;
      if (at > 0) tokens.push({ kind: 'comment', text: line.slice(0, at) });
    }
    if (at === 0 && isDirective(line, isAssembly)) return [{ kind: 'directive', text: line }];
    inComment = colourRest(line, at, isAssembly, tokens) || inComment;
    return tokens;
  });
}

function isDirective(line: string, isAssembly: boolean): boolean {
  const found = /^\s*#\s*(\w+)/.exec(line);
  if (!found) return false;
  return !isAssembly || /^(?:include|define|undef|if|ifdef|ifndef|elif|else|endif)$/.test(found[1]);
}

/** Colours a line from `start` on; true when it ends inside a block comment. */
function colourRest(
  line: string,
  start: number,
  isAssembly: boolean,
  tokens: SourceToken[],
): boolean {
  TOKEN.lastIndex = start;
  for (let match = TOKEN.exec(line); match; match = TOKEN.exec(line)) {
    const [text, comment, string, number, word] = match as (string | undefined)[];
    if (text === undefined || text === '') break;
    if (isAssembly && text.startsWith('#')) {
      tokens.push({ kind: 'comment', text: line.slice(match.index) });
      return false;
    }
    if (comment === '/*') {
      const end = line.indexOf('*/', match.index + 2);
      const stop = end < 0 ? line.length : end + 2;
      tokens.push({ kind: 'comment', text: line.slice(match.index, stop) });
      if (end < 0) return true;
      TOKEN.lastIndex = stop;
    } else if (comment !== undefined) tokens.push({ kind: 'comment', text });
    else if (string !== undefined) tokens.push({ kind: 'string', text });
    else if (number !== undefined) tokens.push({ kind: 'number', text });
    else tokens.push({ kind: word === undefined ? 'plain' : wordKind(word), text });
  }
  return false;
}

function wordKind(word: string): TokenKind {
  if (TYPES.has(word) || /^u?int(?:\d+|ptr|max)?_t$|^s?size_t$|_t$/.test(word)) return 'type';
  return KEYWORDS.has(word) ? 'keyword' : 'plain';
}

/** The expression around a column: a name with the members before it (`p->at.x`), not those behind. */
export function expressionAt(line: string, column: number): string | null {
  const name = /[A-Za-z_$][\w$]*/g;
  for (let match = name.exec(line); match; match = name.exec(line)) {
    const end = match.index + match[0].length;
    if (column < match.index || column >= end) continue;
    if (KEYWORDS.has(match[0]) || TYPES.has(match[0])) return null;
    const before = /(?:[A-Za-z_$][\w$]*(?:\[\w+\])?(?:\.|->|::))*$/.exec(
      line.slice(0, match.index),
    );
    return (before?.[0] ?? '') + match[0];
  }
  return null;
}
