/** Entry of a hart thread: a worker thread that runs harts, one after another. */
import { parentPort } from 'node:worker_threads';

if (parentPort === null)
  throw new Error('hart-thread is a worker thread entry: start it with new Worker');
parentPort.postMessage({ type: 'ready' });
