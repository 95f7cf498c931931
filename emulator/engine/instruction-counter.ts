import { HART } from '../memory/layout';
import { CALL_ENTRY, CALL_LOG_BYTES } from './call-log';
import { CallTree, type CallTreeNode } from './call-tree';
import type { CodeSpace, DecodedRecord } from './code-space';
import { executionCounts, type FlowCount, type InstructionCounts } from './flow-counts';
import type { HartState } from './hart-state';
import { operations } from './operations';
import { ENTRY_BIT, PSEUDO, REASON, RECORD } from './records';

/**
 * The two counters of a record, at the same place in a block of counters as the record has in its pool:
 *
 * | offset | type | counter |
 * |--------|------|---------|
 * | 0      | u64  | of a branch or jump: how often it went to its target |
 * | 8      | u64  | how often an indirect jump came here or a run began here, less how often one stopped here |
 */
export const COUNTER = { taken: 0, arrivals: 8 } as const;

/** Records that the pool is cut down to, in bytes; a block of counters is as large. */
const RECORD_BYTES = 2 << 20;
const MOST_BLOCKS = 8;
/** Bytes of a jump that has no record any more. */
const USUAL_BYTES = 4;
const WORD = 2 ** 32;

/** What is known of a hart that is counted. */
interface Counted {
  readonly executions: Map<number, number>;
  readonly taken: Map<number, number>;
  /** Corrections that have no record: arrivals at code without records. */
  readonly corrections: Map<number, number>;
  readonly calls: CallTree | undefined;
  block: number | undefined;
  /** Where the last run stopped, and instructions retired until then. */
  stopped: { readonly pc: number; readonly instret: number } | undefined;
}

/** What was counted of a hart. */
export interface HartCounts {
  readonly counts: InstructionCounts;
  /** The tree of calls by number, the root at 1; empty when calls were not counted. */
  readonly calls: readonly CallTreeNode[];
}

/**
 * Counts what harts run on one engine: how often each instruction, and who called whom. It works on counters
 * that the counting interpreter keeps beside the records, and gathers them before records are dropped and when
 * more harts run than there are blocks of counters.
 */
export class InstructionCounter {
  private readonly words: Uint32Array;
  private readonly harts = new Map<number, Counted>();
  /** Arena address of the blocks, and the hart (its base) that has each; the one used last comes last. */
  private readonly blocks: { readonly address: number; hart: number | undefined }[];
  private readonly log: number;
  /** Where records begin, and to where a block is clean or in use. */
  private readonly records: number;

  /**
   * @param code its pool is cut down to make room for the counters
   * @param withCalls whether calls are counted too, which costs more
   */
  constructor(
    memory: WebAssembly.Memory,
    private readonly code: CodeSpace,
    private readonly withCalls: boolean,
  ) {
    this.words = new Uint32Array(memory.buffer);
    const { base, bytes } = code.records;
    this.records = base;
    const spare = bytes - RECORD_BYTES - CALL_LOG_BYTES;
    const count = Math.min(MOST_BLOCKS, Math.floor(spare / RECORD_BYTES));
    if (count < 1) throw new Error(`a record pool of ${bytes} bytes has no room for counters`);
    const room = code.cede(bytes - RECORD_BYTES);
    this.log = room + count * RECORD_BYTES;
    this.blocks = Array.from({ length: count }, (_, n) => {
      const address = room + n * RECORD_BYTES;
      this.words.fill(0, address >>> 2, (address + RECORD_BYTES) >>> 2);
      return { address, hart: undefined };
    });
    code.beforeDrop = () => this.gatherAll();
  }

  /** The hart is about to run from `record` on. */
  begin(hart: HartState, record: number): void {
    const counted = this.of(hart);
    this.settle(hart, counted);
    const block = this.blockOf(hart, counted);
    hart.setField(HART.counters, (block - this.records) >>> 0);
    hart.setField(HART.log, this.log);
    this.add(block + record - this.records, 1);
  }

  /**
   * The interpreter has returned.
   * @param budget instructions that the hart had retired before, plus the fuel that it was given
   */
  end(hart: HartState, reason: number, budget: number): void {
    const counted = this.of(hart);
    const { words } = this;
    if (this.withCalls) this.readCalls(hart, counted, budget);
    const stopped = hart.field(HART.trapRecord);
    if (reason === REASON.lookup) {
      // Behind an indirect jump there is no record; a stub stands for code that control came to by itself.
      const isStub = (words[stopped >>> 2] & 0xffff) === PSEUDO.lookup;
      if (isStub) correct(counted, hart.pc, -1);
      counted.stopped = { pc: hart.pc, instret: hart.instret };
      return;
    }
    this.add((counted.block ?? 0) + stopped - this.records, -1);
    counted.stopped = { pc: words[(stopped + RECORD.pc) >>> 2], instret: hart.instret };
  }

  /** Everything counted of a hart so far; undefined when it has not run here. */
  read(hart: HartState): HartCounts | undefined {
    const counted = this.harts.get(hart.base);
    if (!counted) return undefined;
    this.settle(hart, counted);
    this.gatherAll();
    counted.calls?.spend(hart.instret);
    const ordered = [...counted.executions].sort(([a], [b]) => a - b);
    return {
      counts: {
        addresses: Float64Array.from(ordered, ([address]) => address),
        executions: Float64Array.from(ordered, ([, count]) => count),
        taken: Float64Array.from(ordered, ([address]) => counted.taken.get(address) ?? 0),
      },
      calls: counted.calls?.nodes() ?? [],
    };
  }

  /** The hart has ended, or counts from the start when it runs again. */
  forget(hart: HartState): void {
    const counted = this.harts.get(hart.base);
    if (!counted) return;
    if (counted.block !== undefined) this.clear(counted.block);
    this.harts.delete(hart.base);
    const block = this.blocks.find((each) => each.hart === hart.base);
    if (block) block.hart = undefined;
  }

  private of(hart: HartState): Counted {
    let counted = this.harts.get(hart.base);
    if (!counted) {
      counted = {
        executions: new Map(),
        taken: new Map(),
        corrections: new Map(),
        calls: this.withCalls ? new CallTree(hart.pc, hart.instret) : undefined,
        block: undefined,
        stopped: undefined,
      };
      this.harts.set(hart.base, counted);
    }
    return counted;
  }

  /** What the hart retired since it stopped was run by the host: the instruction at which it stopped. */
  private settle(hart: HartState, counted: Counted): void {
    const { stopped } = counted;
    // A hart that waits at a system call stays there when the counts are read.
    if (!stopped || hart.instret === stopped.instret) return;
    counted.stopped = undefined;
    // The counters have it leave there and begin anew behind it.
    const { executions } = counted;
    const count = (executions.get(stopped.pc) ?? 0) + hart.instret - stopped.instret;
    executions.set(stopped.pc, count);
  }

  private blockOf(hart: HartState, counted: Counted): number {
    if (counted.block !== undefined) return counted.block;
    let at = this.blocks.findIndex((block) => block.hart === undefined);
    if (at < 0) {
      this.gatherAll();
      at = 0;
      const former = this.harts.get(this.blocks[0].hart ?? 0);
      if (former) former.block = undefined;
    }
    const [block] = this.blocks.splice(at, 1);
    this.blocks.push(block);
    block.hart = hart.base;
    counted.block = block.address;
    return block.address;
  }

  private add(counter: number, by: number): void {
    const low = (counter + COUNTER.arrivals) >>> 2;
    const sum = this.words[low] + by;
    this.words[low] = sum >>> 0;
    if (sum < 0) this.words[low + 1] -= 1;
    else if (sum >= WORD) this.words[low + 1] += 1;
  }

  private readCalls(hart: HartState, { calls }: Counted, budget: number): void {
    const { words } = this;
    const end = hart.field(HART.log);
    for (let at = this.log; at < end; at += CALL_ENTRY.size) {
      const fuel = words[(at + CALL_ENTRY.fuel) >>> 2] | 0;
      const site = words[(at + CALL_ENTRY.site) >>> 2];
      const target = words[(at + CALL_ENTRY.target) >>> 2];
      const time = budget - (fuel >> 4) + 1;
      if ((fuel & 1) === CALL_ENTRY.return) calls?.return(target, time);
      else calls?.call(site, target, site + this.lengthAt(site), time);
    }
  }

  /** Bytes of the jump at `pc`: they stand in its record. */
  private lengthAt(pc: number): number {
    const record = this.code.lookup(pc);
    return record === 0 ? USUAL_BYTES : this.words[(record + RECORD.rs2) >>> 2] >>> 16;
  }

  /** Takes over what the counters hold, of all harts; they begin anew. */
  private gatherAll(): void {
    const instructions = [...this.code.decoded()];
    for (const counted of this.harts.values()) {
      const { block } = counted;
      if (block === undefined && counted.corrections.size === 0) continue;
      const flow = instructions.map((each) => this.flowOf(each, block));
      const known = new Map(flow.map((each, i) => [each.address, i]));
      for (const [address, count] of counted.corrections) {
        const i = known.get(address);
        if (i === undefined) flow.push(withoutRecord(address, count));
        else flow[i] = { ...flow[i], arrivals: flow[i].arrivals + count };
      }
      counted.corrections.clear();
      const { addresses, executions, taken } = executionCounts(flow);
      addresses.forEach((address, i) => {
        counted.executions.set(address, (counted.executions.get(address) ?? 0) + executions[i]);
        if (taken[i] > 0) counted.taken.set(address, (counted.taken.get(address) ?? 0) + taken[i]);
      });
      if (block !== undefined) this.clear(block);
    }
  }

  private clear(block: number): void {
    this.words.fill(0, block >>> 2, (block + RECORD_BYTES) >>> 2);
  }

  private flowOf({ record, length }: DecodedRecord, block: number | undefined): FlowCount {
    const { words } = this;
    const operation = operations[this.words[record >>> 2] & (ENTRY_BIT - 1)];
    const control = operation?.instructions[0].control;
    const goes = control === 'branch' || control === 'jump';
    const counter = (block ?? 0) + record - this.records;
    return {
      address: words[(record + RECORD.pc) >>> 2],
      length,
      control,
      target: goes ? this.targetOf(record) : undefined,
      taken: block === undefined ? 0 : this.long(counter + COUNTER.taken),
      arrivals: block === undefined ? 0 : this.long(counter + COUNTER.arrivals),
    };
  }

  private targetOf(record: number): number {
    const { words } = this;
    const target = record + (words[(record + RECORD.immediate) >>> 2] | 0);
    return words[(target + RECORD.pc) >>> 2];
  }

  private long(address: number): number {
    const at = address >>> 2;
    return this.words[at] + (this.words[at + 1] | 0) * WORD;
  }
}

function correct({ corrections }: Counted, address: number, by: number): void {
  corrections.set(address, (corrections.get(address) ?? 0) + by);
}

/** An address that control came to and from which nothing falls through: it has no record. */
function withoutRecord(address: number, arrivals: number): FlowCount {
  return { address, length: 2, control: 'indirect', taken: 0, arrivals };
}
