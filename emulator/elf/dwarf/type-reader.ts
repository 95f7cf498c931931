import { DW_AT, DW_ATE, DW_TAG } from './constants';
import type { Entry } from './entry';
import { plainName, qualifiedName } from './functions';
import {
  strip,
  VOID,
  type ArrayType,
  type CompositeType,
  type Dimension,
  type DwarfType,
  type EnumType,
  type Member,
  type QualifiedType,
} from './types';
import type { UnitTable } from './units';

/** Languages that write `struct` before the name of a structure (DW_LANG): C89, C, C99, C11, C17. */
const TAGGED_LANGUAGES: ReadonlySet<number> = new Set([0x01, 0x02, 0x0c, 0x1d, 0x2c, 0x8001]);

/** Makes types of the entries that describe them; each once. */
export class TypeReader {
  private readonly known = new Map<Entry, DwarfType>();
  private definitions: ReadonlyMap<string, Entry> | undefined;

  constructor(private readonly units: UnitTable) {}

  /**
   * The type that an entry's DW_AT_type names; `void` when it has none.
   * @throws DwarfError
   */
  typeOf(entry: Entry): DwarfType {
    const type = entry.reference(DW_AT.type);
    return type === undefined ? VOID : this.read(type);
  }

  /** The type that an entry describes. */
  read(entry: Entry): DwarfType {
    let type = this.known.get(entry);
    if (type === undefined) this.known.set(entry, (type = this.make(entry)));
    return type;
  }

  private make(entry: Entry): DwarfType {
    const target = (): DwarfType => this.typeOf(entry);
    switch (entry.tag) {
      case DW_TAG.baseType:
        return this.base(entry);
      case DW_TAG.pointerType:
        return { kind: 'pointer', size: entry.number(DW_AT.byteSize) ?? 8, target };
      case DW_TAG.referenceType:
        return { kind: 'reference', size: 8, target };
      case DW_TAG.rvalueReferenceType:
        return { kind: 'rvalue-reference', size: 8, target };
      case DW_TAG.pointerToMemberType:
        return this.memberPointer(entry);
      case DW_TAG.typedef:
        return { kind: 'typedef', name: qualifiedName(entry) ?? '?', target };
      case DW_TAG.structureType:
      case DW_TAG.classType:
      case DW_TAG.unionType:
        return this.composite(entry);
      case DW_TAG.arrayType:
        return this.array(entry);
      case DW_TAG.enumerationType:
        return this.enumeration(entry);
      case DW_TAG.subroutineType:
      case DW_TAG.subprogram:
        return this.functionOf(entry);
      default: {
        const kind = QUALIFIERS[entry.tag];
        if (kind) return { kind, target };
        return { kind: 'unspecified', name: plainName(entry) ?? 'unknown type' };
      }
    }
  }

  private base(entry: Entry): DwarfType {
    return {
      kind: 'base',
      name: entry.text(DW_AT.name) ?? '?',
      size: entry.number(DW_AT.byteSize) ?? 0,
      encoding: entry.number(DW_AT.encoding) ?? DW_ATE.unsigned,
    };
  }

  private memberPointer(entry: Entry): DwarfType {
    const target = (): DwarfType => this.typeOf(entry);
    // A pointer to a member function is two words (Itanium C++ ABI).
    const isFunction = entry.reference(DW_AT.type)?.tag === DW_TAG.subroutineType;
    return { kind: 'member-pointer', size: isFunction ? 16 : 8, target };
  }

  private composite(declared: Entry): CompositeType {
    const entry = this.complete(declared);
    const kind =
      entry.tag === DW_TAG.unionType
        ? 'union'
        : entry.tag === DW_TAG.classType
          ? 'class'
          : 'struct';
    const name = qualifiedName(entry);
    let members: readonly Member[] | undefined;
    return {
      kind,
      ...(name !== undefined && { name }),
      size: entry.number(DW_AT.byteSize) ?? 0,
      isIncomplete: entry.flag(DW_AT.declaration),
      hasTag: hasTag(entry),
      members: () =>
        (members ??= entry.children
          .map((child) => this.member(child))
          .filter((member) => member !== undefined)),
    };
  }

  private member(entry: Entry): Member | undefined {
    const isBaseClass = entry.tag === DW_TAG.inheritance;
    if (entry.tag !== DW_TAG.member && !isBaseClass) return undefined;
    // A static member lies elsewhere.
    if (entry.flag(DW_AT.external) || entry.flag(DW_AT.declaration)) return undefined;
    const name = entry.text(DW_AT.name);
    const type = this.typeOf(entry);
    const { offset, bits } = placeOf(entry, strip(type));
    const expression = entry.block(DW_AT.dataMemberLocation);
    return {
      ...(name !== undefined && { name }),
      type,
      offset,
      ...(bits && { bits }),
      isBaseClass,
      ...(expression && { expression }),
    };
  }

  private array(entry: Entry): ArrayType {
    const dimensions = entry.children
      .filter(({ tag }) => tag === DW_TAG.subrangeType || tag === DW_TAG.enumerationType)
      .map(dimensionOf);
    return { kind: 'array', element: () => this.typeOf(entry), dimensions };
  }

  private enumeration(declared: Entry): EnumType {
    const entry = this.complete(declared);
    const name = qualifiedName(entry);
    const under = entry.reference(DW_AT.type);
    const encoding = under?.number(DW_AT.encoding);
    const enumerators = entry.children
      .filter(({ tag }) => tag === DW_TAG.enumerator)
      .map((child) => ({
        name: child.text(DW_AT.name) ?? '?',
        value: BigInt((child.attribute(DW_AT.constValue)?.value ?? 0) as number | bigint),
      }));
    return {
      kind: 'enum',
      ...(name !== undefined && { name }),
      size: entry.number(DW_AT.byteSize) ?? 4,
      isSigned:
        encoding === undefined
          ? enumerators.some(({ value }) => value < 0n)
          : encoding === DW_ATE.signed || encoding === DW_ATE.signedChar,
      hasTag: hasTag(entry),
      isScoped: entry.flag(DW_AT.enumClass),
      enumerators,
    };
  }

  private functionOf(entry: Entry): DwarfType {
    const parameters = entry.children
      .filter(({ tag }) => tag === DW_TAG.formalParameter)
      .map((child) => () => this.typeOf(child));
    return {
      kind: 'function',
      result: () => this.typeOf(entry),
      parameters,
      isVariadic: entry.children.some(({ tag }) => tag === DW_TAG.unspecifiedParameters),
      isPrototyped: parameters.length > 0 || !hasTag(entry) || entry.flag(DW_AT.prototyped),
    };
  }

  /** The definition of what is only declared: in a type unit, or wherever it has its name. */
  private complete(entry: Entry): Entry {
    const elsewhere = entry.reference(DW_AT.signature);
    if (elsewhere) return elsewhere;
    if (!entry.flag(DW_AT.declaration)) return entry;
    const name = qualifiedName(entry);
    if (name === undefined) return entry;
    return (this.definitions ??= this.readDefinitions()).get(`${entry.tag} ${name}`) ?? entry;
  }

  private readDefinitions(): ReadonlyMap<string, Entry> {
    const found = new Map<string, Entry>();
    for (const unit of this.units.units) {
      try {
        const open = [...unit.tree.children];
        for (let entry = open.pop(); entry; entry = open.pop()) {
          if (entry.tag === DW_TAG.namespace) open.push(...entry.children);
          if (!COMPLETED.has(entry.tag)) continue;
          open.push(...entry.children.filter(({ tag }) => COMPLETED.has(tag)));
          const name = entry.flag(DW_AT.declaration) ? undefined : qualifiedName(entry);
          if (name !== undefined) found.set(`${entry.tag} ${name}`, entry);
        }
      } catch (error) {
        this.units.report(error);
      }
    }
    return found;
  }
}

const COMPLETED: ReadonlySet<number> = new Set([
  DW_TAG.structureType,
  DW_TAG.classType,
  DW_TAG.unionType,
  DW_TAG.enumerationType,
]);

const QUALIFIERS: Readonly<Record<number, QualifiedType['kind'] | undefined>> = {
  [DW_TAG.constType]: 'const',
  [DW_TAG.volatileType]: 'volatile',
  [DW_TAG.restrictType]: 'restrict',
  [DW_TAG.atomicType]: 'atomic',
};

const hasTag = ({ unit }: Entry): boolean =>
  TAGGED_LANGUAGES.has(unit.root.number(DW_AT.language) ?? 0);

/** Where a member is: DWARF counts the bits of a bit-field in two ways (sections 5.7.6 of 5 and 5.5.6 of 4). */
function placeOf(
  entry: Entry,
  type: DwarfType,
): { readonly offset: number; readonly bits?: Member['bits'] } {
  const offset = entry.number(DW_AT.dataMemberLocation) ?? 0;
  const size = entry.number(DW_AT.bitSize);
  if (size === undefined) return { offset };
  let first = entry.number(DW_AT.dataBitOffset);
  if (first === undefined) {
    const fromTop = entry.number(DW_AT.bitOffset) ?? 0;
    const storage = entry.number(DW_AT.byteSize) ?? ('size' in type ? type.size : 4);
    first = storage * 8 - fromTop - size;
  }
  return { offset: offset + Math.floor(first / 8), bits: { size, first: first % 8 } };
}

function dimensionOf(entry: Entry): Dimension {
  const lower = entry.number(DW_AT.lowerBound) ?? 0;
  for (const name of [DW_AT.count, DW_AT.upperBound]) {
    const attribute = entry.attribute(name);
    if (attribute === undefined) continue;
    const isCount = name === DW_AT.count;
    const value = entry.unit.isReference(attribute) ? undefined : attribute.value;
    if (typeof value === 'number') return { count: isCount ? value : value - lower + 1, lower };
    // The largest number of a 64-bit type: no upper bound.
    if (typeof value === 'bigint') return { lower };
    return { lower, computed: { entry, attribute, isCount } };
  }
  return { lower };
}
