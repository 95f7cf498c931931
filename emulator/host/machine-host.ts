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
  CONTROL_BYTES,
  PAUSE_WORD,
  type FromHost,
  type FromThread,
  type HartThreadData,
  type ToHost,
  type ToThread,
} from './messages';

/** The members of Electron's utility process that are used here; Electron's own types stay out of this room. */
interface ElectronPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { data: unknown; ports: ElectronPort[] }) => void): void;
  on(event: 'close', listener: () => void): void;
  start(): void;
}
const parent = (process as NodeJS.Process & { parentPort?: ElectronPort }).parentPort;
if (parent === undefined)
  throw new Error('machine-host is a machine process entry: start it with utilityProcess.fork');

const toMain = (message: FromHost): void => parent.postMessage(message);
const control = new SharedArrayBuffer(CONTROL_BYTES);
const words = new Int32Array(control);
const workerData: HartThreadData = { control };
const thread = new Worker(join(import.meta.dirname, 'hart-thread.js'), { workerData });

thread.on('message', (message: FromThread) => toMain(message));
thread.on('error', (error: Error) => toMain({ type: 'failed', message: error.message }));
thread.on('exit', (code) => {
  toMain({ type: 'failed', message: `The hart thread ended with code ${code}.` });
  // A turn later, so that the message leaves first.
  setImmediate(() => process.exit(1));
});

parent.on('message', ({ data, ports }) => {
  const [client] = ports;
  if ((data as ToHost).type === 'connect' && client !== undefined) route(client);
});

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
