import { inject } from 'vitest';
import { childProcesses, type MachineOptions, type ProcessEntries } from '../../emulator';

/** Files that worker threads and child processes of the emulator begin in. */
export interface HostEntries extends ProcessEntries {
  readonly pool: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    hostEntries: HostEntries;
  }
}

/** As `build-host-entries.ts` has built them for this run of the tests. */
export const HOST_ENTRIES = inject('hostEntries');

/** A pool of so many threads; 0: none. */
export const poolOf = (threads: number): { entry: string; threads: number } | undefined =>
  threads > 0 ? { entry: HOST_ENTRIES.pool, threads } : undefined;

/** Options of a machine whose workspace vCPUs run in so many processes; 0: on its pool's thread. */
export function inProcesses(
  processes: number,
  log?: (text: string) => void,
): Partial<MachineOptions> {
  return {
    pool: poolOf(1),
    ...(processes > 0 && { workspaces: childProcesses(HOST_ENTRIES, processes) }),
    ...(log && { log }),
  };
}
