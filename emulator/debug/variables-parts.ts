import { typeName } from '../elf/dwarf/type-names';
import { strip, type CompositeType, type DwarfType } from '../elf/dwarf/types';
import type { VariableInfo } from './protocol-source';
import type { StackMemory } from './stack-memory';
import { dereferenced, elementAt, referred } from './variables-arithmetic';
import { memberOf } from './variables-members';
import { dimensionCount, sizeOf, type Value } from './variables-value';

/** A part of a value, with what it is called. */
export interface ValuePart {
  readonly name: string;
  readonly kind: VariableInfo['kind'];
  readonly value: Value;
  /** Appended to the expression of the whole: `.x`, `[3]`, `->next`; undefined when there is none. */
  readonly access: string | undefined;
  /** The expression stands before: `*p`. */
  readonly prefix?: boolean;
}

/** How many parts a value has: members, elements, or what it points to. */
export function partCount(given: Value, memory: StackMemory): number {
  const value = followed(given, memory);
  if (value === undefined) return 0;
  const type = strip(value.type);
  switch (type.kind) {
    case 'struct':
    case 'class':
    case 'union':
      return value.source.kind === 'unavailable' ? 0 : type.members().length;
    case 'array':
      if (value.source.kind === 'unavailable') return 0;
      return dimensionCount(type, 0, value.context) ?? 0;
    case 'pointer':
      return pointee(value, type.target(), memory) ? 1 : 0;
    default:
      return 0;
  }
}

/** Parts [start, start + count). */
export function partsOf(
  given: Value,
  start: number,
  count: number,
  memory: StackMemory,
): ValuePart[] {
  const value = followed(given, memory);
  if (value === undefined) return [];
  const type = strip(value.type);
  const end = Math.min(start + count, partCount(given, memory));
  const parts: ValuePart[] = [];
  for (let i = start; i < end; i++) {
    if (type.kind === 'array') parts.push(elementPart(value, i, memory));
    else if (type.kind === 'pointer') {
      const target = pointee(value, type.target(), memory);
      if (target)
        parts.push({ name: '*', kind: 'target', value: target, access: '*', prefix: true });
    } else if (isComposite(type)) parts.push(memberPart(value, given, type, i, memory));
  }
  return parts;
}

const isComposite = (type: DwarfType): type is CompositeType =>
  type.kind === 'struct' || type.kind === 'class' || type.kind === 'union';

/** References, and pointers to structures, show what they refer to. Undefined when that cannot be had. */
function followed(given: Value, memory: StackMemory): Value | undefined {
  try {
    const value = referred(given, memory);
    const type = strip(value.type);
    if (type.kind !== 'pointer' || !isComposite(strip(type.target()))) return value;
    return pointee(value, type.target(), memory);
  } catch {
    // The text of the value says why it cannot be had.
    return undefined;
  }
}

/** What a pointer points to, when that can be read and is no function. */
function pointee(value: Value, target: DwarfType, memory: StackMemory): Value | undefined {
  const type = strip(target);
  if (type.kind === 'void' || type.kind === 'function') return undefined;
  try {
    const pointed = dereferenced(value, memory);
    const { source } = pointed;
    const readable = source.kind === 'memory' && memory.bytes(source.address, 1).length === 1;
    return readable ? pointed : undefined;
  } catch {
    return undefined;
  }
}

function elementPart(value: Value, index: number, memory: StackMemory): ValuePart {
  const type = strip(value.type);
  const lower = type.kind === 'array' ? type.dimensions[0].lower : 0;
  const access = `[${index + lower}]`;
  return {
    name: access,
    kind: 'element',
    value: elementAt(value, BigInt(index), memory),
    access,
  };
}

function memberPart(
  value: Value,
  given: Value,
  type: CompositeType,
  index: number,
  memory: StackMemory,
): ValuePart {
  const member = type.members()[index];
  const part = memberOf(value, member, memory);
  if (member.isBaseClass) {
    return { name: typeName(member.type), kind: 'base', value: part, access: '' };
  }
  const name = member.name ?? `<${strip(member.type).kind}>`;
  const arrow = strip(given.type).kind === 'pointer' ? '->' : '.';
  // Members of an anonymous structure are those of the one around it.
  const access = member.name === undefined ? '' : `${arrow}${member.name}`;
  return { name, kind: 'member', value: part, access };
}

/** The expression of a part of what another expression names. */
export function partExpression(whole: string, { access, prefix }: ValuePart): string | undefined {
  if (access === undefined) return undefined;
  const isSimple = /^[\w$:.[\]]+$|^[\w$:]+(?:->|[\w$:.[\]])*$/.test(whole);
  const grouped = isSimple ? whole : `(${whole})`;
  return prefix ? `*${grouped}` : `${grouped}${access}`;
}

/** Bytes that a value takes; 0 where that is not known. */
export const sizeOfValue = ({ type, context }: Value): number => sizeOf(type, context);
