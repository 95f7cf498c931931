import { DW_ATE } from '../elf/dwarf/constants';
import { floatBits } from '../elf/dwarf/typed-value';
import { typeName } from '../elf/dwarf/type-names';
import { strip, type ArrayType, type BaseType, type DwarfType } from '../elf/dwarf/types';
import { ExpressionError } from './expression-tokens';
import type { StackMemory } from './stack-memory';
import { floatingOf, integerOf, isFloating } from './variables-numbers';
import { bitsOf, bytesOf, partOf, sizeOf, type Value } from './variables-value';

const base = (name: string, size: number, encoding: number): BaseType => ({
  kind: 'base',
  name,
  size,
  encoding,
});

/** The types that C's own rules make (LP64). */
export const C_TYPES = {
  bool: base('bool', 1, DW_ATE.boolean),
  char: base('char', 1, DW_ATE.unsignedChar),
  signedChar: base('signed char', 1, DW_ATE.signedChar),
  short: base('short', 2, DW_ATE.signed),
  unsignedShort: base('unsigned short', 2, DW_ATE.unsigned),
  int: base('int', 4, DW_ATE.signed),
  unsigned: base('unsigned int', 4, DW_ATE.unsigned),
  long: base('long', 8, DW_ATE.signed),
  unsignedLong: base('unsigned long', 8, DW_ATE.unsigned),
  float: base('float', 4, DW_ATE.float),
  double: base('double', 8, DW_ATE.float),
} as const;

/** A number or address with the type that C's rules go by. */
export type Scalar =
  | { readonly kind: 'integer'; readonly value: bigint; readonly type: BaseType }
  | { readonly kind: 'float'; readonly value: number; readonly type: BaseType }
  | { readonly kind: 'pointer'; readonly value: bigint; readonly target: DwarfType };

export const pointerTo = (target: DwarfType): DwarfType => ({
  kind: 'pointer',
  size: 8,
  target: () => target,
});

/** What a reference refers to; any other value as it is. */
export function referred(value: Value, memory: StackMemory): Value {
  const type = strip(value.type);
  if (type.kind !== 'reference' && type.kind !== 'rvalue-reference') return value;
  return {
    type: type.target(),
    source: { kind: 'memory', address: bitsOf(value, memory) },
    ...(value.context && { context: value.context }),
  };
}

/**
 * A value as a scalar; arrays and functions become pointers.
 * @throws ExpressionError for structures and the like, UnavailableError
 */
export function scalarOf(given: Value, memory: StackMemory): Scalar {
  const value = referred(given, memory);
  const type = strip(value.type);
  switch (type.kind) {
    case 'base': {
      const bits = bitsOf(value, memory);
      if (isFloating(type)) return { kind: 'float', value: floatingOf(bits, type.size), type };
      const width = value.bits?.size ?? type.size * 8;
      return { kind: 'integer', value: integerOf(bits, type, width), type };
    }
    case 'enum': {
      const bits = bitsOf(value, memory);
      const width = type.size * 8;
      const number = type.isSigned ? BigInt.asIntN(width, bits) : BigInt.asUintN(width, bits);
      const like = type.isSigned ? C_TYPES.int : C_TYPES.unsigned;
      return { kind: 'integer', value: number, type: { ...like, size: type.size } };
    }
    case 'pointer':
      return { kind: 'pointer', value: bitsOf(value, memory), target: type.target() };
    case 'array':
      return { kind: 'pointer', value: addressOf(value), target: elementOf(type) };
    case 'function':
      return { kind: 'pointer', value: addressOf(value), target: type };
    default:
      throw new ExpressionError(`a ${typeName(value.type)} is no number`);
  }
}

/** What an array's elements are: of one with several dimensions, arrays. */
function elementOf(type: ArrayType): DwarfType {
  const [, ...rest] = type.dimensions;
  if (rest.length === 0) return type.element();
  return { kind: 'array', element: () => type.element(), dimensions: rest };
}

/** @throws ExpressionError when the value is not in memory */
export function addressOf({ source, bits }: Value): bigint {
  if (source.kind === 'memory' && !bits) return source.address;
  if (source.kind === 'unavailable') throw new ExpressionError(source.reason);
  throw new ExpressionError(
    bits ? 'a bit-field has no address' : 'the value has no address: it is not in memory',
  );
}

/** A value that is nowhere. */
export function fromScalar(scalar: Scalar): Value {
  const type = scalar.kind === 'pointer' ? pointerTo(scalar.target) : scalar.type;
  const size = scalar.kind === 'pointer' ? 8 : scalar.type.size;
  const bits = scalar.kind === 'float' ? floatBits(scalar.value, size) : scalar.value;
  const bytes = bytesOf(bits, size);
  return { type, source: { kind: 'bytes', bytes, known: new Uint8Array(size).fill(0xff) } };
}

export const integer = (value: bigint, type: BaseType): Scalar => {
  const width = type.size * 8;
  if (type.encoding === DW_ATE.boolean)
    return { kind: 'integer', value: value === 0n ? 0n : 1n, type };
  return { kind: 'integer', value: integerOf(BigInt.asUintN(width, value), type), type };
};

const floating = (value: number, type: BaseType): Scalar => ({
  kind: 'float',
  value: type.size === 4 ? Math.fround(value) : value,
  type,
});

/** @throws ExpressionError for a type that no scalar can be converted to */
export function castTo(value: Value, to: DwarfType, memory: StackMemory): Value {
  const type = strip(to);
  if (type.kind === 'void') return { type: to, source: value.source };
  const scalar = scalarOf(value, memory);
  const number = scalar.kind === 'float' ? BigInt(Math.trunc(scalar.value)) : scalar.value;
  let result: Value;
  if (type.kind === 'pointer') {
    result = fromScalar({
      kind: 'pointer',
      value: BigInt.asUintN(64, number),
      target: type.target(),
    });
  } else if (type.kind === 'base' && isFloating(type)) {
    result = fromScalar(floating(Number(scalar.value), type));
  } else if (type.kind === 'base') result = fromScalar(integer(number, type));
  else if (type.kind === 'enum') {
    const like = { ...(type.isSigned ? C_TYPES.int : C_TYPES.unsigned), size: type.size };
    result = fromScalar(integer(number, like));
  } else throw new ExpressionError(`nothing can be converted to ${typeName(to)}`);
  return { ...result, type: to };
}

export function isTrue(scalar: Scalar): boolean {
  return scalar.kind === 'float' ? scalar.value !== 0 : scalar.value !== 0n;
}

const isUnsigned = ({ encoding }: BaseType): boolean =>
  encoding === DW_ATE.unsigned || encoding === DW_ATE.unsignedChar || encoding === DW_ATE.boolean;

/** C's integer promotions (C17, section 6.3.1.1). */
export function promoted(scalar: Scalar): Scalar {
  return scalar.kind === 'integer' && scalar.type.size < 4
    ? { ...scalar, type: C_TYPES.int }
    : scalar;
}

/** The common type of two numbers (C17, section 6.3.1.8). */
function commonType(a: Scalar, b: Scalar): BaseType {
  if (a.kind === 'pointer' || b.kind === 'pointer') return C_TYPES.unsignedLong;
  if (a.kind === 'float' || b.kind === 'float') {
    const single = [a, b].every(({ kind, type }) => kind !== 'float' || type.size <= 4);
    return single ? C_TYPES.float : C_TYPES.double;
  }
  const size = Math.max(a.type.size, b.type.size, 4);
  const unsigned = [a, b].some(({ type }) => type.size === size && isUnsigned(type));
  if (size > 8) return { ...(unsigned ? C_TYPES.unsignedLong : C_TYPES.long), size };
  if (size === 8) return unsigned ? C_TYPES.unsignedLong : C_TYPES.long;
  return unsigned ? C_TYPES.unsigned : C_TYPES.int;
}

const COMPARISONS: Readonly<
  Record<string, ((a: bigint | number, b: bigint | number) => boolean) | undefined>
> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

const INTEGERS: Readonly<Record<string, ((a: bigint, b: bigint) => bigint) | undefined>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '&': (a, b) => a & b,
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
};

const FLOATS: Readonly<Record<string, ((a: number, b: number) => number) | undefined>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
};

/**
 * A binary operator as C has it.
 * @throws ExpressionError where C has none for these operands
 */
export function combine(operator: string, left: Scalar, right: Scalar): Scalar {
  const moved = movePointer(operator, left, right);
  if (moved) return moved;
  const type = commonType(left, right);
  const comparison = COMPARISONS[operator];
  if (comparison) {
    const [a, b] = operands(left, right, type);
    return integer(comparison(a, b) ? 1n : 0n, C_TYPES.int);
  }
  if (operator === '<<' || operator === '>>') return shift(operator, left, right);
  if (isFloating(type)) {
    const operation = FLOATS[operator];
    if (!operation) throw new ExpressionError(`${operator} takes integers`);
    return floating(operation(Number(left.value), Number(right.value)), type);
  }
  const operation = INTEGERS[operator];
  if (!operation) throw new ExpressionError(`there is no operator ${operator}`);
  const [a, b] = operands(left, right, type) as [bigint, bigint];
  if (b === 0n && (operator === '/' || operator === '%')) {
    throw new ExpressionError('division by zero');
  }
  return integer(operation(a, b), type);
}

function operands(left: Scalar, right: Scalar, type: BaseType): [bigint | number, bigint | number] {
  if (isFloating(type)) return [Number(left.value), Number(right.value)];
  const wrapped = ({ value }: Scalar): bigint =>
    integerOf(BigInt.asUintN(type.size * 8, value as bigint), type);
  return [wrapped(left), wrapped(right)];
}

function shift(operator: string, left: Scalar, right: Scalar): Scalar {
  const value = promoted(left);
  if (value.kind !== 'integer' || right.kind !== 'integer') {
    throw new ExpressionError(`${operator} takes integers`);
  }
  const by = right.value & BigInt(value.type.size * 8 - 1);
  return integer(operator === '<<' ? value.value << by : value.value >> by, value.type);
}

/** Pointers count in what they point to. */
function movePointer(operator: string, left: Scalar, right: Scalar): Scalar | undefined {
  if (operator !== '+' && operator !== '-') return undefined;
  if (left.kind === 'pointer' && right.kind === 'pointer' && operator === '-') {
    const size = BigInt(Math.max(1, sizeOf(left.target)));
    return integer(BigInt.asIntN(64, left.value - right.value) / size, C_TYPES.long);
  }
  const [pointer, by] = left.kind === 'pointer' ? [left, right] : [right, left];
  if (pointer.kind !== 'pointer' || by.kind !== 'integer') return undefined;
  if (operator === '-' && left.kind !== 'pointer') return undefined;
  const distance = by.value * BigInt(Math.max(1, sizeOf(pointer.target)));
  const value = operator === '+' ? pointer.value + distance : pointer.value - distance;
  return { ...pointer, value: BigInt.asUintN(64, value) };
}

/** `*pointer`; what a number points to is taken for a long. */
export function dereferenced(value: Value, memory: StackMemory): Value {
  const scalar = scalarOf(value, memory);
  if (scalar.kind === 'float') throw new ExpressionError('a floating-point number points nowhere');
  const isVoid = scalar.kind === 'pointer' && strip(scalar.target).kind === 'void';
  if (isVoid) throw new ExpressionError('a void pointer must be cast before * is applied');
  const type = scalar.kind === 'pointer' ? scalar.target : C_TYPES.long;
  const source = { kind: 'memory', address: BigInt.asUintN(64, scalar.value) } as const;
  return { type, source, ...(value.context && { context: value.context }) };
}

/** `array[index]`, also of arrays that are not in memory. */
export function elementAt(value: Value, index: bigint, memory: StackMemory): Value {
  const array = referred(value, memory);
  const type = strip(array.type);
  if (type.kind === 'array' && array.source.kind !== 'memory') {
    const element = elementOf(type);
    const size = sizeOf(element, array.context);
    if (index < 0n || index > 1_000_000n) throw new ExpressionError(`there is no element ${index}`);
    return partOf(array, element, Number(index) * size);
  }
  const pointer = combine('+', scalarOf(array, memory), integer(index, C_TYPES.long));
  const element = dereferenced(fromScalar(pointer), memory);
  return { ...element, ...(value.context && { context: value.context }) };
}

const scratch = new DataView(new ArrayBuffer(8));

/** A scalar's bits with its sign: integers and pointers as they are, floating-point numbers as they are stored. */
export function scalarBits(scalar: Scalar): bigint {
  if (scalar.kind !== 'float') return scalar.value;
  if (scalar.type.size === 4) {
    scratch.setFloat32(0, scalar.value);
    return BigInt(scratch.getUint32(0));
  }
  scratch.setFloat64(0, scalar.value);
  return scratch.getBigUint64(0);
}
