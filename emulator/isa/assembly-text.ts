/** The text level of the assembler: lines, labels, statements, operands, numbers. */

/** A mistake in an assembly text. */
export class AssemblyError extends Error {
  constructor(
    /** Counted from 1. */
    readonly line: number,
    problem: string,
  ) {
    super(`line ${line}: ${problem}`);
    this.name = 'AssemblyError';
  }
}

/** A label, or a mnemonic with its operands. */
export type Statement =
  | { readonly line: number; readonly label: string }
  | { readonly line: number; readonly mnemonic: string; readonly operands: readonly string[] };

const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)'/y;
const LABEL = /^\s*([A-Za-z_.$][\w.$]*|\d+):/;

/** Splits a text into statements; comments begin with `#` or `//`, statements end at `;` too. */
export function readStatements(text: string): Statement[] {
  return text.split('\n').flatMap((source, i) => {
    const line = i + 1;
    return splitOutside(withoutComment(source), ';').flatMap((part) => readParts(part, line));
  });
}

function readParts(part: string, line: number): Statement[] {
  const statements: Statement[] = [];
  let rest = part;
  for (let label = LABEL.exec(rest); label; label = LABEL.exec(rest)) {
    statements.push({ line, label: label[1] });
    rest = rest.slice(label[0].length);
  }
  const [, mnemonic, operands] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(rest) ?? [];
  if (mnemonic) {
    const list = operands ? splitOutside(operands, ',').map((operand) => operand.trim()) : [];
    statements.push({ line, mnemonic: mnemonic.toLowerCase(), operands: list });
  }
  return statements;
}

function withoutComment(source: string): string {
  for (const [at, char] of outsideQuotes(source)) {
    if (char === '#' || source.startsWith('//', at)) return source.slice(0, at);
  }
  return source;
}

function splitOutside(source: string, separator: string): string[] {
  const parts: string[] = [];
  let from = 0;
  for (const [at, char] of outsideQuotes(source)) {
    if (char !== separator) continue;
    parts.push(source.slice(from, at));
    from = at + 1;
  }
  return [...parts, source.slice(from)];
}

/** The characters of a source that are not in a string or a character constant. */
function* outsideQuotes(source: string): Generator<[at: number, char: string]> {
  for (let at = 0; at < source.length; at++) {
    QUOTED.lastIndex = at;
    const quoted = QUOTED.exec(source);
    if (quoted) at += quoted[0].length - 1;
    else yield [at, source[at]];
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '0': '\0',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

/** The UTF-8 bytes of a quoted string; undefined when it is not one. */
export function readString(text: string): Uint8Array | undefined {
  if (!/^"(?:[^"\\]|\\.)*"$/s.test(text)) return undefined;
  return new TextEncoder().encode(unescape(text.slice(1, -1)));
}

const unescape = (text: string): string =>
  text.replace(/\\(.)/gs, (_, char: string) => ESCAPES[char] ?? char);

/** Gives the value of a symbol; `.` is the address of the statement. */
export type SymbolLookup = (name: string) => bigint | undefined;

/** A sum of numbers and symbols, to be computed when all labels are known. */
export type Expression = (symbols: SymbolLookup) => bigint;

const TERM =
  /\s*(?<sign>[+-]?)\s*(?:(?<number>0x[\da-f]+|0b[01]+|\d+(?![\dbf]))|'(?<char>[^'\\]|\\.)'|(?<symbol>[a-z_.$][\w.$]*|\d+[bf]))\s*/iy;

/**
 * Reads an expression: numbers (decimal, `0x…`, `0b…`, `'c'`), symbols and `.` joined by `+` and `-`;
 * or `%hi(…)` or `%lo(…)` of one, the parts that `lui` and a signed 12-bit immediate add up again.
 * @returns undefined when the text is something else.
 */
export function readExpression(text: string): Expression | undefined {
  const [, part, inner] = /^%(hi|lo)\((.*)\)$/.exec(text) ?? [];
  if (part) {
    const whole = readExpression(inner);
    return whole && ((symbols) => relocate(part, whole(symbols)));
  }
  const terms: Expression[] = [];
  TERM.lastIndex = 0;
  while (TERM.lastIndex < text.length) {
    const groups = TERM.exec(text)?.groups;
    if (!groups || (terms.length > 0 && groups.sign === '')) return undefined;
    terms.push(readTerm(groups));
  }
  if (terms.length === 0) return undefined;
  return (symbols) => terms.reduce((sum, term) => sum + term(symbols), 0n);
}

function readTerm({ sign, number, char, symbol }: Record<string, string | undefined>): Expression {
  const factor = sign === '-' ? -1n : 1n;
  if (symbol !== undefined) {
    return (symbols) => {
      const value = symbols(symbol);
      if (value === undefined) throw new Error(`symbol "${symbol}" is not defined`);
      return factor * value;
    };
  }
  const value =
    number === undefined ? BigInt(unescape(char ?? '').codePointAt(0) ?? 0) : BigInt(number);
  return () => factor * value;
}

function relocate(part: string, value: bigint): bigint {
  if (part === 'lo') return BigInt.asIntN(12, value);
  const upper = (value + 0x800n) >> 12n;
  if (upper !== BigInt.asIntN(20, upper)) throw new Error(`${value} does not fit into 32 bits`);
  return BigInt.asUintN(20, upper);
}
