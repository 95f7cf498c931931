import { defaultAction, SIGNAL } from './abi/signals';
import { PendingSignals, signalBit } from './pending-signals';
import { kernelInfo, type SignalInfo } from './signal-info';
import type { Thread } from './thread';

/** Values of `sa_handler` that are no handler. */
export const SIG_DFL = 0;
const SIG_IGN = 1;

/** Bits of `sa_flags` (include/uapi/asm-generic/signal-defs.h). RISC-V has no SA_RESTORER. */
export const SA = {
  NOCLDSTOP: 1n,
  NOCLDWAIT: 2n,
  SIGINFO: 4n,
  EXPOSE_TAGBITS: 0x800n,
  ONSTACK: 0x0800_0000n,
  RESTART: 0x1000_0000n,
  NODEFER: 0x4000_0000n,
  RESETHAND: 0x8000_0000n,
} as const;

/** What the process wants done with a signal (`struct sigaction` of the kernel). */
export interface SignalAction {
  /** Address of the handler, SIG_DFL or SIG_IGN. */
  readonly handler: number;
  readonly flags: bigint;
  readonly mask: bigint;
}

const DEFAULT: SignalAction = { handler: SIG_DFL, flags: 0n, mask: 0n };

/** Signals that nobody can block, catch or ignore. */
export const UNBLOCKABLE = signalBit(SIGNAL.SIGKILL) | signalBit(SIGNAL.SIGSTOP);

const STOPPING =
  signalBit(SIGNAL.SIGSTOP) |
  signalBit(SIGNAL.SIGTSTP) |
  signalBit(SIGNAL.SIGTTIN) |
  signalBit(SIGNAL.SIGTTOU);
const CONTINUING = signalBit(SIGNAL.SIGCONT);
const ALL = 2n ** 64n - 1n;

/** What signals do to the process as a whole. */
interface SignalEffects {
  /** A signal that nobody handles stops it. */
  stop(signal: number): void;
  /** SIGCONT was sent. */
  continue(): void;
}

/** The signals of a process: actions, and what is sent to the process or one of its threads. */
export class SignalState {
  private readonly actions = new Map<number, SignalAction>();
  /** Sent to the process: any of its threads takes them. */
  private readonly shared = new PendingSignals();

  /** @param threads the threads of the process, the one that gets its signals first */
  constructor(
    private readonly threads: () => Iterable<Thread>,
    private readonly effects: SignalEffects,
  ) {}

  /** The same actions as another process's (fork). */
  copyActions({ actions }: SignalState): void {
    for (const [signal, action] of actions) this.actions.set(signal, action);
  }

  /**
   * A new program has no handlers (execve).
   * @param all whether what is ignored stays no longer so either
   */
  reset(all = false): void {
    for (const [signal, { handler }] of [...this.actions]) {
      if (handler === SIG_IGN && !all) this.actions.set(signal, { ...DEFAULT, handler });
      else this.actions.delete(signal);
    }
  }

  action(signal: number): SignalAction {
    return this.actions.get(signal) ?? DEFAULT;
  }

  setAction(signal: number, action: SignalAction): void {
    this.actions.set(signal, action);
    // Ignoring a signal also drops the one that is pending (POSIX, sigaction).
    if (this.isIgnored(signal)) this.drop(signalBit(signal));
  }

  /** Whether a handler is installed. */
  isCaught(signal: number): boolean {
    return this.action(signal).handler > SIG_IGN;
  }

  /** Whether the process has asked that it does nothing. */
  isIgnoredByWish(signal: number): boolean {
    return this.action(signal).handler === SIG_IGN;
  }

  /** Whether it does nothing, by wish or by default. */
  isIgnored(signal: number): boolean {
    const { handler } = this.action(signal);
    if (handler === SIG_IGN) return true;
    return handler === SIG_DFL && ['ignore', 'continue'].includes(defaultAction(signal));
  }

  /**
   * Sends a signal.
   * @param thread the thread that it is for [the process: any of its threads]
   */
  send(info: SignalInfo, thread?: Thread): void {
    const bit = signalBit(info.signal);
    if ((bit & STOPPING) !== 0n) this.drop(CONTINUING);
    if (bit === CONTINUING) {
      this.drop(STOPPING);
      this.effects.continue();
    }
    // What is blocked is kept: it may not be ignored any more when it is taken.
    const blocked = (thread ?? this.first)?.blocked ?? 0n;
    if (this.isIgnored(info.signal) && (blocked & bit) === 0n) {
      info.taken?.();
    } else if (!(thread?.pending ?? this.shared).add(info)) {
      info.taken?.();
    }
  }

  /** A signal of the kernel to the process. */
  raise(signal: number): void {
    this.send(kernelInfo(signal));
  }

  /** What is pending for a thread: its own and the process's. */
  pending(thread: Thread): bigint {
    return thread.pending.set | (thread.takesShared ? this.shared.set : 0n);
  }

  /** Whether anything is pending for a thread, blocked or not. */
  hasPending(thread: Thread): boolean {
    return !thread.pending.isEmpty || (thread.takesShared && !this.shared.isEmpty);
  }

  /** How many signals wait in all (RLIMIT_SIGPENDING). */
  get count(): number {
    let count = this.shared.count;
    for (const thread of this.threads()) count += thread.pending.count;
    return count;
  }

  /** Takes one of the signals in `set` off the queues, blocked or not. */
  take(thread: Thread, set: bigint): SignalInfo | undefined {
    return thread.pending.take(set) ?? (thread.takesShared ? this.shared.take(set) : undefined);
  }

  /** Takes the first pending signal that ends the process now; undefined when there is none. */
  takeFatal(thread: Thread): number | undefined {
    if (!this.hasPending(thread)) return undefined;
    const open = this.deliverable(thread);
    if (open === 0n) return undefined;
    const fatal = select(open, (signal) => this.isFatal(signal));
    return fatal === 0n ? undefined : this.take(thread, fatal)?.signal;
  }

  /** Takes SIGKILL, the one signal that a stopped process hears. */
  takeKill(): number | undefined {
    const kill = signalBit(SIGNAL.SIGKILL);
    for (const thread of this.threads()) {
      if ((this.pending(thread) & kill) !== 0n) return this.take(thread, kill)?.signal;
    }
    return undefined;
  }

  /** Takes the first pending signal that stops the process now. */
  takeStop(thread: Thread): number | undefined {
    const open = this.deliverable(thread) & STOPPING;
    if (open === 0n) return undefined;
    const stops = select(open, (signal) => this.action(signal).handler === SIG_DFL);
    return stops === 0n ? undefined : this.take(thread, stops)?.signal;
  }

  /** Takes the next signal that has a handler, with its action; the others before it are dropped. */
  takeCaught(thread: Thread): { info: SignalInfo; action: SignalAction } | undefined {
    for (;;) {
      const info = this.take(thread, this.deliverable(thread));
      if (info === undefined) return undefined;
      const action = this.action(info.signal);
      if (action.handler > SIG_IGN) {
        if ((action.flags & SA.RESETHAND) !== 0n) {
          this.actions.set(info.signal, { ...action, handler: SIG_DFL });
        }
        return { info, action };
      }
      if (!this.isIgnored(info.signal)) this.effects.stop(info.signal);
    }
  }

  /** True when a waiting call must end because a signal would be handled now. */
  hasDeliverable(thread: Thread): boolean {
    const open = this.deliverable(thread);
    return open !== 0n && select(open, (signal) => !this.doesNothing(signal)) !== 0n;
  }

  /** What a thread does not block; of the process's signals those that the first thread leaves to it. */
  private deliverable(thread: Thread): bigint {
    if (!this.hasPending(thread)) return 0n;
    let pending = this.pending(thread);
    const { first } = this;
    if (first !== thread && first?.ended === false) {
      pending &= thread.pending.set | first.blocked;
    }
    return pending & ~(thread.blocked & ~UNBLOCKABLE);
  }

  private isFatal(signal: number): boolean {
    return this.action(signal).handler === SIG_DFL && defaultAction(signal) === 'terminate';
  }

  private doesNothing(signal: number): boolean {
    return !this.isCaught(signal) && !this.isFatal(signal);
  }

  private drop(set: bigint): void {
    this.shared.drop(set);
    for (const thread of this.threads()) thread.pending.drop(set);
  }

  private get first(): Thread | undefined {
    for (const thread of this.threads()) return thread;
    return undefined;
  }
}

/** The signals of a set for which something holds. */
function select(set: bigint, holds: (signal: number) => boolean): bigint {
  let selected = 0n;
  let signal = 1;
  for (let rest = set & ALL; rest !== 0n; rest >>= 1n, signal++) {
    if ((rest & 1n) !== 0n && holds(signal)) selected |= signalBit(signal);
  }
  return selected;
}
