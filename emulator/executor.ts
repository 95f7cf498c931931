import type { DebugHooks, MachineStop } from './debug/target';
import { describeAddress } from './elf/symbols';
import { QUANTUM, type Engine, type EngineStop } from './engine/engine';
import type { Engines } from './engines';
import type { TableHolders } from './family';
import { GuestProcess } from './guest-process';
import { GuestProcesses } from './guest-processes';
import { noteCall, noteWait } from './hart-events';
import { Harts } from './harts';
import { instructionLength } from './isa';
import { signalName } from './linux/abi/signals';
import type { SyscallOutcome } from './linux/call';
import { describeFault, type GuestFault } from './linux/faults';
import type { LinuxKernel } from './linux/kernel';
import type { ProcessEnd } from './linux/process-state';
import type { LinuxSystem } from './linux/system';
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
/** A hart that is alone goes on after its system calls for so many instructions, then timers and signals are looked at. */
const LOOK_AFTER = 10_000;
/** How often virtual time may jump in one run: a guest that sleeps in a loop does not keep the embedder waiting. */
const MOST_SLEEPS = 10_000;
const A0 = 10;
const A7 = 17;

export interface ExecutorOptions {
  readonly tables: TableHolders;
  readonly engines: Engines;
  /** The first process's. */
  readonly kernel: LinuxKernel;
  /** Prints for workspaces: descriptor 1 or 2. */
  readonly print: (descriptor: number, bytes: Uint8Array) => void;
  /** The main VM's stack. */
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
  readonly processes: GuestProcesses;
  /** How the machine ended. */
  ended: MachineStop | undefined;
  /** Gives back frames that are kept for speed only; false when there are none. */
  reclaim: () => boolean = () => false;
  /** Brings all harts to this thread; set where other threads run some. */
  halt: () => void = () => undefined;
  /** What a debugger wants to be asked and told. */
  readonly hooks: DebugHooks = {};
  /** Called before a hart's system call is served. */
  beforeCall: (hart: Hart) => void = () => undefined;
  private readonly system: LinuxSystem;
  private readonly readClock = (): number => this.system.now();
  /** How the first process has ended, while others still run. */
  private conclusion: MachineStop | undefined;
  private undelivered: Undelivered | undefined;

  constructor(private readonly options: ExecutorOptions) {
    const { engines, kernel, stack } = options;
    this.system = kernel.system;
    const leader = new GuestProcess(kernel);
    this.harts = new Harts(
      leader.space.arena,
      {
        engineOf: (hart) => engines.of(hart.owner.space),
        spaceEnds: (space) => engines.release(space),
        tables: options.tables,
      },
      leader,
      stack,
      options.interleaving?.turns,
    );
    leader.main = this.harts.main;
    this.harts.onMade = (hart) => this.hooks.hartMade?.(hart);
    const engineOf = ({ owner }: Hart): Engine => engines.of(owner.space);
    const replays = new Replays(engineOf, this.harts, (hart) => this.enter(hart));
    this.processes = new GuestProcesses(
      { harts: this.harts, engines, endTasks: (process) => this.tasks.endAll(process) },
      leader,
    );
    this.tasks = new Tasks(
      {
        createHart: (forked, forkedStack, { owner }) =>
          this.harts.create(forked, () => forkedStack, owner),
        isAlone: (hart) => this.harts.isAlone(hart),
        endHart: (hart) => {
          this.kernelOf(hart).endThread(hart.state);
          this.harts.remove(hart);
        },
        print: options.print,
        findStores: (owner, ...run) => replays.findStores(owner, ...run),
      },
      options.vcpuLimit,
    );
    this.system.host = this.processes;
  }

  /** The kernel of the process that a hart belongs to. */
  private kernelOf(hart: Hart): LinuxKernel {
    return this.processes.of(hart).kernel;
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
        const over = only ? undefined : this.leaveOrphans(waits);
        if (over) return over;
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
    this.harts.main.space.arena.events.stamp();
    const delivered = this.deliver();
    if (this.ended) return this.ended;
    this.harts.retry();
    return delivered;
  }

  /** Signals that end, stop or continue a process although it makes no call. One for a handler ends a hart's wait. */
  interrupted(): MachineStop | undefined {
    for (const { kernel, main } of this.processes.list()) {
      const interruption = kernel.interruption(main.state);
      const stop = interruption && this.settle(main, interruption);
      if (stop) return stop;
    }
    for (const hart of this.harts.list()) {
      const { waiting } = hart;
      if (!waiting || waiting.ready || hart.ended) continue;
      if (this.kernelOf(hart).isInterrupted(hart.state)) hart.waiting = undefined;
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
    const end = vcpu ? undefined : this.kernelOf(hart).deliverPending(state);
    if (end) return this.settle(hart, end);
    const signalled = this.eventStop(hart);
    if (signalled) {
      this.harts.current = hart;
      return signalled;
    }
    if (!hart.runnable) return undefined;
    const limit = vcpu && vcpu.limit > 0 ? vcpu.limit - state.instret : Infinity;
    const engine = this.options.engines.of(hart.owner.space);
    const { space } = hart;
    const start = state.instret;
    const most = Math.min(budget, QUANTUM, hart.turn, limit);
    for (let ran = 0; ; ran = state.instret - start) {
      const stop = this.runOn(hart, engine, most - ran, through && ran === 0);
      const result = this.settleStop(hart, stop);
      if (result || stop.kind !== 'ecall' || state.instret - start >= Math.min(most, LOOK_AFTER)) {
        return result;
      }
      if (hart.space !== space || !this.goesOn(hart, engine)) return undefined;
    }
  }

  private runOn(hart: Hart, engine: Engine, most: number, through: boolean): EngineStop {
    const { state } = hart;
    const before = state.instret;
    this.harts.runs(hart);
    const stop = engine.run(state, most, through);
    const ran = state.instret - before;
    if (ran > STAMP_AFTER) hart.space.arena.events.stamp();
    this.harts.ran(hart, ran);
    return stop;
  }

  /**
   * Whether a hart whose system call is done goes on at once, as it was entered: there is no other one that could have
   * a turn or be told about, and the engine is still its own.
   */
  private goesOn(hart: Hart, engine: Engine): boolean {
    const { harts, options } = this;
    if (harts.list().length > 1 || !hart.runnable || this.ended || hart.turn <= 0) return false;
    if (options.interleaving || harts.observer || hart.vcpu) return false;
    return options.engines.of(hart.owner.space) === engine;
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
    this.kernelOf(hart).memory.use(hart.space);
  }

  /**
   * A thread of the guest is about to run elsewhere: its pending signals begin their handlers.
   * @returns how one of them ends the machine, or that a debugger waits for them
   */
  prepare(hart: Hart): MachineStop | undefined {
    this.serve(hart);
    const end = this.kernelOf(hart).deliverPending(hart.state);
    const stop = end ? this.settle(hart, end) : this.eventStop(hart);
    if (stop) this.harts.current = hart;
    return stop;
  }

  /** Whether a thread of the guest that runs elsewhere has a signal to handle. */
  isSignalled(hart: Hart): boolean {
    return !hart.vcpu && this.kernelOf(hart).isSignalled(hart.state);
  }

  /** Lets the kernel work for a hart that runs elsewhere. */
  serve(hart: Hart): void {
    hart.space.hart = hart.index;
    this.kernelOf(hart).memory.use(hart.space);
  }

  /** Harts whose wait is over become runnable. */
  endWaits(): void {
    this.harts.endWaits(this.readClock);
  }

  finish(stop: MachineStop): MachineStop {
    if (!this.ended) {
      this.ended = stop;
      this.halt();
      const { main } = this.harts;
      main.space.arena.events.emit(main.index, 'end', 0, 0, 'status' in stop ? stop.status : 0);
      for (const process of this.processes.list()) this.endKernel(process, KILLED);
    }
    return this.ended;
  }

  /** Milliseconds until the first wait ends by itself; infinite when none does. */
  untilDeadline(): number {
    const deadlines = this.harts
      .list()
      .map(({ waiting, ended, stopped }) => (ended || stopped ? undefined : waiting?.deadline));
    return Math.min(...deadlines.map((deadline) => deadline ?? Infinity)) - this.system.now();
  }

  /**
   * A process has ended. The machine's end is that of the first one; its orphans run on before, as long as one of
   * them can.
   */
  private endProcess(
    process: GuestProcess,
    how: ProcessEnd,
    stop: MachineStop,
  ): MachineStop | undefined {
    const { processes } = this;
    if (process === processes.leader) {
      this.halt();
      this.conclusion = stop;
    }
    this.endKernel(process, how);
    processes.end(process);
    const { conclusion } = this;
    return conclusion && processes.list().length === 0 ? this.finish(conclusion) : undefined;
  }

  /** The first process has ended, and its orphans wait for what nobody will do: nothing but the end is left. */
  leaveOrphans({ deadline }: { readonly deadline?: number }): MachineStop | undefined {
    const { conclusion } = this;
    return conclusion && deadline === undefined ? this.finish(conclusion) : undefined;
  }

  private endKernel(process: GuestProcess, how: ProcessEnd): void {
    this.tasks.endAll(process);
    process.kernel.end(how);
  }

  /** No hart can run: what they wait for, and until when. */
  waits(only?: Hart): MachineStop & { readonly kind: 'waiting' } {
    const harts = (only ? [only] : this.harts.list()).filter(
      ({ ended, stopped }) => !ended && !stopped,
    );
    const waiting = harts.flatMap((hart) => hart.waiting ?? []);
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
    return only ? this.harts.focus(only, this.readClock) : this.harts.next(this.readClock);
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
        // With more room the access is tried again.
        if (stop.fault.kind === 'out-of-memory' && this.reclaim()) return undefined;
        return this.fault(hart, { ...stop.fault, pc });
    }
  }

  private ecall(hart: Hart): MachineStop | undefined {
    if (this.hooks.stopsAtCall?.(hart) === true) return this.callStop(hart);
    this.beforeCall(hart);
    this.harts.observer?.calls(hart);
    hart.space.arena.events.stampSometimes();
    const number = hart.state.xNumber(A7);
    const kernel = this.kernelOf(hart);
    const isLinux = kernel.ownsCall(number);
    const outcome = isLinux ? undefined : this.tasks.syscall(hart);
    if (outcome) {
      this.settleTask(hart, outcome, number);
      return undefined;
    }
    const inside = this.inWorkspace(hart);
    return this.settle(hart, inside ?? kernel.syscall(hart.state), number);
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
        return this.endHart(hart, outcome, { kind: 'exited', status: outcome.status });
      case 'killed': {
        const message = `ended by ${signalName(outcome.signal)}`;
        return this.endHart(hart, outcome, killed(outcome.signal, message));
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

  /** The first thread's hart stays after its thread: the process lives until the last one ends. */
  private endThread(hart: Hart): void {
    if (hart === this.processes.of(hart).main) {
      hart.waiting = { reason: 'its threads', ready: () => undefined };
      return;
    }
    hart.ended = true;
    hart.space.arena.events.emit(hart.index, 'end', 0, 0, 0);
    this.kernelOf(hart).endThread(hart.state);
    this.harts.remove(hart);
  }

  /** A vCPU's end is its own; any other hart's is its process's. */
  private endHart(
    hart: Hart,
    outcome: SyscallOutcome & { kind: 'exit' | 'killed' },
    stop: MachineStop,
  ): MachineStop | undefined {
    const { vcpu } = hart;
    if (!vcpu) {
      const how: ProcessEnd =
        outcome.kind === 'exit' ? { kind: 'exited', status: outcome.status } : outcome;
      return this.endProcess(this.processes.of(hart), how, stop);
    }
    if (outcome.kind === 'exit') {
      this.tasks.end(vcpu, { reason: 'exited', exitCode: outcome.status });
    } else this.tasks.end(vcpu, { reason: 'killed', exitCode: outcome.signal });
    return undefined;
  }

  private fault(hart: Hart, fault: GuestFault): MachineStop | undefined {
    if (!this.options.stopAtFaults) return this.kill(hart, fault);
    this.undelivered = { hart, fault };
    this.harts.current = hart;
    if (fault.kind === 'breakpoint') return { kind: 'ebreak', address: fault.pc };
    const { signal, message, address } = describeFault(fault);
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
    if (fault.kind !== 'breakpoint' || this.kernelOf(hart).handlesBreakpoints) {
      // Its handler may begin instead.
      const stop = this.kill(hart, fault) ?? this.eventStop(hart);
      if (stop) this.harts.current = hart;
      return stop;
    }
    const low = hart.space.readU16(hart.state.pc) ?? 0;
    hart.state.pc += instructionLength(low);
    this.harts.count(hart, 1);
    return undefined;
  }

  private kill(hart: Hart, fault: GuestFault): MachineStop | undefined {
    const { signal, message, address } = describeFault(fault);
    if (hart.vcpu) {
      const reason = VCPU_REASONS[fault.kind] ?? 'fault';
      this.tasks.end(hart.vcpu, { reason, address, exitCode: signal });
      return undefined;
    }
    const process = this.processes.of(hart);
    const { kernel } = process;
    kernel.memory.use(hart.space);
    if (kernel.deliverFault(hart.state, fault) === 'handled') return undefined;
    // Only the first process's end is told with words: that of others is for who waits for them.
    const symbols = process === this.processes.leader ? process.symbols : undefined;
    const where = symbols?.functionAt(fault.pc) ? `, in ${describeAddress(symbols, fault.pc)}` : '';
    return this.endProcess(process, { kind: 'killed', signal }, killed(signal, message + where));
  }
}

const KILLED: ProcessEnd = { kind: 'killed', signal: SIGKILL };

/** How a fault is called in a vCPU's status; what is not here is a `fault`. */
const VCPU_REASONS: Partial<Record<GuestFault['kind'], 'illegal' | 'killed'>> = {
  illegal: 'illegal',
  breakpoint: 'killed',
};

function killed(signal: number, message: string): MachineStop {
  return { kind: 'killed', signal: signalName(signal), status: SIGNAL_STATUS + signal, message };
}
