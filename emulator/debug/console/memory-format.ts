/** How `x` shows memory: `x/8xw` is 8 words in hexadecimal. */
export interface MemoryFormat {
  readonly count: number;
  /** x hexadecimal, d signed, u unsigned, o octal, t binary, c character, f float, s text, i instructions. */
  readonly letter: string;
  /** Bytes of an item. */
  readonly size: 1 | 2 | 4 | 8;
}

const SIZES: Readonly<Record<string, MemoryFormat['size']>> = { b: 1, h: 2, w: 4, g: 8 };

/** Reads `8xw`; undefined when it is no format. What is left out stays as in `before`. */
export function parseMemoryFormat(text: string, before: MemoryFormat): MemoryFormat | undefined {
  const [all, count = '', letters = ''] = /^(\d{0,5})([a-z]*)$/.exec(text) ?? [];
  if (all === undefined) return undefined;
  let { letter, size } = before;
  for (const each of letters) {
    const isSize = Object.hasOwn(SIZES, each);
    if (isSize) size = SIZES[each] ?? size;
    else if ('xduotcfsi'.includes(each)) letter = each;
    else return undefined;
  }
  if (letter === 'c' && !/[bhwg]/.test(letters)) size = 1;
  if (letter === 'f' && size < 4) size = 8;
  return { count: count === '' ? 1 : Math.max(1, Number(count)), letter, size };
}

/** One item, little-endian, as its format says. */
export function formatItem(bytes: Uint8Array, { letter, size }: MemoryFormat): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (letter === 'f')
    return String(size === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true));
  const bits = bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  return formatInteger(bits, letter, 8 * size);
}

/** An integer of so many bits as a format letter says. */
export function formatInteger(value: bigint, letter: string, bits: number): string {
  const unsigned = BigInt.asUintN(bits, value);
  switch (letter) {
    case 'd':
      return BigInt.asIntN(bits, value).toString();
    case 'u':
      return unsigned.toString();
    case 'o':
      return `0${unsigned.toString(8)}`;
    case 't':
      return unsigned.toString(2).padStart(bits, '0');
    case 'c':
      return `${BigInt.asIntN(8, value)} '${character(Number(unsigned & 0xffn))}'`;
    default:
      return `0x${unsigned.toString(16).padStart(bits / 4, '0')}`;
  }
}

export function character(code: number): string {
  if (code === 10) return '\\n';
  if (code === 9) return '\\t';
  if (code === 39) return "\\'";
  return code >= 32 && code < 127
    ? String.fromCharCode(code)
    : `\\x${code.toString(16).padStart(2, '0')}`;
}
