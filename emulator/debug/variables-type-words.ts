import { DW_ATE } from '../elf/dwarf/constants';
import { strip, type BaseType, type DwarfType } from '../elf/dwarf/types';
import type { ExpressionScope } from './expression';
import { C_TYPES } from './variables-arithmetic';

const TAGS: ReadonlySet<string> = new Set(['struct', 'union', 'enum', 'class']);
const QUALIFIERS: ReadonlySet<string> = new Set(['const', 'volatile']);
const BASIC: ReadonlySet<string> = new Set([
  ...['signed', 'unsigned', 'char', 'short', 'int', 'long', 'float', 'double', 'bool', '_Bool'],
]);

const number = (name: string, size: number, encoding: number): [string, BaseType] => [
  name,
  { kind: 'base', name, size, encoding },
];

/** What memory is read as by `u8[address]` and its like; none is a character. */
export const ACCESS_TYPES: ReadonlyMap<string, DwarfType> = new Map([
  ...[8, 16, 32, 64].flatMap((bits) => [
    number(`i${bits}`, bits / 8, DW_ATE.signed),
    number(`u${bits}`, bits / 8, DW_ATE.unsigned),
  ]),
  number('f32', 4, DW_ATE.float),
  number('f64', 8, DW_ATE.float),
]);

/** Types of stdint.h that a program need not name itself. */
const STANDARD: Readonly<Record<string, DwarfType | undefined>> = {
  int8_t: C_TYPES.signedChar,
  uint8_t: C_TYPES.char,
  int16_t: C_TYPES.short,
  uint16_t: C_TYPES.unsignedShort,
  int32_t: C_TYPES.int,
  uint32_t: C_TYPES.unsigned,
  int64_t: C_TYPES.long,
  uint64_t: C_TYPES.unsignedLong,
  size_t: C_TYPES.unsignedLong,
  uintptr_t: C_TYPES.unsignedLong,
};

/**
 * The type that words name: `unsigned long`, `struct point`, `const point_t`.
 * @returns the type and how many words it took; undefined when the words name none
 */
export function qualifiedTypeWords(
  words: readonly string[],
  scope: Pick<ExpressionScope, 'type' | 'value'>,
): { readonly type: DwarfType; readonly words: number } | undefined {
  let at = 0;
  const skipQualifiers = (): void => {
    while (QUALIFIERS.has(words[at])) at++;
  };
  skipQualifiers();
  const word = words.at(at);
  if (word === undefined) return undefined;
  let type: DwarfType | undefined;
  if (BASIC.has(word)) {
    const basic: string[] = [];
    for (; BASIC.has(words[at]); at++) basic.push(words[at]);
    type = basicType(basic);
  } else if (word === 'void') {
    at += 1;
    type = { kind: 'void' };
  } else if (TAGS.has(word)) {
    type = at + 1 < words.length ? scope.type(words[at + 1]) : undefined;
    at += 2;
  } else {
    // `(a) + b` is no cast when a is a variable; a function may be the constructor of the class that is meant.
    const value = scope.value(word);
    const isFree = value === undefined || strip(value.type).kind === 'function';
    type = isFree ? (scope.type(word) ?? STANDARD[word] ?? ACCESS_TYPES.get(word)) : undefined;
    at += 1;
  }
  skipQualifiers();
  return type && { type, words: at };
}

function basicType(words: readonly string[]): DwarfType {
  const unsigned = words.includes('unsigned');
  if (words.includes('float')) return C_TYPES.float;
  if (words.includes('double')) return C_TYPES.double;
  if (words.includes('bool') || words.includes('_Bool')) return C_TYPES.bool;
  if (words.includes('char')) return words.includes('signed') ? C_TYPES.signedChar : C_TYPES.char;
  if (words.includes('short')) return unsigned ? C_TYPES.unsignedShort : C_TYPES.short;
  if (words.includes('long')) return unsigned ? C_TYPES.unsignedLong : C_TYPES.long;
  return unsigned ? C_TYPES.unsigned : C_TYPES.int;
}
