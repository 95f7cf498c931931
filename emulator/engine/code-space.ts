import { decode } from '../isa/decoder';
import type { Decoded } from '../isa/types';
import type { Bulk } from '../memory/bulk';
import { ADDRESS_LIMIT, PAGE_SHIFT, PAGE_SIZE } from '../memory/layout';
import { CAN_CHANGE, IS_TOLD, type CodeSource, type RegionEntries } from './code-source';
import { fusedAt, LONGEST_FUSED, operationOf } from './operations';
import { MAP, NODE, RecordPool } from './record-pool';
import { BREAKPOINT_BIT, LONGEST_RUN, PSEUDO, RECORD, writeOperands } from './records';

/** So many instructions at its end a run may have in common with another one. */
const MOST_REPEATED = 32;

/** A record that looks up an address which has no record yet, and the jumps that lead to it meanwhile. */
interface Stub {
  readonly record: number;
  readonly jumps: number[];
}

interface Run {
  readonly pcs: number[];
  readonly decoded: (Decoded | undefined)[];
  /** Where the instruction after the last one lies; undefined when control never gets there. */
  readonly next: number | undefined;
}

/** Turns code into records and keeps the code table that the interpreter looks addresses up in. */
export class CodeSpace extends RecordPool {
  private readonly stubs = new Map<number, Stub>();
  /** Pages with records that this hart's stores have changed since the last `fence.i`. */
  private readonly stale = new Set<number>();
  /** Pages with records that stores may change, told or not. */
  private readonly changeable = new Set<number>();
  /** The code version (`AddressSpace.codeVersion`) that all records are true of. */
  private version = 0;
  /**
   * Harts run on other threads as well: a store there that is under way while a page's records are made here is not
   * told.
   */
  isConcurrent = false;
  readonly breakpoints = new Set<number>();
  private mayRepeat = true;
  /** Called before any records are dropped. */
  beforeDrop: (() => void) | undefined;
  /** Called when breakpoints have changed. */
  onBreakpoints: (() => void) | undefined;
  /** Translated code; none for an engine that only interprets. */
  regions: RegionEntries | undefined;

  /**
   * @param table arena address of the space's code table (4 MiB)
   * @param pool arena range that holds records and maps
   */
  constructor(
    memory: WebAssembly.Memory,
    table: number,
    pool: { readonly base: number; readonly bytes: number },
    private readonly source: CodeSource,
    private readonly bulk: Pick<Bulk, 'copy' | 'equal'>,
  ) {
    super(memory, table, pool);
  }

  /**
   * Takes `bytes` away from the end of the pool for good; what was decoded is forgotten.
   * @returns their arena address
   * @throws Error when the pool is too small for that
   */
  cede(bytes: number): number {
    const end = this.endWithout(bytes);
    this.flush();
    this.poolEnd = end;
    return end;
  }

  /**
   * Predecodes the code from `pc` on.
   * @returns its record, or undefined when the bytes at `pc` cannot be fetched
   */
  translate(pc: number): number | undefined {
    const known = this.lookup(pc);
    if (known !== 0) return known;
    this.ensureRoom();
    if (pc >= ADDRESS_LIMIT || this.keep(Math.floor(pc / PAGE_SIZE)) === 0) return undefined;
    this.placeRun(pc);
    // A 4-byte instruction whose second half cannot be fetched has none.
    return this.lookup(pc) || undefined;
  }

  /**
   * Changes of the page are told from now on, whether it has records or not.
   * @returns false when the pool has no room to note it
   */
  watch(page: number): boolean {
    if (!this.hasRoom()) return false;
    const map = this.inUse(page) || this.prepare(page);
    if (map === 0) return false;
    this.use(map, page);
    return true;
  }

  /** The 16 bits at an even address as records are made of them, or undefined when they cannot be fetched. */
  unitAt(address: number): number | undefined {
    if (address >= ADDRESS_LIMIT) return undefined;
    const map = this.inUse(Math.floor(address / PAGE_SIZE));
    return map === 0 ? this.source.fetch(address) : this.copiedUnit(map, address);
  }

  /** Whether records are made of these 16-bit units at an address. */
  isThere(address: number, units: Uint16Array): boolean {
    for (let i = 0; i < units.length; i++) {
      const at = address + 2 * i;
      const map = this.inUse(Math.floor(at / PAGE_SIZE));
      if (map === 0 || this.copiedUnit(map, at) !== units[i]) return false;
    }
    return true;
  }

  /** Whether a breakpoint lies in [from, to). */
  hasBreakpoint(from: number, to: number): boolean {
    for (const address of this.breakpoints) if (address >= from && address < to) return true;
    return false;
  }

  /** The map of a page of which records or regions are in use, else 0. */
  private inUse(page: number): number {
    const map = this.words[(this.table >>> 2) + page];
    return map !== 0 && this.words[(map + MAP.inUse) >>> 2] !== 0 ? map : 0;
  }

  private copiedUnit(map: number, address: number): number {
    return this.view.getUint16(map + MAP.copy + (address & (PAGE_SIZE - 1)), true);
  }

  /**
   * Whether records are true of other code now: `verify` drops those that are not.
   * @param version of the space that runs here
   */
  isOf(version: number): boolean {
    return this.version === version;
  }

  /** Whether there are records of pages that stores may change. */
  get canChange(): boolean {
    return this.changeable.size > 0;
  }

  /**
   * Drops all records whose code is not what the space that runs here has. When its code version is another one that is
   * looked up for all pages, else for those that stores may change.
   */
  verify(version: number): void {
    if (this.isOf(version)) {
      for (const page of this.changeable) this.compare(page);
    } else {
      this.version = version;
      for (let map = this.firstMap; map !== 0; map = this.words[(map + MAP.next) >>> 2]) {
        this.compare(this.words[(map + MAP.page) >>> 2]);
      }
    }
    this.stale.clear();
  }

  /** Drops a page's records and regions unless they were made of what is there now. */
  private compare(page: number): void {
    const map = this.inUse(page);
    if (map === 0) return;
    const found = this.source.codePage(page);
    if (found === 0 || !this.isCopyOf(map, found)) this.invalidate(page);
    else this.noteKind(page, found);
  }

  private isCopyOf(map: number, found: number): boolean {
    return this.bulk.equal(map + MAP.copy, found & -PAGE_SIZE, PAGE_SIZE) !== 0;
  }

  private noteKind(page: number, found: number): void {
    if ((found & CAN_CHANGE) !== 0) this.changeable.add(page);
    else this.changeable.delete(page);
  }

  /**
   * The map of a page whose copy is what is there now; records that were made of something else are dropped.
   * @returns 0 when the page cannot be executed
   */
  private prepare(page: number): number {
    const known = this.inUse(page);
    if (known !== 0 && !this.changeable.has(page)) return known;
    // The page is made to be there first, if it can.
    if (known === 0 && this.source.fetch(page * PAGE_SIZE) === undefined) return 0;
    const found = this.source.codePage(page);
    if (found === 0) return 0;
    const map = this.pageMap(page);
    if (known !== 0 && this.isCopyOf(map, found)) return map;
    if (known !== 0) this.invalidate(page);
    this.bulk.copy(map + MAP.copy, found & -PAGE_SIZE, PAGE_SIZE);
    return map;
  }

  /** As `prepare`, and the copy stays as it is until the page is compared with it again. */
  private keep(page: number): number {
    const map = this.prepare(page);
    if (map !== 0) this.use(map, page);
    return map;
  }

  /** Something is made of a page's copy. */
  private use(map: number, page: number): void {
    // Each time: the records that are there already may be of a fork, and this space not be marked yet.
    this.source.markCode(page);
    this.noteKind(page, this.source.codePage(page));
    this.words[(map + MAP.inUse) >>> 2] = 1;
  }

  /** The page's records no longer stand for its bytes: they send the interpreter back to look again. */
  invalidate(page: number): void {
    this.stale.delete(page);
    this.changeable.delete(page);
    const map = this.words[(this.table >>> 2) + page];
    if (map === 0) return;
    this.beforeDrop?.();
    this.regions?.invalidate(page);
    for (let node = this.words[(map + MAP.runs) >>> 2]; node !== 0;) {
      const start = this.words[(node + NODE.start) >>> 2];
      const count = this.words[(node + NODE.count) >>> 2];
      for (let i = 0; i < count; i++) {
        this.view.setUint16(start + i * RECORD.size, PSEUDO.lookup, true);
        this.forget(this.view.getUint32(start + i * RECORD.size + RECORD.pc, true));
      }
      node = this.words[(node + NODE.next) >>> 2]!;
    }
    this.words[(map + MAP.runs) >>> 2] = 0;
    this.words[(map + MAP.inUse) >>> 2] = 0;
  }

  /**
   * A guest store changed a page that has records. The manual lets a hart see the old instructions until
   * it runs `fence.i` (Zifencei, chapter 5), and so it does here: `synchronize` drops them.
   */
  noteStore(page: number): void {
    this.stale.add(page);
  }

  /**
   * `fence.i`: later fetches see all earlier stores, those of other harts too that the hart can see.
   * @param version code version of the space that runs here
   */
  synchronize(version: number): void {
    if (this.isConcurrent || !this.isOf(version)) return this.verify(version);
    for (const page of this.changeable) {
      if (this.stale.has(page) || (this.source.codePage(page) & IS_TOLD) === 0) this.compare(page);
    }
    this.stale.clear();
  }

  setBreakpoint(pc: number): void {
    this.breakpoints.add(pc);
    this.invalidate(pc >>> PAGE_SHIFT);
    this.onBreakpoints?.();
  }

  clearBreakpoint(pc: number): void {
    this.breakpoints.delete(pc);
    this.invalidate(pc >>> PAGE_SHIFT);
    this.onBreakpoints?.();
  }

  /** Gives the whole pool back. No hart may be inside the interpreter. */
  flush(): void {
    this.beforeDrop?.();
    this.regions?.flush();
    this.empty();
    this.stubs.clear();
    this.stale.clear();
    this.changeable.clear();
  }

  /** Forgets everything decoded, and stops at these addresses from now on. */
  restart(breakpoints: Iterable<number>): void {
    this.flush();
    this.breakpoints.clear();
    for (const address of breakpoints) this.breakpoints.add(address);
  }

  /** Decodes everything anew, each instruction into one record only, so that records can be counted. */
  repeatNothing(): void {
    this.mayRepeat = false;
    this.flush();
  }

  /** One run needs at most this: its records, a stub for each, two nodes and page maps. */
  private ensureRoom(): void {
    if (!this.hasRoom()) this.flush();
  }

  private addNode(page: number, start: number, count: number): void {
    const map = this.pageMap(page);
    this.use(map, page);
    const node = this.allocate(NODE.bytes) >>> 2;
    this.words[node + NODE.next / 4] = this.words[(map + MAP.runs) >>> 2]!;
    this.words[node + NODE.start / 4] = start;
    this.words[node + NODE.count / 4] = count;
    this.words[(map + MAP.runs) >>> 2] = node << 2;
  }

  /** Makes `record` the one of `pc`: the jumps that wait for it lead to it from now on. */
  private remember(pc: number, record: number): void {
    const map = this.pageMap(pc >>> PAGE_SHIFT);
    this.words[(map >>> 2) + ((pc & (PAGE_SIZE - 1)) >>> 1)] = record;
    const stub = this.stubs.get(pc);
    if (stub === undefined) return;
    this.stubs.delete(pc);
    for (const jump of stub.jumps) {
      // A jump that was invalidated meanwhile has another displacement already.
      const at = jump + RECORD.immediate;
      if (this.view.getInt32(at, true) === stub.record - jump) {
        this.view.setInt32(at, record - jump, true);
      }
    }
  }

  private forget(pc: number): void {
    const map = this.words[(this.table >>> 2) + (pc >>> PAGE_SHIFT)];
    if (map !== 0) this.words[(map >>> 2) + ((pc & (PAGE_SIZE - 1)) >>> 1)] = 0;
  }

  /** Makes a jump lead to `target`: to its record, or to a stub until it has one. */
  private link(jump: number, target: number): void {
    this.view.setInt32(jump + RECORD.immediate, this.recordFor(jump, target) - jump, true);
  }

  private recordFor(jump: number, target: number): number {
    const known = this.lookup(target);
    if (known !== 0) return known;
    let stub = this.stubs.get(target);
    if (stub === undefined) {
      const record = this.allocate(RECORD.size);
      this.view.setUint16(record, PSEUDO.lookup, true);
      this.view.setUint32(record + RECORD.pc, target, true);
      stub = { record, jumps: [] };
      this.stubs.set(target, stub);
    }
    stub.jumps.push(jump);
    return stub.record;
  }

  /**
   * Decodes from `start` until control cannot fall through, the page ends, or the run is long enough. Of code that
   * is known it repeats what comes before the next branch: who comes upon a loop in its middle, as a thread that takes
   * over a hart does, would else go on in two parts for good, with a jump between them and no fused operation across it.
   * An instruction that cannot be fetched ends the run before it.
   */
  private decodeRun(start: number): Run {
    const page = start >>> PAGE_SHIFT;
    const pcs: number[] = [];
    const decoded: (Decoded | undefined)[] = [];
    const map = this.pageMap(page);
    let pc = start;
    let repeats = this.mayRepeat ? MOST_REPEATED : 0;
    while (pc >>> PAGE_SHIFT === page && pcs.length < LONGEST_RUN) {
      if (this.lookup(pc) !== 0 && repeats-- <= 0) break;
      const low = this.copiedUnit(map, pc);
      const high = (low & 3) === 3 ? this.unitBehind(map, pc) : 0;
      if (high === undefined) break;
      const instruction = decode(((high << 16) | low) >>> 0);
      pcs.push(pc);
      decoded.push(instruction);
      if (!instruction) return { pcs, decoded, next: undefined };
      pc += instruction.length;
      const { control } = instruction.instruction;
      if (control === 'jump' || control === 'indirect') return { pcs, decoded, next: undefined };
      if (control === 'branch' && this.lookup(pcs[pcs.length - 1]) !== 0) break;
    }
    return { pcs, decoded, next: pc };
  }

  /** The second 16 bits of the instruction at `pc`, whose page has this map. */
  private unitBehind(map: number, pc: number): number | undefined {
    const next = pc + 2;
    if ((next & (PAGE_SIZE - 1)) !== 0) return this.copiedUnit(map, next);
    const nextMap = next < ADDRESS_LIMIT ? this.keep(next / PAGE_SIZE) : 0;
    return nextMap === 0 ? undefined : this.copiedUnit(nextMap, next);
  }

  private placeRun(start: number): void {
    const run = this.decodeRun(start);
    const count = run.pcs.length;
    const first = this.allocate((count + 1) * RECORD.size);
    const plain = run.decoded.map((d) => (d ? operationOf(d.instruction) : PSEUDO.illegal));
    for (let i = 0; i < count; i++) {
      const pc = run.pcs[i];
      const record = first + i * RECORD.size;
      const decoded = run.decoded[i];
      if (decoded) writeOperands(this.view, record, decoded, pc);
      else this.view.setUint32(record + RECORD.pc, pc, true);
      const operation = this.operationAt(run, plain, i);
      if (this.lookup(pc) === 0) {
        this.view.setUint16(record, this.regions?.operationFor(pc, operation) ?? operation, true);
        this.remember(pc, record);
        // A repetition only follows: nothing leads to it, and no translated code begins there.
      } else this.view.setUint16(record, operation, true);
    }
    // What follows the run, or a stop that is never reached.
    const end = first + count * RECORD.size;
    this.view.setUint16(end, run.next === undefined ? PSEUDO.illegal : PSEUDO.goto, true);
    this.view.setUint32(end + RECORD.pc, run.next ?? 0, true);
    if (run.next !== undefined) this.link(end, run.next);
    // Last, so that jumps inside the run find its records.
    run.decoded.forEach((decoded, i) => {
      const control = decoded?.instruction.control;
      if (decoded && (control === 'branch' || control === 'jump')) {
        this.link(first + i * RECORD.size, (run.pcs[i] + decoded.imm) >>> 0);
      }
    });
    if (count === 0) return;
    this.addNode(start >>> PAGE_SHIFT, first, count);
    const lastPage =
      (run.pcs[count - 1] + (run.decoded[count - 1]?.length ?? 2) - 1) >>> PAGE_SHIFT;
    // An instruction that reaches into the next page goes stale with that page as well.
    if (lastPage !== start >>> PAGE_SHIFT) {
      const reach = Math.min(count, LONGEST_FUSED);
      this.addNode(lastPage, end - reach * RECORD.size, reach);
    }
  }

  /** The longest fused operation from instruction `i` on that no breakpoint lies inside of. */
  private operationAt(run: Run, plain: readonly number[], i: number): number {
    const breakpoint = this.breakpoints.has(run.pcs[i]) ? BREAKPOINT_BIT : 0;
    let end = i + 1;
    while (end < plain.length && end - i < LONGEST_FUSED && !this.breakpoints.has(run.pcs[end])) {
      end += 1;
    }
    return (fusedAt(plain.slice(i, end), 0) ?? plain[i]) | breakpoint;
  }
}
