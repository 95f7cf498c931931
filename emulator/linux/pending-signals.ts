import { SIGNAL, SIGRTMIN } from './abi/signals';
import type { SignalInfo } from './signal-info';

/** Bit of a signal in a set. */
export function signalBit(signal: number): bigint {
  return 1n << BigInt(signal - 1);
}

/** Taken before all others (kernel/signal.c, SYNCHRONOUS_MASK). */
const SYNCHRONOUS = [
  SIGNAL.SIGSEGV,
  SIGNAL.SIGBUS,
  SIGNAL.SIGILL,
  SIGNAL.SIGTRAP,
  SIGNAL.SIGFPE,
  SIGNAL.SIGSYS,
].reduce((set, signal) => set | signalBit(signal), 0n);

/** Lowest signal of a set that is not empty. */
function lowest(set: bigint): number {
  let signal = 1;
  for (let rest = set; (rest & 1n) === 0n; rest >>= 1n) signal++;
  return signal;
}

/**
 * Signals that have been sent and not taken yet, of a process or of one thread. A standard signal is there once
 * however often it is sent, a real-time signal as often as it was sent, in that order (signal(7)).
 */
export class PendingSignals {
  private readonly queues = new Map<number, SignalInfo[]>();
  private bits = 0n;
  /** Whether there is none: asked for at every system call, and quicker than `set`. */
  isEmpty = true;

  /** Bit n - 1 for signal n. */
  get set(): bigint {
    return this.bits;
  }

  /** How many there are. */
  get count(): number {
    return [...this.queues.values()].reduce((sum, queue) => sum + queue.length, 0);
  }

  /** False when it is a standard signal that is there already. */
  add(info: SignalInfo): boolean {
    const queue = this.queues.get(info.signal);
    if (queue === undefined) this.queues.set(info.signal, [info]);
    else if (info.signal < SIGRTMIN) return false;
    else queue.push(info);
    this.bits |= signalBit(info.signal);
    this.isEmpty = false;
    return true;
  }

  /** Takes one of the signals in `set`: first those of faults, then by number. */
  take(set: bigint): SignalInfo | undefined {
    const open = this.bits & set;
    if (open === 0n) return undefined;
    const signal = lowest((open & SYNCHRONOUS) !== 0n ? open & SYNCHRONOUS : open);
    const queue = this.queues.get(signal) ?? [];
    const taken = queue.shift();
    if (queue.length === 0) this.drop(signalBit(signal));
    taken?.taken?.();
    return taken;
  }

  /** Drops all signals of a set. */
  drop(set: bigint): void {
    for (const [signal, queue] of this.queues) {
      if ((set & signalBit(signal)) === 0n) continue;
      this.queues.delete(signal);
      for (const info of queue) info.taken?.();
    }
    this.bits &= ~set;
    this.isEmpty = this.bits === 0n;
  }
}
