import { PROCESS_ID } from './identity';
import type { LinuxKernel } from './kernel';

/** Ids of processes and threads end here and begin anew (kernel.pid_max). */
const MOST_IDS = 32768;
/** Where they begin anew (RESERVED_PIDS). */
const FIRST_AGAIN = 300;

/** The processes of a machine, those too that have ended and that nobody has waited for, and the ids of all threads. */
export class ProcessTable {
  private readonly processes = new Map<number, LinuxKernel>();
  private next = PROCESS_ID;
  private again = false;

  /** @param ids of another machine with the same files: no two processes there have the same */
  constructor(private readonly ids?: ProcessTable) {}

  add(process: LinuxKernel): void {
    this.processes.set(process.pid, process);
  }

  /** A process that has ended was waited for. */
  remove({ pid }: LinuxKernel): void {
    this.processes.delete(pid);
  }

  get(pid: number): LinuxKernel | undefined {
    return this.processes.get(pid);
  }

  /** In the order of their making. */
  list(): readonly LinuxKernel[] {
    return [...this.processes.values()];
  }

  /** Those that have not ended. */
  live(): readonly LinuxKernel[] {
    return this.list().filter(({ state }) => state.ended === undefined);
  }

  /** Those of a process group that have not ended. */
  group(id: number): readonly LinuxKernel[] {
    return this.live().filter(({ state }) => state.group === id);
  }

  /** Threads of all processes. */
  get threads(): number {
    return this.live().reduce((sum, { liveThreads }) => sum + Math.max(liveThreads, 1), 0);
  }

  /** An id that no process, thread, group or session has. */
  allocateId(): number {
    if (this.ids) return this.ids.allocateId();
    for (;;) {
      const id = this.next++;
      if (this.next > MOST_IDS) {
        this.next = FIRST_AGAIN;
        this.again = true;
      }
      if (!this.again || !this.isTaken(id)) return id;
    }
  }

  private isTaken(id: number): boolean {
    return this.list().some(
      (process) =>
        process.pid === id ||
        process.state.group === id ||
        process.state.session === id ||
        process.findThread(id) !== undefined,
    );
  }
}
