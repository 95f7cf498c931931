import type { SymbolTable } from '../elf/symbols';
import type { CodeSpace } from '../engine/code-space';
import type { Arena } from '../memory/arena';
import type { Hart } from '../multiprocess/hart';
import type { Tasks } from '../multiprocess/tasks';
import type { SegmentInfo } from './protocol';

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

/** What the debugger needs of a machine. */
export interface DebugTarget {
  /** All harts that live, the main VM's first. */
  readonly liveHarts: readonly Hart[];
  /** The hart that ran last: the one that a stop is about. */
  readonly current: Hart;
  readonly tasks: Pick<Tasks, 'list' | 'onEnd'>;
  readonly arena: Arena;
  /** Instructions retired by all harts. */
  readonly instructions: number;
  readonly code: CodeSpace;
  readonly symbols: SymbolTable;
  readonly entry: number;
  readonly position: 'static' | 'static-pie';
  /** Bytes of frames in use. */
  readonly residentBytes: number;
  /**
   * Runs at most `budget` instructions.
   * @param through runs a breakpoint, ebreak or watch at the current hart's next instruction without
   * stopping there
   * @param only runs no other hart than this one
   */
  run(budget: number, through?: boolean, only?: Hart): MachineStop;
  /** Every hart stands still after this, also those on other threads. */
  halt(): void;
  memoryMap(): readonly SegmentInfo[];
  /** Gives the machine's memory back. */
  dispose(): void;
}
