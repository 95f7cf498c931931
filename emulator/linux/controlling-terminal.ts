import { SIGNAL } from './abi/signals';
import type { ProcessTable } from './process-table';
import { kernelInfo } from './signal-info';

/**
 * The terminal as processes share it (drivers/tty/tty_jobctrl.c): the session that it belongs to, and the process group
 * in its foreground, which its keys send signals to and which alone may read.
 */
export class ControllingTerminal {
  /** Id of the session; 0 = it belongs to none. */
  session = 0;
  /** Id of the group in the foreground. */
  foreground = 0;

  /** @param exists whether the machine has a terminal */
  constructor(
    readonly exists: boolean,
    private readonly processes: ProcessTable,
  ) {}

  /** A session leader takes it. */
  take(session: number, group: number): void {
    this.session = session;
    this.foreground = group;
  }

  /** A key, or a new size: the foreground hears of it. */
  signal(signal: number): void {
    for (const process of this.processes.group(this.foreground)) process.signals.raise(signal);
  }

  /** The leader of its session has ended (disassociate_ctty). */
  hangUp(): void {
    for (const process of this.processes.group(this.foreground)) {
      process.signals.send(kernelInfo(SIGNAL.SIGHUP));
      process.signals.send(kernelInfo(SIGNAL.SIGCONT));
    }
    this.session = 0;
    this.foreground = 0;
  }
}
