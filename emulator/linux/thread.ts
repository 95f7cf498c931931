/** What a call that waits keeps from one try to the next. */
export interface Wait {
  /** The place of the call: another pc or instruction count means another call. */
  readonly pc: number;
  readonly instret: number;
  /** Monotonic milliseconds of the first try. */
  readonly since: number;
  /** Absolute end of a sleep or timeout in monotonic nanoseconds. */
  deadline?: bigint;
  /** Bytes of a long write that are already out. */
  progress: number;
}

/** The kernel's side of one guest thread: one hart. */
export class Thread {
  /** Blocked signals: bit n - 1 for signal n. */
  blocked = 0n;
  /** Alternate signal stack as sigaltstack has set it. */
  alternateStack = { address: 0, flags: SS_DISABLE, size: 0 };
  /** Cleared, and its futex woken, when the thread ends (set_tid_address). */
  clearChildTid = 0;
  /** Head of the robust futex list (set_robust_list). */
  robustList = 0;
  name: string;
  wait: Wait | undefined;

  constructor(
    readonly tid: number,
    name: string,
  ) {
    this.name = name;
  }
}

export const SS_DISABLE = 2;
