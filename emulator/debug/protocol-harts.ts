/** Hart number: 0 is the main VM. */
export type HartId = number;

export type HartRunState = 'stopped' | 'running' | 'waiting' | 'ended';

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
  /** Number of the program that its process runs, from 1; absent for the one that was opened. */
  readonly program?: number;
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
