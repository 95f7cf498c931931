/** How many bits a value has and what they mean. */
export interface ScalarType {
  readonly bits: 8 | 16 | 32 | 64;
  readonly kind: 'signed' | 'unsigned' | 'float';
}

/** A scalar, or the address of one: `pointers` says how many stars the type has. */
export interface ValueType extends ScalarType {
  readonly pointers: number;
}

const scalar = (bits: ScalarType['bits'], kind: ScalarType['kind']): ValueType => ({
  bits,
  kind,
  pointers: 0,
});

/** What numbers, registers and results of operators are. */
export const LONG = scalar(64, 'signed');

/** Types of one word: those of this language, of stdint.h and of C. LP64: int has 32 bits, long 64. */
const WORDS: Readonly<Record<string, ValueType>> = {
  ...Object.fromEntries(
    ([8, 16, 32, 64] as const).flatMap((bits) => [
      [`i${bits}`, scalar(bits, 'signed')],
      [`u${bits}`, scalar(bits, 'unsigned')],
      [`int${bits}_t`, scalar(bits, 'signed')],
      [`uint${bits}_t`, scalar(bits, 'unsigned')],
    ]),
  ),
  size_t: scalar(64, 'unsigned'),
  uintptr_t: scalar(64, 'unsigned'),
  bool: scalar(8, 'unsigned'),
  // A plain char is unsigned in the RISC-V calling convention.
  char: scalar(8, 'unsigned'),
  short: scalar(16, 'signed'),
  int: scalar(32, 'signed'),
  long: LONG,
  float: scalar(32, 'float'),
  double: scalar(64, 'float'),
  f32: scalar(32, 'float'),
  f64: scalar(64, 'float'),
  void: scalar(8, 'unsigned'),
};

const SIGNS: Readonly<Record<string, ScalarType['kind']>> = {
  signed: 'signed',
  unsigned: 'unsigned',
};

/**
 * The type that begins a list of words, as C writes it: `unsigned long int`, `u32`, `short`.
 * @returns the type and how many words it took; undefined when the first word begins none
 */
export function readTypeWords(
  words: readonly string[],
): { readonly type: ValueType; readonly words: number } | undefined {
  let kind: ScalarType['kind'] | undefined;
  let type: ValueType | undefined;
  let count = 0;
  for (const word of words) {
    if (word === 'const' || word === 'volatile') count++;
    else if (Object.hasOwn(SIGNS, word) && kind === undefined) {
      kind = SIGNS[word];
      count++;
    } else if (Object.hasOwn(WORDS, word) && joins(type, word)) {
      if (word !== 'int' || type === undefined) type = WORDS[word];
      count++;
    } else break;
  }
  if (type === undefined && kind === undefined) return undefined;
  const base = type ?? WORDS.int;
  return { type: kind === undefined ? base : { ...base, kind }, words: count };
}

/** `long long`, `long int` and `short int` are one type. */
function joins(before: ValueType | undefined, word: string): boolean {
  if (before === undefined) return true;
  return (word === 'int' || word === 'long') && before.kind === 'signed' && before.bits !== 8;
}

/** Bytes of a value. */
export const sizeOf = ({ bits, pointers }: ValueType): number => (pointers > 0 ? 8 : bits / 8);

/** What a pointer points to. */
export const pointedTo = (type: ValueType): ValueType => ({ ...type, pointers: type.pointers - 1 });

/** Takes raw bits as a value of the type: cut to its width, with its sign. Floats stay bits. */
export function convert(value: bigint, type: ValueType): bigint {
  if (type.pointers > 0) return BigInt.asIntN(64, value);
  const { bits, kind } = type;
  // All values are signed 64-bit numbers, as registers are read.
  if (kind === 'signed' || bits === 64) return BigInt.asIntN(bits, value);
  return BigInt.asUintN(bits, value);
}

/** As C writes it: `int`, `unsigned char *`. */
export function typeName({ bits, kind, pointers }: ValueType): string {
  const names = { 8: 'char', 16: 'short', 32: 'int', 64: 'long' } as const;
  const float = bits === 32 ? 'float' : 'double';
  const base = kind === 'float' ? float : `${kind === 'unsigned' ? 'unsigned ' : ''}${names[bits]}`;
  return pointers > 0 ? `${base} ${'*'.repeat(pointers)}` : base;
}
