import { Worker } from 'node:worker_threads';

/** What a thread is started with that is told later what it translates. */
export const SPARE = 'translator';

interface Spare {
  readonly entry: string;
  readonly worker: Worker;
}

let spare: Spare | undefined;

/**
 * Starts a thread that translates for the next machine whose pool has this entry. It takes long to start, and then the host has to
 * compile the translator: both happen while the program is still being read. To be called before any module is compiled (host.ts,
 * `clearFlags`).
 * @param entry the built entry of pool threads
 */
export function prepareTranslator(entry: string | URL): void {
  if (spare) return;
  const worker = new Worker(entry, { workerData: SPARE });
  worker.unref();
  const made: Spare = { entry: String(entry), worker };
  // Without it machines start their own.
  worker.on('error', () => {
    if (spare === made) spare = undefined;
  });
  spare = made;
}

/** The prepared thread, which is the caller's from now on; undefined when there is none. */
export function takeTranslator(entry: string | URL): Worker | undefined {
  if (spare?.entry !== String(entry)) return undefined;
  const { worker } = spare;
  spare = undefined;
  worker.removeAllListeners('error');
  return worker;
}
