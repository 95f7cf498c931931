/** Entry of the thread that owns the child processes of a machine's workspace vCPUs, outside Electron. */
import { workerData } from 'node:worker_threads';
import { ownChildren, type OwnerData } from '../multiprocess/child-processes';

ownChildren(workerData as OwnerData);
