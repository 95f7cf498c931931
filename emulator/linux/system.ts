import { randomFillSync } from 'node:crypto';
import { PAGE_SIZE } from '../memory/layout';
import type { Arena } from '../memory/arena';
import { CallCounts } from './call-counts';
import { hostClock, toMilliseconds, type Clock } from './clock';
import { ControllingTerminal } from './controlling-terminal';
import { boundOutput } from './files/bounded-output';
import { FileTree } from './files/tree';
import { FutexQueues } from './futex';
import type { KernelLimits } from './limits';
import { SINGLE_PROCESS, type ProcessHost } from './process-host';
import { ProcessTable } from './process-table';
import type { StandardStreams } from './streams';
import { Terminal } from './terminal';

export interface SystemOptions {
  readonly streams: StandardStreams;
  /** [the host's clocks] */
  readonly clock?: Clock;
  /** Fills `bytes` with random numbers [the host's generator]. */
  readonly random?: (bytes: Uint8Array) => void;
  readonly limits?: KernelLimits;
  /** One line about something that the guest asked for and did not get. */
  readonly log?: (text: string) => void;
  /** The guest's files [in memory, nothing of the host]. */
  readonly files?: FileTree;
  /** Another machine's processes whose files these are too [none]. */
  readonly kin?: ProcessTable;
}

/** Processes that may live at a time unless the embedder says otherwise. */
const DEFAULT_PROCESSES = 512;

/** What all processes of a machine share: files, clock, terminal, ids, and the machine that runs them. */
export class LinuxSystem {
  readonly tree: FileTree;
  readonly clock: Clock;
  readonly streams: StandardStreams;
  readonly processes: ProcessTable;
  readonly terminal: ControllingTerminal;
  readonly futexes = new FutexQueues((hart) => this.host.wake(hart));
  readonly calls: CallCounts;
  /** Says something about the guest in the log. */
  readonly log: (text: string) => void;
  /** Fills with random bytes. */
  readonly fillRandom: (bytes: Uint8Array) => void;
  /** How many processes may live at a time. */
  readonly processLimit: number;
  /** Makes, wakes and stops harts. */
  host: ProcessHost = SINGLE_PROCESS;
  /** Called with one line for each system call when it is set, as strace prints it. */
  onTrace: ((line: string) => void) | undefined;
  /** There has been more than one process: lines of the trace tell whose they are. */
  private several = false;

  constructor(options: SystemOptions, arena: Arena) {
    this.processes = new ProcessTable(options.kin);
    this.clock = options.clock ?? hostClock;
    this.fillRandom = options.random ?? ((bytes) => void randomFillSync(bytes));
    this.log = options.log ?? (() => undefined);
    this.calls = new CallCounts(this.log);
    this.processLimit = options.limits?.processes ?? DEFAULT_PROCESSES;
    this.streams = boundOutput(options.streams, options.limits?.outputBytes);
    this.tree = options.files ?? new FileTree({ now: () => this.clock.realtime() });
    const { frames, counts } = arena;
    this.tree.memory = () => ({
      total: counts.frames * PAGE_SIZE,
      free: (counts.frames - frames.used) * PAGE_SIZE,
    });
    const given = Object.values(options.streams) as StandardStreams[keyof StandardStreams][];
    this.terminal = new ControllingTerminal(
      given.some(({ isTerminal }) => isTerminal),
      this.processes,
    );
    for (const stream of given) {
      if (stream instanceof Terminal) {
        stream.onSignal = (signal) => this.terminal.signal(signal);
      }
    }
  }

  /** Monotonic milliseconds: the time in which deadlines are given. */
  now(): number {
    return toMilliseconds(this.clock.monotonic());
  }

  /** A child process is there. */
  noteChild(): void {
    this.several = true;
  }

  /** Prints a line of the trace, with the process's number when there are several, as strace -f does. */
  trace(pid: number, line: string): void {
    this.onTrace?.(this.several ? `[pid ${pid}] ${line}` : line);
  }
}
