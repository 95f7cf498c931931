import { DW_AT } from '../elf/dwarf/constants';
import type { Entry } from '../elf/dwarf/entry';
import {
  evaluateValue,
  UnavailableError,
  type ExpressionContext,
  type ObjectPlace,
} from '../elf/dwarf/expression';
import { DwarfError } from '../elf/dwarf/reader';
import { strip, type ArrayType, type DwarfType } from '../elf/dwarf/types';
import type { FrameContext } from './stack-context';
import type { StackMemory } from './stack-memory';

/** Values that are put together from registers and pieces are no larger than this, in bytes. */
const MAX_ASSEMBLED = 1 << 16;

/** Where the bytes of a value are. */
export type ValueSource =
  | { readonly kind: 'memory'; readonly address: bigint }
  /** Put together; bits of `known` that are 0 were optimized out. */
  | {
      readonly kind: 'bytes';
      readonly bytes: Uint8Array;
      readonly known: Uint8Array;
      /** The one register that it is in, when it is in one. */
      readonly register?: number;
    }
  | { readonly kind: 'unavailable'; readonly reason: string };

/** A value of the program: its type and where it is. Memory is read when somebody looks. */
export interface Value {
  readonly type: DwarfType;
  readonly source: ValueSource;
  /** Of a bit-field: how many bits, and the lowest one's place in the first byte. */
  readonly bits?: { readonly size: number; readonly first: number };
  /** What computed sizes of its type are computed with. */
  readonly context?: FrameContext;
}

const OPTIMIZED_OUT = '<optimized out>';

export const unavailable = (type: DwarfType, reason = OPTIMIZED_OUT): Value => ({
  type,
  source: { kind: 'unavailable', reason },
});

/** Bytes that a type takes; 0 for what has no size. */
export function sizeOf(type: DwarfType, context?: FrameContext): number {
  const bare = strip(type);
  switch (bare.kind) {
    case 'void':
    case 'function':
      return 1;
    case 'array':
      return elementCount(bare, context) * sizeOf(bare.element(), context);
    case 'unspecified':
      return 0;
    default:
      return bare.size;
  }
}

const elementCount = (type: ArrayType, context: FrameContext | undefined): number =>
  type.dimensions.reduce((product, _, i) => product * (dimensionCount(type, i, context) ?? 0), 1);

/** Elements of one dimension of an array; undefined when the program does not say. */
export function dimensionCount(
  { dimensions }: ArrayType,
  index: number,
  context: FrameContext | undefined,
): number | undefined {
  const { count, lower, computed } = dimensions[index];
  if (count !== undefined) return Math.max(0, count);
  if (computed === undefined || context === undefined) return undefined;
  const bound = computedBound(computed.entry, computed.attribute.value, context);
  return bound === undefined
    ? undefined
    : Math.max(0, computed.isCount ? bound : bound - lower + 1);
}

/** A bound that the program computes: by an expression, or in a variable that the compiler made. */
function computedBound(entry: Entry, value: unknown, context: FrameContext): number | undefined {
  try {
    if (value instanceof Uint8Array) return signed(evaluateValue(value, context));
    const name = entry.has(DW_AT.count) ? DW_AT.count : DW_AT.upperBound;
    const variable = entry.reference(name);
    const place = variable && context.placeOf(variable, DW_AT.location);
    if (place?.kind === 'memory') return signed(context.memory(place.address, 8));
    if (place?.kind === 'register') return signed(context.register(place.register));
    return place?.kind === 'value' ? signed(place.bits) : undefined;
  } catch (error) {
    if (error instanceof UnavailableError || error instanceof DwarfError) return undefined;
    throw error;
  }
}

const signed = (bits: bigint): number => Number(BigInt.asIntN(64, bits));

/** The value of an object at a place. */
export function valueAt(type: DwarfType, place: ObjectPlace, context: FrameContext): Value {
  return { type, source: sourceOf(place, sizeOf(type, context), context), context };
}

function sourceOf(place: ObjectPlace, size: number, context: ExpressionContext): ValueSource {
  switch (place.kind) {
    case 'memory':
      return { kind: 'memory', address: BigInt.asUintN(64, place.address) };
    case 'optimized-out':
      return { kind: 'unavailable', reason: OPTIMIZED_OUT };
    case 'implicit-pointer':
      return { kind: 'unavailable', reason: '<synthetic pointer>' };
    default:
      return assemble(place, size, context);
  }
}

function assemble(place: ObjectPlace, size: number, context: ExpressionContext): ValueSource {
  if (size > MAX_ASSEMBLED) return { kind: 'unavailable', reason: '<too large to be assembled>' };
  const bytes = new Uint8Array(size);
  const known = new Uint8Array(size);
  const parts = place.kind === 'pieces' ? place.pieces : [{ place, bits: size * 8, skipped: 0 }];
  let at = 0;
  for (const part of parts) {
    const bits = Math.min(part.bits, size * 8 - at);
    const content = contentOf(part.place, Math.ceil((part.skipped + bits) / 8), context);
    if (content) copyBits(content, part.skipped, { bytes, known }, at, bits);
    at += part.bits;
    if (at >= size * 8) break;
  }
  if (known.every((byte) => byte === 0) && size > 0) {
    return { kind: 'unavailable', reason: OPTIMIZED_OUT };
  }
  return {
    kind: 'bytes',
    bytes,
    known,
    ...(place.kind === 'register' && { register: place.register }),
  };
}

/** The bytes of a simple place; undefined when they were optimized out. */
function contentOf(
  place: ObjectPlace,
  size: number,
  context: ExpressionContext,
): Uint8Array | undefined {
  switch (place.kind) {
    case 'memory':
      return Uint8Array.from({ length: size }, (_, i) =>
        Number(context.memory(BigInt.asUintN(64, place.address + BigInt(i)), 1)),
      );
    case 'register':
      return bytesOf(context.register(place.register), size);
    case 'value':
      return bytesOf(place.bits, size);
    case 'bytes':
      return place.bytes;
    default:
      return undefined;
  }
}

const scratch = new DataView(new ArrayBuffer(8));

/** The low bytes of a number, the lowest first. */
export function bytesOf(bits: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  scratch.setBigUint64(0, BigInt.asUintN(64, bits), true);
  for (let i = 0; i < Math.min(8, size); i++) bytes[i] = scratch.getUint8(i);
  return bytes;
}

function copyBits(
  from: Uint8Array,
  skipped: number,
  to: { readonly bytes: Uint8Array; readonly known: Uint8Array },
  at: number,
  bits: number,
): void {
  if (skipped % 8 === 0 && at % 8 === 0 && bits % 8 === 0) {
    const part = from.subarray(skipped / 8, (skipped + bits) / 8);
    to.bytes.set(part, at / 8);
    to.known.fill(0xff, at / 8, at / 8 + part.length);
    return;
  }
  for (let i = 0; i < bits; i++) {
    const source = skipped + i;
    if (source >> 3 >= from.length) return;
    const bit = (from[source >> 3] >> (source & 7)) & 1;
    to.bytes[(at + i) >> 3] |= bit << ((at + i) & 7);
    to.known[(at + i) >> 3] |= 1 << ((at + i) & 7);
  }
}

/**
 * Bytes [offset, offset + size) of a value.
 * @throws UnavailableError with what is shown instead of the value
 */
export function readBytes(
  { source }: Value,
  memory: StackMemory,
  offset: number,
  size: number,
): Uint8Array {
  if (source.kind === 'unavailable') throw new UnavailableError(source.reason);
  if (source.kind === 'memory') {
    const address = source.address + BigInt(offset);
    const bytes = memory.bytes(address, size);
    if (bytes.length < size) {
      const at = (address + BigInt(bytes.length)).toString(16);
      throw new UnavailableError(`<cannot access memory at address 0x${at}>`);
    }
    return bytes;
  }
  const known = source.known.subarray(offset, offset + size);
  if (known.length < size || known.some((byte) => byte !== 0xff)) {
    throw new UnavailableError(OPTIMIZED_OUT);
  }
  return source.bytes.subarray(offset, offset + size);
}

/** A part of a value: a member, an element. */
export function partOf(value: Value, type: DwarfType, offset: number, bits?: Value['bits']): Value {
  const { source, context } = value;
  const rest = { type, ...(bits && { bits }), ...(context && { context }) };
  if (source.kind === 'unavailable') return { ...rest, source };
  if (source.kind === 'memory') {
    const address = BigInt.asUintN(64, source.address + BigInt(offset));
    return { ...rest, source: { kind: 'memory', address } };
  }
  return {
    ...rest,
    source: {
      kind: 'bytes',
      bytes: source.bytes.subarray(offset),
      known: source.known.subarray(offset),
    },
  };
}

/**
 * The bits of a scalar as an unsigned number.
 * @throws UnavailableError
 */
export function bitsOf(value: Value, memory: StackMemory): bigint {
  const { bits, type, context } = value;
  const size = bits ? Math.ceil((bits.first + bits.size) / 8) : Math.min(16, sizeOf(type, context));
  // A bit-field may share its bytes with what was optimized out.
  const bytes = bits ? bitFieldBytes(value, memory, size) : readBytes(value, memory, 0, size);
  let number = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) number = (number << 8n) | BigInt(bytes[i]);
  return bits ? BigInt.asUintN(bits.size, number >> BigInt(bits.first)) : number;
}

function bitFieldBytes(value: Value, memory: StackMemory, size: number): Uint8Array {
  const { source, bits } = value;
  if (source.kind !== 'bytes' || bits === undefined) return readBytes(value, memory, 0, size);
  for (let i = bits.first; i < bits.first + bits.size; i++) {
    if (((source.known[i >> 3] ?? 0) & (1 << (i & 7))) === 0) {
      throw new UnavailableError(OPTIMIZED_OUT);
    }
  }
  return source.bytes.subarray(0, size);
}
