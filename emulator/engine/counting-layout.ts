/**
 * What code that counts works on: fields of the hart's context, and structures in the arena. How the numbers come
 * together is described in docs/profiling.md.
 */

/** Registers that link: a jump that writes one is a call, one that goes where one points is a return (manual, 2.5.1). */
export const isLink = (register: number): boolean => register === 1 || register === 5;

/**
 * Fields of a hart's context (`HART` in memory/layout.ts) while it is counted.
 *
 * | offset | type | field |
 * |--------|------|-------|
 * | 708    | u32  | top: the innermost open call (`FRAME`) |
 * | 712    | u64  | time base: instructions retired when the fuel is used up |
 * | 720    | u32  | end: behind the memory for open calls |
 * | 724    | u32  | pending: 0 = nothing, else `PENDING` |
 * | 728    | u32  | of a pending call its instruction |
 * | 732    | u32  | of a pending call or return where it went |
 * | 736    | u32  | of a pending call its return address |
 * | 740    | i32  | beside: fuel that `step` was not given, and that is left all the same |
 * | 744    | u64  | of a pending call or return the time |
 * | 752    | u32  | arena address of the counters of translated code |
 * | 756    | u32  | touched: where the next record that is counted is noted |
 * | 760    | u32  | end of that list |
 * | 764    | u32  | 1 = a region was left to an address without a record, and what led there is counted |
 */
export const COUNTING = {
  top: 708,
  timeBase: 712,
  end: 720,
  pending: 724,
  pendingSite: 728,
  pendingTarget: 732,
  pendingReturn: 736,
  beside: 740,
  pendingTime: 744,
  regionCounters: 752,
  touched: 756,
  touchedEnd: 760,
  left: 764,
} as const;

/** What the engine must do before the next call or return: the arena has no edge for it, or no open call fits. */
export const PENDING = { call: 1, return: 2 } as const;

/**
 * The two counters of a record, at the same place in a block of counters as the record has in its pool:
 *
 * | offset | type | counter |
 * |--------|------|---------|
 * | 0      | u64  | of a branch or jump: how often it went to its target |
 * | 8      | i64  | how often an indirect jump came here or a run began here, less how often one stopped here |
 */
export const COUNTER = { taken: 0, arrivals: 8 } as const;

/**
 * What a counter of translated code counts: u32 words in the module's section `counters`, in the counters' order.
 * Instructions lie at even addresses; bit 0 is set where calls are counted that have returned, which stand for a jump
 * (unless the jump is indirect) and for an arrival at the next instruction.
 */
export const COUNTERS_SECTION = 'counters';
export const RETURNED = 1;

/**
 * Calls of a function by an instruction, in one place of the tree of calls; 32 bytes.
 *
 * | offset | type | field |
 * |--------|------|-------|
 * | 0      | u64  | calls that have returned |
 * | 8      | u64  | instructions from these calls to their returns |
 * | 16     | u32  | site: address of the calling instruction |
 * | 20     | u32  | target: address of the function |
 * | 24     | u32  | node of the function |
 * | 28     | u32  | next edge of the same caller, 0 = none |
 */
export const EDGE = {
  calls: 0,
  time: 8,
  site: 16,
  target: 20,
  node: 24,
  next: 28,
  size: 32,
} as const;

/**
 * A function in one place of the tree of calls; 48 bytes.
 *
 * | offset | type  | field |
 * |--------|-------|-------|
 * | 0      | u32   | entry: address of the function |
 * | 4      | u32   | the node that it was called from first, 0 for the root |
 * | 8      | u32   | first edge, 0 = none |
 * | 16     | 8×u32 | the edge that was used last, by `slotOf` its site; at first one that fits no site |
 */
export const NODE = {
  entry: 0,
  parent: 4,
  firstEdge: 8,
  slots: 16,
  slotCount: 8,
  size: 48,
} as const;

/** Which slot of its caller's node a call looks at. */
export const slotOf = (site: number): number =>
  ((site >>> 1) ^ (site >>> 4)) & (NODE.slotCount - 1);

/**
 * An open call; 16 bytes.
 *
 * | offset | type | field |
 * |--------|------|-------|
 * | 0      | u32  | edge |
 * | 4      | u32  | return address |
 * | 8      | u64  | time of the call: instructions retired, the calling one included |
 */
export const FRAME = { edge: 0, returnAddress: 4, time: 8, size: 16 } as const;
