/** Entry of the worker threads that run a machine's vCPUs beside its hart thread, and of the one that translates. */
import { workerData } from 'node:worker_threads';
import { runPoolThread, type PoolThreadData } from '../multiprocess/pool-thread';
import {
  runTranslationThread,
  type TranslationThreadData,
} from '../multiprocess/translation-thread';

const data = workerData as PoolThreadData | TranslationThreadData;
if ('translations' in data) await runTranslationThread(data);
else await runPoolThread(data);
