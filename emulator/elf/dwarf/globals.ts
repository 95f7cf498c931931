import { DW_AT, DW_TAG } from './constants';
import type { Entry } from './entry';
import { plainName, qualifiedName } from './functions';
import type { UnitTable } from './units';

/** Tags of types that have names. */
const TYPES: ReadonlySet<number> = new Set([
  DW_TAG.baseType,
  DW_TAG.typedef,
  DW_TAG.structureType,
  DW_TAG.classType,
  DW_TAG.unionType,
  DW_TAG.enumerationType,
]);

const CLASSES: ReadonlySet<number> = new Set([
  DW_TAG.structureType,
  DW_TAG.classType,
  DW_TAG.unionType,
]);

const HOLDERS: ReadonlySet<number> = new Set([DW_TAG.namespace, ...CLASSES]);

/** Variables, enumerators and types outside functions, by their names. All units are read for it, once. */
export class GlobalIndex {
  private variables: Map<string, Entry> | undefined;
  private readonly types = new Map<string, Entry>();
  private readonly enumerators = new Map<string, Entry>();

  constructor(private readonly units: UnitTable) {}

  /**
   * The variable of a name that has a place; static ones of one file included. A member of a class has its qualified
   * name only, others a plain one as well.
   */
  variable(name: string): Entry | undefined {
    return this.read().get(name);
  }

  /** The definition of the type of a name, rather than a declaration. */
  type(name: string): Entry | undefined {
    this.read();
    return this.types.get(name);
  }

  /** The enumerator of a name. */
  enumerator(name: string): Entry | undefined {
    this.read();
    return this.enumerators.get(name);
  }

  private read(): ReadonlyMap<string, Entry> {
    if (this.variables) return this.variables;
    this.variables = new Map();
    for (const unit of this.units.units) {
      try {
        this.readChildren(unit.tree);
      } catch (error) {
        this.units.report(error);
      }
    }
    return this.variables;
  }

  private readChildren(root: Entry): void {
    const open = [root];
    for (let parent = open.pop(); parent; parent = open.pop()) {
      for (const entry of parent.children) {
        if (entry.tag === DW_TAG.variable || entry.tag === DW_TAG.member) this.addVariable(entry);
        else if (TYPES.has(entry.tag)) this.addType(entry);
        if (HOLDERS.has(entry.tag)) open.push(entry);
      }
    }
  }

  private addVariable(entry: Entry): void {
    if (!entry.has(DW_AT.location) && !entry.has(DW_AT.constValue)) return;
    const qualified = qualifiedName(entry);
    for (const name of [isMember(entry) ? undefined : plainName(entry), qualified]) {
      if (name !== undefined && !this.variables?.has(name)) this.variables?.set(name, entry);
    }
  }

  private addType(entry: Entry): void {
    const name = qualifiedName(entry);
    if (name !== undefined) {
      const known = this.types.get(name);
      if (!known || known.flag(DW_AT.declaration)) this.types.set(name, entry);
    }
    if (entry.tag !== DW_TAG.enumerationType) return;
    for (const child of entry.children) {
      const enumerator = child.tag === DW_TAG.enumerator ? plainName(child) : undefined;
      if (enumerator !== undefined) this.enumerators.set(enumerator, child);
    }
  }
}

/** Whether a variable is a static member of a class: it, or what it specifies, stands inside one. */
function isMember(entry: Entry): boolean {
  const declared = entry.reference(DW_AT.specification) ?? entry;
  return declared.parent !== undefined && CLASSES.has(declared.parent.tag);
}
