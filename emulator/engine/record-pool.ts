import { ADDRESS_LIMIT, PAGE_SIZE } from '../memory/layout';
import { LONGEST_RUN, RECORD, REGIONS } from './records';

/**
 * The record pool of the arena: 16-byte records, page maps and run nodes, handed out one after another
 * and given back all at once.
 *
 * A page map is what the code table's entry of a page points to:
 *
 * | offset | type     | field |
 * |--------|----------|-------|
 * | 0      | 2048×u32 | the record of the instruction at each halfword, or 0 |
 * | 8192   | u32      | page number |
 * | 8196   | u32      | next page map |
 * | 8200   | u32      | first run node |
 * | 8204   | u32      | 1 = records or regions in use were made from the copy |
 * | 8208   | 4096 B   | a copy of the page: what its records and regions were made from |
 *
 * A run node says which records hold instructions of the page: u32 next node, u32 first record, u32
 * number of records. The pool itself begins with u32 next free address, u32 first page map; from 16 on lies
 * the engine's region block (`REGIONS` in records.ts).
 */
export const MAP = {
  bytes: 8208 + PAGE_SIZE,
  page: 8192,
  next: 8196,
  runs: 8200,
  inUse: 8204,
  copy: 8208,
} as const;
export const NODE = { bytes: 16, next: 0, start: 4, count: 8 } as const;
/** Where the region block lies in the pool. */
export const REGION_BLOCK = 16;
const POOL_HEADER = REGION_BLOCK + REGIONS.size;

/**
 * The record of the instruction at `pc`, or 0 when it has none. Another thread than the engine's own may look, and sees
 * what there was at some time.
 * @param words the arena's memory
 * @param table arena address of the engine's code table
 */
export function recordAt(words: Uint32Array, table: number, pc: number): number {
  if (pc >= ADDRESS_LIMIT) return 0;
  const map = words[(table >>> 2) + Math.floor(pc / PAGE_SIZE)];
  return map === 0 ? 0 : words[(map >>> 2) + ((pc & (PAGE_SIZE - 1)) >>> 1)];
}

/** A record that stands for an instruction now. */
export interface DecodedRecord {
  readonly record: number;
  /** Bytes of the instruction; 0 where control never goes on to the next one. */
  readonly length: number;
}

/** What lies in the pool, and the code table that leads to it. */
export class RecordPool {
  protected readonly view: DataView;
  protected readonly words: Uint32Array;
  protected poolEnd: number;

  /**
   * @param table arena address of the space's code table (4 MiB)
   * @param pool arena range that holds records and maps
   */
  constructor(
    memory: WebAssembly.Memory,
    readonly table: number,
    private readonly pool: { readonly base: number; readonly bytes: number },
  ) {
    this.view = new DataView(memory.buffer);
    this.words = new Uint32Array(memory.buffer);
    this.poolNext = pool.base + POOL_HEADER;
    this.firstMap = 0;
    this.poolEnd = pool.base + pool.bytes;
    this.words.fill(0, this.regionBlock >>> 2, (pool.base + POOL_HEADER) >>> 2);
  }

  /** Arena address of the region block. */
  get regionBlock(): number {
    return this.pool.base + REGION_BLOCK;
  }

  /** Where the interpreter went on when translated code was left last; undefined when that has no record any more. */
  get leftAt(): number | undefined {
    const record = this.words[(this.regionBlock + REGIONS.left) >>> 2];
    const pc = this.words[(record + RECORD.pc) >>> 2];
    return record !== 0 && this.lookup(pc) === record ? pc : undefined;
  }

  protected get poolNext(): number {
    return this.words[this.pool.base >>> 2];
  }

  protected set poolNext(address: number) {
    this.words[this.pool.base >>> 2] = address;
  }

  protected get firstMap(): number {
    return this.words[(this.pool.base >>> 2) + 1];
  }

  protected set firstMap(address: number) {
    this.words[(this.pool.base >>> 2) + 1] = address;
  }

  /** The record of the instruction at `pc`, or 0 when it has none yet. */
  lookup(pc: number): number {
    return recordAt(this.words, this.table, pc);
  }

  /** Where records lie: arena address and bytes of what is left of the pool. */
  get records(): { readonly base: number; readonly bytes: number } {
    return { base: this.pool.base, bytes: this.poolEnd - this.pool.base };
  }

  /** All records that stand for code now, each once, but for repetitions. */
  *decoded(): Generator<DecodedRecord> {
    const { words } = this;
    const seen = new Set<number>();
    const pcOf = (record: number): number => words[(record + RECORD.pc) >>> 2];
    for (let map = this.firstMap; map !== 0; map = words[(map + MAP.next) >>> 2]) {
      for (let node = words[(map + MAP.runs) >>> 2]; node !== 0;) {
        const start = words[(node + NODE.start) >>> 2];
        const end = start + RECORD.size * words[(node + NODE.count) >>> 2];
        for (let record = start; record < end; record += RECORD.size) {
          const pc = pcOf(record);
          // A run that reaches into the next page has a node there as well.
          if (seen.has(record) || this.lookup(pc) !== record) continue;
          seen.add(record);
          yield { record, length: Math.max(0, pcOf(record + RECORD.size) - pc) };
        }
        node = words[(node + NODE.next) >>> 2];
      }
    }
  }

  /** Bytes of the pool in use. */
  get usedBytes(): number {
    return this.poolNext - this.pool.base;
  }

  /** Whether the longest run fits: its records, a stub for each, two nodes and page maps, twice. */
  protected hasRoom(): boolean {
    const worst = (2 * LONGEST_RUN + 2) * RECORD.size + 2 * (NODE.bytes + MAP.bytes);
    return this.poolNext + 2 * worst <= this.poolEnd;
  }

  protected allocate(bytes: number): number {
    const address = this.poolNext;
    this.poolNext = address + bytes;
    return address;
  }

  /** The page's map, made when there is none yet. */
  protected pageMap(page: number): number {
    const entry = (this.table >>> 2) + page;
    let map = this.words[entry];
    if (map === 0) {
      map = this.allocate(MAP.bytes);
      this.words.fill(0, map >>> 2, (map + MAP.bytes) >>> 2);
      this.words[(map + MAP.page) >>> 2] = page;
      this.words[(map + MAP.next) >>> 2] = this.firstMap;
      this.firstMap = map;
      this.words[entry] = map;
    }
    return map;
  }

  /** Gives everything back. */
  protected empty(): void {
    for (let map = this.firstMap; map !== 0; map = this.words[(map + MAP.next) >>> 2]) {
      const page = this.words[(map + MAP.page) >>> 2];
      this.words[(this.table >>> 2) + page] = 0;
    }
    this.poolNext = this.pool.base + POOL_HEADER;
    this.firstMap = 0;
  }

  /**
   * Where the pool would end without `bytes` at its end.
   * @throws Error when it is too small for that
   */
  protected endWithout(bytes: number): number {
    const end = this.poolEnd - Math.ceil(bytes / RECORD.size) * RECORD.size;
    if (end - this.pool.base < LONGEST_RUN * PAGE_SIZE) {
      throw new Error(`the record pool of ${this.pool.bytes} bytes has no ${bytes} bytes to spare`);
    }
    return end;
  }
}
