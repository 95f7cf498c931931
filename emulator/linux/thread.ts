import type { HartState } from '../engine/hart-state';
import { NO_STACK, type AlternateStack } from './alternate-stack';
import type { OpenFile } from './files/open-file';
import type { FutexWaiter } from './futex';
import type { LinuxKernel } from './kernel';
import { PendingSignals } from './pending-signals';

/** What a call that waits keeps from one try to the next. */
export class Wait {
  /** Absolute end of a sleep or timeout in monotonic nanoseconds. */
  deadline?: bigint;
  /** Bytes of a long write that are already out. */
  progress = 0;
  /** A FIFO's end that is held while its open waits for the other one. */
  file?: OpenFile;
  /** A futex wait's place in the queue. */
  futex?: FutexWaiter;
  /** The child of vfork that has the caller's memory. */
  child?: LinuxKernel;
  /** Blocked signals that end the wait all the same (rt_sigtimedwait). */
  awaits?: bigint;
  /** Whether a signal with a handler ends the wait. */
  interruptible = false;
  /** It really waits: the first try was not enough. */
  isParked = false;
  private start: number | undefined;

  /**
   * @param pc place of the call: another one, or another instruction count, means another call
   * @param now monotonic milliseconds
   */
  constructor(
    readonly pc: number,
    readonly instret: number,
    private readonly now: () => number,
  ) {}

  /** Monotonic milliseconds of the first try. Few calls ask, and clocks cost time. */
  get since(): number {
    return (this.start ??= this.now());
  }
}

/** The kernel's side of one guest thread: one hart. */
export class Thread {
  /** Blocked signals: bit n - 1 for signal n. */
  blocked = 0n;
  /** What is blocked again when the call that lends another mask is over (rt_sigsuspend, ppoll). */
  savedMask: bigint | undefined;
  /** Signals sent to this thread alone. */
  readonly pending = new PendingSignals();
  /** Alternate signal stack as sigaltstack has set it. */
  alternateStack: AlternateStack = NO_STACK;
  /** Cleared, and its futex woken, when the thread ends (set_tid_address). */
  clearChildTid = 0;
  /** Head of the robust futex list (set_robust_list). */
  robustList = 0;
  name: string;
  wait: Wait | undefined;
  /** It has ended; of the first thread this object stays until the process ends. */
  ended = false;

  /**
   * @param hart runs it
   * @param takesShared whether signals for the process may be delivered here
   */
  constructor(
    readonly tid: number,
    name: string,
    readonly hart: HartState,
    readonly takesShared: boolean,
  ) {
    this.name = name;
  }

  /** Whether the hart stands at a call that it has been parked at. */
  get isWaiting(): boolean {
    const { wait, hart } = this;
    return wait !== undefined && wait.pc === hart.pc && wait.instret === hart.instret;
  }

  /** It runs a new program (execve): what is blocked and pending stays. */
  begin(name: string): void {
    this.name = name;
    this.savedMask = undefined;
    this.alternateStack = NO_STACK;
    this.clearChildTid = 0;
    this.robustList = 0;
    this.wait = undefined;
    this.ended = false;
  }
}
