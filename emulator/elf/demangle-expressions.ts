import { LITERAL_SUFFIXES, OPERATORS } from './demangle-tables';
import {
  instantiate,
  NotUnderstood,
  overPacks,
  plain,
  textOf,
  type TypeText,
} from './demangle-text';
import { TypeParser } from './demangle-types';

/** Codes that both name an operator and, as an expression, have a form of their own. */
const OTHER_FORMS: ReadonlySet<string> = new Set(['nw', 'na', 'pp', 'mm', 'pt', 'ix']);

/**
 * Reads the expressions of types and template arguments (Itanium C++ ABI 5.1.5.11, 5.1.6): literals,
 * parameters, operators, calls, `sizeof`. A name with any other stays mangled.
 */
export abstract class ExpressionParser extends TypeParser {
  /** <encoding>, within a literal that is an address. */
  protected abstract encodedLiteral(): string;
  protected abstract sourceName(): string;

  /** <expr-primary>, its `L` read. */
  protected override literal(): TypeText {
    if (this.eat('_Z')) {
      const address = this.encodedLiteral();
      this.expect('E');
      return plain(address);
    }
    const type = textOf(this.type());
    const value = this.match(/^n?[0-9a-f_]*/).replace('n', '-');
    this.expect('E');
    if (type === 'bool' && /^[01]$/.test(value)) return plain(value === '1' ? 'true' : 'false');
    const suffix = LITERAL_SUFFIXES.get(type);
    if (suffix !== undefined) return plain(value + suffix);
    if (/^(?:float|double|long double|__float128)$/.test(type)) return plain(`(${type})[${value}]`);
    return plain(`(${type})${value}`);
  }

  /** <expression> */
  protected override expression(): TypeText {
    return this.nested(() => {
      if (this.eat('L')) return this.literal();
      if (this.peek() === 'T') return this.templateParameter();
      if (this.eat('fp')) return this.functionParameter();
      if (/^\d/.test(this.peek())) return this.named();
      if (this.eat('sp')) return this.expanded();
      if (this.eat('dt')) return this.memberOf();
      if (this.eat('st')) return combine([this.type()], ([of]) => `sizeof (${of})`);
      if (this.eat('sz')) return combine([this.expression()], ([of]) => `sizeof (${of})`);
      if (this.eat('sZ')) return this.packLength();
      if (this.eat('sr')) return this.scoped();
      if (this.eat('cl')) return this.call();
      if (this.eat('cv')) return this.conversion();
      return this.operation();
    });
  }

  private named(): TypeText {
    const name = this.sourceName();
    return this.eat('I')
      ? instantiate(plain(name), this.templateArgs())
      : plain(name, { base: name });
  }

  private expanded(): TypeText {
    const { pack } = this.expression();
    if (pack === undefined) throw new NotUnderstood();
    return plain('', { list: pack });
  }

  private memberOf(): TypeText {
    const object = this.expression();
    const member = this.expression();
    return combine([object, member], ([of = '', name]) => `${within(object, of)}.${name}`);
  }

  private functionParameter(): TypeText {
    this.qualifiers();
    return plain(`{parm#${this.sequence() + 1}}`, { base: '' });
  }

  private packLength(): TypeText {
    const pack = this.templateParameter();
    return plain(String(pack.pack?.length ?? 1));
  }

  /** `A<int>::value`. */
  private scoped(): TypeText {
    const type = this.type();
    const member = this.sourceName();
    return combine([type], ([of]) => `${of}::${member}`, { base: '' });
  }

  private call(): TypeText {
    const callee = this.expression();
    const args = this.until('E', () => this.expression());
    return combine([callee, ...args], ([to = '', ...values]) => {
      return `${within(callee, to)}(${values.join(', ')})`;
    });
  }

  private conversion(): TypeText {
    const type = this.type();
    const value = this.expression();
    return combine([type, value], ([to, of = '']) => `(${to})${within(value, of)}`);
  }

  private operation(): TypeText {
    const code = this.take(2);
    const [operator, count] = OPERATORS.get(code) ?? ['', 0];
    if (count === 0 || OTHER_FORMS.has(code)) throw new NotUnderstood();
    const operands = Array.from({ length: count }, () => this.expression());
    return combine(operands, (texts) => {
      const [a = '', b = '', c = ''] = operands.map((one, i) => within(one, texts[i] ?? ''));
      if (count === 1) return operator + a;
      if (count === 3) return `${a}?${b} : ${c}`;
      return operator === '>' ? `(${a}>${b})` : a + operator + b;
    });
  }
}

/** An operand; names stand without parentheses. */
const within = (operand: TypeText, text: string): string =>
  operand.base === undefined ? `(${text})` : text;

const combine = (
  parts: readonly TypeText[],
  make: (texts: readonly string[]) => string,
  more: Partial<TypeText> = {},
): TypeText => overPacks(parts, (types) => plain(make(types.map(textOf)), more));
