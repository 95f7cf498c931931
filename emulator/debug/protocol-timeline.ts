/**
 * Many events as columns: 42 bytes each, where `EventInfo` takes some hundred and a text. Row i of each column is one event;
 * the meaning of `page`, `from` and `to` by kind stands in docs/memory.md.
 */
export interface EventColumns {
  /** Names of kinds; `kind` holds positions in it. */
  readonly kinds: readonly string[];
  /** Place in the order of all events of the machine, from 1; ascending. */
  readonly number: Uint32Array;
  readonly kind: Uint8Array;
  readonly hart: Uint16Array;
  readonly page: Uint32Array;
  readonly from: Uint32Array;
  readonly to: Uint32Array;
  /** Of a fork: the hart that began in it; −1 when it was gone before the event was read, and for other kinds. */
  readonly forked: Int32Array;
  readonly pc: Float64Array;
  /** Host time in milliseconds since 1970; events of one turn of a hart may have the same. */
  readonly time: Float64Array;
  /** Nanoseconds that a call or a fault took; 0 for other kinds. */
  readonly took: Float32Array;
  /** What to ask with for what comes later. */
  readonly next: number;
  /** Events that were overwritten before anybody looked. */
  readonly lost: number;
}

export interface TimelineRequests {
  /**
   * The events that were read since an earlier answer's `next`, or with 0 all that are kept: at most 20,000, the newest.
   * A thread may have been late with its events: they can belong between those of earlier answers.
   */
  timeline(since: number): Promise<EventColumns>;
}
