import { EVENT_KINDS, type EventKind } from '../memory/events';
import { HART, PROFILE_EVENT_KINDS, PROFILE_EVENTS } from '../memory/layout';
import { CallGraph, type CallTreeNode } from './call-graph';
import type { CountingHeap } from './counting-heap';
import type { InstructionCounts } from './flow-counts';
import type { HartState } from './hart-state';

/**
 * What was counted of a hart, in a counting heap; `HART.profile` points to it.
 *
 * | offset | type | field |
 * |--------|------|-------|
 * | 0      |      | `CALLS` (call-graph.ts) |
 * | 32     | u32  | table of instructions |
 * | 36     | u32  | its places, a power of two |
 * | 40     | u32  | places in use |
 * | 44     | u32  | 1 = the next two fields say where the hart stopped |
 * | 48     | u64  | the instruction that it stopped at |
 * | 56     | u64  | instructions retired until then |
 * | 64     | 32×u32 | events by their kinds (memory/events.ts) |
 *
 * A place of the table has u32 address (odd: in use), u32 0, u64 executions, u64 how often the branch there was taken.
 */
const FIELD = {
  table: 32,
  places: 36,
  used: 40,
  isStopped: 44,
  pc: 48,
  instret: 56,
} as const;
const BYTES = PROFILE_EVENTS + 4 * PROFILE_EVENT_KINDS;
const PLACE = { address: 0, executions: 8, taken: 16, size: 24 } as const;
const FIRST_PLACES = 128;
const NO_ROOM =
  'there is no memory left for counting: profile fewer vCPUs at a time, or give the machine more record memory';

/** What was counted of a hart. */
export interface HartReading {
  readonly counts: InstructionCounts;
  /** The tree of calls by number, the root at 1. */
  readonly calls: readonly CallTreeNode[];
  /** What happened to it, by kind; while events are recorded. */
  readonly events: EventCounts;
}

export type EventCounts = Readonly<Partial<Record<EventKind, number>>>;

/** Counts of one hart, wherever it runs: whoever runs it writes them. */
export class HartCounts {
  readonly calls: CallGraph;

  private constructor(
    private readonly heap: CountingHeap,
    readonly address: number,
  ) {
    this.calls = new CallGraph(heap, address);
  }

  /** Those of a hart that is counted already; undefined for another. */
  static of(heap: CountingHeap, hart: HartState): HartCounts | undefined {
    const address = hart.field(HART.profile);
    return address === 0 ? undefined : new HartCounts(heap, address);
  }

  /** @throws Error when the heap is full */
  static begin(heap: CountingHeap, hart: HartState): HartCounts {
    const address = heap.allocate(BYTES);
    const table = address && heap.allocate(PLACE.size * FIRST_PLACES);
    if (table === 0) throw new Error(NO_ROOM);
    const counts = new HartCounts(heap, address);
    counts.set(FIELD.table, table);
    counts.set(FIELD.places, FIRST_PLACES);
    if (!counts.calls.begin(hart)) throw new Error(NO_ROOM);
    hart.setField(HART.profile, address);
    return counts;
  }

  /** The hart has stopped at `pc`. */
  stopped(pc: number, instret: number): void {
    this.set(FIELD.isStopped, 1);
    this.heap.setLong(this.address + FIELD.pc, pc);
    this.heap.setLong(this.address + FIELD.instret, instret);
  }

  /** What the hart retired since it stopped was run by the host: the instruction at which it stopped. */
  settle({ instret }: HartState): void {
    if (this.get(FIELD.isStopped) === 0) return;
    const before = this.heap.long(this.address + FIELD.instret);
    // A hart that waits at a system call stays there when the counts are read.
    if (instret === before) return;
    this.set(FIELD.isStopped, 0);
    this.add(this.heap.long(this.address + FIELD.pc), instret - before, 0);
  }

  /** An instruction has run so many times more, and its branch was taken so many times. */
  add(pc: number, executions: number, taken: number): void {
    const { heap } = this;
    const at = this.placeOf(pc);
    heap.setLong(at + PLACE.executions, heap.long(at + PLACE.executions) + executions);
    if (taken > 0) heap.setLong(at + PLACE.taken, heap.long(at + PLACE.taken) + taken);
  }

  /** Everything so far, of a hart that stands still. */
  read(hart: HartState): HartReading {
    this.settle(hart);
    this.calls.resolve(hart);
    const { heap } = this;
    const table = this.get(FIELD.table);
    const rows: { address: number; executions: number; taken: number }[] = [];
    for (let i = 0; i < this.get(FIELD.places); i++) {
      const at = table + PLACE.size * i;
      const key = heap.u32[at >>> 2];
      if (key === 0) continue;
      const executions = heap.long(at + PLACE.executions);
      rows.push({ address: (key & ~1) >>> 0, executions, taken: heap.long(at + PLACE.taken) });
    }
    rows.sort((a, b) => a.address - b.address);
    return {
      counts: {
        addresses: Float64Array.from(rows, ({ address }) => address),
        executions: Float64Array.from(rows, ({ executions }) => executions),
        taken: Float64Array.from(rows, ({ taken }) => taken),
      },
      calls: this.calls.nodes(hart),
      events: this.events(),
    };
  }

  /** Gives the memory back: the hart counts from the start when it runs again. */
  free(hart: HartState): void {
    this.calls.free();
    this.heap.free(this.get(FIELD.table), PLACE.size * this.get(FIELD.places));
    this.heap.free(this.address, BYTES);
    hart.setField(HART.profile, 0);
  }

  private events(): EventCounts {
    const first = (this.address + PROFILE_EVENTS) >>> 2;
    const all = EVENT_KINDS.map((kind, i) => [kind, this.heap.u32[first + i]] as const);
    return Object.fromEntries(all.filter(([, count]) => count > 0));
  }

  private get(field: number): number {
    return this.heap.u32[(this.address + field) >>> 2];
  }

  private set(field: number, value: number): void {
    this.heap.u32[(this.address + field) >>> 2] = value;
  }

  private placeOf(pc: number): number {
    const { u32 } = this.heap;
    const places = this.get(FIELD.places);
    const table = this.get(FIELD.table);
    for (let i = hash(pc) & (places - 1); ; i = (i + 1) & (places - 1)) {
      const at = table + PLACE.size * i;
      const key = u32[at >>> 2];
      if (key === (pc | 1) >>> 0) return at;
      if (key !== 0) continue;
      if (2 * this.get(FIELD.used) >= places) {
        this.grow();
        return this.placeOf(pc);
      }
      this.set(FIELD.used, this.get(FIELD.used) + 1);
      u32[at >>> 2] = (pc | 1) >>> 0;
      return at;
    }
  }

  private grow(): void {
    const { heap } = this;
    const [former, count] = [this.get(FIELD.table), this.get(FIELD.places)];
    const table = heap.allocate(2 * PLACE.size * count);
    if (table === 0) throw new Error(NO_ROOM);
    this.set(FIELD.table, table);
    this.set(FIELD.places, 2 * count);
    this.set(FIELD.used, 0);
    for (let at = former; at < former + PLACE.size * count; at += PLACE.size) {
      const key = heap.u32[at >>> 2];
      if (key === 0) continue;
      const to = this.placeOf((key & ~1) >>> 0);
      heap.setLong(to + PLACE.executions, heap.long(at + PLACE.executions));
      heap.setLong(to + PLACE.taken, heap.long(at + PLACE.taken));
    }
    heap.free(former, PLACE.size * count);
  }
}

/** Spreads addresses of neighbouring instructions (Fibonacci hashing). */
const hash = (pc: number): number => Math.imul(pc >>> 1, 0x9e3779b1) >>> 8;
