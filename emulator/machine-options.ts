import type { EngineKind } from './engine/engine';
import type { Clock } from './linux/clock';
import type { FileTree } from './linux/files/tree';
import type { KernelLimits } from './linux/limits';
import type { StandardStreams } from './linux/streams';
import type { Machine } from './machine';
import type { Arena, ArenaOptions } from './memory/arena';
import type { PoolOptions } from './multiprocess/hart-pool';
import type { WorkspaceHost } from './multiprocess/workspace-host';
import type { RaceCheckOptions } from './races/race-check';
import type { ScheduleOptions } from './scheduled';

/** What a machine is made of. What is left out has the default in brackets. */
export interface MachineOptions extends ScheduleOptions {
  /** The program: an ELF64 RISC-V executable. */
  readonly elf: Uint8Array;
  /** argv, argv[0] included [`['program']`]. */
  readonly args?: readonly string[];
  /** `NAME=value` strings [none]. */
  readonly environment?: readonly string[];
  /** Bytes of memory that the guest may use [1 GiB]. */
  readonly memoryLimit?: number;
  readonly streams: StandardStreams;
  /** [the host's clocks] */
  readonly clock?: Clock;
  /** Fills with random bytes [the host's generator]. */
  readonly random?: (bytes: Uint8Array) => void;
  readonly limits?: KernelLimits;
  /** What runs the code; what is counted or checked for races is interpreted ['auto']. */
  readonly engine?: EngineKind;
  /** Told about what the guest asked for and did not get. */
  readonly log?: (text: string) => void;
  /** Told about each system call, as strace prints it. */
  readonly trace?: (line: string) => void;
  /** Faults and ebreak return from `run` before their signal is delivered, for a debugger [false]. */
  readonly stopAtFaults?: boolean;
  /** Instructions that a vCPU of the plain multiprocess call may retire [0: no limit]. */
  readonly vcpuLimit?: number;
  /**
   * Milliseconds after which `run` ends with `fuel` before its budget, behind a system call, so that a guest whose calls
   * take long does not keep its embedder from pausing it [as long as the budget takes].
   */
  readonly patience?: number;
  /** Threads that run vCPUs [none: vCPUs take turns with the main VM, the same in every run]. */
  readonly pool?: PoolOptions;
  /** Processes that run workspace vCPUs, where there is a pool too [none: they run on the pool's threads]. */
  readonly workspaces?: WorkspaceHost;
  /** Looks for data races between harts; then all harts take turns on one thread (docs/races.md) [not]. */
  readonly raceCheck?: RaceCheckOptions | boolean;
  /** What happens to harts and pages is written to the arena's rings [true]. */
  readonly events?: boolean;
  /** Counts instructions and calls (docs/profiling.md) [not]. */
  readonly profile?: boolean;
  /** The guest's files [in memory, nothing of the host]. The embedder disposes of them. */
  readonly files?: FileTree;
  /** Path of the program in the guest [argv[0] made absolute]. */
  readonly path?: string;
  /** Runs in this arena instead of one of its own; it is of no other machine. */
  readonly arena?: Arena;
  /**
   * Runs in the arena of this machine, so that pages can be lent from one to the other and functions called with them
   * [none]. The machines of a family run on one thread, one at a time, and only the first can have a pool.
   */
  readonly family?: Machine;
}

/** What suits a person who may press ^C or pause: milliseconds. */
export const INTERACTIVE_PATIENCE = 20;

/** Engines for processes that run different programs; more processes than these take turns with them. */
const PROCESS_ENGINES = 12;
/** Bytes that each engine has for what it decodes. */
const ENGINE_RECORD_BYTES = 16 * 2 ** 20;

/** An arena with room for the engines and delta tables of all threads and of some processes. */
export function arenaOptions({ memoryLimit, pool }: MachineOptions): ArenaOptions {
  const threads = pool?.threads ?? 0;
  const codeTables = PROCESS_ENGINES + threads;
  return {
    limitBytes: memoryLimit,
    codeTables,
    recordBytes: codeTables * ENGINE_RECORD_BYTES,
    tablePairs: 6 + threads,
  };
}
