import { canonicalName } from './canonical';
import { DW_AT, DW_TAG } from './constants';
import type { Entry } from './entry';
import { holds, rangesOf, type AddressRange } from './ranges';
import type { Unit } from './unit';
import { functionsBelow, RangeIndex } from './unit-index';
import type { UnitTable } from './units';

/** Entries may refer to others for what they do not say themselves; longer chains are hostile. */
const MAX_CHAIN = 16;
const MAX_SCOPES = 256;

/** A part of a function that holds an address: itself, a function inlined into it, or a block. */
export interface Scope {
  readonly kind: 'function' | 'inlined' | 'block';
  readonly entry: Entry;
  readonly ranges: readonly AddressRange[];
}

/**
 * An attribute of the entry or of those that it completes (DW_AT_abstract_origin, DW_AT_specification):
 * calls `find` with each of them until it answers.
 */
export function inherited<T>(entry: Entry, find: (entry: Entry) => T | undefined): T | undefined {
  let next: Entry | undefined = entry;
  for (let left = MAX_CHAIN; next && left > 0; left--) {
    const found = find(next);
    if (found !== undefined) return found;
    next = next.reference(DW_AT.abstractOrigin) ?? next.reference(DW_AT.specification);
  }
  return undefined;
}

/** The name of an entry, without the scopes that it is in. */
export const plainName = (entry: Entry): string | undefined =>
  inherited(entry, (each) => each.text(DW_AT.name));

/** The name with the namespaces and classes around it: `geometry::Point::length`. */
export function qualifiedName(entry: Entry): string | undefined {
  const named = inherited(entry, (each) =>
    each.has(DW_AT.name) && !each.has(DW_AT.specification) ? each : undefined,
  );
  const name = (named ?? entry).text(DW_AT.name) ?? plainName(entry);
  if (name === undefined) return undefined;
  const names = [name];
  let parent = (named ?? entry).parent;
  for (let left = MAX_CHAIN; parent && left > 0; left--, parent = parent.parent) {
    if (QUALIFIERS.has(parent.tag)) {
      const anonymous = parent.tag === DW_TAG.namespace ? '(anonymous namespace)' : undefined;
      const around = parent.text(DW_AT.name) ?? anonymous;
      if (around !== undefined) names.unshift(around);
    }
  }
  return canonicalName(names.join('::'));
}

const QUALIFIERS: ReadonlySet<number> = new Set([
  DW_TAG.namespace,
  DW_TAG.classType,
  DW_TAG.structureType,
  DW_TAG.unionType,
]);

/** Finds functions by address and by name. Addresses are as linked. */
export class FunctionIndex {
  private readonly byUnit = new Map<Unit, RangeIndex<Entry>>();
  private names: ReadonlyMap<string, readonly Entry[]> | undefined;

  constructor(
    private readonly table: UnitTable,
    private readonly unitAt: (address: number) => Unit | undefined,
  ) {}

  /** The function whose code holds an address (not one that is inlined there). */
  functionAt(address: number): Entry | undefined {
    const unit = this.unitAt(address);
    return unit && this.indexOf(unit).find(address);
  }

  /** What holds an address, the function first, the innermost last. */
  scopesAt(address: number): Scope[] {
    const entry = this.functionAt(address);
    if (entry === undefined) return [];
    const scopes: Scope[] = [{ kind: 'function', entry, ranges: rangesOf(entry) }];
    for (let next: Scope | undefined = scopes[0]; next && scopes.length < MAX_SCOPES;) {
      next = innerScope(next.entry, address);
      if (next) scopes.push(next);
    }
    return scopes;
  }

  /** Functions with code of a plain or qualified name. */
  named(name: string): readonly Entry[] {
    return (this.names ??= this.readNames()).get(name) ?? [];
  }

  private indexOf(unit: Unit): RangeIndex<Entry> {
    let index = this.byUnit.get(unit);
    if (index === undefined) {
      index = new RangeIndex(
        this.functionsOf(unit).flatMap((owner) =>
          rangesOf(owner).map((range) => ({ ...range, owner })),
        ),
      );
      this.byUnit.set(unit, index);
    }
    return index;
  }

  private functionsOf(unit: Unit): readonly Entry[] {
    try {
      return functionsBelow(unit.tree);
    } catch (error) {
      this.table.report(error);
      return [];
    }
  }

  private readNames(): ReadonlyMap<string, readonly Entry[]> {
    const names = new Map<string, Entry[]>();
    const add = (name: string | undefined, entry: Entry): void => {
      if (name === undefined) return;
      const known = names.get(name);
      if (!known) names.set(name, [entry]);
      else if (!known.includes(entry)) known.push(entry);
    };
    for (const unit of this.table.units) {
      for (const entry of this.functionsOf(unit)) {
        if (!entry.has(DW_AT.lowPc) && !entry.has(DW_AT.ranges)) continue;
        try {
          add(plainName(entry), entry);
          add(qualifiedName(entry), entry);
        } catch (error) {
          this.table.report(error);
        }
      }
    }
    return names;
  }
}

function innerScope(entry: Entry, address: number): Scope | undefined {
  for (const child of entry.children) {
    const inlined = child.tag === DW_TAG.inlinedSubroutine;
    if (!inlined && child.tag !== DW_TAG.lexicalBlock) continue;
    const ranges = rangesOf(child);
    if (holds(ranges, address))
      return { kind: inlined ? 'inlined' : 'block', entry: child, ranges };
    // A block without addresses of its own may still hold blocks that have some.
    if (!inlined && ranges.length === 0) {
      const deeper = innerScope(child, address);
      if (deeper) return deeper;
    }
  }
  return undefined;
}
