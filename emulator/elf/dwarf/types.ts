import type { Attribute, Entry } from './entry';

/** A type of the program. Types refer to each other by functions: they may be circular. */
export type DwarfType =
  | { readonly kind: 'void' }
  | BaseType
  | PointerType
  | TypedefType
  | QualifiedType
  | CompositeType
  | ArrayType
  | EnumType
  | FunctionType
  /** What is known by name only. */
  | { readonly kind: 'unspecified'; readonly name: string };

export interface BaseType {
  readonly kind: 'base';
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** DW_ATE. */
  readonly encoding: number;
}

export interface PointerType {
  readonly kind: 'pointer' | 'reference' | 'rvalue-reference' | 'member-pointer';
  readonly size: number;
  target(): DwarfType;
}

/** Another name for a type. */
export interface TypedefType {
  readonly kind: 'typedef';
  readonly name: string;
  target(): DwarfType;
}

export interface QualifiedType {
  readonly kind: 'const' | 'volatile' | 'restrict' | 'atomic';
  target(): DwarfType;
}

export interface CompositeType {
  readonly kind: 'struct' | 'class' | 'union';
  readonly name?: string;
  readonly size: number;
  /** Only declared: its members are not known. */
  readonly isIncomplete: boolean;
  /** The language writes `struct` before the name: C does, C++ does not. */
  readonly hasTag: boolean;
  members(): readonly Member[];
}

/** A member of a structure, or a base class. */
export interface Member {
  /** Undefined for an anonymous structure or union. */
  readonly name?: string;
  readonly type: DwarfType;
  /** Bytes from the beginning of the structure; of a bit-field those of its first bit's byte. */
  readonly offset: number;
  /** Bits of a bit-field, and the lowest one's place in its byte. */
  readonly bits?: { readonly size: number; readonly first: number };
  readonly isBaseClass: boolean;
  /** Computes the place from the object's address: a virtual base class. */
  readonly expression?: Uint8Array;
}

/** How many elements an array has in one dimension. */
export interface Dimension {
  /** Undefined when the program computes it or when it is not known. */
  readonly count?: number;
  /** Index of the first element. */
  readonly lower: number;
  /** Where it is computed: an expression or another entry (of `entry`), and whether it is the count or the last index. */
  readonly computed?: {
    readonly entry: Entry;
    readonly attribute: Attribute;
    readonly isCount: boolean;
  };
}

export interface ArrayType {
  readonly kind: 'array';
  element(): DwarfType;
  readonly dimensions: readonly Dimension[];
}

export interface EnumType {
  readonly kind: 'enum';
  readonly name?: string;
  readonly size: number;
  readonly isSigned: boolean;
  readonly hasTag: boolean;
  /** C++ `enum class`: its names are said with it. */
  readonly isScoped: boolean;
  readonly enumerators: readonly { readonly name: string; readonly value: bigint }[];
}

export interface FunctionType {
  readonly kind: 'function';
  result(): DwarfType;
  readonly parameters: readonly (() => DwarfType)[];
  readonly isVariadic: boolean;
  readonly isPrototyped: boolean;
}

export const VOID: DwarfType = { kind: 'void' };

const MAX_ALIASES = 64;

/** A type that is no other name of another. */
export type BareType = Exclude<DwarfType, TypedefType | QualifiedType>;

/** The type behind typedefs and qualifiers. */
export function strip(type: DwarfType): BareType {
  let stripped = type;
  for (let left = MAX_ALIASES; left > 0 && isAlias(stripped); left--) stripped = stripped.target();
  return isAlias(stripped) ? { kind: 'void' } : stripped;
}

export const isAlias = (type: DwarfType): type is TypedefType | QualifiedType =>
  type.kind === 'typedef' ||
  type.kind === 'const' ||
  type.kind === 'volatile' ||
  type.kind === 'restrict' ||
  type.kind === 'atomic';
