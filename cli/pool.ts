import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { poolFor, type PoolOptions } from '../emulator';

/**
 * The threads that run vCPUs beside this one.
 * @param threads how many; one for each core but one when left out, 0 = none: vCPUs take turns
 * @returns undefined for none, and where the command line is not bundled (in its tests)
 */
export function choosePool(threads?: number): PoolOptions | undefined {
  const entry = join(import.meta.dirname, 'pool-thread.js');
  if (threads === 0 || !existsSync(entry)) return undefined;
  return threads === undefined ? poolFor(entry) : { entry, threads };
}
