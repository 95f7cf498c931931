import { constants } from 'node:os';
import { STATUS } from './errors';
import type { HostStreams } from './host';

type Signal = 'SIGINT' | 'SIGTERM';

/**
 * Signals that end a run before its time, so that a command can still tell what it has found. ^C at a terminal goes to the
 * guest instead, as with any program. Signals arrive when Node's event loop turns.
 */
export class Interruption {
  /** The first that has come. */
  signal: Signal | undefined;
  private wake: () => void = () => undefined;
  private readonly signals: readonly Signal[];
  private readonly take = (signal: NodeJS.Signals): void => {
    this.signal ??= signal as Signal;
    this.wake();
  };

  constructor({ terminal }: Pick<HostStreams, 'terminal'>) {
    this.signals = terminal === undefined ? ['SIGINT', 'SIGTERM'] : ['SIGTERM'];
    for (const signal of this.signals) process.on(signal, this.take);
  }

  /** What a command ends with that a signal has ended. */
  get status(): number | undefined {
    return this.signal && STATUS.signalBase + constants.signals[this.signal];
  }

  /** @param milliseconds the longest wait [for ever] */
  async wait(milliseconds: number | undefined): Promise<void> {
    if (this.signal !== undefined) return;
    await new Promise<void>((resolve) => {
      // Without a timer Node would end, since nothing else is awaited.
      const timer = setTimeout(resolve, Math.min(milliseconds ?? LONGEST_WAIT, LONGEST_WAIT));
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  close(): void {
    for (const signal of this.signals) process.off(signal, this.take);
  }
}

/** Then it is looked again, which does no harm. */
const LONGEST_WAIT = 60_000;
