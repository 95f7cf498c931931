/**
 * The expressions of conditions, messages, watches, address fields and the console: C, as gdb's `print` takes it.
 * Names, registers (`$a0`), numbers (`0b1010` and `1_000` as well), `. -> [] * &`, casts, `sizeof`, arithmetic,
 * comparisons, `&& || ! ?:`; besides, `u8[e]` or `u8(e)` is memory at an address, as are `i8` to `u64`, `f32` and
 * `f64`. Nothing is assigned and nothing called. What names mean the scope says.
 */
import { strip, type DwarfType } from '../elf/dwarf/types';
import { ExpressionError, tokenize, type Token } from './expression-tokens';
import type { StackMemory } from './stack-memory';
import {
  addressOf,
  C_TYPES,
  castTo,
  combine,
  dereferenced,
  elementAt,
  fromScalar,
  integer,
  isTrue,
  pointerTo,
  promoted,
  referred,
  scalarOf,
  type Scalar,
} from './variables-arithmetic';
import { member } from './variables-members';
import { ACCESS_TYPES, qualifiedTypeWords } from './variables-type-words';
import { sizeOf, type Value } from './variables-value';

/** What names mean, and memory. */
export interface ExpressionScope {
  readonly memory: StackMemory;
  /** The value that a name has; undefined when nothing has that name. */
  value(name: string): Value | undefined;
  /** The type of a name: `point_t`, `struct point` by `point`. */
  type(name: string): DwarfType | undefined;
}

/** The value of a part of an expression, once it has been read, in a scope. */
type Thunk = (scope: ExpressionScope) => Value;

const MAX_DEPTH = 100;

/** Binary operators by precedence, the loosest first. */
const LEVELS: readonly (readonly string[])[] = [
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];

/** An expression that may be evaluated often: it is read once, unless its reading depends on what its names mean. */
export class Expression {
  private readonly tokens: readonly Token[];
  private read: Thunk | undefined;

  /** @throws ExpressionError when it is none, whatever its names mean */
  constructor(text: string) {
    this.tokens = tokenize(text);
    mustRead(this.tokens);
  }

  /** The name, without the `$` of a register, where the expression is nothing else. */
  get onlyName(): string | undefined {
    const [first, second] = this.tokens;
    return first.kind === 'name' && second.kind === 'end'
      ? first.text.replace(/^\$/, '')
      : undefined;
  }

  /** @throws ExpressionError, UnavailableError, DwarfError with what is wrong or missing */
  evaluate(scope: ExpressionScope): Value {
    if (this.read) return this.read(scope);
    const parser = new Parser(this.tokens, scope);
    const thunk = parser.whole();
    if (!parser.hasAsked) this.read = thunk;
    return thunk(scope);
  }
}

/** @throws ExpressionError when the tokens are no expression, whatever their names mean */
function mustRead(tokens: readonly Token[]): void {
  const readAs = (type: DwarfType | undefined): void =>
    void new Parser(tokens, { value: () => undefined, type: () => type }).whole();
  try {
    readAs(undefined);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    // `(a) (b)` is a cast where `a` is a type, else nothing.
    try {
      readAs(C_TYPES.int);
    } catch {
      throw error;
    }
  }
}

/** What a reader asks of names: `(a) + b` is a cast when `a` is a type. */
type NameTable = Pick<ExpressionScope, 'value' | 'type'>;

class Parser {
  /** Whether what was read depends on the meaning of a name. */
  hasAsked = false;
  private next = 0;
  private readonly names: NameTable;

  constructor(
    private readonly tokens: readonly Token[],
    names: NameTable,
  ) {
    const asked = <T>(answer: T): T => {
      this.hasAsked = true;
      return answer;
    };
    this.names = {
      value: (name) => asked(names.value(name)),
      type: (name) => asked(names.type(name)),
    };
  }

  /** The whole text as one expression. */
  whole(): Thunk {
    const thunk = this.conditional(0);
    if (this.peek().kind !== 'end') this.fail('an operator');
    return thunk;
  }

  private conditional(depth: number): Thunk {
    if (depth > MAX_DEPTH) throw new ExpressionError('the expression is nested too deeply');
    const condition = this.logical('||', depth);
    if (!this.take('?')) return condition;
    const yes = this.conditional(depth + 1);
    this.expect(':');
    const no = this.conditional(depth + 1);
    return (scope) => (isTrue(scalar(condition, scope)) ? yes(scope) : no(scope));
  }

  private logical(operator: '||' | '&&', depth: number): Thunk {
    const operand = (): Thunk =>
      operator === '||' ? this.logical('&&', depth) : this.binary(0, depth);
    let left = operand();
    while (this.take(operator)) {
      const [a, b] = [left, operand()];
      left = (scope) => {
        const first = isTrue(scalar(a, scope));
        const decided = operator === '||' ? first : !first;
        const result = decided ? first : isTrue(scalar(b, scope));
        return fromScalar(integer(result ? 1n : 0n, C_TYPES.int));
      };
    }
    return left;
  }

  private binary(level: number, depth: number): Thunk {
    if (level === LEVELS.length) return this.unary(depth);
    let left = this.binary(level + 1, depth);
    for (;;) {
      const token = this.peek();
      if (token.kind !== 'symbol' || !LEVELS[level].includes(token.text)) return left;
      this.next += 1;
      const operator = token.text;
      const [a, b] = [left, this.binary(level + 1, depth)];
      left = (scope) => fromScalar(combine(operator, scalar(a, scope), scalar(b, scope)));
    }
  }

  private unary(depth: number): Thunk {
    if (depth > MAX_DEPTH) throw new ExpressionError('the expression is nested too deeply');
    const token = this.peek();
    if (token.kind === 'name' && token.text === 'sizeof') return this.size(depth);
    if (token.kind === 'symbol' && '-+~!*&'.includes(token.text)) {
      this.next += 1;
      const operand = this.unary(depth + 1);
      return (scope) => apply(token.text, operand(scope), scope.memory);
    }
    const cast = this.cast();
    if (!cast) return this.postfix(depth);
    const operand = this.unary(depth + 1);
    return (scope) => castTo(operand(scope), cast, scope.memory);
  }

  private size(depth: number): Thunk {
    this.next += 1;
    const type = this.cast();
    const operand = type === undefined ? this.unary(depth + 1) : undefined;
    return (scope) => {
      const value = operand?.(scope);
      const bytes = type ? sizeOf(type) : value ? sizeOf(value.type, value.context) : 0;
      return fromScalar(integer(BigInt(bytes), C_TYPES.unsignedLong));
    };
  }

  /** `(type)` at this place. */
  private cast(): DwarfType | undefined {
    const start = this.next;
    if (this.take('(')) {
      const type = this.typeAt();
      if (type && this.take(')')) return type;
    }
    this.next = start;
    return undefined;
  }

  private typeAt(): DwarfType | undefined {
    const words: string[] = [];
    for (let i = this.next; this.tokens[i].kind === 'name'; i++) {
      words.push((this.tokens[i] as { text: string }).text);
    }
    const read = qualifiedTypeWords(words, this.names);
    if (!read) return undefined;
    this.next += read.words;
    let { type } = read;
    for (;;) {
      if (this.take('*')) type = pointerTo(type);
      else if (!this.takeName('const') && !this.takeName('volatile')) return type;
    }
  }

  private postfix(depth: number): Thunk {
    let value = this.primary(depth);
    for (;;) {
      const before = value;
      if (this.take('[')) {
        const index = this.conditional(depth + 1);
        this.expect(']');
        value = (scope) => elementAt(before(scope), indexOf(index, scope), scope.memory);
      } else if (this.take('.')) {
        const names = this.memberName();
        value = (scope) => member(referred(before(scope), scope.memory), names, scope);
      } else if (this.take('->')) {
        const names = this.memberName();
        value = (scope) => member(dereferenced(before(scope), scope.memory), names, scope);
      } else return value;
    }
  }

  private primary(depth: number): Thunk {
    const token = this.peek();
    this.next += 1;
    switch (token.kind) {
      case 'integer': {
        const value = fromScalar(integer(token.value, literalType(token.value, token.suffix)));
        return () => value;
      }
      case 'float': {
        const type = token.single ? C_TYPES.float : C_TYPES.double;
        const value = fromScalar({ kind: 'float', value: token.value, type });
        return () => value;
      }
      case 'character': {
        const value = fromScalar(integer(BigInt(token.value), C_TYPES.char));
        return () => value;
      }
      case 'name':
        return this.memoryAt(token.text, depth) ?? ((scope) => named(token.text, scope));
      default:
        this.next -= 1;
        if (!this.take('(')) return this.fail('a number, a name or “(”');
    }
    const inner = this.conditional(depth + 1);
    this.expect(')');
    return inner;
  }

  /** `u8(e)` or `u8[e]`, behind the type's name; the latter is an element where a variable is called so. */
  private memoryAt(name: string, depth: number): Thunk | undefined {
    const type = ACCESS_TYPES.get(name);
    const closing = type && (this.take('(') ? ')' : this.take('[') ? ']' : undefined);
    if (type === undefined || closing === undefined) return undefined;
    const place = this.conditional(depth + 1);
    this.expect(closing);
    return (scope) => {
      const variable = closing === ']' ? scope.value(name) : undefined;
      if (variable) return elementAt(variable, indexOf(place, scope), scope.memory);
      return dereferenced(castTo(place(scope), pointerTo(type), scope.memory), scope.memory);
    };
  }

  /** `x`, or `x.y`: the lexer leaves them in one piece. */
  private memberName(): string[] {
    const token = this.peek();
    if (token.kind !== 'name') return this.fail('the name of a member');
    this.next += 1;
    return token.text.split('.');
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

  private takeName(name: string): boolean {
    const token = this.peek();
    if (token.kind !== 'name' || token.text !== name) return false;
    this.next += 1;
    return true;
  }

  private expect(symbol: string): void {
    if (!this.take(symbol)) this.fail(`“${symbol}”`);
  }

  private fail(expected: string): never {
    const token = this.peek();
    const found = 'text' in token ? token.text : String(token.value);
    const shown = token.kind === 'end' ? found : `“${found}”`;
    throw new ExpressionError(`column ${token.at + 1}: expected ${expected}, found ${shown}`);
  }
}

/** `sum`, a member as in `point.x`, or a symbol with dots in its name. */
function named(name: string, scope: ExpressionScope): Value {
  const [first, ...members] = name.split('.');
  const value = scope.value(first);
  const hasMembers = value !== undefined && strip(value.type).kind !== 'function';
  if (members.length > 0 && hasMembers) {
    return member(referred(value, scope.memory), members, scope);
  }
  const whole = members.length > 0 ? scope.value(name) : value;
  if (whole === undefined) {
    throw new ExpressionError(`no variable, register or symbol is called ${name}`);
  }
  return whole;
}

const scalar = (thunk: Thunk, scope: ExpressionScope): Scalar =>
  scalarOf(thunk(scope), scope.memory);

function indexOf(thunk: Thunk, scope: ExpressionScope): bigint {
  const index = scalar(thunk, scope);
  if (index.kind !== 'integer') throw new ExpressionError('an index must be an integer');
  return index.value;
}

function apply(operator: string, operand: Value, memory: StackMemory): Value {
  if (operator === '*') return dereferenced(operand, memory);
  if (operator === '&') {
    const value = referred(operand, memory);
    const pointer: Scalar = { kind: 'pointer', value: addressOf(value), target: value.type };
    return fromScalar(pointer);
  }
  const number = promoted(scalarOf(operand, memory));
  if (operator === '!') return fromScalar(integer(isTrue(number) ? 0n : 1n, C_TYPES.int));
  if (operator === '+') return fromScalar(number);
  if (number.kind === 'float' && operator === '-') {
    return fromScalar({ ...number, value: -number.value });
  }
  if (number.kind !== 'integer') throw new ExpressionError(`${operator} takes an integer`);
  return fromScalar(integer(operator === '-' ? -number.value : ~number.value, number.type));
}

/** The type of a number (C17, section 6.4.4.1), hexadecimal ones as decimal ones. */
function literalType(value: bigint, suffix: string): (typeof C_TYPES)['int' | 'long'] {
  const isUnsigned = suffix.includes('u');
  const isLong = suffix.includes('l') || value >= (isUnsigned ? 1n << 32n : 1n << 31n);
  if (isUnsigned || value >= 1n << 63n) return isLong ? C_TYPES.unsignedLong : C_TYPES.unsigned;
  return isLong ? C_TYPES.long : C_TYPES.int;
}
