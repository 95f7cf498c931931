import { DW_AT, DW_TAG } from './constants';
import type { Entry } from './entry';
import { rangesOf, type AddressRange } from './ranges';
import { DwarfError } from './reader';
import type { Unit } from './unit';
import type { UnitTable } from './units';

interface Part<T> extends AddressRange {
  readonly owner: T;
  /** The furthest end of this part and those that begin before it. */
  readonly reach: number;
}

/** Finds whose address ranges hold an address. Ranges may nest and overlap; the innermost is the best. */
export class RangeIndex<T> {
  private readonly parts: readonly Part<T>[];

  constructor(ranges: readonly (AddressRange & { readonly owner: T })[]) {
    const sorted = [...ranges].sort((a, b) => a.start - b.start || b.end - a.end);
    let reach = 0;
    this.parts = sorted.map((part) => ({ ...part, reach: (reach = Math.max(reach, part.end)) }));
  }

  /** The owner whose range begins last among those that hold the address. */
  find(address: number): T | undefined {
    let low = 0;
    let high = this.parts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.parts[middle].start <= address) low = middle + 1;
      else high = middle;
    }
    for (let i = low - 1; i >= 0; i--) {
      const { end, owner, reach } = this.parts[i];
      if (address < end) return owner;
      if (reach <= address) return undefined;
    }
    return undefined;
  }
}

/**
 * Finds the unit that holds an address by the ranges of the units' first entries. A unit that does not
 * say its ranges is asked for those of its functions.
 */
export function indexUnits(table: UnitTable): RangeIndex<Unit> {
  const all: (AddressRange & { readonly owner: Unit })[] = [];
  for (const unit of table.units) {
    try {
      for (const range of unitRanges(unit)) all.push({ ...range, owner: unit });
      const split = unit.root.text(DW_AT.dwoName) ?? unit.root.text(DW_AT.gnuDwoName);
      if (split !== undefined) table.report(notRead(unit, split));
    } catch (error) {
      table.report(error);
    }
  }
  return new RangeIndex(all);
}

const notRead = ({ header }: Unit, file: string): DwarfError =>
  new DwarfError(
    `${file}, which holds a unit's functions and variables, is not read`,
    '.debug_info',
    header.offset,
  );

function unitRanges(unit: Unit): AddressRange[] {
  const { root } = unit;
  // A skeleton has lines and ranges; the rest of its unit lies in a .dwo file.
  if (root.tag !== DW_TAG.compileUnit && root.tag !== DW_TAG.skeletonUnit) return [];
  if (root.has(DW_AT.ranges) || root.has(DW_AT.highPc)) return rangesOf(root);
  return functionsBelow(unit.tree).flatMap(rangesOf);
}

/** Functions of a unit, also those in namespaces and classes. */
export function functionsBelow(entry: Entry): Entry[] {
  const found: Entry[] = [];
  const open = [entry];
  for (let next = open.pop(); next; next = open.pop()) {
    for (const child of next.children) {
      if (child.tag === DW_TAG.subprogram) found.push(child);
      else if (HOLDERS.has(child.tag)) open.push(child);
    }
  }
  return found;
}

const HOLDERS: ReadonlySet<number> = new Set([
  DW_TAG.namespace,
  DW_TAG.module,
  DW_TAG.classType,
  DW_TAG.structureType,
  DW_TAG.unionType,
]);
