/** Entry of the worker threads that run a machine's vCPUs beside its hart thread, and of the one that translates. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { runPoolThread, type PoolThreadData } from '../multiprocess/pool-thread';
import { SPARE } from '../multiprocess/spare-translator';
import {
  runSpareTranslator,
  runTranslationThread,
  type TranslationThreadData,
} from '../multiprocess/translation-thread';

if (parentPort === null)
  throw new Error('pool-thread is a worker thread entry: start it with new Worker');

const port = parentPort;
const data = workerData as PoolThreadData | TranslationThreadData | typeof SPARE;

/**
 * Not awaited here: a thread that is ended while V8 begins to evaluate a module with an await at its top takes the whole
 * process with it. A rejection ends the thread all the same, and is told as its error.
 */
function run(): Promise<void> {
  if (data === SPARE) return runSpareTranslator(port);
  if ('translations' in data) return runTranslationThread(data);
  giveWay();
  return runPoolThread(data);
}

/** How much later than others a vCPU's thread gets a core that both want (`nice`). */
const NICENESS = 10;

/**
 * In the app the window comes first: 64 vCPUs on two cores would hold up each of its frames. Only Linux has a niceness
 * for each thread; elsewhere it would be the whole process's, so also that of the thread that answers the window.
 */
function giveWay(): void {
  if (process.platform === 'linux' && process.versions.electron !== undefined)
    setPriority(0, NICENESS);
}

void run();
