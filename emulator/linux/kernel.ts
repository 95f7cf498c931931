import { randomFillSync } from 'node:crypto';
import { loadElf, type LoadedProgram } from '../elf/load';
import type { ElfImage } from '../elf/parse';
import { ElfError } from '../elf/reader';
import type { HartState } from '../engine/hart-state';
import type { AddressSpace } from '../memory/address-space';
import { MappingError, OutOfMemory } from '../memory/errors';
import { ERRNO } from './abi/errno';
import { SIGNAL } from './abi/signals';
import { Call, SyscallError, type SyscallOutcome, type SyscallResult } from './call';
import { hostClock, toMilliseconds, type Clock } from './clock';
import { describeFault, type FaultReport, type GuestFault } from './faults';
import { DescriptorTable } from './files/descriptors';
import { FileTree } from './files/tree';
import { encodeText, GuestMemory } from './guest-memory';
import { DEFAULT_GROUP, DEFAULT_USER, PROCESS_ID } from './identity';
import { DEFAULT_STACK_SIZE, ResourceLimits, type KernelLimits } from './limits';
import { MemoryAreas } from './memory-areas';
import { buildStack, STACK_TOP, stackLimit } from './process-start';
import { SignalState } from './signal-state';
import { formatCall } from './strace';
import type { StandardStreams } from './streams';
import { HANDLERS } from './syscalls/handlers';
import { systemCall, systemCallName } from './syscalls/table';
import { Terminal } from './terminal';
import { Thread } from './thread';

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
}

/** Registers of hart 0 at the start. */
export interface ProcessStart {
  readonly pc: number;
  readonly sp: number;
  readonly program: LoadedProgram;
  /** The main stack, [bottom, top). */
  readonly stack: { readonly bottom: number; readonly top: number };
}

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
  readonly files: FileTree;
  readonly descriptors: DescriptorTable;
  readonly user = DEFAULT_USER;
  readonly group = DEFAULT_GROUP;
  /** umask(2). */
  fileModeMask = 0o022;
  /** Monotonic nanoseconds at the process's start. */
  startTime: bigint;
  /** Current directory, an absolute path. */
  workingDirectory = '/';
  /** The timer of setitimer(ITIMER_REAL) in monotonic nanoseconds. */
  alarm: { readonly deadline: bigint; readonly interval: bigint } | undefined;
  /** Called when the guest asks that fetches see its stores (riscv_flush_icache): as a fence.i. */
  onFlushInstructions: (() => void) | undefined;
  /** Called with one line for each system call when it is set, as strace prints it. */
  onTrace: ((line: string) => void) | undefined;

  private readonly fill: (bytes: Uint8Array) => void;
  private readonly logLine: (text: string) => void;
  private readonly givenPath: string | undefined;
  private readonly stackSize: number;
  private readonly threads = new Map<number, Thread>();
  private readonly counts = new Map<number, number>();
  private readonly unknown = new Set<number>();
  private programPath = '';
  private programBytes: Uint8Array = new Uint8Array(0);
  private args: readonly string[] = [];

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
    this.signals = new SignalState(this.logLine);
    this.files = new FileTree({
      streams: options.streams,
      fillRandom: this.fill,
      executablePath: () => this.programPath,
      executableBytes: () => this.programBytes,
      commandLine: () => encodeText(this.args.map((arg) => `${arg}\0`).join('')),
    });
    this.descriptors = new DescriptorTable(() => this.limits.openFiles);
    for (const file of this.files.standardFiles()) this.descriptors.add(file, false);
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
    if (image.interpreter !== undefined) {
      throw new ElfError(
        `dynamic programs are not supported yet: this one needs ${image.interpreter}; ` +
          'link it with -static',
      );
    }
    const limit = stackLimit(this.stackSize);
    const program = loadElf(image, this.space, { limit: limit - STACK_GAP });
    this.programPath = this.givenPath ?? absolutePath(args[0] ?? '');
    this.programBytes = image.bytes;
    this.args = args;
    this.startTime = this.clock.monotonic();
    this.areas.begin(program.end, limit - STACK_GAP);
    const stack = buildStack(this.space, {
      program,
      args,
      environment,
      path: this.programPath,
      size: this.stackSize,
      executable: image.executableStack,
      user: this.user,
      group: this.group,
      random: this.randomBytes(16),
    });
    return {
      pc: program.entry,
      sp: stack.sp,
      program,
      stack: { bottom: stack.bottom, top: STACK_TOP },
    };
  }

  /** Answers the ecall that the hart stands at. */
  syscall(hart: HartState): SyscallOutcome {
    const thread = this.thread(hart);
    const number = hart.xNumber(A7);
    this.beginWait(thread, hart, number);
    const call = new Call(this, hart, thread);
    const trace = this.onTrace && formatCall(call, number);
    const interruption = this.interruption(hart);
    if (interruption !== undefined) return interruption;
    const result = this.perform(call, number);
    const outcome = this.conclude(call, result);
    if (trace !== undefined && outcome.kind !== 'park') this.onTrace?.(trace(outcome));
    return outcome;
  }

  /**
   * What ends the process although it makes no system call: a signal from its terminal or the host. The
   * machine asks at the end of a quantum and before it waits.
   */
  interruption(hart: HartState): SyscallOutcome | undefined {
    this.ringAlarm();
    const signal = this.signals.takeFatal(this.thread(hart));
    return signal === undefined ? undefined : { kind: 'killed', signal };
  }

  /** Sends a signal to the process, as another one could with kill. */
  raise(signal: number): void {
    this.signals.raise(signal);
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

  /** Says something about the guest in the log. */
  log(text: string): void {
    this.logLine(text);
  }

  thread(hart: HartState): Thread {
    const known = this.threads.get(hart.mhartid);
    if (known !== undefined) return known;
    const name = this.programPath.slice(this.programPath.lastIndexOf('/') + 1).slice(0, 15);
    const thread = new Thread(PROCESS_ID + this.threads.size, name);
    this.threads.set(hart.mhartid, thread);
    return thread;
  }

  /** A call that was parked goes on with what it remembers; any other begins afresh. */
  private beginWait(thread: Thread, hart: HartState, number: number): void {
    const { pc, instret } = hart;
    const { wait } = thread;
    if (wait !== undefined && wait.pc === pc && wait.instret === instret) return;
    thread.wait = { pc, instret, since: this.now(), progress: 0 };
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

  private conclude(call: Call, result: SyscallResult): SyscallOutcome {
    if (typeof result === 'object') {
      if (result.kind === 'park') return this.withAlarm(result);
      call.thread.wait = undefined;
      return result;
    }
    call.thread.wait = undefined;
    call.hart.setX(A0, BigInt.asUintN(64, BigInt(result)));
    const signal = this.signals.takeFatal(call.thread);
    return signal === undefined ? DONE : { kind: 'killed', signal };
  }

  /** Sends SIGALRM when the alarm's time has come. */
  private ringAlarm(): void {
    const { alarm } = this;
    if (alarm === undefined || this.clock.monotonic() < alarm.deadline) return;
    const { interval, deadline } = alarm;
    this.alarm = interval === 0n ? undefined : { interval, deadline: deadline + interval };
    this.raise(SIGNAL.SIGALRM);
  }

  /** A hart that waits must look up when the alarm rings. */
  private withAlarm(park: SyscallOutcome & { kind: 'park' }): SyscallOutcome {
    if (this.alarm === undefined) return park;
    const rings = toMilliseconds(this.alarm.deadline);
    return { ...park, deadline: Math.min(park.deadline ?? Infinity, rings) };
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

function absolutePath(name: string): string {
  return name.startsWith('/') ? name : `/${name.replace(/^(\.\.?\/)+/, '')}`;
}
