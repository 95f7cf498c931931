/** A name longer than this is none that a person reads: it stays mangled. */
const TEXT_LIMIT = 16_384;

/** Why a name stays mangled; never leaves the demangler. */
export class NotUnderstood extends Error {}

/**
 * A type or a name as text. What is declared stands between `left` and `right`: `int (*` and
 * `) [3]`. A parameter pack that is not expanded yet is its elements instead; an expanded one lists
 * them where a list of types stands.
 */
export interface TypeText {
  readonly left: string;
  readonly right: string;
  readonly shape: 'plain' | 'function' | 'array' | '&' | '&&';
  /** The last name without template arguments, by which constructors are called. */
  readonly base?: string;
  /** Whether it ends with template arguments. */
  readonly isTemplate?: boolean;
  /** The same without them. */
  readonly template?: string;
  readonly pack?: readonly TypeText[];
  readonly list?: readonly TypeText[];
  /** Of an `auto` in a lambda's parameters: which template parameter it is elsewhere. */
  readonly parameter?: number;
}

/** A text without a declarator's second half. */
export function plain(left: string, more: Partial<TypeText> = {}): TypeText {
  if (left.length > TEXT_LIMIT) throw new NotUnderstood();
  return { left, right: '', shape: 'plain', ...more };
}

/** The same with another text around it. */
function around(left: string, right: string, shape: TypeText['shape']): TypeText {
  if (left.length + right.length > TEXT_LIMIT) throw new NotUnderstood();
  return { left, right, shape };
}

export const textOf = (type: TypeText): string =>
  type.list === undefined ? type.left + type.right : joined(type.list);

/** Applies what is said of one type to each element of a pack. */
export function each(type: TypeText, change: (one: TypeText) => TypeText): TypeText {
  if (type.pack === undefined) return change(type);
  return plain('', { pack: type.pack.map((one) => each(one, change)) });
}

/** Pointers and references (5.1.5.1): `*`, `&`, `&&`, or a class's `A::*`. */
export function pointing(type: TypeText, mark: string): TypeText {
  return each(type, (to) => {
    if (mark === '&' || mark === '&&') {
      // C++ [dcl.ref]: a reference to a reference is an lvalue one unless both are rvalue ones.
      if (to.shape === '&' || (to.shape === '&&' && mark === '&&')) return to;
      if (to.shape === '&&') return { ...to, left: to.left.replace(/&&$/, '&'), shape: '&' };
    }
    const shape = mark === '&' || mark === '&&' ? mark : 'plain';
    const inside = to.shape === 'function' || to.shape === 'array';
    const member = mark.endsWith('::*');
    if (!inside) return around(to.left + (member ? ' ' : '') + mark, to.right, shape);
    const space = to.left.endsWith(' ') ? '' : ' ';
    return around(`${to.left}${space}(${mark}`, `)${to.right}`, shape);
  });
}

/** `const` and its like; a function's stand behind its parameters. */
export function qualified(type: TypeText, qualifiers: string): TypeText {
  if (qualifiers === '') return type;
  return each(type, (of) =>
    of.shape === 'function'
      ? around(of.left, of.right + qualifiers, 'function')
      : around(of.left + qualifiers, of.right, of.shape),
  );
}

/** Types one after the other; expanded packs add theirs. */
function flat(types: readonly TypeText[]): string[] {
  return types.flatMap((type) =>
    type.list === undefined ? (type.pack ? flat(type.pack) : [textOf(type)]) : flat(type.list),
  );
}

/** The same as one text. */
function joined(types: readonly TypeText[]): string {
  const texts = flat(types);
  if (texts.reduce((sum, text) => sum + text.length, 0) > TEXT_LIMIT) throw new NotUnderstood();
  return texts.join(', ');
}

/** `(int, char)`; an only `void` is no parameter. */
export function parameterList(types: readonly TypeText[]): string {
  const inside = joined(types);
  return inside === 'void' ? '()' : `(${inside})`;
}

function argumentList(types: readonly TypeText[]): string {
  const inside = joined(types);
  return `<${inside}${inside.endsWith('>') ? ' ' : ''}>`;
}

/** `A<int>`; of a pack, one for each element. */
export function instantiate(name: TypeText, types: readonly TypeText[]): TypeText {
  return overPacks(types, (args) => {
    const space = name.left.endsWith('<') ? ' ' : '';
    const base = name.base === undefined ? {} : { base: name.base };
    return plain(name.left + space + argumentList(args), {
      ...base,
      isTemplate: true,
      template: name.left,
    });
  });
}

/** `int (char)`. */
export function functionType(
  result: TypeText,
  types: readonly TypeText[],
  suffix: string,
): TypeText {
  return overPacks([result, ...types], ([to, ...args]) => {
    if (to === undefined) throw new NotUnderstood();
    const left = to.right === '' ? `${to.left} ` : to.left;
    return around(left, parameterList(args) + suffix + to.right, 'function');
  });
}

/** Where packs stand unexpanded among the types, one result for each of their elements. */
export function overPacks(
  types: readonly TypeText[],
  make: (types: readonly TypeText[]) => TypeText,
): TypeText {
  const pack = types.find((type) => type.pack !== undefined)?.pack;
  if (pack === undefined) return make(types);
  const one = (index: number): TypeText =>
    make(types.map((type) => (type.pack === undefined ? type : (type.pack[index] ?? plain('')))));
  return plain('', { pack: pack.map((_, index) => one(index)) });
}
