/** Entry of the worker threads that run a machine's vCPUs beside its hart thread, and of the one that translates. */
import { parentPort, workerData } from 'node:worker_threads';
import { runPoolThread, type PoolThreadData } from '../multiprocess/pool-thread';
import { SPARE } from '../multiprocess/spare-translator';
import {
  runSpareTranslator,
  runTranslationThread,
  type TranslationThreadData,
} from '../multiprocess/translation-thread';

const data = workerData as PoolThreadData | TranslationThreadData | typeof SPARE;
if (data === SPARE) {
  if (parentPort) await runSpareTranslator(parentPort);
} else if ('translations' in data) await runTranslationThread(data);
else await runPoolThread(data);
