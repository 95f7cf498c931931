import type { ElfImage } from '../elf/parse';
import type { HartState } from '../engine/hart-state';
import type { AddressSpace } from '../memory/address-space';
import { SIGNAL } from './abi/signals';
import type { SyscallOutcome } from './call';
import type { SyscallUse } from './call-counts';
import type { Clock } from './clock';
import type { FaultReport, GuestFault } from './faults';
import type { FileMappings } from './file-mappings';
import { DescriptorTable } from './files/descriptors';
import type { FileNode, ProcessView } from './files/node';
import { AT_FDCWD, ProcessFiles } from './files/process-files';
import { standardFiles } from './files/stream-file';
import { futexKey, type FutexQueues } from './futex';
import { GuestMemory } from './guest-memory';
import { DEFAULT_GROUP, DEFAULT_USER } from './identity';
import { ResourceLimits } from './limits';
import type { MemoryAreas } from './memory-areas';
import { endProcess } from './process-end';
import type { ProcessHost } from './process-host';
import { ProcessMemory, type ProcessStart, type StartedProgram } from './process-memory';
import { programName, startProgram } from './program-start';
import { ProcessState, type ProcessEnd } from './process-state';
import { KernelView } from './process-view';
import { TRAMPOLINE } from './signal-trampoline';
import { SignalDelivery } from './signal-delivery';
import { senderInfo, SI } from './signal-info';
import { SignalState } from './signal-state';
import type { StandardStreams } from './streams';
import { SystemCalls } from './system-calls';
import { systemCallNumber } from './syscalls/table';
import { LinuxSystem, type SystemOptions } from './system';
import type { Thread } from './thread';
import { ThreadTable } from './thread-table';
import { Timers } from './timers';

export interface KernelOptions extends SystemOptions {
  readonly space: AddressSpace;
  /** Path of the program in the guest (AT_EXECFN, /proc/self/exe) [argv[0] made absolute]. */
  readonly path?: string;
}

/** What a child process begins with. */
interface Origin {
  readonly parent: LinuxKernel;
  readonly memory: ProcessMemory;
  /** Sent to the parent when it ends; 0 = none. */
  readonly exitSignal: number;
  /** Of another machine, where it is nobody's child [the parent's]. */
  readonly system?: LinuxSystem;
}

const TIMER_CALLS = new Set(['timer_settime', 'timer_delete'].map(systemCallNumber));
/** Processor time is counted in instructions, so that it is the same in every run: 500 million a second. */
const NANOSECONDS_PER_INSTRUCTION = 2n;
/**
 * Linux for one process: what it has open, its memory areas, signals, clocks and end. It never runs
 * guest code; the machine hands it every ecall and fault. What processes share is in `system`.
 */
export class LinuxKernel {
  readonly system: LinuxSystem;
  readonly pid: number;
  readonly state: ProcessState;
  readonly memory: GuestMemory;
  readonly limits: ResourceLimits;
  readonly signals: SignalState;
  readonly files: ProcessFiles;
  readonly descriptors: DescriptorTable;
  readonly threads: ThreadTable;
  /** Shown by /proc. */
  readonly view: ProcessView = new KernelView(this);
  timers: Timers;
  readonly user = DEFAULT_USER;
  readonly group: number = DEFAULT_GROUP;
  /** Monotonic nanoseconds at the process's start. */
  startTime: bigint;
  /** Instructions retired by all harts of the process, of which processor time is made [the first hart's]. */
  retired: () => number = () => this.threads.first?.hart.instret ?? 0;
  /** Called when the guest asks that fetches see its stores (riscv_flush_icache): as a fence.i. */
  onFlushInstructions: (() => void) | undefined;
  /** Called when the process has another program (execve). */
  onProgram: (() => void) | undefined;
  /** Called when the process has mapped a file with code: a shared library. */
  onLibrary: (() => void) | undefined;

  private mm: ProcessMemory;
  private readonly givenPath: string | undefined;
  private readonly delivery: SignalDelivery;
  private readonly calls: SystemCalls;

  /** @param options of the first process, or where a child comes from */
  constructor(options: KernelOptions | Origin) {
    const origin = 'parent' in options ? options : undefined;
    const parent = origin?.parent;
    this.mm = 'parent' in options ? options.memory : new ProcessMemory(options.space);
    this.system =
      'parent' in options
        ? (options.system ?? options.parent.system)
        : new LinuxSystem(options, options.space.arena);
    const { system } = this;
    this.givenPath = 'parent' in options ? undefined : options.path;
    this.pid = system.processes.allocateId();
    this.state = new ProcessState(
      this,
      origin?.system ? undefined : parent,
      origin?.exitSignal ?? 0,
    );
    this.memory = new GuestMemory(this.mm.space);
    this.startTime = this.clock.monotonic();
    this.limits =
      'parent' in options
        ? options.parent.limits.copy()
        : ResourceLimits.create(options.limits ?? {});
    this.threads = new ThreadTable({
      pid: this.pid,
      allocateId: () => system.processes.allocateId(),
      name: () => programName(this.started.path),
    });
    this.signals = new SignalState(() => this.threads.all(), this.state);
    if (parent) this.signals.copyActions(parent.signals);
    this.timers = this.makeTimers();
    this.delivery = new SignalDelivery({
      memory: this.memory,
      signals: this.signals,
      trampoline: TRAMPOLINE,
      log: system.log,
      trace: (line) => system.trace(this.pid, line),
    });
    this.calls = new SystemCalls(this, this.delivery);
    this.files = parent ? parent.files.copy(this.view) : new ProcessFiles(system.tree, this.view);
    const openFiles = (): number => this.limits.openFiles;
    this.descriptors = parent ? parent.descriptors.copy(openFiles) : new DescriptorTable(openFiles);
    if (!parent) for (const file of standardFiles(this.streams)) this.descriptors.add(file, false);
    this.descriptors.onClose = (file) => system.tree.locks.descriptorClosed(file, this.pid);
    system.processes.add(this);
    system.tree.register(this.view);
  }

  get space(): AddressSpace {
    return this.mm.space;
  }

  get areas(): MemoryAreas {
    return this.mm.areas;
  }

  get mappings(): FileMappings {
    return this.mm.mappings;
  }

  /** What the process was started with, for /proc. */
  get started(): StartedProgram {
    return this.mm.started;
  }

  /** What the process has in memory. */
  get processMemory(): ProcessMemory {
    return this.mm;
  }

  get clock(): Clock {
    return this.system.clock;
  }

  get streams(): StandardStreams {
    return this.system.streams;
  }

  get futexes(): FutexQueues {
    return this.system.futexes;
  }

  /** Makes, wakes and stops harts. */
  get host(): ProcessHost {
    return this.system.host;
  }

  /** Called with one line for each system call when it is set, as strace prints it. */
  get onTrace(): ((line: string) => void) | undefined {
    return this.system.onTrace;
  }

  set onTrace(trace: ((line: string) => void) | undefined) {
    this.system.onTrace = trace;
  }

  /**
   * Loads the program into the address space and builds its stack.
   * @param args argv, argv[0] included
   * @param environment `NAME=value` strings
   * @throws ElfError when the program cannot be loaded, ProgramStartError when the arguments are too long
   */
  start(image: ElfImage, args: readonly string[], environment: readonly string[]): ProcessStart {
    const path = this.givenPath ?? absolutePath(args[0] ?? '');
    const node = this.programNode(path, image);
    const start = startProgram(this, this.mm, { image, path, node, args, environment });
    this.startTime = this.clock.monotonic();
    return start;
  }

  /** A child process in `memory`; its hart and first thread are made by whoever asks for it. */
  fork(memory: ProcessMemory, exitSignal: number): LinuxKernel {
    return new LinuxKernel({ parent: this, memory, exitSignal });
  }

  /** The first process of another machine, in `memory`, with copies of this one's descriptors. */
  forkMachine(memory: ProcessMemory, system: LinuxSystem): LinuxKernel {
    return new LinuxKernel({ parent: this, memory, exitSignal: 0, system });
  }

  /**
   * The process has another program from now on (execve): what does not outlive that is gone.
   * @param thread makes the call; it is the only one that lives on, as the process's first
   * @returns the hart that runs the program
   */
  replaceProgram(memory: ProcessMemory, thread: Thread): HartState {
    const { descriptors, signals, threads } = this;
    const former = this.mm;
    const hart = this.host.replace(this, memory.space);
    // The first thread's hart goes on; another one that has called leaves it what it has blocked.
    const first = threads.of(hart);
    first.blocked = thread.blocked;
    first.begin(programName(memory.started.path));
    threads.keepOnly(first);
    this.mm = memory;
    this.memory.use(memory.space);
    former.release();
    descriptors.closeForExec();
    signals.reset();
    this.timers = this.makeTimers(this.timers);
    this.state.hasProgram();
    this.onProgram?.();
    return hart;
  }

  /** The process has ended: its files are closed, and what it stored in shared mappings reaches theirs. */
  end(how: ProcessEnd = { kind: 'exited', status: 0 }): void {
    endProcess(this, how);
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
    return this.calls.answer(hart);
  }

  /**
   * What ends the process although it makes no system call: a signal from its terminal or the host. The
   * machine asks at the end of a quantum and before it waits.
   */
  interruption(hart: HartState): SyscallOutcome | undefined {
    this.timers.ring();
    const signal = this.state.takeSignal(this.thread(hart));
    return signal === undefined ? undefined : { kind: 'killed', signal };
  }

  /**
   * Lets a hart that is about to run begin the handlers of pending signals. One that stands at a call that
   * waits is left alone: trying the call again sees the signal.
   * @returns how the process ends, undefined when it goes on
   */
  deliverPending(hart: HartState): SyscallOutcome | undefined {
    const thread = this.thread(hart);
    if (!this.signals.hasPending(thread) || thread.isWaiting) return undefined;
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

  /** The system calls that all processes have made so far, most frequent first. */
  usage(): readonly SyscallUse[] {
    return this.system.calls.list();
  }

  /** Random bytes for the guest. */
  randomBytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.system.fillRandom(bytes);
    return bytes;
  }

  /** Monotonic milliseconds: the time in which deadlines are given. */
  now(): number {
    return this.system.now();
  }

  /** Processor time of the process, or of one of its threads, in nanoseconds. */
  processorTime(thread?: Thread): bigint {
    const instructions = thread === undefined ? this.retired() : thread.hart.instret;
    return BigInt(instructions) * NANOSECONDS_PER_INSTRUCTION;
  }

  /** Processor time of the children that were waited for, and of theirs, in nanoseconds. */
  childrenTime(): bigint {
    return BigInt(this.state.childInstructions) * NANOSECONDS_PER_INSTRUCTION;
  }

  /** Says something about the guest in the log. */
  log(text: string): void {
    this.system.log(text);
  }

  /** Key of the futex at an address: memory that processes share has the same one for all of them. */
  futexKey(address: number): number {
    return futexKey(this.mm, address);
  }

  /** A thread of the process by its id. */
  findThread(tid: number): Thread | undefined {
    return this.threads.find(tid);
  }

  thread(hart: HartState): Thread {
    return this.threads.of(hart);
  }

  /** A thread that clone has made: it has its parent's name and signal mask. */
  addThread(hart: HartState, tid: number, parent: Thread): Thread {
    return this.threads.add(hart, tid, parent);
  }

  /** Threads that have not ended, without the harts of multiprocess. */
  get liveThreads(): number {
    return this.listThreads().length;
  }

  /** Threads that have not ended, the first one first. */
  listThreads(): readonly Thread[] {
    return this.threads.live();
  }

  /** A hart has ended; the next one with its number is another thread. */
  endThread(hart: HartState): void {
    this.threads.end(hart);
  }

  /** @param former whose interval timers go on (execve) */
  private makeTimers(former?: Timers): Timers {
    return new Timers(
      {
        clock: this.clock,
        processorTime: (thread) => this.processorTime(thread),
        send: (info, thread) => this.signals.send(info, thread),
      },
      former,
    );
  }
}

function absolutePath(name: string): string {
  return name.startsWith('/') ? name : `/${name.replace(/^(\.\.?\/)+/, '')}`;
}
