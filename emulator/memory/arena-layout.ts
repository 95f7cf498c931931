import { PAGE_COUNT, PAGE_SIZE } from './layout';

/**
 * How the arena is divided. Every region begins on a 4 KiB boundary, in this order:
 *
 * | region      | bytes                     | what |
 * |-------------|---------------------------|------|
 * | header      | 4096                      | `HEADER`: identification, sizes, counters, locks |
 * | harts       | 4096 × harts              | saved states (`HART` in layout.ts), `HART_STRIDE` apart |
 * | hartsInUse  | 4 × harts                 | u32: 1 while the context is taken |
 * | events      | (64 + 48 × n) × harts     | a ring of n events for each hart (events.ts) |
 * | spaces      | 2048 × spaces             | address space descriptors (spaces.ts) |
 * | installs    | 32 × 4096                 | pages that an embedder's page stands in for (installs.ts) |
 * | leafChanges | 4 × 16384                 | i32: how often pages of each leaf, of 64 pages, have changed in some space (page-table.ts) |
 * | nodeRefs    | 4 × nodes                 | i32: how many parents a page-table node has |
 * | nodes       | 256 × nodes               | page-table nodes of 64 entries (page-table.ts) |
 * | pairState   | 128 × pairs               | owner and fill counts of each delta table pair (deltas.ts) |
 * | pairs       | 16 MiB × pairs            | read table, write table, list of filled reads, of writes |
 * | codeTables  | 4 MiB × code tables       | one u32 a page, for the engine |
 * | records     | as asked                  | predecoded instructions, for the engine |
 * | frameRefs   | 4 × frames                | i32: how many page-table entries (or holders) a frame has |
 * | freeFrames  | 4 × frames                | u32: stack of frames given back; from the end those that threads may still use |
 * | frames      | 4096 × frames             | the pages' bytes; frames 0 and 1 stay zero |
 *
 * Memory that nobody touches is reserved but not committed on Linux and macOS.
 */
export interface ArenaRegions {
  readonly harts: number;
  readonly hartsInUse: number;
  readonly events: number;
  readonly spaces: number;
  readonly installs: number;
  readonly leafChanges: number;
  readonly nodeRefs: number;
  readonly nodes: number;
  readonly pairState: number;
  readonly pairs: number;
  readonly codeTables: number;
  readonly records: number;
  readonly frameRefs: number;
  readonly freeFrames: number;
  readonly frames: number;
  /** Bytes in all. */
  readonly end: number;
}

/** How many of everything an arena has; fixed when it is made. */
export interface ArenaCounts {
  readonly harts: number;
  readonly eventsPerHart: number;
  readonly spaces: number;
  readonly nodes: number;
  readonly tablePairs: number;
  readonly codeTables: number;
  readonly recordBytes: number;
  readonly frames: number;
}

/** 'HSAR' in little-endian order. */
export const ARENA_MAGIC = 0x52415348;
export const ARENA_VERSION = 4;

/** Word (u32) indices in the arena's header; the header begins at arena address 0. */
export const HEADER = {
  magic: 0,
  version: 1,
  // Sizes: written once.
  harts: 2,
  eventsPerHart: 3,
  spaces: 4,
  nodes: 5,
  tablePairs: 6,
  codeTables: 7,
  recordBytes: 8,
  frames: 9,
  // Frames (frames.ts), under `frameLock`.
  frameLock: 16,
  frameLimit: 17,
  framesUsed: 18,
  framesFree: 19,
  framesNext: 20,
  framesDirty: 21,
  // Page-table nodes (nodes.ts), under `nodeLock`.
  nodeLock: 32,
  nodesFree: 33,
  nodesNext: 34,
  nodesUsed: 35,
  // Harts, spaces, table pairs, code tables and installs, under `lock`.
  lock: 48,
  spacesFree: 49,
  spacesNext: 50,
  spacesUsed: 51,
  hartsNext: 52,
  codeTablesUsed: 53,
  installsUsed: 54,
  // How many numbers for versions of code were given out (spaces.ts).
  codeVersions: 55,
  // Threads that run guest code (safepoints.ts), and the frames that wait for them (frames.ts).
  threadEpoch: 60,
  threadsRunning: 61,
  framesLeavingBefore: 62,
  framesLeavingNow: 63,
  threads: 64,
  // Events (events.ts).
  eventsOff: 144,
  eventStops: 145,
  eventsTimed: 146,
  eventSequence: 160,
  // Page tables (page-table.ts): changes of whole nodes, for each entry of a top table; forks and ends of spaces.
  tableForks: 176,
  tableChanges: 192,
} as const;

/** How many threads can run guest code on an arena at a time. */
export const THREAD_SLOTS = 64;

/**
 * From one hart context to the next. Each has a page of its own: the host prefetches lines of a page that
 * is in use, and with two harts in one page two cores would take each other's lines away (a quarter to a
 * half of their speed, measured on Zen 4).
 */
export const HART_STRIDE = PAGE_SIZE;

export const NODE_ENTRIES = 64;
/** Where a page-table entry's frame number begins; the flags below stand in page-entry.ts. */
export const ENTRY_FRAME_SHIFT = 12;
/** Set in a page-table entry whose page may be read. */
export const ENTRY_READ = 1;
export const NODE_BYTES = 4 * NODE_ENTRIES;
export const SPACE_BYTES = 2048;
export const INSTALL_BYTES = 32;
export const INSTALL_COUNT = 4096;
export const EVENT_BYTES = 48;
export const RING_HEADER_BYTES = 64;
/** One u32 for each page: a delta table, or a list that can name every page. */
export const TABLE_BYTES = 4 * PAGE_COUNT;
/** A line of the host's cache, and the next one that it may fetch along, for each thread that fills deltas. */
export const PAIR_STATE_BYTES = 128;
export const PAIR_BYTES = 4 * TABLE_BYTES;

const align = (bytes: number): number => Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;

/** The arena address of each region, from the counts alone: creating and attaching agree by it. */
export function arenaRegions(counts: ArenaCounts): ArenaRegions {
  let next = PAGE_SIZE;
  const take = (bytes: number): number => {
    const base = next;
    next += align(bytes);
    return base;
  };
  return {
    harts: take(HART_STRIDE * counts.harts),
    hartsInUse: take(4 * counts.harts),
    events: take((RING_HEADER_BYTES + EVENT_BYTES * counts.eventsPerHart) * counts.harts),
    spaces: take(SPACE_BYTES * counts.spaces),
    installs: take(INSTALL_BYTES * INSTALL_COUNT),
    leafChanges: take((4 * PAGE_COUNT) / NODE_ENTRIES),
    nodeRefs: take(4 * counts.nodes),
    nodes: take(NODE_BYTES * counts.nodes),
    pairState: take(PAIR_STATE_BYTES * counts.tablePairs),
    pairs: take(PAIR_BYTES * counts.tablePairs),
    codeTables: take(TABLE_BYTES * counts.codeTables),
    records: take(counts.recordBytes),
    frameRefs: take(4 * counts.frames),
    freeFrames: take(4 * counts.frames),
    frames: take(PAGE_SIZE * counts.frames),
    end: next,
  };
}

/** The typed views of the arena and its division: what every part of this room works on. */
export interface ArenaViews {
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly view: DataView;
  readonly counts: ArenaCounts;
  readonly regions: ArenaRegions;
}
