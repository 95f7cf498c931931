import { OPERATORS } from './demangle-tables';
import {
  instantiate,
  NotUnderstood,
  parameterList,
  plain,
  textOf,
  type TypeText,
} from './demangle-text';
import { ExpressionParser } from './demangle-expressions';

/** What kind of name it was that was read last, as far as the encoding behind it depends on it. */
interface NameFacts {
  /** Constructors, destructors and conversions have no result type, not even as templates. */
  readonly untyped: boolean;
  /** ` const` and the like, behind the parameters of a member function. */
  readonly qualifiers: string;
}

const PLAIN_NAME: NameFacts = { untyped: false, qualifiers: '' };

/** Reads names (Itanium C++ ABI 5.1.3 and 5.1.6 to 5.1.8). */
export abstract class NameParser extends ExpressionParser {
  protected facts: NameFacts = PLAIN_NAME;

  /** <name> */
  protected override name(): TypeText {
    return this.nested(() => {
      this.facts = PLAIN_NAME;
      if (this.eat('N')) return this.nestedName();
      if (this.eat('Z')) return this.localName();
      if (this.peek() === 'S' && this.peek(2) !== 'St') {
        const template = this.substitution();
        this.expect('I');
        return this.withArguments(template);
      }
      const name = this.eat('St') ? this.member(plain('std')) : this.unqualified(undefined);
      if (this.peek() !== 'I') return name;
      this.remember(name);
      this.take(1);
      return this.withArguments(name);
    });
  }

  /** Reads template arguments; they are what the parameters of the encoding stand for. */
  private withArguments(name: TypeText): TypeText {
    const { facts } = this;
    const args = this.templateArgs();
    this.facts = facts;
    this.templateArguments = args;
    return instantiate(name, args);
  }

  /** <nested-name>, its `N` read. */
  private nestedName(): TypeText {
    let qualifiers = this.qualifiers();
    if (this.eat('R')) qualifiers += ' &';
    else if (this.eat('O')) qualifiers += ' &&';
    let name: TypeText | undefined;
    let facts = PLAIN_NAME;
    while (!this.eat('E')) {
      this.facts = PLAIN_NAME;
      const isSubstitution = this.peek() === 'S';
      const areArguments = this.peek() === 'I';
      name = this.component(name);
      if (!areArguments) facts = this.facts;
      if (!isSubstitution && this.peek() !== 'E') this.remember(name);
    }
    if (name === undefined) throw new NotUnderstood();
    this.facts = { untyped: facts.untyped, qualifiers };
    return name;
  }

  private component(prefix: TypeText | undefined): TypeText {
    if (prefix === undefined) {
      if (this.peek() === 'S') return this.substitution();
      if (this.peek() === 'T') return this.templateParameter();
      if (this.peek(2) === 'Dt' || this.peek(2) === 'DT') return this.type();
    } else if (this.eat('I')) {
      return this.withArguments(prefix);
    }
    return prefix === undefined ? this.unqualified(undefined) : this.member(prefix);
  }

  private member(prefix: TypeText): TypeText {
    const name = this.unqualified(prefix.base);
    return plain(
      `${textOf(prefix)}::${name.left}`,
      name.base === undefined ? {} : { base: name.base },
    );
  }

  /** <local-name>, its `Z` read: `f(int)::x`, `f(int)::{lambda()#1}`. */
  private localName(): TypeText {
    const scope = this.localScope();
    this.expect('E');
    if (this.eat('s')) {
      this.discriminator();
      return plain(`${scope}::string literal`);
    }
    const inDefault = this.eat('d') ? `{default arg#${this.sequence() + 1}}::` : '';
    const entity = this.name();
    this.discriminator();
    const more = entity.base === undefined ? {} : { base: entity.base };
    const isTemplate = entity.isTemplate === true;
    return plain(`${scope}::${inDefault}${textOf(entity)}`, { ...more, isTemplate });
  }

  /** The function around a local name. */
  protected abstract localScope(): string;

  /** `_3` or `__12_`: which of several of one name. It is not shown. */
  private discriminator(): void {
    this.match(/^(?:__\d+_|_\d)/);
  }

  /** <unqualified-name>; `owner` is what constructors are called by. */
  private unqualified(owner: string | undefined): TypeText {
    this.eat('L');
    const name = this.simpleName(owner);
    let tags = '';
    while (this.eat('B')) tags += `[abi:${this.sourceName()}]`;
    return plain(name + tags, { base: name });
  }

  private simpleName(owner: string | undefined): string {
    if (/^\d/.test(this.peek())) return this.sourceName();
    if (this.eat('Ul')) return this.lambda();
    if (this.eat('Ut')) return `{unnamed type#${this.sequence() + 1}}`;
    if (/^(?:C[1-5]|CI[12]|D[0-5])/.test(this.peek(3))) return this.structor(owner);
    if (this.eat('DC')) {
      return `[${this.until('E', () => plain(this.sourceName()))
        .map(textOf)
        .join(', ')}]`;
    }
    return this.operatorName();
  }

  /** <source-name> */
  protected sourceName(): string {
    const length = Number(this.match(/^[1-9]\d{0,4}/));
    if (length === 0) throw new NotUnderstood();
    const name = this.take(length);
    return /^_GLOBAL_[._$]N/.test(name) ? '(anonymous namespace)' : name;
  }

  private lambda(): string {
    const outer = this.inLambda;
    this.inLambda = true;
    const parameters = this.until('E', () => this.type());
    this.inLambda = outer;
    return `{lambda${parameterList(parameters)}#${this.sequence() + 1}}`;
  }

  /** <ctor-dtor-name> */
  private structor(owner: string | undefined): string {
    if (owner === undefined) throw new NotUnderstood();
    const letter = this.take(1);
    const inherits = this.eat('I');
    this.take(1);
    const inherited = inherits ? this.type().base : undefined;
    this.facts = { untyped: true, qualifiers: '' };
    return letter === 'D' ? `~${owner}` : (inherited ?? owner);
  }

  /** <operator-name> */
  private operatorName(): string {
    if (this.eat('cv')) {
      const type = textOf(this.type());
      this.facts = { untyped: true, qualifiers: '' };
      return `operator ${type}`;
    }
    if (this.eat('li')) return `operator"" ${this.sourceName()}`;
    const known = OPERATORS.get(this.peek(2));
    if (known === undefined) throw new NotUnderstood();
    this.take(2);
    return `operator${known[0]}`;
  }
}
