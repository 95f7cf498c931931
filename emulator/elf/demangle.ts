import { NameParser } from './demangle-names';
import { SPECIAL_NAMES } from './demangle-tables';
import { functionType, NotUnderstood, parameterList, textOf, type TypeText } from './demangle-text';

/** Longer names stay as they are. */
const LENGTH_LIMIT = 4096;
/** What GCC appends to the names of a function's copies and parts: `.isra.0`, `.cold`. */
const CLONE = /\.(?:[a-z_][\w$]*(?:\.\d+)*|\d+)/g;
const CLONES_AT_END = /^(?:\.[a-z_][\w$]*|\.\d+)+$/;

/** A name of C++ as the program's source has it. */
export interface DemangledName {
  /** `ns::dot(float*, int)`; with the result of a template's instance before it. */
  readonly full: string;
  /** `ns::dot`; the same as `full` of what is no function. */
  readonly name: string;
  /** `ns::many` of `int ns::many<int>(int)`. */
  readonly template?: string;
}

/**
 * What a symbol is called in C++ (Itanium C++ ABI, section 5.1), spelled as GNU c++filt does.
 * @returns undefined for names that are not mangled, not understood or longer than 4096 characters
 */
export function demangle(mangled: string): DemangledName | undefined {
  if (!mangled.startsWith('_Z') || mangled.length > LENGTH_LIMIT) return undefined;
  try {
    return new Demangler(mangled.slice(2)).symbol();
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined;
    throw error;
  }
}

/** <mangled-name>, <encoding> and <special-name> (5.1.2, 5.1.4). */
class Demangler extends NameParser {
  symbol(): DemangledName {
    const read = this.encoding(true);
    const clones = this.match(CLONES_AT_END);
    if (this.rest !== '') throw new NotUnderstood();
    const suffix = (clones.match(CLONE) ?? []).map((clone) => ` [clone ${clone}]`).join('');
    return {
      full: read.full + suffix,
      name: read.name,
      ...(read.template !== undefined && { template: read.template }),
    };
  }

  protected override localScope(): string {
    return this.encoding(false).full;
  }

  protected override encodedLiteral(): string {
    const before = this.templateArguments;
    const { full } = this.encoding(true);
    this.templateArguments = before;
    return full;
  }

  private encoding(withResult: boolean): DemangledName {
    return this.nested(() => this.special() ?? this.function(withResult));
  }

  /** A function with its parameters, or a variable. */
  private function(withResult: boolean): DemangledName {
    const name = this.name();
    const { untyped, qualifiers } = this.facts;
    const text = textOf(name);
    if (/^(?:E|\.|$)/.test(this.peek())) return { full: text + qualifiers, name: text };
    const result = name.isTemplate === true && !untyped ? this.type() : undefined;
    const parameters: TypeText[] = [];
    while (!/^(?:E|\.|$)/.test(this.peek())) parameters.push(this.type());
    const list = text + parameterList(parameters) + qualifiers;
    const { template } = name;
    const names = { name: text, ...(template !== undefined && { template }) };
    if (result === undefined || !withResult) return { full: list, ...names };
    const { left } = functionType(result, [], '');
    return { full: left + list + result.right, ...names };
  }

  private special(): DemangledName | undefined {
    const known = SPECIAL_NAMES.get(this.peek(2));
    if (known !== undefined) {
      this.take(2);
      return alike(known[0] + textOf(known[1] === 'type' ? this.type() : this.name()));
    }
    if (this.eat('TC')) {
      const whole = textOf(this.type());
      this.number();
      this.expect('_');
      return alike(`construction vtable for ${textOf(this.type())}-in-${whole}`);
    }
    if (this.eat('Tc')) {
      this.callOffset();
      this.callOffset();
      return alike(`covariant return thunk to ${this.encoding(true).full}`);
    }
    if (this.peek(2) === 'Th' || this.peek(2) === 'Tv') {
      this.take(1);
      const kind = this.peek() === 'h' ? 'non-virtual' : 'virtual';
      this.callOffset();
      return alike(`${kind} thunk to ${this.encoding(true).full}`);
    }
    if (this.eat('GR')) {
      const object = textOf(this.name());
      return alike(`reference temporary #${this.sequence()} for ${object}`);
    }
    if (this.eat('GTt')) return alike(`transaction clone for ${this.encoding(true).full}`);
    if (this.eat('GTn')) return alike(`non-transaction clone for ${this.encoding(true).full}`);
    return undefined;
  }

  /** <call-offset>: how far a thunk moves `this`; it is not shown. */
  private callOffset(): void {
    const letter = this.take(1);
    this.number();
    this.expect('_');
    if (letter === 'h') return;
    if (letter !== 'v') throw new NotUnderstood();
    this.number();
    this.expect('_');
  }

  private number(): void {
    this.match(/^n?\d+/);
  }
}

const alike = (text: string): DemangledName => ({ full: text, name: text });
