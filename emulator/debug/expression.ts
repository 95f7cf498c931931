/**
 * A small C-like language over the state of a hart, for breakpoint conditions and address fields:
 * numbers (`42 0x2a 0b101010 'c'`), registers (`a0 x10 sp pc fcsr fa0`), symbols (their address),
 * `hart`, memory (`u8(e) u16(e) u32(e) u64(e) i8(e) … i64(e)`), unary `- ~ !`, binary
 * `* / % + - << >> < <= > >= == != & ^ | && ||`, `a ? b : c` and parentheses, with C's precedence.
 * Values are signed 64-bit integers; registers read as signed.
 */

/** What names and memory reads mean. */
export interface Scope {
  /** The value of a register, symbol or other name; undefined when there is none of that name. */
  name(name: string): bigint | undefined;
  /** `size` bytes at an address as an unsigned number; undefined when they cannot be read. */
  memory(address: bigint, size: number): bigint | undefined;
}

/** An expression that has been read; evaluating it may fail for this scope. */
export type Expression = (scope: Scope) => bigint;

/** Why an expression cannot be read or evaluated. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}

const wrap = (value: bigint): bigint => BigInt.asIntN(64, value);
const truth = (value: boolean): bigint => (value ? 1n : 0n);

type BinaryOperator = (a: bigint, b: bigint) => bigint;

function division(operator: (a: bigint, b: bigint) => bigint): BinaryOperator {
  return (a, b) => {
    if (b === 0n) throw new ExpressionError('division by zero');
    return operator(a, b);
  };
}

/** Binary operators by precedence, the loosest first (C, section 6.5). `&&` and `||` stand apart. */
const LEVELS: readonly Readonly<Record<string, BinaryOperator>>[] = [
  { '|': (a, b) => a | b },
  { '^': (a, b) => a ^ b },
  { '&': (a, b) => a & b },
  { '==': (a, b) => truth(a === b), '!=': (a, b) => truth(a !== b) },
  {
    '<': (a, b) => truth(a < b),
    '<=': (a, b) => truth(a <= b),
    '>': (a, b) => truth(a > b),
    '>=': (a, b) => truth(a >= b),
  },
  { '<<': (a, b) => a << (b & 63n), '>>': (a, b) => a >> (b & 63n) },
  { '+': (a, b) => a + b, '-': (a, b) => a - b },
  {
    '*': (a, b) => a * b,
    '/': division((a, b) => a / b),
    '%': division((a, b) => a % b),
  },
];

const TOKEN =
  /\s*(?:(0[xX][0-9a-fA-F_]+|0[bB][01_]+|[0-9][0-9_]*)|'(\\?.)'|([A-Za-z_.$][\w.$@]*)|(<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>()?:]))/y;

const READ = /^([ui])(8|16|32|64)$/;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0' };

type Token =
  | { readonly kind: 'number'; readonly value: bigint; readonly at: number }
  | { readonly kind: 'name' | 'symbol' | 'end'; readonly text: string; readonly at: number };

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match)
      throw new ExpressionError(
        `unexpected character at column ${from + 1}: ${text.slice(from).trim()}`,
      );
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

/**
 * Reads an expression.
 * @throws ExpressionError that says where it goes wrong and what was expected
 */
export function parseExpression(text: string): Expression {
  const parser = new Parser(tokenize(text));
  const expression = parser.conditional(0);
  parser.finish();
  return expression;
}

/** Deeper nesting than this is refused, not recursed into. */
const MAX_DEPTH = 200;

class Parser {
  private next = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  finish(): void {
    if (this.peek().kind !== 'end') this.fail('an operator');
  }

  conditional(depth: number): Expression {
    if (depth > MAX_DEPTH) throw new ExpressionError('the expression is nested too deeply');
    const condition = this.logical('||', depth);
    if (!this.take('?')) return condition;
    const yes = this.conditional(depth + 1);
    this.expect(':');
    const no = this.conditional(depth + 1);
    return (scope) => (condition(scope) !== 0n ? yes(scope) : no(scope));
  }

  private logical(operator: '||' | '&&', depth: number): Expression {
    const operand = (): Expression =>
      operator === '||' ? this.logical('&&', depth) : this.binary(0, depth);
    let left = operand();
    while (this.take(operator)) {
      const [a, b] = [left, operand()];
      left =
        operator === '||'
          ? (scope) => truth(a(scope) !== 0n || b(scope) !== 0n)
          : (scope) => truth(a(scope) !== 0n && b(scope) !== 0n);
    }
    return left;
  }

  private binary(level: number, depth: number): Expression {
    if (level === LEVELS.length) return this.unary(depth);
    let left = this.binary(level + 1, depth);
    for (;;) {
      const token = this.peek();
      const operator = token.kind === 'symbol' ? LEVELS[level][token.text] : undefined;
      if (!operator) return left;
      this.next += 1;
      const [a, b] = [left, this.binary(level + 1, depth)];
      left = (scope) => wrap(operator(a(scope), b(scope)));
    }
  }

  private unary(depth: number): Expression {
    if (depth > MAX_DEPTH) throw new ExpressionError('the expression is nested too deeply');
    if (this.take('-')) return this.apply(this.unary(depth + 1), (a) => wrap(-a));
    if (this.take('~')) return this.apply(this.unary(depth + 1), (a) => ~a);
    if (this.take('!')) return this.apply(this.unary(depth + 1), (a) => truth(a === 0n));
    return this.primary(depth);
  }

  private apply(operand: Expression, operator: (a: bigint) => bigint): Expression {
    return (scope) => operator(operand(scope));
  }

  private primary(depth: number): Expression {
    const token = this.tokens[this.next];
    if (token.kind === 'number') {
      this.next += 1;
      const value = wrap(token.value);
      return () => value;
    }
    if (token.kind === 'name') {
      this.next += 1;
      const read = READ.exec(token.text);
      return read && this.take('(') ? this.memoryRead(read, depth) : this.named(token.text);
    }
    if (this.take('(')) {
      const inner = this.conditional(depth + 1);
      this.expect(')');
      return inner;
    }
    return this.fail('a number, a name or “(”');
  }

  private named(name: string): Expression {
    return (scope) => {
      const value = scope.name(name);
      if (value === undefined) {
        throw new ExpressionError(`no register or symbol is called ${name}`);
      }
      return wrap(value);
    };
  }

  private memoryRead([, sign, bits]: RegExpExecArray, depth: number): Expression {
    const address = this.conditional(depth + 1);
    this.expect(')');
    const width = Number(bits);
    return (scope) => {
      const at = BigInt.asUintN(64, address(scope));
      const value = scope.memory(at, width / 8);
      if (value === undefined) {
        throw new ExpressionError(`memory at 0x${at.toString(16)} cannot be read`);
      }
      return sign === 'i' ? BigInt.asIntN(width, value) : wrap(value);
    };
  }

  private peek(): Token {
    return this.tokens[this.next];
  }

  private take(symbol: string): boolean {
    const token = this.peek();
    if (token.kind !== 'symbol' || token.text !== symbol) return false;
    this.next += 1;
    return true;
  }

  private expect(symbol: string): void {
    if (!this.take(symbol)) this.fail(`“${symbol}”`);
  }

  private fail(expected: string): never {
    const token = this.peek();
    const found = token.kind === 'number' ? String(token.value) : token.text;
    throw new ExpressionError(
      `column ${token.at + 1}: expected ${expected}, found ${token.kind === 'end' ? found : `“${found}”`}`,
    );
  }
}
