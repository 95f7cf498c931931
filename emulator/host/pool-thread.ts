/** Entry of a pool thread: the worker threads that run a machine's vCPUs beside its hart thread. */
import { workerData } from 'node:worker_threads';
import { runPoolThread, type PoolThreadData } from '../multiprocess/pool-thread';

runPoolThread(workerData as PoolThreadData);
