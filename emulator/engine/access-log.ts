import { LONGEST_RUN, RECORD } from './records';

/**
 * What the logging interpreter has written down of one hart: an entry for each memory access and fence, in
 * program order, in the arena. `HART.log` is where the next one goes.
 *
 * | offset | type | field |
 * |--------|------|-------|
 * | 0      | u32  | guest address |
 * | 4      | u32  | pc |
 * | 8      | i32  | 16 × the fuel that was left when the instruction began |
 * | 12     | u32  | size in bytes; bits 8 to 11 = kind; bit 16 = `old` is known |
 * | 16     | u64  | the value loaded or stored, in its low bytes |
 * | 24     | u64  | of a store and an AMO: the value before |
 */
export const LOG_ENTRY = {
  size: 32,
  address: 0,
  pc: 4,
  fuel: 8,
  kind: 12,
  value: 16,
  old: 24,
} as const;

export const LOG_KIND = {
  load: 0,
  store: 1,
  amo: 2,
  loadReserved: 3,
  /** One that stored. */
  storeConditional: 4,
  fence: 5,
} as const;

export const LOG_KIND_SHIFT = 8;
export const LOG_OLD_KNOWN = 1 << 16;

/** Instructions in one call of the logging interpreter; each writes one entry at most. */
export const LOG_CHUNK = 1024;
/** `run` may overshoot by the longest run and the jump behind it. */
export const LOG_BYTES = LOG_ENTRY.size * (LOG_CHUNK + LONGEST_RUN + 2);

/** Is given each stretch of the log as soon as the interpreter has returned. */
export interface AccessObserver {
  accesses(log: AccessLog): void;
}

/** One entry, taken apart. */
export class LogEntry {
  kind = 0;
  /** Bytes. */
  size = 0;
  address = 0;
  pc = 0;
  /** Instructions that the hart had retired before this one. */
  instret = 0;
  /** Halves of values, as signed numbers: those are the ones that cost nothing to pass around. */
  valueLow = 0;
  valueHigh = 0;
  isOldKnown = false;
  oldLow = 0;
  oldHigh = 0;
}

/** The entries of one call of the interpreter. The same object is used again for the next call. */
export class AccessLog {
  private readonly words: Uint32Array;
  private readonly signed: Int32Array;
  private retired = 0;
  /** Entries in it. */
  length = 0;

  /** @param address arena address of `LOG_BYTES` bytes, a multiple of 16 */
  constructor(
    memory: WebAssembly.Memory,
    readonly address: number,
  ) {
    this.words = new Uint32Array(memory.buffer);
    this.signed = new Int32Array(memory.buffer);
  }

  /**
   * Takes what the interpreter has written.
   * @param end the hart's `HART.log`
   * @param retired instructions that the hart had retired before, plus the fuel that it was given
   */
  take(end: number, retired: number): void {
    this.length = (end - this.address) / LOG_ENTRY.size;
    this.retired = retired;
  }

  /** The kind (`LOG_KIND`) of entry `n`. */
  kind(n: number): number {
    const what = this.words[(this.address + n * LOG_ENTRY.size + LOG_ENTRY.kind) >>> 2];
    return (what >>> LOG_KIND_SHIFT) & 0xf;
  }

  /** Takes entry `n` apart, into `entry`. */
  read(n: number, entry: LogEntry): LogEntry {
    const { words, signed } = this;
    const at = (this.address + n * LOG_ENTRY.size) >>> 2;
    const what = signed[at + LOG_ENTRY.kind / 4];
    entry.kind = (what >>> LOG_KIND_SHIFT) & 0xf;
    entry.size = what & 0xff;
    entry.address = words[at];
    entry.pc = words[at + LOG_ENTRY.pc / 4];
    entry.instret = this.retired - signed[at + LOG_ENTRY.fuel / 4] / RECORD.size;
    entry.valueLow = signed[at + LOG_ENTRY.value / 4];
    entry.valueHigh = signed[at + LOG_ENTRY.value / 4 + 1];
    entry.isOldKnown = (what & LOG_OLD_KNOWN) !== 0;
    entry.oldLow = signed[at + LOG_ENTRY.old / 4];
    entry.oldHigh = signed[at + LOG_ENTRY.old / 4 + 1];
    return entry;
  }
}
