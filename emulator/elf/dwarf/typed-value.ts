import { DW_ATE } from './constants';

/** The type of a value on an expression's stack; undefined is the generic type: a 64-bit address. */
export interface StackType {
  /** DW_ATE. */
  readonly encoding: number;
  /** Bytes: 1 to 8. */
  readonly size: number;
}

/** A value on an expression's stack: its bits, unsigned. */
export interface StackValue {
  readonly bits: bigint;
  readonly type: StackType | undefined;
}

export const generic = (bits: bigint): StackValue => ({
  bits: BigInt.asUintN(64, bits),
  type: undefined,
});

const isFloat = (type: StackType | undefined): boolean => type?.encoding === DW_ATE.float;

const widthOf = (type: StackType | undefined): number => (type === undefined ? 64 : type.size * 8);

const isSigned = (type: StackType | undefined): boolean =>
  type === undefined || type.encoding === DW_ATE.signed || type.encoding === DW_ATE.signedChar;

/** The value as an integer: the generic type counts as signed, as DWARF's comparisons take it. */
export function integerOf({ bits, type }: StackValue): bigint {
  if (isFloat(type)) return BigInt(Math.trunc(finite(floatOf(bits, widthOf(type) / 8))));
  return isSigned(type) ? BigInt.asIntN(widthOf(type), bits) : BigInt.asUintN(widthOf(type), bits);
}

const finite = (value: number): number => (Number.isFinite(value) ? value : 0);

/** A float or double of `size` bytes from its bits. */
export function floatOf(bits: bigint, size: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt.asUintN(64, bits), true);
  return size === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true);
}

export function floatBits(value: number, size: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  if (size === 4) view.setFloat32(0, value, true);
  else view.setFloat64(0, value, true);
  return view.getBigUint64(0, true);
}

/** A value of a type from an integer, wrapped to the type's width. */
export function fromInteger(value: bigint, type: StackType | undefined): StackValue {
  const bits = isFloat(type) ? floatBits(Number(value), widthOf(type) / 8) : value;
  return { bits: BigInt.asUintN(widthOf(type), bits), type };
}

/** DW_OP_convert: the same value in another type. */
export function convert(value: StackValue, type: StackType | undefined): StackValue {
  if (!isFloat(value.type)) return fromInteger(integerOf(value), type);
  const number = floatOf(value.bits, widthOf(value.type) / 8);
  if (!isFloat(type)) return fromInteger(BigInt(Math.trunc(finite(number))), type);
  return { bits: floatBits(number, widthOf(type) / 8), type };
}

type Arithmetic = 'plus' | 'minus' | 'mul' | 'div' | 'mod';
export type Comparison = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';

const INTEGERS: Record<Arithmetic, (a: bigint, b: bigint) => bigint> = {
  plus: (a, b) => a + b,
  minus: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  mod: (a, b) => a % b,
};
const FLOATS: Record<Arithmetic, (a: number, b: number) => number> = {
  plus: (a, b) => a + b,
  minus: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  mod: (a, b) => a % b,
};

/**
 * Arithmetic in the type of the left operand.
 * @returns undefined for a division by zero
 */
export function calculate(
  operation: Arithmetic,
  left: StackValue,
  right: StackValue,
): StackValue | undefined {
  const { type } = left;
  if (isFloat(type)) {
    const size = widthOf(type) / 8;
    const result = FLOATS[operation](floatOf(left.bits, size), floatOf(right.bits, size));
    return { bits: BigInt.asUintN(widthOf(type), floatBits(result, size)), type };
  }
  // The generic type divides as signed and takes the remainder as unsigned (section 2.5.1.4).
  const unsigned = type === undefined && operation === 'mod';
  const [a, b] = unsigned ? [left.bits, right.bits] : [integerOf(left), integerOf(right)];
  if (b === 0n && (operation === 'div' || operation === 'mod')) return undefined;
  return fromInteger(INTEGERS[operation](a, b), type);
}

export function compare(operation: Comparison, left: StackValue, right: StackValue): boolean {
  const size = widthOf(left.type) / 8;
  const [a, b] = isFloat(left.type)
    ? [floatOf(left.bits, size), floatOf(right.bits, size)]
    : [integerOf(left), integerOf(right)];
  switch (operation) {
    case 'eq':
      return a === b;
    case 'ne':
      return a !== b;
    case 'lt':
      return a < b;
    case 'le':
      return a <= b;
    case 'gt':
      return a > b;
    case 'ge':
      return a >= b;
  }
}
