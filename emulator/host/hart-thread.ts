/**
 * Entry of a hart thread: the worker thread that runs a machine's harts and its debugger session.
 *
 * It is in one of two states. Waiting: the event loop delivers requests as they come. Running guest
 * code: the session awaits `safepoint()` after each quantum, which gives the event loop one turn; the
 * requests that came in meanwhile are answered in it.
 */
import { createBirpc } from 'birpc';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { MessageChannel, parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { MachineEvents, MachineRequests } from '../debug/protocol';
import { DebugSession, type OpenTarget } from '../debug/session';
import type { SessionHost } from '../debug/session-host';
import { validated } from '../debug/validate';
import { FileTree } from '../linux/files/tree';
import { Machine } from '../machine';
import { INTERACTIVE_PATIENCE } from '../machine-options';
import { processesForCores } from '../multiprocess/child-processes';
import { poolFor } from '../multiprocess/hart-pool';
import { prepareTranslator } from '../multiprocess/spare-translator';
import type { WorkspaceHost } from '../multiprocess/workspace-host';
import {
  PAUSE_WORD,
  type FromThread,
  type HartThreadData,
  type ProgramGrants,
  type ToThread,
} from './messages';
import { MessageBatch } from './message-batch';

if (parentPort === null)
  throw new Error('hart-thread is a worker thread entry: start it with new Worker');

const control = new Int32Array((workerData as HartThreadData).control);
const EVENTS: (keyof MachineEvents)[] = ['stateChanged', 'output', 'breakpointsChanged', 'message'];

const POOL_THREAD = join(import.meta.dirname, 'pool-thread.js');
// Ready when the first program is opened.
prepareTranslator(POOL_THREAD);

const toHost = (message: FromThread, transfer: readonly MessagePort[] = []): void =>
  parentPort?.postMessage(message, transfer);

/** Electron main starts the processes, the machine process's main thread passes their messages on. */
const workspaces: WorkspaceHost = {
  processes: processesForCores(),
  connect() {
    const { port1, port2 } = new MessageChannel();
    const mail = new SharedArrayBuffer(4);
    toHost({ type: 'workspaces', port: port2, mail }, [port2]);
    return { port: port1, mail };
  },
};

function serve(port: MessagePort): void {
  const batch = new MessageBatch((messages) => port.postMessage(messages));
  const post = (message: unknown): void => batch.add(message);
  const sender = createBirpc<MachineEvents, Record<string, never>>(
    {},
    { post, on: () => undefined, eventNames: EVENTS },
  );
  const host: SessionHost = {
    events: {
      stateChanged: (state) => void sender.stateChanged(state),
      output: (bytes, hart) => void sender.output(bytes, hart),
      breakpointsChanged: (breakpoints) => void sender.breakpointsChanged(breakpoints),
      message: (text, level) => void sender.message(text, level),
    },
    safepoint: () => new Promise((resolve) => setImmediate(resolve)),
    pauseRequested: () => Atomics.load(control, PAUSE_WORD) !== 0,
    clearPause: () => void Atomics.store(control, PAUSE_WORD, 0),
  };
  const openTarget: OpenTarget = (request, streams) => {
    prepareTranslator(POOL_THREAD);
    return Machine.create({
      ...request,
      streams,
      stopAtFaults: true,
      patience: INTERACTIVE_PATIENCE,
      pool: poolFor(POOL_THREAD),
      workspaces,
      files: filesFor(request.elf),
      log: (text) => host.events.message(text, 'warning'),
    });
  };
  createBirpc<MachineEvents, MachineRequests>(validated(new DebugSession(host, openTarget)), {
    post,
    on: (deliver) => port.on('message', deliver),
    // A request is called without `this`: the checked session has none.
    bind: 'functions',
  });
}

/** What main has told of the user's grants. */
let granted: ProgramGrants | undefined;

/** The guest's files: with the folders that the user has granted to this very program. */
function filesFor(elf: Uint8Array): FileTree {
  const isMeant = granted && createHash('sha256').update(elf).digest('hex') === granted.sha256;
  return new FileTree(isMeant ? { grants: granted?.folders } : {});
}

parentPort.on('message', (message: ToThread) => {
  if (message.type === 'connect') serve(message.port);
  else granted = message.grants;
});
toHost({ type: 'ready' });
