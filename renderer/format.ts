/** Values as text and back: what the Registers and Memory panes show and take. */

export type NumberFormat = 'hex' | 'signed' | 'unsigned' | 'binary' | 'float' | 'double' | 'symbol';

export const FORMATS: readonly { readonly id: NumberFormat; readonly title: string }[] = [
  { id: 'hex', title: 'Hexadecimal' },
  { id: 'signed', title: 'Signed' },
  { id: 'unsigned', title: 'Unsigned' },
  { id: 'binary', title: 'Binary' },
  { id: 'float', title: 'Float (32-bit)' },
  { id: 'double', title: 'Double (64-bit)' },
  { id: 'symbol', title: 'Symbol' },
];

const scratch = new DataView(new ArrayBuffer(8));

/** An address as the panes write it: at least 8 digits. */
export const hexAddress = (address: number): string => address.toString(16).padStart(8, '0');

/** `main+0x12`, or the address when no function is known. */
export function placeName(place: {
  readonly address: number;
  readonly symbol?: string;
  readonly offset?: number;
}): string {
  if (place.symbol === undefined) return `0x${place.address.toString(16)}`;
  return place.offset ? `${place.symbol}+0x${place.offset.toString(16)}` : place.symbol;
}

/** A count with thin groups of three: 1 234 567. */
export const grouped = (count: number): string =>
  String(Math.trunc(count)).replace(/\B(?=(\d{3})+$)/g, '\u202f');

/** `1 race`, `1 200 races`. */
export const counted = (count: number, what: string): string =>
  `${grouped(count)} ${what}${count === 1 ? '' : 's'}`;

/** A number with so many digits behind its point; those before it as in `grouped`. */
export function groupedNumber(value: number, digits: number): string {
  const [whole, part] = value.toFixed(digits).split('.');
  return `${grouped(Number(whole))}${part === undefined ? '' : `.${part}`}`;
}

/** A count in at most four characters: 999, 9.9k, 99k, 1.0M. */
export function shortCount(count: number): string {
  for (const [unit, name] of [
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (count >= 9.95 * unit) return `${Math.floor(count / unit)}${name}`;
    if (count >= unit) return `${(Math.floor(count / (unit / 10)) / 10).toFixed(1)}${name}`;
  }
  return String(count);
}

/** Numbers in ascending order as `1–4,7`. */
export function ranges(numbers: readonly number[]): string {
  const parts: string[] = [];
  for (let first = 0; first < numbers.length;) {
    let last = first;
    while (numbers[last + 1] === (numbers[last] ?? 0) + 1) last++;
    const from = numbers[first] ?? 0;
    parts.push(last > first ? `${from}${last > first + 1 ? '–' : ','}${numbers[last]}` : `${from}`);
    first = last + 1;
  }
  return parts.join(',');
}

/** A size in the largest unit that keeps it readable. */
export function byteSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 2 ** 20) return `${(bytes / 1024).toFixed(0)} KiB`;
  if (bytes < 2 ** 30) return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

/**
 * The value of a 64-bit register as text.
 * @param nameOf the symbol at an address; a value without one is written in hexadecimal
 */
export function formatBits(
  bits: bigint,
  format: NumberFormat,
  nameOf?: (bits: bigint) => string | undefined,
): string {
  switch (format) {
    case 'symbol':
      return (nameOf?.(bits) ?? '') || formatBits(bits, 'hex');
    case 'hex':
      return `0x${bits.toString(16).padStart(16, '0')}`;
    case 'signed':
      return BigInt.asIntN(64, bits).toString();
    case 'unsigned':
      return bits.toString();
    case 'binary':
      return `0b${bits.toString(2).replace(/\B(?=(\d{8})+$)/g, '_')}`;
    case 'float':
      scratch.setUint32(0, Number(bits & 0xffff_ffffn));
      return decimal(scratch.getFloat32(0), 9);
    case 'double':
      scratch.setBigUint64(0, bits);
      return decimal(scratch.getFloat64(0), 17);
  }
}

/** The shortest of up to `digits` digits that reads back as the same number. */
function decimal(value: number, digits: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞';
  if (Object.is(value, -0)) return '-0.0';
  const narrow = digits < 10;
  for (let precision = 1; precision <= digits; precision++) {
    const text = Number(value.toPrecision(precision));
    if ((narrow ? Math.fround(text) : text) === value) {
      return Number.isInteger(text) && Math.abs(text) < 1e15 ? text.toFixed(1) : String(text);
    }
  }
  return String(value);
}

/** The 64 bits that a text stands for, or a sentence that says why it stands for none. */
export function parseBits(text: string, format: NumberFormat): bigint | string {
  const given = text.trim().replaceAll('_', '').toLowerCase();
  if (format === 'float' || format === 'double') return parseReal(given, format);
  const match = /^(-?)(0x[0-9a-f]+|0b[01]+|[0-9]+)$/.exec(given);
  if (!match) return 'Not a number. Write digits, or 0x or 0b and digits.';
  const magnitude = BigInt(match[2] ?? '0');
  const value = match[1] === '-' ? -magnitude : magnitude;
  if (value >= 1n << 64n || value < -(1n << 63n)) return 'Does not fit in 64 bits.';
  return BigInt.asUintN(64, value);
}

function parseReal(given: string, format: 'float' | 'double'): bigint | string {
  if (given.startsWith('0x')) return parseBits(given, 'hex');
  const named: Record<string, number> = { nan: NaN, inf: Infinity, '-inf': -Infinity };
  const value = named[given] ?? (given === '' ? NaN : Number(given));
  if (Number.isNaN(value) && given !== 'nan')
    return 'Not a number. Write 1.5, inf, nan, or 0x and digits.';
  if (format === 'float') {
    scratch.setFloat32(0, value);
    // NaN boxing: a narrower value stands in the low bits, all bits above it are ones.
    return 0xffff_ffff_0000_0000n | BigInt(scratch.getUint32(0));
  }
  scratch.setFloat64(0, value);
  return scratch.getBigUint64(0);
}

/** Whether a floating-point register holds a NaN-boxed 32-bit value. */
export const isBoxedFloat = (bits: bigint): boolean => bits >> 32n === 0xffff_ffffn;
