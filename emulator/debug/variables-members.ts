import { evaluateValue } from '../elf/dwarf/expression';
import { typeName } from '../elf/dwarf/type-names';
import { strip, type CompositeType, type Member } from '../elf/dwarf/types';
import { ExpressionError } from './expression-tokens';
import { plainContext } from './stack-plain-context';
import type { StackMemory } from './stack-memory';
import { dereferenced } from './variables-arithmetic';
import { partOf, unavailable, type Value } from './variables-value';

/** A member of a structure's value. */
export function memberOf(value: Value, member: Member, memory: StackMemory): Value {
  if (member.expression === undefined) {
    return partOf(value, member.type, member.offset, member.bits);
  }
  // A virtual base: its place stands in the object, at an offset that the virtual table tells.
  const { source, context } = value;
  if (source.kind !== 'memory') return unavailable(member.type);
  const address = evaluateValue(
    member.expression,
    context ?? plainContext(memory, 0),
    source.address,
  );
  return { type: member.type, source: { kind: 'memory', address }, ...(context && { context }) };
}

/** Base classes and anonymous structures are looked into so deep. */
const MAX_DEPTH = 100;

/** Memory, and the static members of classes by their qualified names. */
interface Surroundings {
  readonly memory: StackMemory;
  value(name: string): Value | undefined;
}

/**
 * A member, and of it the next, by their names.
 * @throws ExpressionError when there is no such member
 */
export function member(value: Value, names: readonly string[], around: Surroundings): Value {
  return names.reduce((whole, name) => memberNamed(whole, name, around), value);
}

function memberNamed(value: Value, name: string, around: Surroundings): Value {
  const type = strip(value.type);
  // A pointer is followed, as gdb does.
  if (type.kind === 'pointer') {
    return memberNamed(dereferenced(value, around.memory), name, around);
  }
  if (type.kind !== 'struct' && type.kind !== 'class' && type.kind !== 'union') {
    throw new ExpressionError(`a ${typeName(value.type)} has no members`);
  }
  const staticMember = (): Value | undefined =>
    type.name === undefined ? undefined : around.value(`${type.name}::${name}`);
  const found = findMember(value, type, name, around.memory) ?? staticMember();
  if (!found) throw new ExpressionError(`${typeName(value.type)} has no member ${name}`);
  return found;
}

/** A member by its name, also one of an anonymous structure or of a base class; undefined of static ones. */
export function findMember(
  value: Value,
  type: CompositeType,
  name: string,
  memory: StackMemory,
  depth = 0,
): Value | undefined {
  if (depth > MAX_DEPTH) return undefined;
  const members = type.members();
  const direct = members.find((member) => member.name === name && !member.isBaseClass);
  if (direct) return memberOf(value, direct, memory);
  for (const member of members) {
    const inner = strip(member.type);
    if (member.name !== undefined && !member.isBaseClass) continue;
    if (inner.kind !== 'struct' && inner.kind !== 'class' && inner.kind !== 'union') continue;
    const found = findMember(memberOf(value, member, memory), inner, name, memory, depth + 1);
    if (found) return found;
  }
  return undefined;
}
