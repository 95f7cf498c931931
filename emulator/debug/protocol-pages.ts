import type { HartId, Location, VcpuInfo } from './protocol-harts';
import type { SourcePlaceInfo } from './protocol-source';

/** When: as it is, or as it was when the hart began in a fork of its own. */
export type MemoryTime = 'now' | 'fork';

/** Bytes of guest memory; unmapped stretches are named instead of filled. */
export interface MemoryBlock {
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Ranges inside the block that are not readable: [start, end) addresses. */
  readonly holes: readonly { readonly start: number; readonly end: number }[];
}

/** An address space, and how many pages it has of each state (in the order of `PagesInfo.states`). */
export interface PageSpace {
  /** Number of the space in the arena. */
  readonly space: number;
  /** Harts that run in it. */
  readonly harts: readonly HartId[];
  readonly task?: VcpuInfo;
  readonly totals: readonly number[];
}

/**
 * The mapped pages of all address spaces: rows of neighbouring pages that look alike in every space.
 *
 * | array       | a row's element                                                                  |
 * |-------------|----------------------------------------------------------------------------------|
 * | `first`     | number of its first page                                                         |
 * | `count`     | pages                                                                            |
 * | `cells`     | for each space: 8 × number of the state + READ 1, WRITE 2, EXECUTE 4               |
 * | `labelOf`   | index in `labels`: the segment                                                   |
 * | `symbolsOf` | index in `symbols`: variables that lie there                                     |
 */
export interface PagesInfo {
  /** Answers with the same number say the same. */
  readonly version: number;
  /** Names of the states by their numbers. */
  readonly states: readonly string[];
  readonly spaces: readonly PageSpace[];
  readonly first: Uint32Array;
  readonly count: Uint32Array;
  readonly cells: Uint8Array;
  readonly labels: readonly string[];
  readonly labelOf: Uint16Array;
  readonly symbols: readonly string[];
  readonly symbolsOf: Uint32Array;
  /** Rows and spaces that had no room. */
  readonly leftOut: { readonly rows: number; readonly spaces: number };
  readonly tracking: WriteTrackingInfo;
}

/** Whether writes to pages are tracked, and what that costs. */
export interface WriteTrackingInfo {
  readonly isOn: boolean;
  /** Millions of instructions per second while it is on; absent until enough has run. */
  readonly mips?: number;
  /** How many times faster the same program ran without; absent when it has not run long enough so. */
  readonly slowdown?: number;
}

/** One write to a page. */
export interface PageWrite {
  /** By an instruction, by the kernel for the system call there, or by the debugger or embedder. */
  readonly by: 'instruction' | 'call' | 'host';
  readonly hart: HartId;
  readonly location: Location;
  readonly place?: SourcePlaceInfo;
  /** First byte written, and how many; of other than instructions the page and 0. */
  readonly address: number;
  readonly size: number;
  /** Instructions that the hart had retired before. */
  readonly instructions: number;
}

/** What a page's state in one address space follows from. */
export interface PageInfo {
  readonly page: number;
  readonly hart: HartId;
  readonly state: string;
  /** `r-x` and the like. */
  readonly permissions: string;
  /** Number of the frame, 0 = it has none. */
  readonly frame: number;
  /** Page-table entries that refer to the frame. */
  readonly references: number;
  /** Of a lent page: how many borrow it. */
  readonly borrowers: number;
  /** The hart whose page it is, for borrowed and stale ones. */
  readonly lender?: HartId;
  /** Of a fork: whether its writes to the page stay its own. */
  readonly isPrivate: boolean;
  /** Whether it was written since it was mapped. */
  readonly isDirty: boolean;
  /** Whether `readMemory` knows what the hart saw when it began. */
  readonly hasForkView: boolean;
  /** With write tracking: the first write in this run, or since the last stop but one while the machine stands. */
  readonly firstWrite?: PageWrite;
  /** With write tracking: the last write since it was switched on, whoever has made it. */
  readonly lastWrite?: PageWrite;
}

/** Something that happened to a hart or its pages; the meaning of `from` and `to` stands in docs/memory.md. */
export interface EventInfo {
  /** Its place in the order of all events of the machine, from 1. */
  readonly number: number;
  readonly kind: string;
  /** Harts that come later may have its number; their `start` is an event too. */
  readonly hart: HartId;
  /** Instructions that the hart had retired. */
  readonly instructions: number;
  readonly location: Location;
  readonly page: number;
  readonly from: number;
  readonly to: number;
  /** Of a fork: the hart that began in it, where that still lived when the event was read. */
  readonly forked?: HartId;
  /** What the numbers of an event mean that is not about a page: `write = 6`, `returned` … */
  readonly detail?: string;
  /** Host time in milliseconds since 1970; events of one turn of a hart may have the same. */
  readonly time: number;
}

/** Which events are wanted; what is left out is not looked at. */
export interface EventFilter {
  /** [all but `turn` and `turn-end`, of which there are more than of all others; one event by its number of any kind] */
  readonly kinds?: readonly string[];
  readonly hart?: HartId;
  /** Only what happened to this page, in any address space. */
  readonly page?: number;
  /** Only those with numbers from `first` to `last`. */
  readonly first?: number;
  readonly last?: number;
}

export interface EventList {
  /** In their order, newest last. */
  readonly events: readonly EventInfo[];
  /** Events that were overwritten before anybody looked. */
  readonly lost: number;
  /** How many there are, with those that do not pass the filter. */
  readonly kept: number;
}
