import {
  ARENA_MAGIC,
  ARENA_VERSION,
  arenaRegions,
  HART_STRIDE,
  HEADER,
  TABLE_BYTES,
  type ArenaCounts,
  type ArenaRegions,
  type ArenaViews,
} from './arena-layout';
import { bulkOperations, type Bulk } from './bulk';
import { DeltaTables } from './deltas';
import { ArenaError } from './errors';
import { EventLog } from './events';
import { Frames } from './frames';
import { Installs } from './installs';
import { HART, PAGE_SIZE } from './layout';
import { acquire, release } from './lock';
import { Nodes } from './nodes';
import { PageTable } from './page-table';
import { Safepoints } from './safepoints';
import { MAX_SPACES, Spaces } from './spaces';

/** How much an arena holds. What is left out has the default in brackets. */
export interface ArenaOptions {
  /** Frames for pages; more exact than `limitBytes`. */
  readonly frames?: number;
  /** The machine's memory limit in bytes [1 GiB]; counts frames, not tables. */
  readonly limitBytes?: number;
  /** Delta table pairs [4]: spaces that can run at the same time. 16 MiB of addresses each. */
  readonly tablePairs?: number;
  /** Code tables [2], one for each code space; 4 MiB each. */
  readonly codeTables?: number;
  /** Bytes for the engine's predecoded records [64 MiB]. */
  readonly recordBytes?: number;
  /** Page-table nodes [frames / 4, at least 8192, at most 65536]. */
  readonly nodes?: number;
  /** Address spaces that can live at a time [2048]. */
  readonly spaces?: number;
  /** Hart contexts [1100]. */
  readonly harts?: number;
  /** Events that each hart's ring keeps [256]. */
  readonly eventsPerHart?: number;
}

const MIB = 2 ** 20;
const DEFAULT_LIMIT = 1024 * MIB;
const WASM_PAGE = 65536;
/**
 * Frames 0 and 1 are the zero frames, one more makes up for a frame that does not suit its page, the rest for frames
 * that were given back and that threads may still use.
 */
const EXTRA_FRAMES = 3 + 253;

function countsOf(options: ArenaOptions): ArenaCounts {
  const wanted = options.frames ?? Math.floor((options.limitBytes ?? DEFAULT_LIMIT) / PAGE_SIZE);
  const frames = wanted < 0 ? wanted : wanted + EXTRA_FRAMES;
  return {
    frames,
    harts: options.harts ?? 1100,
    eventsPerHart: options.eventsPerHart ?? 256,
    spaces: Math.min(options.spaces ?? 2048, MAX_SPACES),
    nodes: options.nodes ?? Math.min(65536, Math.max(8192, Math.ceil(frames / 4))),
    tablePairs: options.tablePairs ?? 4,
    codeTables: options.codeTables ?? 2,
    recordBytes: options.recordBytes ?? 64 * MIB,
  };
}

/**
 * The one shared memory of a family. Everything that threads share lies in it; another thread that gets the
 * `WebAssembly.Memory` attaches and sees the same frames, spaces and harts. It never grows.
 */
export class Arena implements ArenaViews {
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly u64: BigUint64Array;
  readonly view: DataView;
  readonly regions: ArenaRegions;
  readonly bulk: Bulk;
  readonly safepoints: Safepoints;
  readonly frames: Frames;
  readonly nodes: Nodes;
  readonly pageTable: PageTable;
  readonly deltas: DeltaTables;
  readonly spaces: Spaces;
  readonly installs: Installs;
  readonly events: EventLog;

  private constructor(
    readonly memory: WebAssembly.Memory,
    readonly counts: ArenaCounts,
  ) {
    this.u8 = new Uint8Array(memory.buffer);
    this.u32 = new Uint32Array(memory.buffer);
    this.i32 = new Int32Array(memory.buffer);
    this.u64 = new BigUint64Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    this.regions = arenaRegions(counts);
    this.bulk = bulkOperations(memory);
    this.safepoints = new Safepoints(this);
    this.frames = new Frames(this, this.bulk, this.safepoints);
    this.nodes = new Nodes(this);
    this.pageTable = new PageTable(this, this.bulk, this.nodes, this.frames);
    this.deltas = new DeltaTables(this, this.bulk);
    this.spaces = new Spaces(this);
    this.installs = new Installs(this);
    this.events = new EventLog(this, this.bulk);
  }

  /**
   * Reserves a new arena: once, at its full size, because a shared memory that grows may go unseen by running code.
   * @throws ArenaError when it is larger than 4 GiB or the host does not give the memory
   */
  static create(options: ArenaOptions = {}): Arena {
    const counts = countsOf(options);
    for (const [name, count] of Object.entries(counts)) {
      if (!Number.isSafeInteger(count) || count < 0) {
        throw new ArenaError(`an arena cannot have ${String(count)} ${name}`);
      }
    }
    const bytes = arenaRegions(counts).end;
    const size = `${Math.ceil(bytes / MIB)} MiB (${Math.ceil((counts.frames * PAGE_SIZE) / MIB)} MiB of frames)`;
    const pages = Math.ceil(bytes / WASM_PAGE);
    if (pages > 65536) {
      throw new ArenaError(
        `an arena of ${size} does not fit in 4 GiB: choose a smaller memory limit`,
      );
    }
    let memory: WebAssembly.Memory;
    try {
      memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    } catch (cause) {
      const message = `the host has no room for an arena of ${size}: choose a smaller memory limit or close other machines`;
      throw new ArenaError(message, { cause });
    }
    const arena = new Arena(memory, counts);
    const { u32 } = arena;
    u32[HEADER.version] = ARENA_VERSION;
    u32[HEADER.harts] = counts.harts;
    u32[HEADER.eventsPerHart] = counts.eventsPerHart;
    u32[HEADER.spaces] = counts.spaces;
    u32[HEADER.nodes] = counts.nodes;
    u32[HEADER.tablePairs] = counts.tablePairs;
    u32[HEADER.codeTables] = counts.codeTables;
    u32[HEADER.recordBytes] = counts.recordBytes;
    u32[HEADER.frames] = counts.frames;
    arena.reset();
    Atomics.store(u32, HEADER.magic, ARENA_MAGIC);
    return arena;
  }

  /**
   * The arena in a memory that another thread has made.
   * @throws ArenaError when the memory holds no arena of this version
   */
  static attach(memory: WebAssembly.Memory): Arena {
    const u32 = new Uint32Array(memory.buffer);
    if (Atomics.load(u32, HEADER.magic) !== ARENA_MAGIC) {
      throw new ArenaError('the memory holds no arena');
    }
    if (u32[HEADER.version] !== ARENA_VERSION) {
      throw new ArenaError(`arena version ${u32[HEADER.version]}, expected ${ARENA_VERSION}`);
    }
    return new Arena(memory, {
      harts: u32[HEADER.harts],
      eventsPerHart: u32[HEADER.eventsPerHart],
      spaces: u32[HEADER.spaces],
      nodes: u32[HEADER.nodes],
      tablePairs: u32[HEADER.tablePairs],
      codeTables: u32[HEADER.codeTables],
      recordBytes: u32[HEADER.recordBytes],
      frames: u32[HEADER.frames],
    });
  }

  /**
   * Makes the arena as good as new; nobody may use it meanwhile. Costs what was used: frames become zero when
   * they are handed out again, the engine's records keep their bytes.
   * @param frameLimit how many frames may be in use from now on [all but the zero frames and the spare one]
   */
  reset(frameLimit = this.counts.frames - EXTRA_FRAMES): void {
    const { u32, counts, regions } = this;
    for (let pair = 1; pair <= counts.tablePairs; pair++) this.deltas.giveBack(pair);
    this.installs.reset();
    this.spaces.reset();
    this.nodes.reset();
    this.safepoints.reset();
    this.frames.reset(frameLimit);
    this.events.reset();
    this.bulk.clear(regions.codeTables, TABLE_BYTES * u32[HEADER.codeTablesUsed]);
    u32[HEADER.codeTablesUsed] = 0;
    this.bulk.clear(regions.harts, HART_STRIDE * u32[HEADER.hartsNext]);
    this.bulk.clear(regions.hartsInUse, 4 * u32[HEADER.hartsNext]);
    u32[HEADER.hartsNext] = 0;
    Atomics.store(this.i32, HEADER.lock, 0);
  }

  /** Arena address of the engine's record pool and its size in bytes. */
  get records(): { readonly base: number; readonly bytes: number } {
    return { base: this.regions.records, bytes: this.counts.recordBytes };
  }

  /**
   * Arena address of a code table (4 MiB, zero), for one code space.
   * @throws ArenaError when all are taken
   */
  allocateCodeTable(): number {
    const used = Atomics.add(this.u32, HEADER.codeTablesUsed, 1);
    if (used >= this.counts.codeTables) {
      Atomics.sub(this.u32, HEADER.codeTablesUsed, 1);
      throw new ArenaError(`all ${this.counts.codeTables} code tables are taken`);
    }
    return this.regions.codeTables + used * TABLE_BYTES;
  }

  /** Arena address of the context of hart `index`. */
  hartAddress(index: number): number {
    return this.regions.harts + HART_STRIDE * index;
  }

  /**
   * Takes the lowest `count` free hart contexts in a row and clears them.
   * @returns the index of the first, -1 when there is no such block
   */
  allocateHarts(count = 1): number {
    const { u32, i32, counts, regions } = this;
    const inUse = regions.hartsInUse >>> 2;
    acquire(i32, HEADER.lock);
    let first = 0;
    let free = 0;
    while (free < count && first + count <= counts.harts) {
      if (u32[inUse + first + free] === 0) {
        free += 1;
      } else {
        first += free + 1;
        free = 0;
      }
    }
    const found = free === count;
    if (found) {
      for (let word = inUse + first; word < inUse + first + count; word++) u32[word] = 1;
      u32[HEADER.hartsNext] = Math.max(u32[HEADER.hartsNext], first + count);
    }
    release(i32, HEADER.lock);
    if (!found) return -1;
    for (let index = first; index < first + count; index++) {
      this.bulk.clear(this.hartAddress(index), HART.size);
    }
    return first;
  }

  /** Gives back the context of one hart. */
  freeHart(index: number): void {
    Atomics.store(this.u32, (this.regions.hartsInUse >>> 2) + index, 0);
  }
}
