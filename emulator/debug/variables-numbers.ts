import { DW_ATE } from '../elf/dwarf/constants';
import { floatOf } from '../elf/dwarf/typed-value';
import type { BaseType, EnumType } from '../elf/dwarf/types';

/** A scalar's bits as its type means them: signed or unsigned. */
export function integerOf(bits: bigint, { encoding, size }: BaseType, width = size * 8): bigint {
  const isSigned = encoding === DW_ATE.signed || encoding === DW_ATE.signedChar;
  return isSigned ? BigInt.asIntN(width, bits) : BigInt.asUintN(width, bits);
}

export const isCharacter = ({ encoding, size }: BaseType): boolean =>
  size === 1 && (encoding === DW_ATE.signedChar || encoding === DW_ATE.unsignedChar);

export const isFloating = ({ encoding }: BaseType): boolean => encoding === DW_ATE.float;

/** A floating-point number from its bits: half, single, double and quad precision. */
export function floatingOf(bits: bigint, size: number): number {
  if (size === 16) return quadOf(bits);
  if (size === 2) return halfOf(Number(bits));
  return floatOf(bits, size);
}

function halfOf(bits: number): number {
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  const sign = bits >> 15 === 1 ? -1 : 1;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Rounded to a double: what cannot be told apart there is shown alike. */
function quadOf(bits: bigint): number {
  const exponent = Number((bits >> 112n) & 0x7fffn);
  const fraction = bits & ((1n << 112n) - 1n);
  const sign = bits >> 127n === 1n ? -1 : 1;
  if (exponent === 0x7fff) return fraction === 0n ? sign * Infinity : NaN;
  const significand = Number(fraction) / 2 ** 112 + (exponent === 0 ? 0 : 1);
  return sign * significand * 2 ** (Math.max(exponent, 1) - 16383);
}

/** As C's `%g` with so many digits that no two values look alike: 9 for a float, 17 for a double. */
export function floatingText(value: number, size: number, bits: bigint): string {
  if (Number.isNaN(value)) {
    const fractionBits = { 2: 10n, 4: 23n, 8: 52n, 16: 112n }[size] ?? 52n;
    const sign = (bits >> BigInt(size * 8 - 1)) & 1n;
    const payload = bits & ((1n << fractionBits) - 1n);
    return `${sign === 1n ? '-' : ''}nan(0x${payload.toString(16)})`;
  }
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  const digits = { 2: 5, 4: 9 }[size] ?? 17;
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa, power] = value.toExponential(digits - 1).split('e');
  const exponent = Number(power);
  if (exponent < -5 || exponent >= digits) {
    const sign = exponent < 0 ? '-' : '+';
    return `${trimZeros(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  return trimZeros(value.toFixed(Math.max(0, Math.min(100, digits - 1 - exponent))));
}

const trimZeros = (text: string): string =>
  text.includes('.') ? text.replace(/\.?0+$/, '') : text;

const ESCAPES: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  27: '\\033',
  92: '\\\\',
};

/** A character inside quotation marks, as C writes it. */
export function characterText(code: number, quote: '"' | "'"): string {
  const byte = code & 0xff;
  if (byte === quote.charCodeAt(0)) return `\\${quote}`;
  const escape = ESCAPES[byte];
  if (escape !== undefined) return escape;
  if (byte < 32 || byte > 126) return `\\${byte.toString(8).padStart(3, '0')}`;
  return String.fromCharCode(byte);
}

/** `RED`, `(READ | WRITE)`, `(READ | unknown: 0x8)` or the number. */
export function enumText(bits: bigint, type: EnumType): string {
  const width = type.size * 8;
  const value = type.isSigned ? BigInt.asIntN(width, bits) : BigInt.asUintN(width, bits);
  const prefix = type.isScoped && type.name !== undefined ? `${type.name}::` : '';
  const exact = type.enumerators.find((each) => each.value === value);
  if (exact) return prefix + exact.name;
  if (!isFlags(type) || value === 0n) return value.toString();
  const names: string[] = [];
  let rest = value;
  for (const { name, value: flag } of type.enumerators) {
    if (flag === 0n || (rest & flag) !== flag) continue;
    names.push(prefix + name);
    rest &= ~flag;
  }
  if (names.length === 0) return `(unknown: 0x${BigInt.asUintN(width, rest).toString(16)})`;
  if (rest !== 0n) names.push(`unknown: 0x${BigInt.asUintN(width, rest).toString(16)}`);
  return `(${names.join(' | ')})`;
}

/** Whether the values of an enumeration are bits that do not overlap. */
function isFlags({ enumerators }: EnumType): boolean {
  let seen = 0n;
  for (const { value } of enumerators) {
    if (value < 0n || (seen & value) !== 0n) return false;
    // A flag of several bits is one of neighbouring bits.
    const low = value & -value;
    if (value !== 0n && ((value / low + 1n) & (value / low)) !== 0n) return false;
    seen |= value;
  }
  return seen !== 0n;
}
