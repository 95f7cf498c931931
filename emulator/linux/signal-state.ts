import { defaultAction, SIGNAL, signalName } from './abi/signals';
import type { Thread } from './thread';

/** Values of `sa_handler` that are no handler. */
const SIG_DFL = 0;
const SIG_IGN = 1;

/** What the process wants done with a signal (`struct sigaction` of the kernel). */
export interface SignalAction {
  /** Address of the handler, SIG_DFL or SIG_IGN. */
  readonly handler: number;
  readonly flags: bigint;
  readonly mask: bigint;
}

const DEFAULT: SignalAction = { handler: SIG_DFL, flags: 0n, mask: 0n };

function signalBit(signal: number): bigint {
  return 1n << BigInt(signal - 1);
}

/** Signals that nobody can block, catch or ignore. */
export const UNBLOCKABLE = signalBit(SIGNAL.SIGKILL) | signalBit(SIGNAL.SIGSTOP);

/**
 * The signals of a process: actions, what is pending, and what it does by default. A handler is
 * recorded but not run: a signal that has one stays pending.
 */
export class SignalState {
  private readonly actions = new Map<number, SignalAction>();
  private readonly reported = new Set<number>();
  private pendingSet = 0n;

  constructor(private readonly log: (text: string) => void) {}

  get pending(): bigint {
    return this.pendingSet;
  }

  action(signal: number): SignalAction {
    return this.actions.get(signal) ?? DEFAULT;
  }

  setAction(signal: number, action: SignalAction): void {
    this.actions.set(signal, action);
    // Ignoring a signal also drops the one that is pending (POSIX, sigaction).
    if (this.isIgnored(signal)) this.pendingSet &= ~signalBit(signal);
  }

  /** Sends a signal to the process. */
  raise(signal: number): void {
    if (this.isIgnored(signal)) return;
    if (this.action(signal).handler === SIG_DFL && defaultAction(signal) === 'stop') {
      // There is no shell to continue the process: as in an orphaned process group, it is not stopped.
      this.reportOnce(signal, `${signalName(signal)} is ignored: there is no job control`);
      return;
    }
    this.pendingSet |= signalBit(signal);
  }

  /** The first pending signal that ends the process now, taken off; undefined when there is none. */
  takeFatal(thread: Thread): number | undefined {
    if (this.pendingSet === 0n) return undefined;
    const open = this.pendingSet & ~(thread.blocked & ~UNBLOCKABLE);
    for (let signal = 1, rest = open; rest !== 0n; signal++, rest >>= 1n) {
      if ((rest & 1n) === 0n) continue;
      if (this.action(signal).handler === SIG_DFL || signal === SIGNAL.SIGKILL) {
        this.pendingSet &= ~signalBit(signal);
        return signal;
      }
      this.reportOnce(
        signal,
        `${signalName(signal)} stays pending: signal handlers are not run yet`,
      );
    }
    return undefined;
  }

  /** True when a waiting call must end because a signal would be handled now. */
  hasDeliverable(thread: Thread): boolean {
    return (this.pendingSet & ~thread.blocked) !== 0n && this.fatalPending(thread);
  }

  private fatalPending(thread: Thread): boolean {
    const open = this.pendingSet & ~thread.blocked;
    for (let signal = 1, rest = open; rest !== 0n; signal++, rest >>= 1n) {
      if ((rest & 1n) !== 0n && this.action(signal).handler === SIG_DFL) return true;
    }
    return false;
  }

  private isIgnored(signal: number): boolean {
    const { handler } = this.action(signal);
    if (handler === SIG_IGN) return true;
    return handler === SIG_DFL && ['ignore', 'continue'].includes(defaultAction(signal));
  }

  private reportOnce(signal: number, text: string): void {
    if (this.reported.has(signal)) return;
    this.reported.add(signal);
    this.log(text);
  }
}
