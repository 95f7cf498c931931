import { BUILTIN_TYPES, STANDARD_NAMES } from './demangle-tables';
import {
  each,
  functionType,
  instantiate,
  NotUnderstood,
  overPacks,
  plain,
  pointing,
  qualified,
  textOf,
  type TypeText,
} from './demangle-text';

/** How deep types and names may nest. */
const DEPTH_LIMIT = 96;
const QUALIFIERS: Readonly<Record<string, string>> = {
  r: ' restrict',
  V: ' volatile',
  K: ' const',
};

/**
 * Reads types of mangled names (Itanium C++ ABI 5.1.5) with what they share with names: substitutions
 * (5.1.10), template parameters and arguments (5.1.5.8, 5.1.5.9).
 */
export abstract class TypeParser {
  private position = 0;
  private depth = 0;
  private readonly substitutions: TypeText[] = [];
  /** What `T_`, `T0_`... stand for: the arguments of the name that was read last. */
  protected templateArguments: readonly TypeText[] = [];
  /** In a lambda's parameters a template parameter is an `auto`. */
  protected inLambda = false;

  constructor(private readonly text: string) {}

  /** <name> */
  protected abstract name(): TypeText;
  /** <expression>, without the `X` and `E` around it. */
  protected abstract expression(): TypeText;
  /** <expr-primary>, its `L` read. */
  protected abstract literal(): TypeText;

  protected get rest(): string {
    return this.text.slice(this.position);
  }

  protected peek(length = 1): string {
    return this.text.slice(this.position, this.position + length);
  }

  protected eat(expected: string): boolean {
    if (!this.text.startsWith(expected, this.position)) return false;
    this.position += expected.length;
    return true;
  }

  protected expect(expected: string): void {
    if (!this.eat(expected)) throw new NotUnderstood();
  }

  protected take(length: number): string {
    const taken = this.peek(length);
    if (taken.length < length) throw new NotUnderstood();
    this.position += length;
    return taken;
  }

  /** The characters that match from here on; may be none. */
  protected match(pattern: RegExp): string {
    const found = pattern.exec(this.text.slice(this.position, this.position + 64))?.[0] ?? '';
    this.position += found.length;
    return found;
  }

  protected nested<T>(read: () => T): T {
    if (++this.depth > DEPTH_LIMIT) throw new NotUnderstood();
    const value = read();
    this.depth--;
    return value;
  }

  protected remember(type: TypeText): TypeText {
    this.substitutions.push(type);
    return type;
  }

  /** `_` is 0, `0_` 1, `1_` 2...: the numbering of parameters and of unnamed things. */
  protected sequence(): number {
    const digits = this.match(/^\d{1,6}/);
    this.expect('_');
    return digits === '' ? 0 : Number(digits) + 1;
  }

  protected until(end: string, read: () => TypeText): TypeText[] {
    const all: TypeText[] = [];
    while (!this.eat(end)) all.push(read());
    return all;
  }

  protected qualifiers(): string {
    let text = '';
    // Mangled from the outside in: `VK` is `const volatile`.
    for (const letter of this.match(/^[rVK]+/)) text = (QUALIFIERS[letter] ?? '') + text;
    return text;
  }

  /** <substitution>: one that was read before, or an abbreviation of the standard library. */
  protected substitution(): TypeText {
    this.expect('S');
    const known = STANDARD_NAMES.get(this.peek());
    if (known !== undefined) {
      this.take(1);
      return plain(known[0], { base: known[1] });
    }
    const digits = this.match(/^[0-9A-Z]{1,4}/);
    this.expect('_');
    const found = this.substitutions[digits === '' ? 0 : parseInt(digits, 36) + 1];
    if (found === undefined) throw new NotUnderstood();
    return found.parameter === undefined ? found : this.parameterAt(found.parameter);
  }

  /** <template-param> */
  protected templateParameter(): TypeText {
    this.expect('T');
    return this.parameterAt(this.sequence());
  }

  private parameterAt(index: number): TypeText {
    if (this.inLambda) return plain(`auto:${index + 1}`, { parameter: index });
    const found = this.templateArguments[index];
    if (found === undefined) throw new NotUnderstood();
    return found.list === undefined ? found : plain('', { pack: found.list });
  }

  /** <template-args>, the `I` read. */
  protected templateArgs(): readonly TypeText[] {
    const before = this.templateArguments;
    const args = this.until('E', () => this.nested(() => this.templateArg()));
    this.templateArguments = before;
    return args;
  }

  private templateArg(): TypeText {
    if (this.eat('L')) return this.literal();
    if (this.eat('J')) {
      const list = this.until('E', () => this.nested(() => this.templateArg()));
      return plain('', { list });
    }
    if (this.eat('X')) {
      const value = this.expression();
      this.expect('E');
      return value;
    }
    return this.type();
  }

  /** <type> */
  protected type(): TypeText {
    return this.nested(() => {
      const builtin = BUILTIN_TYPES.get(this.peek(this.peek() === 'D' ? 2 : 1));
      if (builtin !== undefined) {
        this.take(this.peek() === 'D' ? 2 : 1);
        return plain(builtin);
      }
      return this.compoundType();
    });
  }

  private compoundType(): TypeText {
    switch (this.peek()) {
      case 'r':
      case 'V':
      case 'K': {
        const qualifiers = this.qualifiers();
        return this.remember(qualified(this.type(), qualifiers));
      }
      case 'P':
        return this.pointer('*');
      case 'R':
        return this.pointer('&');
      case 'O':
        return this.pointer('&&');
      case 'C':
        this.take(1);
        return this.remember(qualified(this.type(), ' _Complex'));
      case 'F':
        return this.remember(this.functionType());
      case 'A':
        return this.remember(this.arrayType());
      case 'M':
        return this.remember(this.memberPointer());
      case 'D':
        return this.dType();
      case 'u':
        this.take(1);
        return this.remember(this.className());
      case 'T':
        return this.parameterType();
      case 'S':
        if (this.peek(2) !== 'St') return this.substituted();
        return this.remember(this.className());
      default:
        return this.remember(this.className());
    }
  }

  /** A class's own template arguments are not those of the function whose parameter it is. */
  private className(): TypeText {
    const before = this.templateArguments;
    const name = this.name();
    this.templateArguments = before;
    return name;
  }

  private pointer(mark: string): TypeText {
    this.take(1);
    return this.remember(pointing(this.type(), mark));
  }

  private parameterType(): TypeText {
    const type = this.remember(this.templateParameter());
    if (!this.eat('I')) return type;
    return this.remember(instantiate(type, this.templateArgs()));
  }

  private substituted(): TypeText {
    const type = this.substitution();
    if (!this.eat('I')) return type;
    return this.remember(instantiate(type, this.templateArgs()));
  }

  /** 5.1.5.3: `F`, the result, the parameters, `E`; before it `Do` for `noexcept`. */
  private functionType(suffix = ''): TypeText {
    this.expect('F');
    this.eat('Y');
    const result = this.type();
    const parameters: TypeText[] = [];
    let reference = '';
    while (!this.eat('E')) {
      if (this.eat('RE') || this.eat('OE')) {
        reference = this.text[this.position - 2] === 'R' ? ' &' : ' &&';
        break;
      }
      parameters.push(this.type());
    }
    return functionType(result, parameters, reference + suffix);
  }

  /** 5.1.5.4 */
  private arrayType(): TypeText {
    this.expect('A');
    const digits = this.match(/^\d+/);
    const size = digits !== '' || this.peek() === '_' ? plain(digits) : this.expression();
    this.expect('_');
    return overPacks([this.type(), size], ([of, count]) => {
      if (of === undefined || count === undefined) throw new NotUnderstood();
      const dimension = `[${textOf(count)}]`;
      const right = of.shape === 'array' ? ` ${dimension}${of.right.slice(1)}` : ` ${dimension}`;
      return {
        left: of.left,
        right: of.shape === 'array' ? right : right + of.right,
        shape: 'array',
      };
    });
  }

  /** 5.1.5.5 */
  private memberPointer(): TypeText {
    this.expect('M');
    const owner = this.type();
    return overPacks([this.type(), owner], ([member, of]) => {
      if (member === undefined || of === undefined) throw new NotUnderstood();
      return pointing(member, `${textOf(of)}::*`);
    });
  }

  private dType(): TypeText {
    if (this.eat('Dp')) return this.remember(this.expansion());
    if (this.eat('Do')) return this.remember(this.functionType(' noexcept'));
    if (this.eat('DT') || this.eat('Dt')) {
      const value = this.expression();
      this.expect('E');
      return this.remember(each(value, (of) => plain(`decltype (${textOf(of)})`)));
    }
    if (this.eat('DF')) {
      const bits = this.match(/^\d{1,3}/);
      if (this.eat('b')) return plain('std::bfloat16_t');
      const extended = this.eat('x') ? 'x' : '';
      if (extended === '') this.expect('_');
      return plain(`_Float${bits}${extended}`);
    }
    throw new NotUnderstood();
  }

  /** 5.1.5.10: `Dp` makes a list of a pack. */
  private expansion(): TypeText {
    const pattern = this.type();
    return pattern.pack === undefined ? pattern : plain('', { list: pattern.pack });
  }
}
