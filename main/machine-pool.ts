import { app, utilityProcess, type MessagePortMain, type UtilityProcess } from 'electron';
import type { FromHost, ToHost } from '../emulator/host/messages';
import { MACHINE_HOST } from './paths';

/** A machine's process, from its warm-up to its end. */
export interface MachineProcess {
  readonly id: number;
  /** Hands the client's port over; from then on main sees nothing of what is said. */
  connect(port: MessagePortMain): void;
  /** Ends the process at once, whatever it does; no exit is reported. */
  kill(): void;
}

type ExitListener = (machine: number, reason: string) => void;

/**
 * Machine processes (one utility process each). One spare is kept warm, its hart thread started, so
 * that opening a guest does not wait for a process. A process that ends by itself is reported with the
 * reason; the others know nothing of it.
 */
export class MachinePool {
  private spare: Host | null = null;
  private readonly used = new Map<number, Host>();
  private count = 0;
  private closed = false;

  constructor(private readonly exited: ExitListener) {
    // The utility process's own `exit` gives only a number; this event says crashed, killed or oom.
    app.on('child-process-gone', (_event, { name, reason }) => {
      for (const host of [this.spare, ...this.used.values()])
        if (host !== null && host.name === name) host.reason = REASONS[reason] ?? reason;
    });
  }

  /** Starts the spare process, unless there is one. */
  warm(): void {
    if (this.closed || this.spare !== null) return;
    const host = new Host(++this.count, (reason) => this.ended(host, reason));
    this.spare = host;
  }

  /** The spare process, or a new one; another spare warms up behind it. */
  acquire(): MachineProcess {
    this.warm();
    const host = this.spare;
    if (host === null) throw new Error('The app is closing: no machine can be started.');
    this.spare = null;
    this.used.set(host.id, host);
    // Not at once: the guest that is being opened gets the processor first.
    setTimeout(() => this.warm(), SPARE_DELAY_MS);
    return host;
  }

  kill(machine: number): void {
    const host = this.used.get(machine);
    this.used.delete(machine);
    host?.kill();
  }

  /** Ends all processes; none is started any more. */
  close(): void {
    this.closed = true;
    for (const host of this.used.values()) host.kill();
    this.used.clear();
    this.spare?.kill();
    this.spare = null;
  }

  private ended(host: Host, reason: string): void {
    if (this.spare === host) {
      this.spare = null;
      console.error(`spare machine process ${host.id}: ${reason}`);
      return;
    }
    if (this.used.delete(host.id)) this.exited(host.id, reason);
  }
}

const SPARE_DELAY_MS = 1000;

const REASONS: Record<string, string> = {
  'abnormal-exit': 'ended abnormally',
  killed: 'was killed',
  crashed: 'crashed',
  oom: 'ran out of memory',
  'launch-failed': 'could not be started',
  'integrity-failure': 'was not the expected program',
};

class Host implements MachineProcess {
  readonly name: string;
  /** Said by `child-process-gone` before the exit. */
  reason: string | undefined;
  private failure: string | undefined;
  private readonly process: UtilityProcess;
  private killed = false;

  constructor(
    readonly id: number,
    ended: (reason: string) => void,
  ) {
    this.name = `Hartscope machine ${id}`;
    this.process = utilityProcess.fork(MACHINE_HOST, [], { serviceName: this.name });
    this.process.on('message', (message: FromHost) => {
      if (message.type === 'failed') this.failure ??= message.message;
    });
    this.process.on('exit', (code) => {
      if (this.killed) return;
      // `child-process-gone` may come just after.
      setImmediate(() => ended(this.describe(code)));
    });
  }

  connect(port: MessagePortMain): void {
    const message: ToHost = { type: 'connect' };
    this.process.postMessage(message, [port]);
  }

  kill(): void {
    this.killed = true;
    this.process.kill();
  }

  private describe(code: number): string {
    const how = this.reason ?? (code === 0 ? 'ended' : 'ended abnormally');
    return `The machine process ${how} (code ${code}).${this.failure ? ` ${this.failure}` : ''}`;
  }
}
