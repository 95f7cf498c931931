import type { DebugHooks, MachineStop } from './debug/target';
import { describeAddress, type SymbolTable } from './elf/symbols';
import { QUANTUM, type Engine, type EngineStop } from './engine/engine';
import { GuestThreads } from './guest-threads';
import { noteCall, noteWait } from './hart-events';
import { Harts } from './harts';
import { instructionLength } from './isa';
import { signalName } from './linux/abi/signals';
import type { SyscallOutcome } from './linux/call';
import type { GuestFault } from './linux/faults';
import type { LinuxKernel } from './linux/kernel';
import type { AddressSpace } from './memory/address-space';
import type { Hart, StackRange } from './multiprocess/hart';
import { EXIT_STUB } from './multiprocess/start';
import { Tasks, type TaskOutcome } from './multiprocess/tasks';
import { Replays } from './replay';
import type { Interleaving } from './schedule/interleaving';

const SIGNAL_STATUS = 128;
const SIGKILL = 9;
const ECALL_BYTES = 4;
/** Events get a new host time after so many instructions: reading the clock takes as long as some hundred. */
const STAMP_AFTER = 10_000;
/** How often virtual time may jump in one run: a guest that sleeps in a loop does not keep the embedder waiting. */
const MOST_SLEEPS = 10_000;
const A0 = 10;
const A7 = 17;

export interface ExecutorOptions {
  readonly engine: Engine;
  readonly kernel: LinuxKernel;
  readonly symbols: SymbolTable;
  /** Prints for workspaces: descriptor 1 or 2. */
  readonly print: (descriptor: number, bytes: Uint8Array) => void;
  /** The main VM's space and stack. */
  readonly space: AddressSpace;
  readonly stack: StackRange;
  /** Faults and ebreak stop before their signal is delivered. */
  readonly stopAtFaults: boolean;
  /** Instructions that a vCPU of the plain multiprocess call may retire; 0 = as many as it wants. */
  readonly vcpuLimit: number;
  /** What makes the run repeatable; undefined: turns are equal, and time is the host's. */
  readonly interleaving?: Interleaving;
}

/** A fault that stopped the machine and whose signal the next run delivers. */
interface Undelivered {
  readonly hart: Hart;
  readonly fault: GuestFault;
}

/** Runs the harts of a machine on this thread: gives them turns, and serves their system calls and faults. */
export class Executor {
  readonly harts: Harts;
  readonly tasks: Tasks;
  /** How the machine ended. */
  ended: MachineStop | undefined;
  /** Brings all harts to this thread; set where other threads run some. */
  halt: () => void = () => undefined;
  /** What a debugger wants to be asked and told. */
  readonly hooks: DebugHooks = {};
  /** Called before a hart's system call is served. */
  beforeCall: (hart: Hart) => void = () => undefined;
  private readonly engine: Engine;
  private readonly kernel: LinuxKernel;
  private undelivered: Undelivered | undefined;

  constructor(private readonly options: ExecutorOptions) {
    const { engine, kernel, space, stack } = options;
    this.engine = engine;
    this.kernel = kernel;
    this.harts = new Harts(space.arena, engine, space, stack, options.interleaving?.turns);
    this.harts.onMade = (hart) => this.hooks.hartMade?.(hart);
    const replays = new Replays(engine, this.harts, (hart) => this.enter(hart));
    this.tasks = new Tasks(
      {
        createHart: (forked, forkedStack) => this.harts.create(forked, () => forkedStack),
        isAlone: (hart) => this.harts.isAlone(hart),
        endHart: (hart) => {
          this.kernel.endThread(hart.state);
          this.harts.remove(hart);
        },
        print: options.print,
        findStores: (owner, ...run) => replays.findStores(owner, ...run),
      },
      options.vcpuLimit,
    );
    kernel.retired = () => this.harts.retired;
    kernel.threadHost = new GuestThreads(this.harts);
  }

  /** Runs at most `budget` instructions in turns; `only` as in `Machine.run`. */
  run(budget: number, through: boolean, only?: Hart): MachineStop {
    const begun = this.begin();
    if (begun) return begun;
    const passing = through ? (only ?? this.harts.current) : undefined;
    const end = this.harts.retired + budget;
    const { interleaving } = this.options;
    let sleeps = 0;
    for (let first = true; this.harts.retired < end; first = false) {
      if (interleaving?.lookUp()) this.harts.retry();
      const ended = this.interrupted();
      if (ended) return ended;
      const hart = this.choose(only);
      if (!hart) {
        const waits = this.waits(only);
        if (!interleaving?.sleep(waits)) return waits;
        if (++sleeps === MOST_SLEEPS) break;
        continue;
      }
      const most = Math.min(end - this.harts.retired, interleaving?.budget ?? Infinity);
      const stop = this.runTurn(hart, most, first && hart === passing);
      if (this.ended) return this.ended;
      if (stop) return stop;
    }
    return { kind: 'fuel' };
  }

  /** What comes before any run: a fault's signal is delivered, parked harts may try again. */
  begin(): MachineStop | undefined {
    const delivered = this.deliver();
    if (this.ended) return this.ended;
    this.harts.retry();
    return delivered;
  }

  /** A signal from outside that ends the machine. One for a handler ends a hart's wait. */
  interrupted(): MachineStop | undefined {
    const { main } = this.harts;
    const interruption = this.kernel.interruption(main.state);
    if (interruption) return this.settle(main, interruption);
    for (const hart of this.harts.list()) {
      const { waiting } = hart;
      if (!waiting || waiting.ready) continue;
      if (this.kernel.isInterrupted(hart.state)) hart.waiting = undefined;
    }
    return undefined;
  }

  /**
   * Ends a hart from outside.
   * @throws Error for the main VM's: the program ends with it
   */
  endFromOutside(hart: Hart): void {
    if (hart === this.harts.main) {
      throw new Error(`Hart ${hart.index} is the program's first: stop the program instead.`);
    }
    if (hart.vcpu) this.tasks.end(hart.vcpu, { reason: 'killed', exitCode: SIGKILL });
    else this.endThread(hart);
  }

  /** Runs one hart for what is left of its turn, or less. */
  runTurn(hart: Hart, budget: number, through = false): MachineStop | undefined {
    this.enter(hart);
    const { state, vcpu } = hart;
    const end = vcpu ? undefined : this.kernel.deliverPending(state);
    if (end) return this.settle(hart, end);
    const limit = vcpu && vcpu.limit > 0 ? vcpu.limit - state.instret : Infinity;
    const before = state.instret;
    this.harts.runs(hart);
    const stop = this.engine.run(state, Math.min(budget, QUANTUM, hart.turn, limit), through);
    const ran = state.instret - before;
    if (ran > STAMP_AFTER) hart.space.arena.events.stamp();
    this.harts.ran(hart, ran);
    return this.settleStop(hart, stop);
  }

  /** What comes of an engine's stop, wherever the hart has run; nothing when it simply goes on. */
  settleStop(hart: Hart, stop: EngineStop): MachineStop | undefined {
    const result = this.handle(hart, stop);
    const { vcpu, state } = hart;
    if (vcpu && !vcpu.status && vcpu.limit > 0 && state.instret >= vcpu.limit) {
      this.tasks.end(vcpu, { reason: 'limit' });
    }
    return result ?? this.eventStop(hart);
  }

  /** What has happened to the hart when a debugger waits for it. */
  private eventStop(hart: Hart): MachineStop | undefined {
    const stop = hart.space.arena.events.takeStop(hart.index);
    return stop && { kind: 'event', ...stop };
  }

  /** Points engine and kernel at a hart. */
  enter(hart: Hart): void {
    this.harts.enter(hart);
    this.kernel.memory.use(hart.space);
  }

  /**
   * A thread of the guest is about to run elsewhere: its pending signals begin their handlers.
   * @returns how one of them ends the machine
   */
  prepare(hart: Hart): MachineStop | undefined {
    this.serve(hart);
    const end = this.kernel.deliverPending(hart.state);
    return end && this.settle(hart, end);
  }

  /** Whether a thread of the guest that runs elsewhere has a signal to handle. */
  isSignalled(hart: Hart): boolean {
    return !hart.vcpu && this.kernel.isSignalled(hart.state);
  }

  /** Lets the kernel work for a hart that runs elsewhere. */
  serve(hart: Hart): void {
    hart.space.hart = hart.index;
    this.kernel.memory.use(hart.space);
  }

  /** Harts whose wait is over become runnable. */
  endWaits(): void {
    this.harts.endWaits(() => this.kernel.now());
  }

  finish(stop: MachineStop): MachineStop {
    if (!this.ended) {
      this.ended = stop;
      this.halt();
      const { main } = this.harts;
      main.space.arena.events.emit(main.index, 'end', 0, 0, 'status' in stop ? stop.status : 0);
      this.tasks.endAll();
      this.kernel.end();
    }
    return this.ended;
  }

  /** Milliseconds until the first wait ends by itself; infinite when none does. */
  untilDeadline(): number {
    const deadlines = this.harts.list().map(({ waiting }) => waiting?.deadline ?? Infinity);
    return Math.min(...deadlines) - this.kernel.now();
  }

  /** No hart can run: what they wait for, and until when. */
  waits(only?: Hart): MachineStop & { readonly kind: 'waiting' } {
    const waiting = (only ? [only] : this.harts.list()).flatMap((hart) => hart.waiting ?? []);
    const deadlines = waiting.flatMap(({ deadline }) => deadline ?? []);
    const outside =
      waiting.find((wait) => wait.shared) ?? waiting.find((wait) => !wait.ready) ?? waiting[0];
    return {
      kind: 'waiting',
      reason: outside?.reason ?? 'nothing',
      ...(deadlines.length > 0 && { deadline: Math.min(...deadlines) }),
    };
  }

  /** The hart to run now. */
  private choose(only: Hart | undefined): Hart | undefined {
    const now = (): number => this.kernel.now();
    return only ? this.harts.focus(only, now) : this.harts.next(now);
  }

  private handle(hart: Hart, stop: EngineStop): MachineStop | undefined {
    const { pc } = hart.state;
    switch (stop.kind) {
      case 'fuel':
        return undefined;
      case 'ecall':
        return this.ecall(hart);
      case 'breakpoint':
        return { kind: 'breakpoint', address: pc };
      case 'watch':
        return stop;
      case 'ebreak':
        return this.fault(hart, { kind: 'breakpoint', pc });
      case 'illegal': {
        const size = instructionLength(stop.bits);
        return this.fault(hart, { kind: 'illegal', pc, bits: stop.bits, size });
      }
      case 'misaligned':
        return this.fault(hart, { kind: 'misaligned', pc, address: stop.address });
      case 'event':
        return undefined;
      case 'fault':
        if (hart.vcpu && pc === EXIT_STUB) {
          this.tasks.end(hart.vcpu, { reason: 'returned' });
          return undefined;
        }
        return this.fault(hart, { ...stop.fault, pc });
    }
  }

  private ecall(hart: Hart): MachineStop | undefined {
    if (this.hooks.stopsAtCall?.(hart) === true) return this.callStop(hart);
    this.beforeCall(hart);
    this.harts.observer?.calls(hart);
    hart.space.arena.events.stamp();
    const number = hart.state.xNumber(A7);
    const isLinux = this.kernel.ownsCall(number);
    const outcome = isLinux ? undefined : this.tasks.syscall(hart);
    if (outcome) {
      this.settleTask(hart, outcome, number);
      return undefined;
    }
    const inside = this.inWorkspace(hart);
    return this.settle(hart, inside ?? this.kernel.syscall(hart.state), number);
  }

  private callStop(hart: Hart): MachineStop {
    this.harts.current = hart;
    return { kind: 'syscall', number: hart.state.xNumber(A7) };
  }

  /** A vCPU in a workspace is served by it; undefined: by Linux. */
  private inWorkspace(hart: Hart): SyscallOutcome | undefined {
    const { vcpu } = hart;
    const outcome = vcpu?.task.workspaces?.syscall(hart, vcpu);
    if (outcome?.kind !== 'done') return undefined;
    hart.state.setX(A0, BigInt.asUintN(64, BigInt(outcome.value)));
    return { kind: 'done' };
  }

  /** @param number of the call that it is the outcome of */
  private settle(hart: Hart, outcome: SyscallOutcome, number = 0): MachineStop | undefined {
    switch (outcome.kind) {
      case 'done':
        noteCall(hart, number, outcome.pcSet !== true);
        this.harts.count(hart, 1);
        if (outcome.pcSet !== true) hart.state.pc += ECALL_BYTES;
        hart.state.clearReservation();
        this.harts.noteCall();
        this.harts.observer?.returned(hart);
        return undefined;
      case 'park':
        hart.waiting = {
          reason: outcome.reason,
          deadline: outcome.deadline,
          shared: outcome.reason === 'input' || outcome.reason === 'output',
        };
        noteWait(hart, number);
        return undefined;
      case 'thread-ended':
        this.harts.count(hart, 1);
        this.endThread(hart);
        return undefined;
      case 'exit':
        this.harts.count(hart, 1);
        return this.endHart(hart, { kind: 'exited', status: outcome.status });
      case 'killed': {
        const message = `ended by ${signalName(outcome.signal)}`;
        return this.endHart(hart, killed(outcome.signal, message), outcome.signal);
      }
    }
  }

  private settleTask(hart: Hart, outcome: TaskOutcome, number: number): void {
    switch (outcome.kind) {
      case 'done':
        hart.state.setX(A0, BigInt.asUintN(64, outcome.value));
        noteCall(hart, number);
        this.harts.count(hart, 1);
        hart.state.pc += ECALL_BYTES;
        this.harts.observer?.returned(hart);
        return;
      case 'wait':
        hart.waiting = outcome.waiting;
        noteWait(hart, number);
        return;
      case 'end':
        this.harts.count(hart, 1);
        if (hart.vcpu) this.tasks.end(hart.vcpu, { reason: 'returned' });
    }
  }

  /** The main VM's hart stays after its thread: the process lives until the last one ends. */
  private endThread(hart: Hart): void {
    if (hart === this.harts.main) {
      hart.waiting = { reason: 'its threads', ready: () => undefined };
      return;
    }
    hart.ended = true;
    hart.space.arena.events.emit(hart.index, 'end', 0, 0, 0);
    this.kernel.endThread(hart.state);
    this.harts.remove(hart);
  }

  /** A vCPU's end is its own; the main VM's is the machine's. */
  private endHart(hart: Hart, stop: MachineStop, signal = 0): MachineStop | undefined {
    if (!hart.vcpu) return this.finish(stop);
    if (stop.kind === 'exited') {
      this.tasks.end(hart.vcpu, { reason: 'exited', exitCode: stop.status });
    } else this.tasks.end(hart.vcpu, { reason: 'killed', exitCode: signal });
    return undefined;
  }

  private fault(hart: Hart, fault: GuestFault): MachineStop | undefined {
    if (!this.options.stopAtFaults) return this.kill(hart, fault);
    this.undelivered = { hart, fault };
    this.harts.current = hart;
    if (fault.kind === 'breakpoint') return { kind: 'ebreak', address: fault.pc };
    const { signal, message, address } = this.kernel.signalForFault(fault);
    return { kind: 'fault', signal: signalName(signal), message, address };
  }

  /** The signal of a fault that stopped the machine takes its course now. */
  private deliver(): MachineStop | undefined {
    const { undelivered } = this;
    if (!undelivered) return undefined;
    this.undelivered = undefined;
    const { hart, fault } = undelivered;
    if (hart.ended) return undefined;
    // After an ebreak a debugger goes on behind it, unless the program handles it.
    if (fault.kind !== 'breakpoint' || this.kernel.handlesBreakpoints)
      return this.kill(hart, fault);
    const low = hart.space.readU16(hart.state.pc) ?? 0;
    hart.state.pc += instructionLength(low);
    this.harts.count(hart, 1);
    return undefined;
  }

  private kill(hart: Hart, fault: GuestFault): MachineStop | undefined {
    const { signal, message, address } = this.kernel.signalForFault(fault);
    if (hart.vcpu) {
      const reason = VCPU_REASONS[fault.kind] ?? 'fault';
      this.tasks.end(hart.vcpu, { reason, address, exitCode: signal });
      return undefined;
    }
    this.kernel.memory.use(hart.space);
    if (this.kernel.deliverFault(hart.state, fault) === 'handled') return undefined;
    const { symbols } = this.options;
    const place = symbols.functionAt(fault.pc);
    const where = place ? `, in ${describeAddress(symbols, fault.pc)}` : '';
    return this.finish(killed(signal, message + where));
  }
}

/** How a fault is called in a vCPU's status; what is not here is a `fault`. */
const VCPU_REASONS: Partial<Record<GuestFault['kind'], 'illegal' | 'killed'>> = {
  illegal: 'illegal',
  breakpoint: 'killed',
};

function killed(signal: number, message: string): MachineStop {
  return { kind: 'killed', signal: signalName(signal), status: SIGNAL_STATUS + signal, message };
}
