/**
 * A small C-like language over the state of a hart, for conditions, messages, address fields and the
 * console: numbers (`42 0x2a 0b101010 'c'`), registers (`a0 x10 sp pc fcsr fa0`, also `$a0`), symbols
 * (their address), `hart`, memory (`*(int *)p`, `((short *)a0)[3]`, `u8[e]`, `u32(e)` …), casts
 * (`(unsigned char)a0`), unary `- ~ ! *`, binary `* / % + - << >> < <= > >= == != & ^ | && ||`,
 * `a ? b : c` and parentheses, with C's precedence. Values are signed 64-bit integers; registers read as
 * signed; pointers count in what they point to. Floating-point values can be shown, not computed with.
 */
import { ExpressionError, tokenize, type Token } from './expression-tokens';
import {
  convert,
  LONG,
  pointedTo,
  readTypeWords,
  sizeOf,
  typeName,
  type ValueType,
} from './expression-types';

export { ExpressionError } from './expression-tokens';

/** What names and memory reads mean. */
export interface Scope {
  /** The value of a register, symbol or other name; undefined when there is none of that name. */
  name(name: string): bigint | undefined;
  /** `size` bytes at an address as an unsigned number; undefined when they cannot be read. */
  memory(address: bigint, size: number): bigint | undefined;
}

/** An expression that has been read; evaluating it may fail for this scope. */
export type Expression = (scope: Scope) => bigint;

/** An expression with its type, and where its value lies when it can be assigned to. */
export interface TypedExpression {
  readonly value: Expression;
  readonly type: ValueType;
  /** Of a memory access: its address. */
  readonly address?: Expression;
  /** Of a bare name: the name. */
  readonly name?: string;
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

/** `u8(e)` and `u8[e]` read memory; so do all types of this form. */
const READ = /^[uif](8|16|32|64)$/;

/** Deeper nesting than this is refused, not recursed into. */
const MAX_DEPTH = 200;

/**
 * Reads an expression.
 * @throws ExpressionError that says where it goes wrong and what was expected
 */
export function parseExpression(text: string): Expression {
  return parseTyped(text).value;
}

/**
 * Reads an expression, with its type.
 * @throws ExpressionError as `parseExpression`
 */
export function parseTyped(text: string): TypedExpression {
  const parser = new Parser(tokenize(text));
  const expression = parser.conditional(0);
  parser.finish();
  return expression;
}

class Parser {
  private next = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  finish(): void {
    if (this.peek().kind !== 'end') this.fail('an operator');
  }

  conditional(depth: number): TypedExpression {
    if (depth > MAX_DEPTH) throw new ExpressionError('the expression is nested too deeply');
    const condition = this.logical('||', depth);
    if (!this.take('?')) return condition;
    const yes = this.conditional(depth + 1);
    this.expect(':');
    const no = this.conditional(depth + 1);
    const test = integer(condition);
    return {
      value: (scope) => (test(scope) !== 0n ? yes.value(scope) : no.value(scope)),
      type: yes.type,
    };
  }

  private logical(operator: '||' | '&&', depth: number): TypedExpression {
    const operand = (): TypedExpression =>
      operator === '||' ? this.logical('&&', depth) : this.binary(0, depth);
    let left = operand();
    while (this.take(operator)) {
      const [a, b] = [integer(left), integer(operand())];
      left = whole(
        operator === '||'
          ? (scope) => truth(a(scope) !== 0n || b(scope) !== 0n)
          : (scope) => truth(a(scope) !== 0n && b(scope) !== 0n),
      );
    }
    return left;
  }

  private binary(level: number, depth: number): TypedExpression {
    if (level === LEVELS.length) return this.unary(depth);
    let left = this.binary(level + 1, depth);
    for (;;) {
      const token = this.peek();
      const operator = token.kind === 'symbol' ? LEVELS[level][token.text] : undefined;
      if (!operator || token.kind !== 'symbol') return left;
      this.next += 1;
      const right = this.binary(level + 1, depth);
      const isMove = (token.text === '+' || token.text === '-') && left.type.pointers > 0;
      left = isMove ? moved(left, right, operator) : combined(left, right, operator);
    }
  }

  private unary(depth: number): TypedExpression {
    if (depth > MAX_DEPTH) throw new ExpressionError('the expression is nested too deeply');
    if (this.take('-')) return this.apply(this.unary(depth + 1), (a) => wrap(-a));
    if (this.take('~')) return this.apply(this.unary(depth + 1), (a) => ~a);
    if (this.take('!')) return this.apply(this.unary(depth + 1), (a) => truth(a === 0n));
    if (this.take('*')) return this.dereferenced(this.unary(depth + 1));
    const cast = this.cast();
    if (cast) return converted(this.unary(depth + 1), cast);
    return this.postfix(depth);
  }

  private apply(operand: TypedExpression, operator: (a: bigint) => bigint): TypedExpression {
    const a = integer(operand);
    return whole((scope) => operator(a(scope)));
  }

  private dereferenced({ value, type }: TypedExpression): TypedExpression {
    // Without a type a register or number points to 64 bits.
    return memoryRead(value, type.pointers > 0 ? pointedTo(type) : LONG);
  }

  /** `(type)` or `(type *)` at this place. */
  private cast(): ValueType | undefined {
    const start = this.next;
    if (!this.take('(')) return undefined;
    const type = this.typeAt();
    if (type && this.take(')')) return type;
    this.next = start;
    return undefined;
  }

  private typeAt(): ValueType | undefined {
    const words: string[] = [];
    for (let i = this.next; this.tokens[i].kind === 'name'; i++) {
      words.push((this.tokens[i] as { text: string }).text);
    }
    const read = readTypeWords(words);
    if (!read) return undefined;
    this.next += read.words;
    let { pointers } = read.type;
    while (this.take('*')) pointers += 1;
    return { ...read.type, pointers };
  }

  private postfix(depth: number): TypedExpression {
    let expression = this.primary(depth);
    while (this.take('[')) {
      const index = integer(this.conditional(depth + 1));
      this.expect(']');
      const type = expression.type.pointers > 0 ? pointedTo(expression.type) : LONG;
      const base = expression.value;
      const size = BigInt(sizeOf(type));
      expression = memoryRead((scope) => base(scope) + index(scope) * size, type);
    }
    return expression;
  }

  private primary(depth: number): TypedExpression {
    const token = this.tokens[this.next];
    if (token.kind === 'number') {
      this.next += 1;
      const value = wrap(token.value);
      return whole(() => value);
    }
    if (token.kind === 'name') {
      this.next += 1;
      return (READ.test(token.text) && this.memoryAt(token.text, depth)) || named(token.text);
    }
    if (this.take('(')) {
      const inner = this.conditional(depth + 1);
      this.expect(')');
      return inner;
    }
    return this.fail('a number, a name or “(”');
  }

  /** `u8(e)` or `u8[e]`, behind the type's name. */
  private memoryAt(name: string, depth: number): TypedExpression | undefined {
    const type = readTypeWords([name])?.type;
    if (type === undefined) return undefined;
    const closing = this.take('(') ? ')' : this.take('[') ? ']' : undefined;
    if (closing === undefined) return undefined;
    const address = integer(this.conditional(depth + 1));
    this.expect(closing);
    return memoryRead(address, type);
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

const whole = (value: Expression): TypedExpression => ({ value, type: LONG });

/** The operand of an operator, which must not be a floating-point value. */
function integer({ value, type }: TypedExpression): Expression {
  if (type.kind === 'float' && type.pointers === 0) {
    throw new ExpressionError(`a ${typeName(type)} can be shown, not computed with`);
  }
  return value;
}

function combined(
  left: TypedExpression,
  right: TypedExpression,
  operator: BinaryOperator,
): TypedExpression {
  const [a, b] = [integer(left), integer(right)];
  return whole((scope) => wrap(operator(a(scope), b(scope))));
}

/** A pointer moved by so many of what it points to. */
function moved(
  pointer: TypedExpression,
  by: TypedExpression,
  operator: BinaryOperator,
): TypedExpression {
  const [a, b] = [pointer.value, integer(by)];
  const size = BigInt(sizeOf(pointedTo(pointer.type)));
  return { value: (scope) => wrap(operator(a(scope), b(scope) * size)), type: pointer.type };
}

function converted(operand: TypedExpression, type: ValueType): TypedExpression {
  const isFloat = (each: ValueType): boolean => each.kind === 'float' && each.pointers === 0;
  if (isFloat(type) || isFloat(operand.type)) {
    throw new ExpressionError('floating-point values cannot be converted: read them from memory');
  }
  return { value: (scope) => convert(operand.value(scope), type), type };
}

function named(text: string): TypedExpression {
  // As gdb writes registers.
  const name = /^\$./.test(text) ? text.slice(1) : text;
  return {
    type: LONG,
    name,
    value: (scope) => {
      const value = scope.name(name);
      if (value === undefined) {
        throw new ExpressionError(`no register or symbol is called ${name}`);
      }
      return wrap(value);
    },
  };
}

function memoryRead(address: Expression, type: ValueType): TypedExpression {
  const size = sizeOf(type);
  return {
    type,
    address,
    value: (scope) => {
      const at = BigInt.asUintN(64, address(scope));
      const value = scope.memory(at, size);
      if (value === undefined) {
        throw new ExpressionError(`memory at 0x${at.toString(16)} cannot be read`);
      }
      return convert(value, type);
    },
  };
}
