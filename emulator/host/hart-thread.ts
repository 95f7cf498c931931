/**
 * Entry of a hart thread: the worker thread that runs a machine's harts and its debugger session.
 *
 * It is in one of two states. Waiting: the event loop delivers requests as they come. Running guest
 * code: the session awaits `safepoint()` after each quantum, which gives the event loop one turn; the
 * requests that came in meanwhile are answered in it.
 */
import { createBirpc } from 'birpc';
import { join } from 'node:path';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { MachineEvents, MachineRequests } from '../debug/protocol';
import { DebugSession, type OpenTarget } from '../debug/session';
import type { SessionHost } from '../debug/session-host';
import { validated } from '../debug/validate';
import { Machine } from '../machine';
import { poolFor } from '../multiprocess/hart-pool';
import { PAUSE_WORD, type FromThread, type HartThreadData, type ToThread } from './messages';

if (parentPort === null)
  throw new Error('hart-thread is a worker thread entry: start it with new Worker');

const control = new Int32Array((workerData as HartThreadData).control);
const EVENTS: (keyof MachineEvents)[] = ['stateChanged', 'output', 'breakpointsChanged', 'message'];

function serve(port: MessagePort): void {
  const sender = createBirpc<MachineEvents, Record<string, never>>(
    {},
    { post: (message) => port.postMessage(message), on: () => undefined, eventNames: EVENTS },
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
  const openTarget: OpenTarget = (request, streams) =>
    Machine.create({
      ...request,
      streams,
      stopAtFaults: true,
      pool: poolFor(join(import.meta.dirname, 'pool-thread.js')),
      log: (text) => host.events.message(text, 'warning'),
    });
  createBirpc<MachineEvents, MachineRequests>(validated(new DebugSession(host, openTarget)), {
    post: (message) => port.postMessage(message),
    on: (deliver) => port.on('message', deliver),
    // A request is called without `this`: the checked session has none.
    bind: 'functions',
  });
}

parentPort.on('message', ({ port }: ToThread) => serve(port));
const ready: FromThread = { type: 'ready' };
parentPort.postMessage(ready);
