import { PAGE_SHIFT } from '../../memory/layout';
import type { RegionEntries } from '../code-source';
import type { CodeSpace } from '../code-space';
import {
  BREAKPOINT_BIT,
  ENTRY_BIT,
  FOUND_REGIONS,
  PSEUDO_COUNT,
  REGION_SLOTS,
  REGIONS,
} from '../records';
import type { FloatMode } from './float-mode';
import type { CodeRun } from './region-store';

/** A region's function. */
export type RegionFunction = (context: number, fuel: number, depth: number) => bigint;

/** A module of regions: they come and go together, because they may call each other. */
export interface Unit {
  entries: readonly Entry[];
  /** The code that it was made from, which must still be there. */
  readonly source: readonly CodeRun[];
  readonly pages: ReadonlySet<number>;
  /** Bytes of WebAssembly. */
  readonly bytes: number;
  /** What its floating-point code is written for; undefined when it has none. */
  readonly mode: FloatMode | undefined;
  /** Guest instructions in its regions. */
  readonly instructions: number;
  /** Its code is known to be unchanged: the records of its entries lead to it. */
  active: boolean;
}

/** Where a region begins. */
interface Entry {
  readonly pc: number;
  readonly slot: number;
}

/** How much is kept: beyond it the oldest modules are given up. */
interface CacheLimits {
  /** WebAssembly. */
  readonly bytes: number;
  /** Each module takes some mappings of the host's memory, of which a process has 65530. */
  readonly modules: number;
}

/**
 * The translated code of one engine. A region is entered through the record of its first instruction, whose
 * operation names the region's place in the interpreter's table. Code that changes takes its regions out of
 * use; when it is decoded again and is as it was, they come back.
 */
export class CodeCache implements RegionEntries {
  private readonly entries = new Map<number, { readonly entry: Entry; readonly unit: Unit }>();
  /** In the order in which they were made. */
  private readonly units = new Set<Unit>();
  private readonly onPage = new Map<number, Set<Unit>>();
  private readonly freeSlots: number[] = [];
  private nextSlot = 0;
  private readonly view: DataView;
  bytes = 0;
  evicted = 0;
  limits: CacheLimits = { bytes: 32 * 2 ** 20, modules: 2000 };
  /** Code at `pc` is decoded and has no region: told before it gets its record. */
  onDecoded: ((pc: number) => void) | undefined;

  constructor(
    memory: WebAssembly.Memory,
    private readonly code: CodeSpace,
    private readonly table: WebAssembly.Table,
  ) {
    this.view = new DataView(memory.buffer);
  }

  /** How many regions there are, in use or not. */
  get regions(): number {
    return this.entries.size;
  }

  get modules(): number {
    return this.units.size;
  }

  /** The module of the region at `pc` whose code is as it was. */
  unitAt(pc: number): Unit | undefined {
    const unit = this.entries.get(pc)?.unit;
    return unit?.active === true ? unit : undefined;
  }

  /** Where the regions that are in use begin. */
  active(): number[] {
    return [...this.units].flatMap((unit) => (unit.active ? unit.entries.map(({ pc }) => pc) : []));
  }

  /** Whether there is a region at `pc`, in use or not. */
  has(pc: number): boolean {
    return this.entries.has(pc);
  }

  /**
   * Takes in a module's regions, by address. The one that the module was made for, which begins at `own`, replaces what is
   * there; of the functions that it calls those that have a region in use keep that.
   */
  add(
    all: ReadonlyMap<number, RegionFunction>,
    own: ReadonlySet<number>,
    { source, bytes, mode, instructions }: Pick<Unit, 'source' | 'bytes' | 'mode' | 'instructions'>,
  ): void {
    const functions = [...all].filter(([pc]) => own.has(pc) || this.unitAt(pc) === undefined);
    for (const [pc] of functions) this.release(pc);
    this.makeRoom(functions.length, bytes);
    const entries = functions.map(([pc, run]): Entry => {
      const slot = this.freeSlots.pop() ?? this.nextSlot++;
      this.table.set(slot, run);
      return { pc, slot };
    });
    const pages = new Set(source.flatMap(pagesOf));
    const unit: Unit = { entries, source, pages, bytes, mode, instructions, active: false };
    this.units.add(unit);
    this.bytes += bytes;
    for (const entry of entries) this.entries.set(entry.pc, { entry, unit });
    for (const page of pages) {
      const list = this.onPage.get(page);
      if (list) list.add(unit);
      else this.onPage.set(page, new Set([unit]));
    }
    this.activate(unit);
  }

  /** Gives up everything, for instance because nothing translated may run for now. */
  clear(): void {
    for (const unit of [...this.units]) this.drop(unit);
  }

  // RegionEntries

  operationFor(pc: number, operation: number): number {
    if (!this.entries.has(pc)) this.onDecoded?.(pc);
    const found = this.entries.get(pc);
    if (!found || !isPlain(operation)) return operation;
    const { unit, entry } = found;
    if (!unit.active && !this.activate(unit)) return operation;
    return this.enter(entry, operation);
  }

  invalidate(page: number): void {
    for (const unit of this.onPage.get(page) ?? []) this.deactivate(unit);
  }

  /** The records go as they are: nothing is to be put back. */
  flush(): void {
    for (const unit of this.units) unit.active = false;
    const found = this.code.regionBlock + REGIONS.found;
    new Uint8Array(this.view.buffer, found, 8 * FOUND_REGIONS).fill(0);
  }

  /** Lets the records of a module's entries lead to it, if its code is still the same. */
  private activate(unit: Unit): boolean {
    // From now on the copies of these pages are kept, which are what runs.
    for (const page of unit.pages) if (!this.code.watch(page)) return false;
    for (const run of unit.source) {
      if (this.code.hasBreakpoint(run.start, run.start + 2 * run.bits.length)) return false;
      if (!this.code.isThere(run.start, run.bits)) {
        this.drop(unit);
        return false;
      }
    }
    unit.active = true;
    for (const entry of unit.entries) {
      const record = this.code.lookup(entry.pc);
      if (record === 0) continue;
      const operation = this.view.getUint16(record, true);
      if (isPlain(operation)) this.view.setUint16(record, this.enter(entry, operation), true);
    }
    return true;
  }

  /** Notes the own operation of an entry's record; returns the one that leads to the region. */
  private enter({ slot }: Entry, operation: number): number {
    this.view.setUint16(this.ownOperation(slot), operation, true);
    return ENTRY_BIT | slot;
  }

  private ownOperation(slot: number): number {
    return this.code.regionBlock + REGIONS.operations + 2 * slot;
  }

  private deactivate(unit: Unit): void {
    if (!unit.active) return;
    unit.active = false;
    for (const entry of unit.entries) this.leaveEntry(entry);
  }

  /** The record at an entry no longer leads to its region. */
  private leaveEntry({ pc, slot }: Entry): void {
    this.forgetFound(pc);
    const record = this.code.lookup(pc);
    if (record === 0 || this.view.getUint16(record, true) !== (ENTRY_BIT | slot)) return;
    const own = this.view.getUint16(this.ownOperation(slot), true);
    this.view.setUint16(record, own, true);
  }

  private freeEntry({ pc, slot }: Entry): void {
    this.entries.delete(pc);
    this.table.set(slot, null);
    this.freeSlots.push(slot);
  }

  /** Translated code looks the address up again. */
  private forgetFound(pc: number): void {
    const at = this.code.regionBlock + REGIONS.found + 4 * (pc & (2 * FOUND_REGIONS - 2));
    if (this.view.getUint32(at, true) === pc + 1) this.view.setUint32(at, 0, true);
  }

  /** Gives up the region that begins at `pc`, and its module if it was the last one of it. */
  private release(pc: number): void {
    const found = this.entries.get(pc);
    if (!found) return;
    const { unit, entry } = found;
    const rest = unit.entries.filter((other) => other !== entry);
    if (rest.length === 0) {
      this.drop(unit);
      return;
    }
    if (unit.active) this.leaveEntry(entry);
    this.freeEntry(entry);
    unit.entries = rest;
  }

  private drop(unit: Unit): void {
    this.deactivate(unit);
    this.units.delete(unit);
    this.bytes -= unit.bytes;
    for (const entry of unit.entries) this.freeEntry(entry);
    for (const page of unit.pages) {
      const list = this.onPage.get(page);
      list?.delete(unit);
      if (list?.size === 0) this.onPage.delete(page);
    }
  }

  private makeRoom(regions: number, bytes: number): void {
    const { limits } = this;
    for (const unit of this.units) {
      const used = this.nextSlot - this.freeSlots.length;
      const fits =
        used + regions <= REGION_SLOTS &&
        this.bytes + bytes <= limits.bytes &&
        this.units.size < limits.modules;
      if (fits) return;
      this.drop(unit);
      this.evicted += 1;
    }
  }
}

/** Whether an operation is an instruction's, at which a region may begin. */
function isPlain(operation: number): boolean {
  return (operation & (BREAKPOINT_BIT | ENTRY_BIT)) === 0 && operation >= PSEUDO_COUNT;
}

/** The pages that code lies on. */
function pagesOf({ start, bits }: CodeRun): number[] {
  const first = start >>> PAGE_SHIFT;
  const last = (start + 2 * bits.length - 1) >>> PAGE_SHIFT;
  return Array.from({ length: last - first + 1 }, (_, n) => first + n);
}
