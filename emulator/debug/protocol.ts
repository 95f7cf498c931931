/**
 * The one protocol: what a debugger client (the window, the CLI) says to a machine and hears from it.
 * Everything here is plain data that a MessagePort can carry. 64-bit register values are hexadecimal
 * strings `0x…` (16 digits), addresses and counts are numbers (below 2^53).
 */

import type { Schedule } from '../schedule/options';
import type { ConflictRequests } from './protocol-conflicts';
import type { ProfileRequests } from './protocol-profile';
import type { TimelineRequests } from './protocol-timeline';
import type { SourceRequests } from './protocol-source';

/** Hart number: 0 is the main VM. */
export type HartId = number;

export type HartRunState = 'stopped' | 'running' | 'waiting' | 'ended';

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
  /** Symbol to stop at before the client gets control; `_start` (the entry) when it does not exist. */
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

/** Why the machine stopped. */
export type StopReason =
  | { readonly kind: 'entry' }
  | { readonly kind: 'step' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'breakpoint'; readonly id: number; readonly address: number }
  | { readonly kind: 'ebreak'; readonly address: number }
  /** Behind an access that a data breakpoint wants. */
  | {
      readonly kind: 'watch';
      readonly id: number;
      readonly access: 'read' | 'write';
      /** The access: address, bytes, and the instruction that made it. */
      readonly address: number;
      readonly size: number;
      readonly from: Location;
      /** Where the value lies that is shown: all of what is watched when that is a number, else the access. */
      readonly place: number;
      /** The value before and after, `0x…`. */
      readonly before: string;
      readonly after: string;
    }
  /** Before a system call. */
  | {
      readonly kind: 'syscall';
      readonly id: number;
      readonly number: number;
      readonly name: string;
    }
  /** An event has happened to the hart: kind, and the page that it is about (0 = none). */
  | {
      readonly kind: 'event';
      readonly id: number;
      readonly event: string;
      readonly page: number;
    }
  /** All harts have come to a barrier point. */
  | { readonly kind: 'barrier'; readonly id: number; readonly harts: readonly HartId[] }
  /** A step into the start of a task has followed one of its vCPUs. */
  | { readonly kind: 'fork'; readonly task: number; readonly vcpus: number }
  /** No hart can go on, because a debugger holds those that the others wait for. */
  | { readonly kind: 'blocked'; readonly message: string }
  | {
      readonly kind: 'fault';
      /** Linux signal name that the fault stands for: SIGSEGV, SIGILL, SIGBUS … */
      readonly signal: string;
      /** What, where and why, one sentence. */
      readonly message: string;
      readonly address?: number;
    }
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: string; readonly status: number };

/** Whom a command moves: one hart, the harts at the same place, all. */
export type Width = 'hart' | 'group' | 'all';

/** A place in the guest's code. */
export interface Location {
  readonly address: number;
  /** Function that holds the address, when known. */
  readonly symbol?: string;
  /** Bytes from the function's start. */
  readonly offset?: number;
}

export interface HartInfo {
  readonly id: HartId;
  readonly state: HartRunState;
  readonly location: Location;
  /** Instructions retired. */
  readonly instructions: number;
  /** What it waits for, when `waiting`: `input`, `sleep`, `task 1` … */
  readonly waitsFor?: string;
  /** For vCPUs: the task that it works on. */
  readonly task?: VcpuInfo;
  /** The pool thread that runs it, or ran it last; absent for the thread that has the kernel. */
  readonly thread?: number;
  /** Of a workspace vCPU that runs, or ran last, in a process of its own: that one's id. */
  readonly process?: number;
  /** The Linux process that it belongs to; absent as long as there is one process only. */
  readonly pid?: number;
  readonly name?: string;
  readonly pinned?: boolean;
  /** It does not run until it is thawed. */
  readonly frozen?: boolean;
  /** The barrier point that it stands at until the others have come. */
  readonly heldAt?: number;
  /** Lockstep group, where it has other members: the lowest of their numbers. Of a stopped machine only. */
  readonly group?: HartId;
  /** It was in one group with the others at the last group command, and is not any more. */
  readonly diverged?: boolean;
}

/** A Linux process of the machine. */
export interface ProcessInfo {
  readonly pid: number;
  /** Of the process that made it, or has adopted it; 1 is outside of the machine. */
  readonly parent: number;
  /** What runs in it, as `comm` names it, and its arguments. */
  readonly name: string;
  readonly command: string;
  /** A zombie has ended and was not waited for. */
  readonly state: 'running' | 'sleeping' | 'stopped' | 'zombie';
  /** Process group and session. */
  readonly group: number;
  readonly session: number;
  /** Its group has the terminal. */
  readonly foreground: boolean;
  /** Its threads and vCPUs. */
  readonly harts: readonly HartId[];
  /** Instructions that it has retired. */
  readonly instructions: number;
}

/** What a person says about a hart. What is left out stays as it is. */
export interface HartMarks {
  /** Empty takes it back. */
  readonly name?: string;
  readonly pinned?: boolean;
  readonly frozen?: boolean;
}

/** A vCPU's place in its task. */
export interface VcpuInfo {
  /** Number of the task in the machine, from 1. */
  readonly id: number;
  /** `shared`, `call`, `fork`, `fork-here` or `workspace`. */
  readonly mode: string;
  /** Number of the vCPU in the task, from 1. */
  readonly vcpu: number;
}

/** A vCPU that has ended. */
export interface EndedVcpu {
  /** The number that it had; another hart may have it by now. */
  readonly hart: HartId;
  readonly task: VcpuInfo;
  /** `returned`, `exited`, `fault`, `illegal`, `limit`, `killed`, `conflict` or `not-started`. */
  readonly reason: string;
  /** Whether it ended otherwise than at the end of its work. */
  readonly failed: boolean;
  /** The instruction that ended it. */
  readonly location: Location;
  /** Instructions retired. */
  readonly instructions: number;
  /** Of a fault: the address that could not be accessed. */
  readonly address?: number;
  /** More about its end: what happened to the process that it was in. */
  readonly note?: string;
}

/** The state of a machine at one instant: enough to draw every pane's frame. */
export interface MachineState {
  /** Counts every state change; a client drops older ones. */
  readonly sequence: number;
  readonly running: boolean;
  readonly stop?: StopReason;
  /** The hart that the stop is about. */
  readonly stopHart?: HartId;
  readonly harts: readonly HartInfo[];
  /** vCPUs of tasks that can still be joined, and those that ended since the last run began; a bounded list. */
  readonly endedVcpus: readonly EndedVcpu[];
  /** The Linux processes, the first one first; absent as long as there is one only. */
  readonly processes?: readonly ProcessInfo[];
  /** Instructions retired by all harts, ended ones included. */
  readonly instructions: number;
  /** How many of them ran in translated code; absent where none has. */
  readonly translatedInstructions?: number;
  /** Millions of instructions per second over the last report period while running; else absent. */
  readonly mips?: number;
  /** Frames in use × 4 KiB. */
  readonly residentBytes: number;
}

export interface RegisterSet {
  readonly hart: HartId;
  readonly pc: number;
  /** x0 … x31. */
  readonly x: readonly string[];
  /** f0 … f31, raw bits. */
  readonly f: readonly string[];
  readonly fcsr: number;
  readonly instret: number;
  readonly mhartid: number;
}

/** Numbers of values that a hart has in a `RegisterTable`, and where they begin. */
export const REGISTER_TABLE = { x: 0, f: 32, pc: 64, fcsr: 65, instret: 66, size: 67 } as const;

/** The registers of all harts, as one block: `REGISTER_TABLE.size` values for each hart, in order. */
export interface RegisterTable {
  readonly harts: readonly HartId[];
  readonly values: BigUint64Array;
}

/** What an expression gives on one hart. */
export interface HartValue {
  readonly hart: HartId;
  /** 64 bits as `0x…`; absent when there is none. */
  readonly value?: string;
  /** Why there is none. */
  readonly problem?: string;
}

/** `x5`, `f10`, `pc`, `fcsr`. */
export type RegisterName = string;

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

/** Bytes of guest memory; unmapped stretches are named instead of filled. */
export interface MemoryBlock {
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Ranges inside the block that are not readable: [start, end) addresses. */
  readonly holes: readonly { readonly start: number; readonly end: number }[];
}

/** An address space, and how many pages it has of each state (in the order of `PagesInfo.states`). */
export interface PageSpace {
  /** Number of the space in the arena. */
  readonly space: number;
  /** Harts that run in it. */
  readonly harts: readonly HartId[];
  readonly task?: VcpuInfo;
  readonly totals: readonly number[];
}

/**
 * The mapped pages of all address spaces: rows of neighbouring pages that look alike in every space.
 *
 * | array       | a row's element                                                                  |
 * |-------------|----------------------------------------------------------------------------------|
 * | `first`     | number of its first page                                                         |
 * | `count`     | pages                                                                            |
 * | `cells`     | for each space: 8 × number of the state + READ 1, WRITE 2, EXECUTE 4               |
 * | `labelOf`   | index in `labels`: the segment                                                   |
 * | `symbolsOf` | index in `symbols`: variables that lie there                                     |
 */
export interface PagesInfo {
  /** Names of the states by their numbers. */
  readonly states: readonly string[];
  readonly spaces: readonly PageSpace[];
  readonly first: Uint32Array;
  readonly count: Uint32Array;
  readonly cells: Uint8Array;
  readonly labels: readonly string[];
  readonly labelOf: Uint16Array;
  readonly symbols: readonly string[];
  readonly symbolsOf: Uint32Array;
  /** Rows and spaces that had no room. */
  readonly leftOut: { readonly rows: number; readonly spaces: number };
}

/** What a page's state in one address space follows from. */
export interface PageInfo {
  readonly page: number;
  readonly hart: HartId;
  readonly state: string;
  /** `r-x` and the like. */
  readonly permissions: string;
  /** Number of the frame, 0 = it has none. */
  readonly frame: number;
  /** Page-table entries that refer to the frame. */
  readonly references: number;
  /** Of a lent page: how many borrow it. */
  readonly borrowers: number;
  /** The hart whose page it is, for borrowed and stale ones. */
  readonly lender?: HartId;
  /** Of a fork: whether its writes to the page stay its own. */
  readonly isPrivate: boolean;
  /** Whether it was written since it was mapped. */
  readonly isDirty: boolean;
}

/** Something that happened to a hart or its pages; the meaning of `from` and `to` stands in docs/memory.md. */
export interface EventInfo {
  /** Its place in the order of all events of the machine, from 1. */
  readonly number: number;
  readonly kind: string;
  /** Harts that come later may have its number; their `start` is an event too. */
  readonly hart: HartId;
  /** Instructions that the hart had retired. */
  readonly instructions: number;
  readonly location: Location;
  readonly page: number;
  readonly from: number;
  readonly to: number;
  /** Of a fork: the hart that began in it, where that still lived when the event was read. */
  readonly forked?: HartId;
  /** What the numbers of an event mean that is not about a page: `write = 6`, `returned` … */
  readonly detail?: string;
  /** Host time in milliseconds since 1970; events of one turn of a hart may have the same. */
  readonly time: number;
}

/** Which events are wanted; what is left out is not looked at. */
export interface EventFilter {
  readonly kinds?: readonly string[];
  readonly hart?: HartId;
  /** Only what happened to this page, in any address space. */
  readonly page?: number;
  /** Only those with numbers from `first` to `last`. */
  readonly first?: number;
  readonly last?: number;
}

export interface EventList {
  /** In their order, newest last. */
  readonly events: readonly EventInfo[];
  /** Events that were overwritten before anybody looked. */
  readonly lost: number;
  /** How many there are, with those that do not pass the filter. */
  readonly kept: number;
}

/**
 * - `code`: before an instruction runs
 * - `data`: behind an access to memory
 * - `syscall`: before a system call
 * - `event`: when something happens to a hart or its pages
 */
export type BreakpointKind = 'code' | 'data' | 'syscall' | 'event';

/** `change`: a write that leaves another value. */
export type DataAccess = 'read' | 'write' | 'access' | 'change';

export interface BreakpointSpec {
  /** [`code`] */
  readonly kind?: BreakpointKind;
  /**
   * - `code`: an expression (`main`, `main+4`, `0x10074`) or a source line (`dot.c:12`)
   * - `data`: an expression for the first byte
   * - `syscall`: a name or number, `*` for all
   * - `event`: the event's kind, as the Events pane names it
   */
  readonly at: string;
  readonly condition?: string;
  /** Counts hits whose condition is met: 1 is the first. */
  readonly hitCount?: number;
  /** Which hits stop: from `hitCount` on, exactly that one, its multiples [`from`]. */
  readonly hitRule?: 'from' | 'exactly' | 'multiple';
  /** Printed instead of stopping; `{expression}` in it is evaluated. */
  readonly log?: string;
  /** Only these harts [all]. */
  readonly harts?: readonly HartId[];
  readonly enabled: boolean;
  /** Goes away when it has stopped once. */
  readonly temporary?: boolean;
  /** `code`: harts stand here until all of their task (or all threads) have come. */
  readonly barrier?: boolean;
  /** `data` [`write`] */
  readonly access?: DataAccess;
  /** `data`: bytes [the size of the variable, or 8] */
  readonly length?: number;
}

export interface Breakpoint extends BreakpointSpec {
  readonly id: number;
  /** Where it lies: of `data` the first byte. */
  readonly location?: Location;
  /** Of a line that became code in several places: all of them. */
  readonly locations?: readonly Location[];
  /** The source line, which is the next with code where the one that was asked for has none. */
  readonly line?: number;
  readonly hits: number;
  /** Of `data`: how many bytes are watched. */
  readonly watched?: number;
  /** Why it cannot be set, when it cannot. */
  readonly problem?: string;
}

/** An expression's value. */
export interface EvaluatedValue {
  /** The bits, `0x…`, as many digits as the type has. */
  readonly value: string;
  /** As C writes it. */
  readonly type: string;
  /** In decimal, or as a floating-point number. */
  readonly text: string;
  /** Of a value in memory. */
  readonly address?: number;
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
  extends SourceRequests, ConflictRequests, ProfileRequests, TimelineRequests {
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
  /** As a hart sees it: a vCPU's space differs from the main VM's, which is read when none is named. */
  readMemory(address: number, length: number, hart?: HartId): Promise<MemoryBlock>;
  writeMemory(address: number, bytes: Uint8Array, hart?: HartId): Promise<void>;
  /** `before` lines above `address` (found through symbols), then `count` from it. */
  disassemble(
    address: number,
    before: number,
    count: number,
    /** Under the instructions' own names (`c.addi`) instead of those that objdump prefers (`add`). */
    ownNames?: boolean,
  ): Promise<readonly DisassembledLine[]>;
  explain(address: number): Promise<InstructionHelp | null>;
  breakpoints(): Promise<readonly Breakpoint[]>;
  addBreakpoint(spec: BreakpointSpec): Promise<Breakpoint>;
  updateBreakpoint(id: number, spec: BreakpointSpec): Promise<Breakpoint>;
  removeBreakpoint(id: number): Promise<void>;
  /** Symbols whose name contains `query`, best first, at most `limit`. */
  symbols(query: string, limit: number): Promise<readonly SymbolInfo[]>;
  evaluate(text: string, hart: HartId): Promise<EvaluatedValue>;
  /** Writes a register or memory: `a0`, `*(int *)p`, `u8[sp]`. */
  assign(place: string, value: string, hart: HartId): Promise<void>;
  /** A number, register, symbol or `symbol+offset` to an address. */
  evaluateAddress(text: string, hart: HartId): Promise<number>;
  /** An expression on every hart that lives, each with its own registers and memory. */
  evaluateOnAll(text: string): Promise<readonly HartValue[]>;
  /** The functions that hold these addresses, in their order. */
  locate(addresses: readonly number[]): Promise<readonly Location[]>;
  memoryMap(): Promise<readonly SegmentInfo[]>;
  /** The pages of all address spaces; also while the machine runs. */
  pages(): Promise<PagesInfo>;
  page(page: number, hart: HartId): Promise<PageInfo>;
  /** The newest `limit` events that pass the filter. */
  events(limit: number, filter?: EventFilter): Promise<EventList>;
  terminalInput(bytes: Uint8Array): Promise<void>;
  terminalResize(columns: number, rows: number): Promise<void>;
}

/** What a machine tells its client without being asked. */
export interface MachineEvents {
  stateChanged(state: MachineState): void;
  /** Output of the guest, in order. */
  output(bytes: Uint8Array, hart: HartId): void;
  breakpointsChanged(breakpoints: readonly Breakpoint[]): void;
  /** A one-line message for the status line and the log (an unknown system call, say). */
  message(text: string, level: 'info' | 'warning' | 'error'): void;
}
