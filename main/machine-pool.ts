import {
  app,
  MessageChannelMain,
  utilityProcess,
  type MessagePortMain,
  type UtilityProcess,
} from 'electron';
import type { FromHost, ProgramGrants, ToHost } from '../emulator/host/messages';
import { MACHINE_HOST, WORKSPACE_PROCESS } from './paths';

/** A machine's process, from its warm-up to its end. */
export interface MachineProcess {
  readonly id: number;
  /** Says which folders a program may use; it holds from the next start on. */
  grant(grants: ProgramGrants): void;
  /** Hands the client's port over; from then on main sees nothing of what is said. */
  connect(port: MessagePortMain): void;
  /** Ends the process at once, whatever it does; no exit is reported. */
  kill(): void;
}

type ExitListener = (machine: number, reason: string) => void;

/**
 * Machine processes (one utility process each), and the processes of their workspace vCPUs. Of both one spare is kept
 * warm, of a machine with its hart thread started, so that opening a guest does not wait for a process. A process
 * that ends by itself is reported with the reason; the others know nothing of it.
 */
export class MachinePool {
  private spare: Host | null = null;
  private spareWorkspace: Child | null = null;
  private readonly used = new Map<number, Host>();
  private count = 0;
  private workspaceCount = 0;
  private closed = false;

  constructor(private readonly exited: ExitListener) {
    // The utility process's own `exit` gives only a number; this event says crashed, killed or oom.
    app.on('child-process-gone', (_event, { name, reason }) => {
      const child = Child.live.get(name ?? '');
      if (child) child.reason = REASONS[reason] ?? reason;
    });
  }

  /** Starts the spare process, unless there is one. */
  warm(): void {
    if (this.closed || this.spare !== null) return;
    const host = new Host(
      ++this.count,
      (reason) => this.ended(host, reason),
      () => this.takeWorkspace(),
    );
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
    setTimeout(() => {
      this.warm();
      this.warmWorkspace();
    }, SPARE_DELAY_MS);
    return host;
  }

  /** Likewise, of a machine that is in use. */
  grant(machine: number, grants: ProgramGrants): void {
    this.used.get(machine)?.grant(grants);
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
    this.spareWorkspace?.kill();
    this.spareWorkspace = null;
  }

  /** A process for workspace vCPUs: the spare one, or a new one. */
  private takeWorkspace(): Child {
    const child = this.spareWorkspace ?? this.newWorkspace();
    this.spareWorkspace = null;
    setTimeout(() => this.warmWorkspace(), SPARE_DELAY_MS);
    return child;
  }

  private warmWorkspace(): void {
    if (this.closed || this.spareWorkspace !== null) return;
    const child = this.newWorkspace();
    this.spareWorkspace = child;
    child.onEnd = (reason) => {
      this.spareWorkspace = null;
      console.error(`spare workspace process: it ${reason}`);
    };
  }

  private newWorkspace(): Child {
    return new Child(WORKSPACE_PROCESS, `Hartscope workspace ${++this.workspaceCount}`);
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
/** What a machine process may ask for; its machine asks for no more than there are cores. */
const MOST_WORKSPACES = 32;

const REASONS: Record<string, string> = {
  'abnormal-exit': 'ended abnormally',
  killed: 'was killed',
  crashed: 'crashed',
  oom: 'ran out of memory',
  'launch-failed': 'could not be started',
  'integrity-failure': 'was not the expected program',
};

/** A utility process and how it ended. */
class Child {
  static readonly live = new Map<string, Child>();
  /** Said by `child-process-gone` before the exit. */
  reason: string | undefined;
  /** Told how the process has ended, unless it was killed from here: `was killed (code 9)`. */
  onEnd: (reason: string) => void = () => undefined;
  readonly process: UtilityProcess;
  private killed = false;
  private exited = false;

  constructor(
    entry: string,
    readonly name: string,
  ) {
    this.process = utilityProcess.fork(entry, [], { serviceName: name });
    Child.live.set(name, this);
    this.process.on('exit', (code) => {
      this.exited = true;
      // A turn later: `child-process-gone` may come just after, and messages must not be sent from here.
      setImmediate(() => {
        Child.live.delete(name);
        const how = this.reason ?? (code === 0 ? 'ended' : 'ended abnormally');
        if (!this.killed) this.onEnd(`${how} (code ${code})`);
      });
    });
  }

  /** Lost on one that has ended. */
  send(message: unknown, ports: MessagePortMain[] = []): void {
    if (!this.killed && !this.exited) this.process.postMessage(message, ports);
  }

  kill(): void {
    this.killed = true;
    this.process.kill();
  }
}

class Host implements MachineProcess {
  private readonly child: Child;
  private failure: string | undefined;
  /** Processes of its workspace vCPUs, by the numbers that the machine process has given them. */
  private readonly workspaces = new Map<number, Child>();

  constructor(
    readonly id: number,
    ended: (reason: string) => void,
    private readonly takeWorkspace: () => Child,
  ) {
    this.child = new Child(MACHINE_HOST, `Hartscope machine ${id}`);
    this.child.process.on('message', (message: FromHost) => this.hear(message));
    this.child.onEnd = (how) => {
      this.endWorkspaces();
      ended(`The machine process ${how}.${this.failure ? ` ${this.failure}` : ''}`);
    };
  }

  grant(grants: ProgramGrants): void {
    this.send({ type: 'grants', grants });
  }

  connect(port: MessagePortMain): void {
    this.send({ type: 'connect' }, port);
  }

  kill(): void {
    this.endWorkspaces();
    this.child.kill();
  }

  private hear(message: FromHost): void {
    switch (message.type) {
      case 'ready':
        return;
      case 'failed':
        this.failure ??= message.message;
        return;
      case 'workspace-start':
        return this.startWorkspace(message.process);
      case 'workspace-end':
        this.workspaces.get(message.process)?.kill();
        this.workspaces.delete(message.process);
    }
  }

  private startWorkspace(number: number): void {
    if (this.workspaces.size >= MOST_WORKSPACES) {
      const reason = `was not started: a machine has at most ${MOST_WORKSPACES}`;
      return this.send({ type: 'workspace-gone', process: number, reason });
    }
    const child = this.takeWorkspace();
    this.workspaces.set(number, child);
    child.onEnd = (reason) => {
      this.workspaces.delete(number);
      this.send({ type: 'workspace-gone', process: number, reason });
    };
    const begin = (): void => {
      const { port1, port2 } = new MessageChannelMain();
      child.send(null, [port1]);
      this.send({ type: 'workspace', process: number, pid: child.process.pid ?? 0 }, port2);
    };
    if (child.process.pid === undefined) child.process.once('spawn', begin);
    else begin();
  }

  private endWorkspaces(): void {
    for (const child of this.workspaces.values()) child.kill();
    this.workspaces.clear();
  }

  private send(message: ToHost, ...ports: MessagePortMain[]): void {
    this.child.send(message, ports);
  }
}
