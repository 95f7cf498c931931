import { PAIR_BYTES, PAIR_STATE_BYTES, TABLE_BYTES, type ArenaViews } from './arena-layout';
import type { Bulk } from './bulk';
import { PAGE_COUNT, PAGE_SIZE } from './layout';

/** From a table to its list, in words. */
const LIST_WORDS = (2 * TABLE_BYTES) / 4;
const RUN_SHIFT = 20;
const RUN_FIRST = PAGE_COUNT - 1;
/** How many pages may follow the first of a run. */
const RUN_MAX = 0xfff;
/** So long runs are cleared by one call of WebAssembly. */
const RUN_LONG = 16;

/**
 * The delta table pairs: for each page u32 `frame's arena address - page's address` mod 2^32, 0 = take the
 * slow path; one table for reads, one for writes. They cache the structural page table for translated code
 * and the interpreter. Which entries are filled is remembered in lists, so that clearing costs what was filled.
 *
 * | pair offset | field |              | state word | field |
 * |-------------|-------|              |------------|-------|
 * | 0           | read table           | 0          | owner: address space id, 0 = free |
 * | 4 MiB       | write table          | 1          | entries in the read list |
 * | 8 MiB       | list of read fills   | 2          | entries in the write list |
 * | 12 MiB      | list of write fills  |            |
 *
 * A word of a list is a run of pages: the first in bits 19:0, how many follow it in bits 31:20. A list may
 * name a page twice and may name pages whose delta was withdrawn since.
 */
export class DeltaTables {
  constructor(
    private readonly views: ArenaViews,
    private readonly bulk: Bulk,
  ) {}

  /** Takes a free pair for the space `owner`. Returns its number from 1, 0 when all are taken. */
  take(owner: number): number {
    const { i32, counts } = this.views;
    for (let pair = 1; pair <= counts.tablePairs; pair++) {
      const state = this.state(pair);
      if (i32[state] === 0 && Atomics.compareExchange(i32, state, 0, owner | 0) === 0) return pair;
    }
    return 0;
  }

  /** Clears a pair and gives it back. */
  giveBack(pair: number): void {
    this.clear(pair);
    Atomics.store(this.views.i32, this.state(pair), 0);
  }

  /** The pair of the space `owner`, 0 when it has none. */
  pairOf(owner: number): number {
    const { u32, counts } = this.views;
    for (let pair = 1; pair <= counts.tablePairs; pair++) {
      if (u32[this.state(pair)] === owner) return pair;
    }
    return 0;
  }

  /** The pages whose read delta was filled. */
  readFills(pair: number): number[] {
    return this.filled(this.readTable(pair) >>> 2, 1 + this.state(pair));
  }

  /** The pages whose write delta was filled. */
  writeFills(pair: number): number[] {
    return this.filled(this.writeTable(pair) >>> 2, 2 + this.state(pair));
  }

  /** Arena address of the pair's read table. */
  readTable(pair: number): number {
    return this.views.regions.pairs + (pair - 1) * PAIR_BYTES;
  }

  /** Arena address of the pair's write table. */
  writeTable(pair: number): number {
    return this.readTable(pair) + TABLE_BYTES;
  }

  /** Lets reads of `page` go to the frame at arena address `address`. */
  fillRead(pair: number, page: number, address: number): void {
    this.fill(this.readTable(pair) >>> 2, this.state(pair) + 1, page, address);
  }

  /**
   * Lets reads of those of `count` pages from `first` on that may be read go to their frames.
   * @param entries word index of their page-table entries, which lie in one leaf
   */
  fillReads(pair: number, first: number, entries: number, count: number): void {
    const table = this.readTable(pair);
    const { frames } = this.views.regions;
    const news = this.bulk.fillReads(
      table + 4 * first,
      4 * entries,
      first * PAGE_SIZE,
      count,
      frames,
    );
    if (news > 0) this.noteRun(table >>> 2, this.state(pair) + 1, first, count);
  }

  /** Lets writes of `page` go to the frame at arena address `address`. */
  fillWrite(pair: number, page: number, address: number): void {
    this.fill(this.writeTable(pair) >>> 2, this.state(pair) + 2, page, address);
  }

  /** Whether reads of `page` have a delta. */
  hasRead(pair: number, page: number): boolean {
    return this.views.u32[(this.readTable(pair) >>> 2) + page] !== 0;
  }

  withdrawWrite(pair: number, page: number): void {
    Atomics.store(this.views.u32, (this.writeTable(pair) >>> 2) + page, 0);
  }

  /** Withdraws both deltas of the pages from `first` to before `end`. */
  withdraw(pair: number, first: number, end: number): void {
    const { u32 } = this.views;
    const state = this.state(pair);
    for (const [table, count] of [
      [this.readTable(pair), u32[state + 1]],
      [this.writeTable(pair), u32[state + 2]],
    ] as const) {
      const word = table >>> 2;
      if (end - first <= count) {
        for (let page = first; page < end; page++) {
          if (u32[word + page] !== 0) u32[word + page] = 0;
        }
      } else {
        const list = word + LIST_WORDS;
        for (let i = list; i < list + count; i++) {
          const from = u32[i] & RUN_FIRST;
          const to = Math.min(end, from + (u32[i] >>> RUN_SHIFT) + 1);
          for (let page = Math.max(first, from); page < to; page++) u32[word + page] = 0;
        }
      }
    }
  }

  /** Withdraws all write deltas: after a fork every page is copy-on-write. */
  withdrawWrites(pair: number): void {
    this.clearTable(this.writeTable(pair) >>> 2, this.state(pair) + 2);
  }

  /** Withdraws everything. */
  clear(pair: number): void {
    this.clearTable(this.readTable(pair) >>> 2, this.state(pair) + 1);
    this.clearTable(this.writeTable(pair) >>> 2, this.state(pair) + 2);
  }

  private filled(table: number, counter: number): number[] {
    const { u32 } = this.views;
    const list = table + LIST_WORDS;
    const runs = Array.from(u32.subarray(list, list + u32[counter]));
    return runs.flatMap((run) =>
      Array.from({ length: (run >>> RUN_SHIFT) + 1 }, (_, n) => (run & RUN_FIRST) + n),
    );
  }

  private state(pair: number): number {
    return (this.views.regions.pairState + (pair - 1) * PAIR_STATE_BYTES) >>> 2;
  }

  /** Publishes a delta. Atomic, so that a thread that sees the delta sees the frame's bytes too. */
  private fill(table: number, counter: number, page: number, address: number): void {
    const { u32 } = this.views;
    if (u32[table + page] === 0) this.noteRun(table, counter, page, 1);
    Atomics.store(u32, table + page, (address - page * 4096) >>> 0);
  }

  /** Puts `count` pages from `first` on on the list: pages filled in ascending order make one run. */
  private noteRun(table: number, counter: number, first: number, count: number): void {
    const { u32 } = this.views;
    const list = table + LIST_WORDS;
    const last = list + u32[counter] - 1;
    if (u32[counter] > 0) {
      const more = u32[last] >>> RUN_SHIFT;
      if ((u32[last] & RUN_FIRST) + more + 1 === first && more + count <= RUN_MAX) {
        u32[last] += count << RUN_SHIFT;
        return;
      }
    }
    if (u32[counter] === PAGE_COUNT) this.compact(table, counter);
    u32[list + u32[counter]++] = ((count - 1) << RUN_SHIFT) | first;
  }

  /** A full list, by now with pages named more than once: writes it anew from the table. */
  private compact(table: number, counter: number): void {
    const { u32 } = this.views;
    u32[counter] = 0;
    for (let page = 0; page < PAGE_COUNT; page++) {
      if (u32[table + page] !== 0) this.noteRun(table, counter, page, 1);
    }
  }

  private clearTable(table: number, counter: number): void {
    const { u32 } = this.views;
    const count = u32[counter];
    u32[counter] = 0;
    // Clearing the whole table at once is cheaper from about a tenth of its entries on.
    if (count > PAGE_COUNT / 10) {
      this.bulk.clear(4 * table, TABLE_BYTES);
      return;
    }
    const list = table + LIST_WORDS;
    for (let i = list; i < list + count; i++) {
      const first = table + (u32[i] & RUN_FIRST);
      const more = u32[i] >>> RUN_SHIFT;
      if (more >= RUN_LONG) this.bulk.clear(4 * first, 4 * (more + 1));
      else for (let at = first; at <= first + more; at++) u32[at] = 0;
    }
  }
}
