/**
 * Entry of a machine process (an Electron utility process). Its main thread only routes: it never runs guest
 * code, so it always answers. It starts the hart thread at once, so that a spare process is warm.
 *
 *   window ⇄ MessagePortMain ⇄ [this thread] ⇄ MessagePort ⇄ hart thread
 *
 * Electron's port cannot be transferred to a worker thread; so the messages pass through here unread,
 * but for one glance: a `pause` request also sets the pause word, which a hart thread sees without
 * taking messages.
 */
import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import {
  ownProcesses,
  type OwnedProcess,
  type ProcessEvents,
} from '../multiprocess/workspace-host';
import {
  CONTROL_BYTES,
  PAUSE_WORD,
  type ElectronPort,
  type FromHost,
  type FromThread,
  type HartThreadData,
  type ToHost,
  type ToThread,
} from './messages';

const parent = (process as NodeJS.Process & { parentPort?: ElectronPort }).parentPort;
if (parent === undefined)
  throw new Error('machine-host is a machine process entry: start it with utilityProcess.fork');

const toMain = (message: FromHost): void => parent.postMessage(message);
const control = new SharedArrayBuffer(CONTROL_BYTES);
const words = new Int32Array(control);
const workerData: HartThreadData = { control };
const thread = new Worker(join(import.meta.dirname, 'hart-thread.js'), { workerData });

thread.on('message', (message: FromThread) => {
  if (message.type === 'ready') toMain(message);
  else ownProcesses(message.port, message.mail, startWorkspace);
});
thread.on('error', (error: Error) => toMain({ type: 'failed', message: error.message }));
thread.on('exit', (code) => {
  toMain({ type: 'failed', message: `The hart thread ended with code ${code}.` });
  // A turn later, so that the message leaves first.
  setImmediate(() => process.exit(1));
});

parent.on('message', ({ data, ports: [port] }) => {
  const message = data as ToHost;
  if (message.type === 'connect') route(port);
  else if (message.type === 'grants') thread.postMessage(message satisfies ToThread);
  else if (message.type === 'workspace') workspaces.get(message.process)?.begin(port, message.pid);
  else workspaces.get(message.process)?.gone(message.reason);
});

/** Processes for workspace vCPUs by their numbers; Electron main starts and ends them. */
const workspaces = new Map<
  number,
  { begin(port: ElectronPort, pid: number): void; gone(reason: string): void }
>();
let workspaceCount = 0;

function startWorkspace(events: ProcessEvents): OwnedProcess {
  const process = ++workspaceCount;
  let port: ElectronPort | undefined;
  workspaces.set(process, {
    begin(opened, pid) {
      port = opened;
      port.on('message', ({ data }) => events.messages(data));
      port.start();
      events.ready(pid);
    },
    gone(reason) {
      workspaces.delete(process);
      port?.close();
      events.gone(reason);
    },
  });
  toMain({ type: 'workspace-start', process });
  return {
    send: (messages) => port?.postMessage(messages),
    kill() {
      workspaces.delete(process);
      port?.close();
      toMain({ type: 'workspace-end', process });
    },
  };
}

function route(client: ElectronPort): void {
  const { port1: inner, port2: port } = new MessageChannel();
  client.on('message', ({ data }) => {
    if (isPause(data)) {
      Atomics.store(words, PAUSE_WORD, 1);
      Atomics.notify(words, PAUSE_WORD);
    }
    inner.postMessage(data);
  });
  client.on('close', () => inner.close());
  inner.on('message', (message) => client.postMessage(message));
  const connect: ToThread = { type: 'connect', port };
  thread.postMessage(connect, [port]);
  client.start();
}

/** Whether a message of the RPC is the `pause` request (`t` its kind, `m` the method). */
function isPause(message: unknown): boolean {
  if (typeof message !== 'object' || message === null) return false;
  const { t, m } = message as { t?: unknown; m?: unknown };
  return t === 'q' && m === 'pause';
}
