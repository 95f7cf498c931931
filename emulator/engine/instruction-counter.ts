import { decode } from '../isa/decoder';
import { HART } from '../memory/layout';
import type { CodeSpace } from './code-space';
import type { CountingHeap } from './counting-heap';
import { COUNTER, COUNTERS_SECTION, COUNTING, RETURNED } from './counting-layout';
import { FlowCounts, type FlowInstruction } from './flow-counts';
import { HartCounts } from './hart-counts';
import type { HartState } from './hart-state';
import { operations } from './operations';
import {
  BREAKPOINT_BIT,
  ENTRY_BIT,
  PSEUDO,
  REASON,
  RECORD,
  REGION_SLOTS,
  REGIONS,
} from './records';

/** Records that the pool is cut down to, in bytes; counters of records take as much. */
const MOST_RECORD_BYTES = 2 << 20;
const LEAST_RECORD_BYTES = 256 << 10;
/** Of the records' bytes those of the counters of translated code, and of the list of records that were counted. */
const REGION_SHARE = 1 / 4;
const TOUCHED_SHARE = 1 / 16;
const MOST_BLOCKS = 8;
const WORD = 2 ** 32;
/** Open calls for which a hart must have room before translated code is entered; see `leaveForCalls`. */

/** Counters of a hart that runs on this engine. */
interface Block {
  /** Arena addresses: counters of records, counters of translated code, the list of records that were counted. */
  readonly records: number;
  readonly regions: number;
  readonly touched: number;
  hart: HartState | undefined;
  /** Where the list ends. */
  touchedEnd: number;
  /** Arrivals, positive or negative, at code without records. */
  readonly corrections: Map<number, number>;
}

/** A module of translated code that counts. */
interface CountingModule {
  /** Where its counters begin, from those of all modules, in bytes. */
  readonly offset: number;
  /** See `COUNTERS_SECTION`. */
  readonly sites: Uint32Array;
  /** The code that it was made from: addresses and their 16 bits. */
  readonly source: ReadonlyMap<number, number>;
}

/**
 * Counts what harts run on one engine. It works on counters that the counting interpreter keeps beside the records, and on
 * those of translated code; it adds them up in the hart's `HartCounts` before code changes, when the hart leaves, and
 * when more harts run here than there are blocks of counters.
 */
export class InstructionCounter {
  private readonly words: Uint32Array;
  private readonly view: DataView;
  /** The one used last comes last. */
  private readonly blocks: Block[] = [];
  private readonly recordBytes: number;
  private readonly recordBase: number;
  private modules: CountingModule[] = [];
  private nextModule = 0;
  /** Told when there is no room for counters of further modules: none may run any more. */
  onFull: () => void = () => undefined;

  /** @param code its pool is cut down to make room for the counters */
  constructor(
    memory: WebAssembly.Memory,
    private readonly code: CodeSpace,
    private readonly heap: CountingHeap,
  ) {
    this.words = new Uint32Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    const { base, bytes } = code.records;
    this.recordBase = base;
    const size = 2 ** Math.floor(Math.log2(bytes / 4));
    this.recordBytes = Math.min(MOST_RECORD_BYTES, size);
    if (this.recordBytes < LEAST_RECORD_BYTES) {
      throw new Error(`a record pool of ${bytes} bytes has no room for counters`);
    }
    const blockBytes = this.recordBytes * (1 + REGION_SHARE + TOUCHED_SHARE);
    const count = Math.min(MOST_BLOCKS, Math.floor((bytes - this.recordBytes) / blockBytes));
    let next = code.cede(bytes - this.recordBytes);
    const take = (share: number): number => {
      next += this.recordBytes * share;
      return next - this.recordBytes * share;
    };
    for (let n = 0; n < count; n++) {
      const [records, regions, touched] = [1, REGION_SHARE, TOUCHED_SHARE].map(take);
      this.words.fill(0, records >>> 2, touched >>> 2);
      const corrections = new Map<number, number>();
      this.blocks.push({
        records,
        regions,
        touched,
        touchedEnd: touched,
        corrections,
        hart: undefined,
      });
    }
    code.beforeDrop = () => this.gatherAll();
  }

  /**
   * The hart is about to run from `record` on.
   * @param budget instructions that the hart has retired, plus the fuel that it is given
   */
  begin(hart: HartState, record: number, budget: number): void {
    const counts = HartCounts.of(this.heap, hart) ?? HartCounts.begin(this.heap, hart);
    counts.settle(hart);
    const block = this.blockOf(hart);
    hart.setField(HART.counters, (block.records - this.recordBase) >>> 0);
    hart.setField(COUNTING.regionCounters, block.regions);
    hart.setField(COUNTING.touched, block.touchedEnd);
    hart.setField(COUNTING.touchedEnd, this.endOf(block));
    hart.setField(COUNTING.left, 0);
    hart.setField(COUNTING.beside, 0);
    hart.setLongField(COUNTING.timeBase, budget);
    this.correct(block, this.words[(record + RECORD.pc) >>> 2], 1);
  }

  /** The interpreter has returned. */
  end(hart: HartState, reason: number): void {
    const block = this.blockOf(hart);
    block.touchedEnd = hart.field(COUNTING.touched);
    const stopped = hart.field(HART.trapRecord);
    let { pc } = hart;
    let arrived = true;
    if (reason === REASON.lookup) {
      // Behind an indirect jump there is no record, and the arrival is counted when there is one.
      const isStub = (this.words[stopped >>> 2] & 0xffff) === PSEUDO.lookup;
      arrived = isStub || hart.field(COUNTING.left) !== 0;
    } else pc = this.words[(stopped + RECORD.pc) >>> 2];
    if (arrived) this.correct(block, pc, -1);
    HartCounts.of(this.heap, hart)?.stopped(pc, hart.instret);
  }

  /** Calls have to be looked after before the hart can go on (`REASON.calls`). */
  resolve(hart: HartState): void {
    HartCounts.of(this.heap, hart)?.calls.resolve(hart);
  }

  /** Everything counted here of a hart is in its `HartCounts` after this; it may run elsewhere. */
  release(hart: HartState): void {
    const block = this.blocks.find((each) => each.hart?.base === hart.base);
    if (!block) return;
    this.gather(block);
    block.hart = undefined;
  }

  /**
   * Room for the counters of a module.
   * @param source the code that it was made from
   * @returns what its import `counters` is; undefined when it does not count
   */
  install(module: WebAssembly.Module, source: ReadonlyMap<number, number>): number | undefined {
    const section = WebAssembly.Module.customSections(module, COUNTERS_SECTION).at(0);
    if (!section) return undefined;
    const sites = new Uint32Array(section);
    const bytes = 8 * sites.length;
    if (this.nextModule + bytes > this.recordBytes * REGION_SHARE) {
      this.gatherAll();
      this.onFull();
      this.modules = [];
      this.nextModule = 0;
    }
    const offset = this.nextModule;
    this.nextModule += bytes;
    this.modules.push({ offset, sites, source });
    return offset;
  }

  private endOf({ touched }: Block): number {
    return touched + this.recordBytes * TOUCHED_SHARE;
  }

  private blockOf(hart: HartState): Block {
    const { blocks } = this;
    if (blocks.at(-1)?.hart?.base === hart.base) return blocks.at(-1)!;
    let at = blocks.findIndex((block) => block.hart?.base === hart.base);
    if (at < 0) at = blocks.findIndex((block) => block.hart === undefined);
    if (at < 0) {
      at = 0;
      this.gather(blocks[0]);
    }
    const [block] = blocks.splice(at, 1);
    blocks.push(block);
    block.hart = hart;
    return block;
  }

  private correct({ corrections }: Block, address: number, by: number): void {
    const sum = (corrections.get(address) ?? 0) + by;
    if (sum === 0) corrections.delete(address);
    else corrections.set(address, sum);
  }

  private gatherAll(): void {
    for (const block of this.blocks) this.gather(block);
  }

  /** Adds the counters of a block to its hart's counts; they begin anew. */
  private gather(block: Block): void {
    const { hart, corrections } = block;
    if (!hart) return;
    const counts = HartCounts.of(this.heap, hart);
    if (!counts) return;
    const flow = new FlowCounts();
    for (const [address, count] of corrections) flow.arrived(address, count);
    corrections.clear();
    this.takeRecords(block, flow);
    const modules = this.takeModules(block, flow);
    const known = new Map<number, FlowInstruction | undefined>();
    const instructionAt = (address: number): FlowInstruction | undefined => {
      if (!known.has(address)) {
        const found = this.decoded(address) ?? decodeFrom(modules, address);
        // Nothing is counted in straight code: a module can have run of which no counter has counted.
        known.set(address, found ?? decodeFrom(this.modules.toReversed(), address));
      }
      return known.get(address);
    };
    flow.spread(instructionAt, (pc, executions, taken) => counts.add(pc, executions, taken));
  }

  private takeRecords(block: Block, flow: FlowCounts): void {
    const { words } = this;
    const take = (record: number): void => {
      const at = record - this.recordBase + block.records;
      const taken = this.takeLong(at + COUNTER.taken);
      const arrivals = this.takeLong(at + COUNTER.arrivals);
      const pc = words[(record + RECORD.pc) >>> 2];
      if (taken !== 0) {
        const target = record + (words[(record + RECORD.immediate) >>> 2] | 0);
        flow.taken(pc, words[(target + RECORD.pc) >>> 2], taken);
      }
      if (arrivals !== 0) flow.arrived(pc, arrivals);
    };
    if (block.touchedEnd >= this.endOf(block))
      for (const { record } of this.code.decoded()) take(record);
    else for (let at = block.touched; at < block.touchedEnd; at += 4) take(words[at >>> 2]);
    block.touchedEnd = block.touched;
  }

  /** @returns the modules of which a counter has counted */
  private takeModules({ regions }: Block, flow: FlowCounts): CountingModule[] {
    return this.modules.filter((module) => {
      let hasRun = false;
      module.sites.forEach((word, i) => {
        const count = this.takeLong(regions + module.offset + 8 * i);
        if (count === 0) return;
        hasRun = true;
        const site = (word & ~RETURNED) >>> 0;
        const instruction = decodeFrom([module], site);
        if (!instruction) throw new Error(`0x${site.toString(16)} is counted and no instruction`);
        const isJump = instruction.control !== 'indirect';
        if (isJump) flow.taken(site, instruction.target, count);
        if ((word & RETURNED) !== 0) flow.arrived(site + instruction.length, count);
      });
      return hasRun;
    });
  }

  /** The instruction at an address that has a record. */
  private decoded(address: number): FlowInstruction | undefined {
    const record = this.code.lookup(address);
    if (record === 0) return undefined;
    let operation = this.view.getUint16(record, true) & (BREAKPOINT_BIT - 1);
    if ((operation & ENTRY_BIT) !== 0) {
      const slot = operation & (REGION_SLOTS - 1);
      operation = this.view.getUint16(this.code.regionBlock + REGIONS.operations + 2 * slot, true);
    }
    const instruction = operations.at(operation)?.instructions[0];
    if (!instruction) return undefined;
    const next = this.words[(record + RECORD.size + RECORD.pc) >>> 2];
    // Behind a jump lies a record without an address.
    return { length: Math.max(0, next - address), control: instruction.control };
  }

  private takeLong(address: number): number {
    const at = address >>> 2;
    const value = this.words[at] + (this.words[at + 1] | 0) * WORD;
    if (value !== 0) this.words.fill(0, at, at + 2);
    return value;
  }
}

/** An instruction of the code that modules were made from. */
function decodeFrom(
  modules: readonly CountingModule[],
  address: number,
): (FlowInstruction & { readonly target: number }) | undefined {
  for (const { source } of modules) {
    const low = source.get(address);
    if (low === undefined) continue;
    const high = (low & 3) === 3 ? (source.get(address + 2) ?? 0) : 0;
    const decoded = decode(((high << 16) | low) >>> 0);
    if (!decoded) continue;
    const { length, imm, instruction } = decoded;
    return { length, control: instruction.control, target: (address + imm) >>> 0 };
  }
  return undefined;
}
