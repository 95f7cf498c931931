import type { HartState } from '../engine/hart-state';
import type { AddressSpace } from '../memory/address-space';
import type { Vcpu } from './task';

/** Guest addresses [bottom, top), multiples of 4096. */
export interface StackRange {
  readonly bottom: number;
  readonly top: number;
}

/** Why a hart is not running although it has not ended. */
export interface Waiting {
  /** What it waits for, for people: `input`, `sleep`, `task 3` … */
  readonly reason: string;
  /** When the wait ends by itself, in the kernel clock's monotonic milliseconds. */
  readonly deadline?: number;
  /** Another hart's system call may end it: bytes in a pipe, a descriptor that is closed. */
  readonly shared?: boolean;
  /**
   * The result for a0 once the wait is over, undefined before. Absent when only trying the system call
   * again can tell.
   */
  ready?(): bigint | undefined;
}

/** The process that a hart belongs to. */
export interface HartOwner {
  readonly pid: number;
  /** The process's own space; vCPUs of it may run in forks. */
  readonly space: AddressSpace;
  /** Instructions that its harts have retired. */
  retired: number;
}

/** One hart of a machine: a saved state, the address space it runs in, and what it waits for. */
export class Hart {
  waiting: Waiting | undefined;
  /** Set for harts that `multiprocess` made. */
  vcpu: Vcpu | undefined;
  /** Set for threads beside the first one of their process: the Linux thread id. */
  tid: number | undefined;
  ended = false;
  /** A debugger does not let it run: until it is thawed, or until others have come as far. */
  frozen = false;
  held = false;
  /** Of a vCPU: where its stack pointer was when it started. */
  startSp: number | undefined;
  /** A signal has stopped its process. */
  stopped = false;
  /** Which vCPUs of its plain tasks failed since the last `multiprocess_wait`: bits by id. */
  failures = 0n;
  /** On another thread just now. */
  away = false;
  /** Instructions that were counted when it left. */
  counted = 0;
  /** No other thread can run it: one has tried. */
  stays = false;
  /** Stays in the machine's own process: of a workspace vCPU that needed what only that has. */
  within = false;
  /** Has been in another process, so that its memory is no longer what its task began with. */
  travelled = false;
  /** Of a vCPU that runs, or ran last, in another process: that one's id. */
  process: number | undefined;
  /** How many instructions it had retired when it last began to wait in a system call. */
  waitedAt = -1;
  /** Instructions left of its turn. */
  turn = 0;

  /**
   * @param index number of its context in the arena, and its mhartid
   * @param findStack tells the stack that it is on, when somebody asks
   */
  constructor(
    readonly index: number,
    readonly state: HartState,
    public space: AddressSpace,
    private findStack: () => StackRange,
    readonly owner: HartOwner,
  ) {
    state.mhartid = index;
  }

  /** Its process has a new program: the hart runs in another space, on another stack. */
  moveTo(space: AddressSpace, findStack: () => StackRange): void {
    this.space = space;
    this.findStack = findStack;
  }

  /** The stack that it is on, as far down as that may grow: what `fork-here` keeps private. */
  get stack(): StackRange {
    return this.findStack();
  }

  get runnable(): boolean {
    return !this.ended && this.waiting === undefined && !this.frozen && !this.held && !this.stopped;
  }
}
