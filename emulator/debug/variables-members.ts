import { evaluateValue } from '../elf/dwarf/expression';
import type { Member } from '../elf/dwarf/types';
import { plainContext } from './stack-plain-context';
import type { StackMemory } from './stack-memory';
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
