/**
 * Where things lie in the arena, the one shared `WebAssembly.Memory` of a family. Everything that more
 * than one thread must see lies here, never in JavaScript objects. Offsets are in bytes, little-endian.
 */

/** Guest pages and arena frames are 4 KiB. */
export const PAGE_SIZE = 4096;
export const PAGE_SHIFT = 12;
/** Guest addresses lie below 4 GiB: 2^20 pages for each address space. */
export const ADDRESS_LIMIT = 2 ** 32;
export const PAGE_COUNT = ADDRESS_LIMIT / PAGE_SIZE;

/**
 * One hart's saved state, also what the interpreter works on while it runs the hart.
 *
 * | offset | type    | field |
 * |--------|---------|-------|
 * | 0      | 32×u64  | x0 … x31 (x0 stays 0) |
 * | 256    | u64     | sink: what is written to x0 |
 * | 272    | 32×u64  | f0 … f31 |
 * | 528    | u64     | pc |
 * | 536    | u64     | instret: instructions retired, exact whenever the hart is stopped |
 * | 544    | u32     | fcsr: frm in bits 7:5, fflags (NV DZ OF UF NX) in bits 4:0 |
 * | 548    | i32     | fuel: what is left of the budget when the engine returns |
 * | 552    | u32     | read table: arena address of the space's read deltas |
 * | 556    | u32     | write table: arena address of the space's write deltas |
 * | 560    | u32     | code table: arena address of the space's code map (engine/records.ts) |
 * | 564    | u32     | fault access: size in bytes, bit 8 = write, bit 9 = atomic |
 * | 568    | u64     | fault address: guest address of the access that could not be done |
 * | 576    | u32     | reservation: 0 = none, else its width in bytes |
 * | 580    | u32     | mhartid |
 * | 584    | u64     | reservation address |
 * | 592    | u64     | reservation value: what LR read |
 * | 600    | u32     | address space id |
 * | 604    | u32     | 1 = its time is virtual: a nanosecond for each instruction (workspaces) |
 * | 608    | u32     | trap operand: the record of the instruction that handed over |
 * | 640    | 16 B    | bounce buffer for accesses that cross a page |
 * | 656    | u32     | stop: why the engine returned, for a hart that another thread ran (multiprocess/stop-code.ts) |
 * | 660    | u32     | stop detail |
 * | 664    | u64     | stop address |
 * | 680    | u32     | news: arena address of how many pages of the family got a new frame |
 * | 684    | u32     | seen: arena address of how many of them the hart's space has taken notice of |
 * | 688    | i32     | reserve: fuel that only translated code may use (engine/interpreter.ts) |
 * | 692    | u32     | regions: arena address of the engine's region block (engine/records.ts) |
 * | 672    | u64     | limit: instructions that the hart may retire; 0 = as many as it wants |
 * | 1000   | u32     | event stop: 1 + the kind of an event that a debugger waits for, 0 = none (events.ts) |
 * | 1004   | u32     | event page: the page that it is about |
 * | 1008   | u32     | hooks: bit 0 = its embedder wants to know of missing pages, bit 1 = of first writes |
 * | 1012   | u32     | thread: which pool thread runs the hart or ran it last, 0 = the home thread |
 * | 704    | u32     | profile: arena address of what is counted of the hart (engine/hart-counts.ts), 0 = nothing |
 * | 708    | 60 B    | what counting code works on: `COUNTING` in engine/counting-layout.ts |
 * | 1016   | u32     | log: arena address of the next entry of the access log (engine/access-log.ts) |
 * | 1020   | u32     | counters: from a record to its counters (engine/counting-layout.ts), mod 2^32 |
 */
export const HART = {
  size: 1024,
  x: 0,
  sink: 256,
  f: 272,
  pc: 528,
  instret: 536,
  fcsr: 544,
  fuel: 548,
  readTable: 552,
  writeTable: 556,
  codeTable: 560,
  faultAccess: 564,
  faultAddress: 568,
  reservation: 576,
  mhartid: 580,
  reservationAddress: 584,
  reservationValue: 592,
  space: 600,
  virtualTime: 604,
  trapRecord: 608,
  bounce: 640,
  stop: 656,
  stopDetail: 660,
  stopAddress: 664,
  limit: 672,
  news: 680,
  seen: 684,
  reserve: 688,
  regions: 692,
  profile: 704,
  eventStop: 1000,
  eventPage: 1004,
  hooks: 1008,
  thread: 1012,
  log: 1016,
  counters: 1020,
} as const;

/** Bits of `HART.faultAccess`. */
export const ACCESS_SIZE_MASK = 0xff;
export const ACCESS_WRITE = 0x100;
export const ACCESS_ATOMIC = 0x200;

/** Bits of `HART.hooks`. */
export const HOOK_MISSING_PAGE = 1;
export const HOOK_FIRST_WRITE = 2;

/**
 * Where what is counted of a hart (`HART.profile`) has the numbers of its events by their kinds (events.ts), u32 each, and
 * how many kinds there can be.
 */
export const PROFILE_EVENTS = 64;
export const PROFILE_EVENT_KINDS = 32;
