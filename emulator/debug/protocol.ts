/**
 * The one protocol: what a debugger client (the window, the CLI) says to a machine and hears from it.
 * Everything here is plain data that a MessagePort can carry. 64-bit register values are hexadecimal
 * strings `0x…` (16 digits), addresses and counts are numbers (below 2^53).
 */

import type { Schedule } from '../schedule/options';
import type { ConflictRequests } from './protocol-conflicts';
import type { BreakpointSpec, Breakpoint } from './protocol-breakpoints';
import type {
  HartId,
  Width,
  Location,
  HartMarks,
  MachineState,
  RegisterSet,
  RegisterTable,
  HartValue,
  RegisterName,
} from './protocol-harts';
import type {
  MemoryBlock,
  MemoryTime,
  PagesInfo,
  PageInfo,
  EventFilter,
  EventList,
  WriteTrackingInfo,
} from './protocol-pages';
import type { LaunchRequests } from './protocol-launches';
import type { ProfileRequests } from './protocol-profile';
import type { TimelineRequests } from './protocol-timeline';
import type { SourceRequests } from './protocol-source';

export * from './protocol-harts';
export type * from './protocol-pages';
export type * from './protocol-breakpoints';

/** What a client asks a machine to open. */
export interface OpenRequest {
  /** Shown in titles: the guest's name or the file's base name. */
  readonly name: string;
  readonly elf: Uint8Array;
  /** argv, argv[0] included. */
  readonly args: readonly string[];
  /** `NAME=value` strings. */
  readonly environment: readonly string[];
  /** Memory limit in bytes. */
  readonly memoryLimit?: number;
  /** In which order its harts run [`parallel`]. */
  readonly schedule?: Schedule;
  /** Looks for races and false sharing, and runs all harts in turns [false]. */
  readonly raceCheck?: boolean;
  /** Counts what runs, and runs all harts in turns [false]; not together with the race check. */
  readonly profile?: boolean;
  /**
   * Symbol to stop at before the client gets control, or `call f`: the first call of a function. The
   * entry when the program has no such place.
   */
  readonly stopAt?: string;
  readonly columns: number;
  readonly rows: number;
}

export interface SegmentInfo {
  readonly start: number;
  readonly end: number;
  /** `r-x` and the like. */
  readonly permissions: string;
  readonly label: string;
}

export interface MachineInfo {
  readonly name: string;
  readonly entry: number;
  readonly segments: readonly SegmentInfo[];
  readonly functionCount: number;
  readonly position: 'static' | 'static-pie';
}

export interface DisassembledLine {
  readonly address: number;
  /** Bytes of the encoding in memory order, hexadecimal. */
  readonly bytes: string;
  readonly mnemonic: string;
  readonly operands: string;
  /** Name of the function that starts here. */
  readonly label?: string;
  /** With `label`: whether code of the function is translated now; else it is interpreted. */
  readonly translated?: boolean;
  readonly symbol?: string;
  readonly offset?: number;
  /** Where a direct jump, branch or call goes. */
  readonly target?: Location;
  /** Absent when the bytes are not a known instruction. */
  readonly known: boolean;
}

/** Hover help for one instruction. */
export interface InstructionHelp {
  readonly name: string;
  readonly extension: string;
  readonly sentence: string;
  /** From the most significant bit down. */
  readonly fields: readonly {
    readonly name: string;
    readonly high: number;
    readonly low: number;
    readonly bits: string;
    readonly meaning?: string;
  }[];
}

export interface SymbolInfo {
  readonly name: string;
  readonly address: number;
  readonly size: number;
  readonly kind: 'function' | 'object';
}

/**
 * Requests a client makes of a machine. Each rejects with an `Error` whose message says what, where and
 * what to do. Step and run requests resolve when the request is accepted; the stop comes as an event.
 */
export interface MachineRequests
  extends SourceRequests, ConflictRequests, ProfileRequests, TimelineRequests, LaunchRequests {
  open(request: OpenRequest): Promise<MachineInfo>;
  state(): Promise<MachineState>;
  /** All harts, or one or its group while the others stand still. */
  run(width?: Width, hart?: HartId): Promise<void>;
  pause(): Promise<void>;
  stepInstruction(hart: HartId, width?: Width): Promise<void>;
  /** Over calls: a call and everything it calls count as one. */
  stepOver(hart: HartId, width?: Width): Promise<void>;
  /** To another source line, into or over what the line calls. */
  stepLine(hart: HartId, how: 'into' | 'over', width?: Width): Promise<void>;
  /** Until the current function returns. */
  stepOut(hart: HartId, width?: Width): Promise<void>;
  /** Until the current function is about to return. */
  runToReturn(hart: HartId, width?: Width): Promise<void>;
  /** The members of the hart's last group that have parted run until they are at one place again. */
  runTogether(hart: HartId): Promise<void>;
  /** Until a hart starts vCPUs by a call of the guest library, and a bit further: to where they are there. */
  runToFork(): Promise<void>;
  /** Until a hart comes to an address. */
  runTo(address: number, hart?: HartId, width?: Width): Promise<void>;
  /** Which vCPU a step into the start of a task follows: its number in the task, 0 = none. */
  follow(vcpu: number): Promise<void>;
  markHart(hart: HartId, marks: HartMarks): Promise<void>;
  /** Ends a vCPU or a thread of the guest. */
  killHart(hart: HartId): Promise<void>;
  /** Loads the program afresh with the same arguments; breakpoints stay. */
  restart(): Promise<void>;
  registers(hart: HartId): Promise<RegisterSet>;
  /** Registers of all harts that live, for comparing them. */
  registersOfAll(): Promise<RegisterTable>;
  writeRegister(hart: HartId, name: RegisterName, value: string): Promise<void>;
  /**
   * As a hart sees it: a vCPU's space differs from the main VM's, which is read when none is named.
   * @param time `fork`: as the hart saw it when it began; rejects when that is not known
   */
  readMemory(
    address: number,
    length: number,
    hart?: HartId,
    time?: MemoryTime,
  ): Promise<MemoryBlock>;
  writeMemory(address: number, bytes: Uint8Array, hart?: HartId): Promise<void>;
  /** `before` lines above `address` (found through symbols), then `count` from it. */
  disassemble(
    address: number,
    before: number,
    count: number,
    /** Under the instructions' own names (`c.addi`) instead of those that objdump prefers (`add`). */
    ownNames?: boolean,
    /** Whose process's code [hart 0]; likewise below. */
    hart?: HartId,
  ): Promise<readonly DisassembledLine[]>;
  explain(address: number, hart?: HartId): Promise<InstructionHelp | null>;
  breakpoints(): Promise<readonly Breakpoint[]>;
  addBreakpoint(spec: BreakpointSpec): Promise<Breakpoint>;
  updateBreakpoint(id: number, spec: BreakpointSpec): Promise<Breakpoint>;
  removeBreakpoint(id: number): Promise<void>;
  /** Symbols whose name contains `query`, best first, at most `limit`. */
  symbols(query: string, limit: number, hart?: HartId): Promise<readonly SymbolInfo[]>;
  /** Writes a variable, a register or memory: `sum`, `a0`, `*(int *)p`, `u8[sp]`. */
  assign(place: string, value: string, hart: HartId): Promise<void>;
  /** What an expression gives as an address; symbols stand for theirs: `sum+8`. */
  evaluateAddress(text: string, hart: HartId): Promise<number>;
  /** An expression on every hart that lives, each with its own registers and memory. */
  evaluateOnAll(text: string): Promise<readonly HartValue[]>;
  /** The functions that hold these addresses, in their order. */
  locate(addresses: readonly number[], hart?: HartId): Promise<readonly Location[]>;
  memoryMap(hart?: HartId): Promise<readonly SegmentInfo[]>;
  /** The pages of all address spaces; also while the machine runs. */
  pages(): Promise<PagesInfo>;
  /** The same, or null when nothing is different from the answer with that version. */
  pagesSince(version: number): Promise<PagesInfo | null>;
  page(page: number, hart: HartId): Promise<PageInfo>;
  /**
   * Begins or ends to track who writes which page. Meanwhile harts take turns on one thread, and are interpreted. Rejects
   * while the run is checked for races or counted.
   */
  trackWrites(isOn: boolean): Promise<WriteTrackingInfo>;
  /** The newest `limit` events that pass the filter. */
  events(limit: number, filter?: EventFilter): Promise<EventList>;
  terminalInput(bytes: Uint8Array): Promise<void>;
  terminalResize(columns: number, rows: number): Promise<void>;
}

/** What a machine tells its client without being asked. */
export interface MachineEvents {
  stateChanged(state: MachineState): void;
  /** Output of the guest, in order, and who printed it; what is typed is echoed as hart 0's. */
  output(bytes: Uint8Array, hart: HartId): void;
  breakpointsChanged(breakpoints: readonly Breakpoint[]): void;
  /** A one-line message for the status line and the log (an unknown system call, say). */
  message(text: string, level: 'info' | 'warning' | 'error'): void;
}
