/**
 * C expressions over the variables of a frame, as gdb's `print` takes them: names, registers (`$a0`),
 * `. -> [] * &`, casts, `sizeof`, arithmetic, comparisons, `&& || ! ?:`. Nothing is assigned and nothing
 * called. A name is a local variable, else a global one, an enumerator, a register or a symbol.
 */
import { qualifiedTypeWords } from './variables-type-words';
import { strip, type CompositeType, type DwarfType } from '../elf/dwarf/types';
import { typeName } from '../elf/dwarf/type-names';
import { ExpressionError } from './expression-tokens';
import { StackMemory } from './stack-memory';
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
import { memberOf } from './variables-members';
import { tokenizeC, type CToken } from './variables-tokens';
import { sizeOf, type Value } from './variables-value';

/** What names mean, and memory. */
export interface VariableScope {
  readonly memory: StackMemory;
  /** The value that a name has; undefined when nothing has that name. */
  value(name: string): Value | undefined;
  /** The type of a name: `point_t`, `struct point` by `point`. */
  type(name: string): DwarfType | undefined;
}

type Thunk = () => Value;

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

/**
 * The value of an expression.
 * @throws ExpressionError, UnavailableError, DwarfError with what is wrong or missing
 */
export function evaluateC(text: string, scope: VariableScope): Value {
  const parser = new CParser(tokenizeC(text), scope);
  const thunk = parser.conditional(0);
  parser.finish();
  return thunk();
}

/** Whether a text is a C expression, whatever its names mean. */
export function isC(text: string): boolean {
  // `(a) + b` is a cast or a sum: that depends on what `a` is.
  return [undefined, C_TYPES.int].some((type) => {
    const scope = { memory: NO_MEMORY, value: () => undefined, type: () => type };
    try {
      const parser = new CParser(tokenizeC(text), scope);
      parser.conditional(0);
      parser.finish();
      return true;
    } catch (error) {
      if (error instanceof ExpressionError) return false;
      throw error;
    }
  });
}

const NO_MEMORY = new StackMemory({ peek: () => new Uint8Array(0) });

class CParser {
  private next = 0;
  private readonly memory: StackMemory;

  constructor(
    private readonly tokens: readonly CToken[],
    private readonly scope: VariableScope,
  ) {
    this.memory = scope.memory;
  }

  finish(): void {
    if (this.peek().kind !== 'end') this.fail('an operator');
  }

  conditional(depth: number): Thunk {
    if (depth > MAX_DEPTH) throw new ExpressionError('the expression is nested too deeply');
    const condition = this.logical('||', depth);
    if (!this.take('?')) return condition;
    const yes = this.conditional(depth + 1);
    this.expect(':');
    const no = this.conditional(depth + 1);
    return () => (isTrue(this.scalar(condition)) ? yes() : no());
  }

  private logical(operator: '||' | '&&', depth: number): Thunk {
    const operand = (): Thunk =>
      operator === '||' ? this.logical('&&', depth) : this.binary(0, depth);
    let left = operand();
    while (this.take(operator)) {
      const [a, b] = [left, operand()];
      left = () => {
        const first = isTrue(this.scalar(a));
        const decided = operator === '||' ? first : !first;
        const result = decided ? first : isTrue(this.scalar(b));
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
      left = () => fromScalar(combine(operator, this.scalar(a), this.scalar(b)));
    }
  }

  private unary(depth: number): Thunk {
    if (depth > MAX_DEPTH) throw new ExpressionError('the expression is nested too deeply');
    const token = this.peek();
    if (token.kind === 'name' && token.text === 'sizeof') return this.size(depth);
    if (token.kind === 'symbol' && '-+~!*&'.includes(token.text)) {
      this.next += 1;
      const operand = this.unary(depth + 1);
      return () => this.apply(token.text, operand());
    }
    const cast = this.cast();
    if (!cast) return this.postfix(depth);
    const operand = this.unary(depth + 1);
    return () => castTo(operand(), cast, this.memory);
  }

  private apply(operator: string, operand: Value): Value {
    const { memory } = this;
    if (operator === '*') return dereferenced(operand, memory);
    if (operator === '&') {
      const value = referred(operand, memory);
      const pointer: Scalar = { kind: 'pointer', value: addressOf(value), target: value.type };
      return fromScalar(pointer);
    }
    const scalar = promoted(scalarOf(operand, memory));
    if (operator === '!') return fromScalar(integer(isTrue(scalar) ? 0n : 1n, C_TYPES.int));
    if (operator === '+') return fromScalar(scalar);
    if (scalar.kind === 'float' && operator === '-') {
      return fromScalar({ ...scalar, value: -scalar.value });
    }
    if (scalar.kind !== 'integer') throw new ExpressionError(`${operator} takes an integer`);
    return fromScalar(integer(operator === '-' ? -scalar.value : ~scalar.value, scalar.type));
  }

  private size(depth: number): Thunk {
    this.next += 1;
    const type = this.cast();
    const operand = type === undefined ? this.unary(depth + 1) : undefined;
    return () => {
      const value = operand?.();
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
    const read = qualifiedTypeWords(words, this.scope);
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
        value = () => elementAt(before(), this.whole(index), this.memory);
      } else if (this.take('.')) {
        const name = this.memberName();
        value = () => this.member(referred(before(), this.memory), name);
      } else if (this.take('->')) {
        const name = this.memberName();
        value = () => this.member(dereferenced(before(), this.memory), name);
      } else return value;
    }
  }

  private member(value: Value, name: string): Value {
    const type = strip(value.type);
    // A pointer is followed, as gdb does.
    if (type.kind === 'pointer') return this.member(dereferenced(value, this.memory), name);
    if (type.kind !== 'struct' && type.kind !== 'class' && type.kind !== 'union') {
      throw new ExpressionError(`a ${typeName(value.type)} has no members`);
    }
    const found = findMember(value, type, name, this.memory, 0);
    if (!found) throw new ExpressionError(`${typeName(value.type)} has no member ${name}`);
    return found;
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
        return () => this.named(token.text);
      default:
        this.next -= 1;
        if (!this.take('(')) return this.fail('a number, a name or “(”');
    }
    const inner = this.conditional(depth + 1);
    this.expect(')');
    return inner;
  }

  private named(name: string): Value {
    const value = this.scope.value(name);
    if (value === undefined) {
      throw new ExpressionError(`no variable, register or symbol is called ${name}`);
    }
    return value;
  }

  private scalar(thunk: Thunk): Scalar {
    return scalarOf(thunk(), this.memory);
  }

  private whole(thunk: Thunk): bigint {
    const scalar = this.scalar(thunk);
    if (scalar.kind !== 'integer') throw new ExpressionError('an index must be an integer');
    return scalar.value;
  }

  private memberName(): string {
    const token = this.peek();
    if (token.kind !== 'name') return this.fail('the name of a member');
    this.next += 1;
    return token.text;
  }

  private peek(): CToken {
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

/** A member by its name, also one of an anonymous structure or of a base class. */
function findMember(
  value: Value,
  type: CompositeType,
  name: string,
  memory: StackMemory,
  depth: number,
): Value | undefined {
  if (depth > MAX_DEPTH) return undefined;
  const members = type.members();
  const direct = members.find((member) => member.name === name && !member.isBaseClass);
  if (direct) return memberOf(value, direct, memory);
  for (const member of members) {
    const inner = strip(member.type);
    if (member.name !== undefined && !member.isBaseClass) continue;
    if (inner.kind !== 'struct' && inner.kind !== 'class' && inner.kind !== 'union') continue;
    const found = findMember(memberOf(value, member, memory), inner, name, memory, depth + 1);
    if (found) return found;
  }
  return undefined;
}

/** The type of a number (C17, section 6.4.4.1), hexadecimal ones as decimal ones. */
function literalType(value: bigint, suffix: string): (typeof C_TYPES)['int' | 'long'] {
  const isUnsigned = suffix.includes('u');
  const isLong = suffix.includes('l') || value >= (isUnsigned ? 1n << 32n : 1n << 31n);
  if (isUnsigned || value >= 1n << 63n) return isLong ? C_TYPES.unsignedLong : C_TYPES.unsigned;
  return isLong ? C_TYPES.long : C_TYPES.int;
}
