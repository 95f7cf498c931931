import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { childProcesses, poolFor, type PoolOptions, type WorkspaceHost } from '../emulator';

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

/**
 * The processes that run workspace vCPUs.
 * @param processes how many; one for each core when left out, 0 = none: they run on threads
 * @returns undefined for none, and where the command line is not bundled (in its tests)
 */
export function chooseWorkspaces(processes?: number): WorkspaceHost | undefined {
  const at = (name: string): string => join(import.meta.dirname, `${name}.js`);
  const entries = { owner: at('workspace-owner'), process: at('workspace-process') };
  if (processes === 0 || !existsSync(entries.process)) return undefined;
  return childProcesses(entries, processes);
}
