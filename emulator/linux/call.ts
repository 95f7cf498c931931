import type { HartState } from '../engine/hart-state';
import { ERRNO } from './abi/errno';
import type { LinuxKernel } from './kernel';
import { senderInfo, SI } from './signal-info';
import { UNBLOCKABLE } from './signal-state';
import { systemCallNumber } from './syscalls/table';
import type { Thread } from './thread';

/** Calls that a handler always ends with EINTR, SA_RESTART or not (signal(7)). */
const NEVER_RESTARTED: ReadonlySet<number> = new Set(
  [
    'clock_nanosleep',
    'epoll_pwait',
    'epoll_pwait2',
    'io_getevents',
    'io_pgetevents',
    'msgrcv',
    'msgsnd',
    'nanosleep',
    'ppoll',
    'pselect6',
    'rt_sigsuspend',
    'rt_sigtimedwait',
    'semop',
    'semtimedop',
  ].map(systemCallNumber),
);

/** Why a hart stays at its ecall. */
export type ParkReason = 'input' | 'output' | 'sleep' | 'futex' | 'signal' | 'child';

/**
 * What a system call came to.
 * - `done`: a0 is set; the machine advances pc by 4 and counts the instruction. With `pcSet` the call
 *   has chosen the pc itself (a return from a signal handler, an execve).
 * - `park`: nothing is done yet; the hart stays at its ecall, and the machine calls again when there is
 *   input or when `deadline` (the kernel clock's monotonic milliseconds) has passed.
 * - `thread-ended`: the hart's thread is over, the process goes on.
 * - `exit`: the process ends with this status (0 to 255).
 * - `killed`: the process ends by this signal.
 */
export type SyscallOutcome =
  | { readonly kind: 'done'; readonly pcSet?: boolean }
  | { readonly kind: 'park'; readonly reason: ParkReason; readonly deadline?: number }
  | { readonly kind: 'thread-ended' }
  | { readonly kind: 'exit'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: number };

type Park = SyscallOutcome & { readonly kind: 'park' };

/** A call that waits and has seen a signal. It parks all the same when no handler runs. */
interface Interrupted {
  readonly kind: 'interrupted';
  /** Whether it is made again after a handler with SA_RESTART; else it is EINTR. */
  readonly restarts: boolean;
  readonly park: Park;
}

/** A handler's answer: the result for a0 (negative is -errno), or an outcome when it is not simply done. */
export type SyscallResult = number | bigint | SyscallOutcome | Interrupted;

export type SyscallHandler = (call: Call) => SyscallResult;

/** Handlers of one subject by the names of their calls. */
export type SyscallHandlers = Readonly<Record<string, SyscallHandler>>;

/** Ends a system call with `-errno`. Thrown where an error comes up deep inside, EFAULT above all. */
export class SyscallError extends Error {
  override readonly name = 'SyscallError';

  constructor(
    readonly errno: number,
    message: string,
  ) {
    super(message);
  }
}

/** One system call on its way: arguments 0 to 5 in a0 to a5, as the C types that they have. */
export class Call {
  constructor(
    readonly kernel: LinuxKernel,
    readonly hart: HartState,
    readonly thread: Thread,
    private readonly systemCall: number,
  ) {}

  /** A C `int`. */
  int(index: number): number {
    return this.hart.xInt(10 + index);
  }

  /** A C `unsigned int`: flags, modes. */
  uint(index: number): number {
    return this.hart.xInt(10 + index) >>> 0;
  }

  /**
   * An address, a `size_t` or an `unsigned long` of flags. From 2^53 on it is not exact, which no valid
   * one reaches.
   */
  number(index: number): number {
    return this.hart.xNumber(10 + index);
  }

  /** A signed 64-bit value: `long`, `off_t`. */
  long(index: number): bigint {
    return BigInt.asIntN(64, this.hart.x(10 + index));
  }

  /**
   * Parks the hart: this call is made again later. What it must remember until then is in
   * `thread.wait`, which begins with the first try and ends with the call.
   */
  park(reason: ParkReason, deadline?: number): Park {
    if (this.thread.wait !== undefined) {
      this.thread.wait.interruptible = false;
      this.thread.wait.isParked = true;
    }
    return deadline === undefined ? { kind: 'park', reason } : { kind: 'park', reason, deadline };
  }

  /**
   * Parks, or gives up when a signal wants to be seen: the call is EINTR then, or is made again after a
   * handler with SA_RESTART where Linux does that.
   */
  parkInterruptible(reason: ParkReason, deadline?: number): SyscallResult {
    const park = this.park(reason, deadline);
    if (this.thread.wait !== undefined) this.thread.wait.interruptible = true;
    if (!this.kernel.signals.hasDeliverable(this.thread)) return park;
    const timed = reason === 'futex' && deadline !== undefined;
    const restarts = !timed && !NEVER_RESTARTED.has(this.systemCall);
    return { kind: 'interrupted', restarts, park };
  }

  /** Sends the calling thread a signal for what it has done, as SIGPIPE. */
  raise(signal: number): void {
    const { signals, user, pid } = this.kernel;
    const sender = { pid, uid: user };
    signals.send(senderInfo(signal, SI.USER, sender), this.thread);
  }

  /**
   * Blocks other signals until the call is over (rt_sigsuspend, ppoll, pselect6, epoll_pwait). Every try may
   * ask for it.
   * @param address of the `sigset_t`; 0 = the mask stays
   */
  borrowMask(address: number, size: number): void {
    if (address === 0 || this.thread.savedMask !== undefined) return;
    if (size !== 8) throw new SyscallError(ERRNO.EINVAL, `a signal set has 8 bytes, not ${size}`);
    const mask = this.kernel.memory.u64(address) & ~UNBLOCKABLE;
    this.thread.savedMask = this.thread.blocked;
    this.thread.blocked = mask;
  }
}
