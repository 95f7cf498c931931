import { randomFillSync } from 'node:crypto';
import type { LoadedProgram } from '../elf/load';
import type { ElfImage } from '../elf/parse';
import type { HartState } from '../engine/hart-state';
import type { AddressSpace } from '../memory/address-space';
import { MappingError, OutOfMemory } from '../memory/errors';
import { PAGE_SIZE } from '../memory/layout';
import { ERRNO } from './abi/errno';
import { SIGNAL } from './abi/signals';
import { Call, SyscallError, type SyscallOutcome, type SyscallResult } from './call';
import { hostClock, toMilliseconds, type Clock } from './clock';
import { describeFault, type FaultReport, type GuestFault } from './faults';
import { FileMappings } from './file-mappings';
import { boundOutput } from './files/bounded-output';
import { DescriptorTable } from './files/descriptors';
import type { FileNode } from './files/node';
import { AT_FDCWD, ProcessFiles } from './files/process-files';
import { standardFiles } from './files/stream-file';
import { FileTree } from './files/tree';
import { FutexQueues } from './futex';
import { GuestMemory } from './guest-memory';
import { DEFAULT_GROUP, DEFAULT_USER, PROCESS_ID } from './identity';
import { DEFAULT_STACK_SIZE, ResourceLimits, type KernelLimits } from './limits';
import { MemoryAreas } from './memory-areas';
import { loadImage } from './process-image';
import { describeProcess } from './process-view';
import { buildStack, STACK_TOP, stackLimit } from './process-start';
import { mapTrampoline, TRAMPOLINE } from './signal-trampoline';
import { SignalDelivery } from './signal-delivery';
import { senderInfo, SI } from './signal-info';
import { SignalState } from './signal-state';
import { formatCall } from './strace';
import type { StandardStreams } from './streams';
import { HANDLERS } from './syscalls/handlers';
import { systemCall, systemCallName, systemCallNumber } from './syscalls/table';
import { Terminal } from './terminal';
import { Thread, Wait } from './thread';
import { SINGLE_THREAD, type ThreadHost } from './thread-host';
import { Timers } from './timers';

export interface KernelOptions {
  readonly space: AddressSpace;
  readonly streams: StandardStreams;
  /** [the host's clocks] */
  readonly clock?: Clock;
  /** Fills `bytes` with random numbers [the host's generator]. */
  readonly random?: (bytes: Uint8Array) => void;
  readonly limits?: KernelLimits;
  /** One line about something that the guest asked for and did not get. */
  readonly log?: (text: string) => void;
  /** Path of the program in the guest (AT_EXECFN, /proc/self/exe) [argv[0] made absolute]. */
  readonly path?: string;
  /** The guest's files [in memory, nothing of the host]. */
  readonly files?: FileTree;
}

/** Registers of hart 0 at the start. */
export interface ProcessStart {
  readonly pc: number;
  readonly sp: number;
  readonly program: LoadedProgram;
  /** The dynamic linker, when the program has one. */
  readonly interpreter?: LoadedProgram;
  /** The main stack, [bottom, top). */
  readonly stack: { readonly bottom: number; readonly top: number };
}

/** What a process was started with. */
export interface StartedProgram {
  readonly path: string;
  readonly node: FileNode | undefined;
  readonly args: readonly string[];
  readonly environment: readonly string[];
  readonly auxiliary: Uint8Array;
}

const NOTHING_STARTED: StartedProgram = {
  path: '',
  node: undefined,
  args: [],
  environment: [],
  auxiliary: new Uint8Array(0),
};

export interface SyscallUse {
  readonly number: number;
  readonly name: string;
  readonly count: number;
  /** False when the call is not there: it answered ENOSYS. */
  readonly known: boolean;
}

const DONE: SyscallOutcome = { kind: 'done' };
const A0 = 10;
const A7 = 17;
const TIMER_CALLS = new Set(['timer_settime', 'timer_delete'].map(systemCallNumber));
const ECALL_BYTES = 4;
/** Processor time is counted in instructions, so that it is the same in every run: 500 million a second. */
const NANOSECONDS_PER_INSTRUCTION = 2n;
/** Space between the stack and the mappings below it (the kernel's stack_guard_gap). */
const STACK_GAP = 1 << 20;

/**
 * Linux for one process: what it has open, its memory areas, signals, clocks and end. It never runs
 * guest code; the machine hands it every ecall and fault.
 */
export class LinuxKernel {
  readonly space: AddressSpace;
  readonly memory: GuestMemory;
  readonly areas: MemoryAreas;
  readonly clock: Clock;
  readonly limits: ResourceLimits;
  readonly signals: SignalState;
  readonly timers: Timers;
  readonly files: ProcessFiles;
  readonly descriptors: DescriptorTable;
  readonly mappings: FileMappings;
  readonly streams: StandardStreams;
  /** What the process was started with, for /proc. */
  started: StartedProgram = NOTHING_STARTED;
  readonly user = DEFAULT_USER;
  readonly group = DEFAULT_GROUP;
  /** Monotonic nanoseconds at the process's start. */
  startTime: bigint;
  /** Instructions retired by all harts, of which processor time is made [the main hart's]. */
  retired: () => number = () => this.mainThread?.hart.instret ?? 0;
  /** Makes and wakes harts for threads. */
  threadHost: ThreadHost = SINGLE_THREAD;
  readonly futexes = new FutexQueues((hart) => this.threadHost.wake(hart));
  /** Called when the guest asks that fetches see its stores (riscv_flush_icache): as a fence.i. */
  onFlushInstructions: (() => void) | undefined;
  /** Called with one line for each system call when it is set, as strace prints it. */
  onTrace: ((line: string) => void) | undefined;

  private readonly fill: (bytes: Uint8Array) => void;
  private readonly logLine: (text: string) => void;
  private readonly givenPath: string | undefined;
  private readonly stackSize: number;
  private readonly threads = new Map<number, Thread>();
  private nextThreadId = PROCESS_ID;
  private readonly readClock = (): number => this.now();
  private readonly delivery: SignalDelivery;
  private readonly counts = new Map<number, number>();
  private readonly unknown = new Set<number>();

  constructor(options: KernelOptions) {
    this.space = options.space;
    this.memory = new GuestMemory(options.space);
    this.areas = new MemoryAreas(options.space);
    this.clock = options.clock ?? hostClock;
    this.startTime = this.clock.monotonic();
    this.limits = new ResourceLimits(options.limits ?? {});
    this.stackSize = options.limits?.stackSize ?? DEFAULT_STACK_SIZE;
    this.fill = options.random ?? ((bytes) => void randomFillSync(bytes));
    this.logLine = options.log ?? (() => undefined);
    this.givenPath = options.path;
    this.signals = new SignalState(() => this.threads.values(), this.logLine);
    this.timers = new Timers({
      clock: this.clock,
      processorTime: (thread) => this.processorTime(thread),
      send: (info, thread) => this.signals.send(info, thread),
    });
    this.delivery = new SignalDelivery({
      memory: this.memory,
      signals: this.signals,
      trampoline: TRAMPOLINE,
      log: this.logLine,
      trace: (line) => this.onTrace?.(line),
    });
    this.streams = boundOutput(options.streams, options.limits?.outputBytes);
    this.descriptors = new DescriptorTable(() => this.limits.openFiles);
    this.mappings = new FileMappings(options.space);
    const view = describeProcess(this);
    const tree = options.files ?? new FileTree({ now: () => this.clock.realtime() });
    const { frames } = options.space.arena;
    tree.memory = () => ({
      total: options.space.arena.counts.frames * PAGE_SIZE,
      free: (options.space.arena.counts.frames - frames.used) * PAGE_SIZE,
    });
    tree.register(view);
    this.files = new ProcessFiles(tree, view);
    for (const file of standardFiles(this.streams)) this.descriptors.add(file, false);
    this.descriptors.onClose = (file) => tree.locks.descriptorClosed(file, PROCESS_ID);
    for (const stream of Object.values(options.streams)) {
      if (stream instanceof Terminal) stream.onSignal = (signal) => this.signals.raise(signal);
    }
  }

  /**
   * Loads the program into the address space and builds its stack.
   * @param args argv, argv[0] included
   * @param environment `NAME=value` strings
   * @throws ElfError when the program cannot be loaded, ProgramStartError when the arguments are too long
   */
  start(image: ElfImage, args: readonly string[], environment: readonly string[]): ProcessStart {
    const limit = stackLimit(this.stackSize);
    const path = this.givenPath ?? absolutePath(args[0] ?? '');
    const node = this.programNode(path, image);
    const { space, files, mappings } = this;
    const { program, interpreter, entry } = loadImage({
      space,
      files,
      mappings,
      image,
      path,
      node,
      limit: limit - STACK_GAP,
    });
    this.startTime = this.clock.monotonic();
    this.areas.begin(program.end, limit - STACK_GAP);
    mapTrampoline(this.space);
    const stack = buildStack(this.space, {
      program,
      ...(interpreter && { interpreterBase: interpreter.base }),
      args,
      environment,
      path,
      size: this.stackSize,
      executable: image.executableStack,
      user: this.user,
      group: this.group,
      random: this.randomBytes(16),
    });
    this.started = { path, node, args, environment, auxiliary: stack.auxiliary };
    return {
      pc: entry,
      sp: stack.sp,
      program,
      ...(interpreter && { interpreter }),
      stack: { bottom: stack.bottom, top: STACK_TOP },
    };
  }

  /** The process has ended: its files are closed, and what it stored in shared mappings reaches theirs. */
  end(): void {
    this.mappings.end();
    this.descriptors.closeAll();
    this.files.tree.unregister(PROCESS_ID);
  }

  /** The file of the program: the one at its path when that has a root, else one that shows these bytes. */
  private programNode(path: string, image: ElfImage): FileNode {
    if (this.givenPath !== undefined) {
      const { node } = this.files.find(AT_FDCWD, path);
      if (node !== undefined) return node;
    }
    return this.files.tree.provide(path, image.bytes);
  }

  /** Answers the ecall that the hart stands at. */
  syscall(hart: HartState): SyscallOutcome {
    const thread = this.thread(hart);
    const number = hart.xNumber(A7);
    const call = new Call(this, hart, thread, number);
    const trace = this.onTrace && formatCall(call, number);
    if (this.isWaiting(thread)) {
      const interruption = this.interruption(hart);
      if (interruption !== undefined) return interruption;
    } else this.beginCall(thread, number);
    const result = this.perform(call, number);
    return this.conclude(call, result, trace);
  }

  /**
   * What ends the process although it makes no system call: a signal from its terminal or the host. The
   * machine asks at the end of a quantum and before it waits.
   */
  interruption(hart: HartState): SyscallOutcome | undefined {
    this.timers.ring();
    const signal = this.signals.takeFatal(this.thread(hart));
    return signal === undefined ? undefined : { kind: 'killed', signal };
  }

  /**
   * Lets a hart that is about to run begin the handlers of pending signals. One that stands at a call that
   * waits is left alone: trying the call again sees the signal.
   * @returns how the process ends, undefined when it goes on
   */
  deliverPending(hart: HartState): SyscallOutcome | undefined {
    const thread = this.thread(hart);
    if (this.isWaiting(thread) || this.signals.pending(thread) === 0n) return undefined;
    const begun = this.delivery.deliverAll(thread);
    return typeof begun === 'number' ? undefined : begun;
  }

  /** Whether a hart that runs has a signal to handle. */
  isSignalled(hart: HartState): boolean {
    return this.signals.hasDeliverable(this.thread(hart));
  }

  /** Whether a call that a hart waits in would end because of a signal. */
  isInterrupted(hart: HartState): boolean {
    const thread = this.thread(hart);
    const awaited = this.signals.pending(thread) & (thread.wait?.awaits ?? 0n);
    if (awaited !== 0n) return true;
    return thread.wait?.interruptible === true && this.signals.hasDeliverable(thread);
  }

  /**
   * The signal of a fault of the guest's code takes its course: `handled` when its handler runs next, else how the
   * process ends.
   */
  deliverFault(hart: HartState, fault: GuestFault): 'handled' | FaultReport {
    return this.delivery.deliverFault(this.thread(hart), fault);
  }

  /** Whether an ebreak runs a handler of the process. */
  get handlesBreakpoints(): boolean {
    return this.signals.isCaught(SIGNAL.SIGTRAP);
  }

  /**
   * Whether a call with one of the numbers that `multiprocess` shares with Linux is Linux's: timer_settime and
   * timer_delete of a process that has timers.
   */
  ownsCall(number: number): boolean {
    return this.timers.used && TIMER_CALLS.has(number);
  }

  /** rt_sigreturn. */
  returnFromHandler(thread: Thread): SyscallOutcome {
    return this.delivery.return(thread);
  }

  /** Sends a signal to the process, as another one could with kill. */
  raise(signal: number): void {
    this.signals.send(senderInfo(signal, SI.USER, { pid: 0, uid: 0 }));
  }

  /** The signal that Linux sends for a fault of the guest's code, with a sentence that says what happened. */
  signalForFault(fault: GuestFault): FaultReport {
    return describeFault(fault);
  }

  /** The system calls made so far, most frequent first. */
  usage(): readonly SyscallUse[] {
    return [...this.counts]
      .map(([number, count]) => ({
        number,
        name: systemCallName(number),
        count,
        known: !this.unknown.has(number),
      }))
      .sort((a, b) => b.count - a.count || a.number - b.number);
  }

  /** Random bytes for the guest. */
  randomBytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.fill(bytes);
    return bytes;
  }

  /** Monotonic milliseconds: the time in which deadlines are given. */
  now(): number {
    return toMilliseconds(this.clock.monotonic());
  }

  /** Processor time of the process, or of one of its threads, in nanoseconds. */
  processorTime(thread?: Thread): bigint {
    const instructions = thread === undefined ? this.retired() : thread.hart.instret;
    return BigInt(instructions) * NANOSECONDS_PER_INSTRUCTION;
  }

  /** Says something about the guest in the log. */
  log(text: string): void {
    this.logLine(text);
  }

  /** A thread of the process by its id. */
  findThread(tid: number): Thread | undefined {
    return [...this.threads.values()].find((thread) => thread.tid === tid);
  }

  thread(hart: HartState): Thread {
    const known = this.threads.get(hart.mhartid);
    if (known !== undefined) return known;
    const name = programName(this.started.path);
    // The process's signals go to its first thread; harts of multiprocess only get their own.
    const isFirst = this.nextThreadId === PROCESS_ID;
    const thread = new Thread(this.nextThreadId++, name, hart, isFirst);
    this.threads.set(hart.mhartid, thread);
    return thread;
  }

  /** A thread that clone has made: it has its parent's name and signal mask. */
  addThread(hart: HartState, parent: Thread): Thread {
    const thread = new Thread(this.nextThreadId++, parent.name, hart, true);
    thread.blocked = parent.blocked;
    this.threads.set(hart.mhartid, thread);
    return thread;
  }

  /** Threads that have not ended, without the harts of multiprocess. */
  get liveThreads(): number {
    return this.listThreads().length;
  }

  /** Threads that have not ended, the first one first. */
  listThreads(): readonly Thread[] {
    const threads = [...this.threads.values()];
    return threads.filter(({ ended, takesShared }) => takesShared && !ended);
  }

  /** A hart has ended; the next one with its number is another thread. */
  endThread(hart: HartState): void {
    const thread = this.threads.get(hart.mhartid);
    if (thread) thread.ended = true;
    this.threads.delete(hart.mhartid);
  }

  private get mainThread(): Thread | undefined {
    const [first] = this.threads.values();
    return first;
  }

  /** Whether the hart stands at a call that it has been parked at. */
  private isWaiting({ wait, hart }: Thread): boolean {
    return wait !== undefined && wait.pc === hart.pc && wait.instret === hart.instret;
  }

  /** A call that was parked goes on with what it remembers; this one is new. */
  private beginCall(thread: Thread, number: number): void {
    restoreMask(thread);
    thread.wait = new Wait(thread.hart.pc, thread.hart.instret, this.readClock);
    this.counts.set(number, (this.counts.get(number) ?? 0) + 1);
  }

  private perform(call: Call, number: number): SyscallResult {
    const handler = HANDLERS.get(number);
    if (handler === undefined) {
      this.reportUnknown(number, call.hart.pc);
      return -ERRNO.ENOSYS;
    }
    try {
      return handler(call);
    } catch (error) {
      if (error instanceof SyscallError) return -error.errno;
      if (error instanceof OutOfMemory) return -ERRNO.ENOMEM;
      if (error instanceof MappingError) return -ERRNO.EINVAL;
      throw error;
    }
  }

  private conclude(
    call: Call,
    result: SyscallResult,
    trace: ((outcome: SyscallOutcome) => string) | undefined,
  ): SyscallOutcome {
    const { thread, hart } = call;
    if (typeof result === 'object' && result.kind === 'interrupted') {
      const outcome = this.delivery.interruptCall(thread, result.restarts, () => {
        if (trace) this.onTrace?.(trace(DONE));
      });
      if (outcome === undefined) return this.withTimers(result.park);
      thread.wait = undefined;
      return outcome;
    }
    if (typeof result === 'object' && result.kind === 'park') return this.withTimers(result);
    thread.wait = undefined;
    restoreMask(thread);
    if (typeof result !== 'object') setResult(hart, result);
    const outcome = this.unlessKilled(thread, typeof result === 'object' ? result : DONE);
    if (trace) this.onTrace?.(trace(outcome));
    return outcome.kind === 'done' ? this.deliverAfter(thread, outcome) : outcome;
  }

  /** A call that is done may have ended the process. */
  private unlessKilled(thread: Thread, outcome: SyscallOutcome): SyscallOutcome {
    const signal = outcome.kind === 'done' ? this.signals.takeFatal(thread) : undefined;
    return signal === undefined ? outcome : { kind: 'killed', signal };
  }

  /** Signals that came while a call was made, or by it, are delivered behind it. */
  private deliverAfter(thread: Thread, outcome: SyscallOutcome & { kind: 'done' }): SyscallOutcome {
    if (this.signals.pending(thread) === 0n) return outcome;
    if (outcome.pcSet !== true) thread.hart.pc += ECALL_BYTES;
    const begun = this.delivery.deliverAll(thread);
    return typeof begun === 'number' ? { kind: 'done', pcSet: true } : begun;
  }

  /** A hart that waits must look up when a timer expires. */
  private withTimers(park: SyscallOutcome & { kind: 'park' }): SyscallOutcome {
    const { deadline } = this.timers;
    if (deadline === undefined) return park;
    return { ...park, deadline: Math.min(park.deadline ?? Infinity, toMilliseconds(deadline)) };
  }

  private reportUnknown(number: number, pc: number): void {
    if (this.unknown.has(number)) return;
    this.unknown.add(number);
    const known = systemCall(number);
    const name =
      known === undefined ? `${number}, which Linux does not have` : `${number} (${known.name})`;
    this.log(`system call ${name} is not there: ENOSYS, first at pc 0x${pc.toString(16)}`);
  }
}

function setResult(hart: HartState, result: number | bigint): void {
  if (typeof result === 'number') hart.setXNumber(A0, result);
  else hart.setX(A0, BigInt.asUintN(64, result));
}

/** The mask that a call like rt_sigsuspend has lent goes back. */
function restoreMask(thread: Thread): void {
  if (thread.savedMask === undefined) return;
  thread.blocked = thread.savedMask;
  thread.savedMask = undefined;
}

/** The name of a process: the end of its path, as `comm` has it. */
export function programName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).slice(0, 15);
}

function absolutePath(name: string): string {
  return name.startsWith('/') ? name : `/${name.replace(/^(\.\.?\/)+/, '')}`;
}
