import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import {
  ownProcesses,
  type OwnedProcess,
  type ProcessEvents,
  type WorkspaceHost,
} from './workspace-host';

/** The built entries of the thread that owns processes and of the processes (emulator/host). */
export interface ProcessEntries {
  readonly owner: string | URL;
  readonly process: string;
}

/** What the thread is started with. */
export interface OwnerData {
  readonly port: MessagePort;
  readonly mail: SharedArrayBuffer;
  readonly entry: string;
}

/** How many processes a machine has for its workspaces when nobody says: one for each core, at most eight. */
export const processesForCores = (): number => Math.min(8, availableParallelism());

/**
 * Workspace vCPUs run in child processes of this one. They are started when the first vCPU comes, used again, and
 * end with the machine or with this process, however that ends.
 */
export function childProcesses(
  entries: ProcessEntries,
  processes = processesForCores(),
): WorkspaceHost {
  return {
    processes,
    connect() {
      const { port1, port2 } = new MessageChannel();
      const mail = new SharedArrayBuffer(4);
      const workerData: OwnerData = { port: port2, mail, entry: entries.process };
      const worker = new Worker(entries.owner, { workerData, transferList: [port2] });
      worker.unref();
      return { port: port1, mail };
    },
  };
}

/** The thread that owns child processes. */
export function ownChildren({ port, mail, entry }: OwnerData): void {
  ownProcesses(port, mail, (events) => startChild(entry, events));
}

function startChild(entry: string, events: ProcessEvents): OwnedProcess {
  const child = fork(entry, [], {
    serialization: 'advanced',
    // Nothing of the guest is printed there, and what goes wrong is worth seeing.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
  });
  child.on('message', (message) => {
    if (message === 'ready') events.ready(child.pid ?? 0);
    else events.messages(message);
  });
  child.on('error', ({ message }) => events.gone(message));
  child.on('exit', (code, signal) =>
    events.gone(signal === null ? `ended with code ${code}` : `was killed by ${signal}`),
  );
  return {
    send: (messages) => {
      // To one that has just ended: its end is reported.
      if (child.connected) child.send(messages, () => undefined);
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
