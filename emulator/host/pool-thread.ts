/** Entry of the worker threads that run a machine's vCPUs beside its hart thread, and of the one that translates. */
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
  return 'translations' in data ? runTranslationThread(data) : runPoolThread(data);
}

void run();
