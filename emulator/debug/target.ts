import type { SymbolTable } from '../elf/symbols';
import type { EngineStatistics } from '../engine/statistics';
import type { AccessLog } from '../engine/access-log';
import type { AddressSpace } from '../memory/address-space';
import type { EventKind } from '../memory/events';
import type { Arena } from '../memory/arena';
import type { ConflictList } from '../multiprocess/conflicts';
import type { Hart, HartOwner } from '../multiprocess/hart';
import type { Tasks } from '../multiprocess/tasks';
import type { CountTimes } from '../profile/count-times';
import type { Profile } from '../profile/model';
import type { RaceReport } from '../races/report';
import type { ProcessInfo, SegmentInfo } from './protocol';
import type { LoadedImage } from './source-modules';

/** Why a machine returned from `run`. The hart's pc is at the instruction that runs next. */
export type MachineStop =
  /** The budget is used up. */
  | { readonly kind: 'fuel' }
  /** Parked at a system call until there is input or the deadline (monotonic ms) has passed. */
  | { readonly kind: 'waiting'; readonly reason: string; readonly deadline?: number }
  | { readonly kind: 'breakpoint'; readonly address: number }
  | {
      readonly kind: 'watch';
      readonly address: number;
      readonly size: number;
      readonly write: boolean;
    }
  | { readonly kind: 'ebreak'; readonly address: number }
  /** Before a system call, where the debugger wants it (`DebugHooks.stopsAtCall`). */
  | { readonly kind: 'syscall'; readonly number: number }
  /** An event that the arena's log is to stop at has happened to the hart (`EventLog.stopAt`). */
  | { readonly kind: 'event'; readonly event: EventKind; readonly page: number }
  /** Only where faults stop (`MachineOptions.stopAtFaults`): the next run delivers the signal. */
  | {
      readonly kind: 'fault';
      readonly signal: string;
      readonly message: string;
      readonly address?: number;
    }
  | { readonly kind: 'exited'; readonly status: number }
  | {
      readonly kind: 'killed';
      readonly signal: string;
      /** What a shell would see: 128 + the signal's number. */
      readonly status: number;
      readonly message: string;
    };

/** What a debugger wants to be told and asked while a machine runs. */
export interface DebugHooks {
  /** A hart has been made; its space is there, its registers are not yet, and it has not run. */
  hartMade?: (hart: Hart) => void;
  /** A process runs another program from now on (execve), and has not run any of it. */
  programBegun?: (hart: Hart) => void;
  /** A process has mapped a file with code, a shared library, and has not run any of it. */
  libraryMapped?: (hart: Hart) => void;
  /** Whether to stop before the system call that the hart stands at. Asked again when it is tried again. */
  stopsAtCall?: (hart: Hart) => boolean;
  /** Memory has run out: what is kept for the debugger alone is given back. False: there was nothing. */
  reclaim?: () => boolean;
}

/** Is told about every access to memory (`DebugTarget.observeMemory`). */
export interface MemoryObserver {
  /** What a hart has accessed since the last call, in program order. */
  accesses(hart: Hart, log: AccessLog): void;
  /**
   * The kernel writes a page for the call that the space's hart stands at.
   * @param isForced the embedder or a debugger does
   */
  hostWrote(space: AddressSpace, page: number, isForced: boolean): void;
}

/** What the debugger needs of a machine. */
export interface DebugTarget {
  /** All harts that live, the main VM's first. */
  readonly liveHarts: readonly Hart[];
  /** The hart that ran last: the one that a stop is about. */
  readonly current: Hart;
  /** Whose system call is being served just now. */
  readonly caller: Hart | undefined;
  readonly tasks: Pick<Tasks, 'list' | 'onEnd'>;
  readonly arena: Arena;
  /** Threads that run harts, the home thread among them. */
  readonly threads: number;
  /** Instructions retired by all harts. */
  readonly instructions: number;
  readonly engineStatistics: Pick<EngineStatistics, 'translatedInstructions'>;
  /** Whether there is translated code for an entry in [from, to) of the first process. */
  isTranslated(from: number, to: number): boolean;
  /** Addresses where harts of all processes stop before an instruction. */
  readonly stops: {
    has(address: number): boolean;
    add(address: number): void;
    delete(address: number): void;
  };
  /** Of the first process. */
  readonly symbols: SymbolTable;
  /** Of the program that a hart runs. */
  symbolsOf(hart: Hart): SymbolTable;
  /** The Linux processes, zombies too, the first one first. */
  processList(): readonly ProcessInfo[];
  readonly entry: number;
  readonly position: 'static' | 'static-pie';
  /** What stands for the program that a hart's process runs: another object after execve, the same in a fork. */
  programOf(hart: Hart): object;
  /** The files that lie in the memory of a process, the program first. */
  imagesOf(process: HartOwner): readonly LoadedImage[];
  /** What was counted so far; undefined when nothing is. */
  readonly profile: Pick<Profile, 'harts'> | undefined;
  /** From now on counts are known by host time, too; undefined when nothing is counted. No hart has run yet. */
  keepCountTimes(): CountTimes | undefined;
  /** What its race check has found; undefined without one. */
  readonly races: RaceReport | undefined;
  /** What the joins of workspaces have found. */
  readonly conflicts: Pick<ConflictList, 'conflicts' | 'notKept'>;
  /** Bytes of frames in use. */
  readonly residentBytes: number;
  /**
   * Runs at most `budget` instructions.
   * @param through runs a breakpoint, ebreak or watch at the current hart's next instruction without
   * stopping there
   * @param only runs no other hart than this one
   */
  run(budget: number, through?: boolean, only?: Hart): MachineStop;
  /** Monotonic milliseconds of the guest's clock, in which deadlines are given. */
  now(): number;
  /** Every hart stands still after this, also those on other threads. */
  halt(): void;
  readonly hooks: DebugHooks;
  /**
   * From now on every access of all harts is told, which run in turns on this thread and are interpreted; undefined:
   * nobody is told, and they run as before.
   * @throws Error when the machine looks for races or counts instructions
   */
  observeMemory(observer: MemoryObserver | undefined): void;
  /**
   * Ends a vCPU or a thread of the guest.
   * @throws Error for the main VM's hart
   */
  endHart(hart: Hart): void;
  /** @param hart of the process [the first one] */
  memoryMap(hart?: Hart): readonly SegmentInfo[];
  /** Gives the machine's memory back. */
  dispose(): void;
}
