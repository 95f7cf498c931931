import type { DebugHooks, MachineStop } from './debug/target';
import { describeAddress } from './elf/symbols';
import type { EngineStop } from './engine/engine';
import type { GuestProcess } from './guest-process';
import type { GuestProcesses } from './guest-processes';
import type { Harts } from './harts';
import { instructionLength } from './isa';
import { signalName } from './linux/abi/signals';
import type { SyscallOutcome } from './linux/call';
import { describeFault, type GuestFault } from './linux/faults';
import type { LinuxKernel } from './linux/kernel';
import type { ProcessEnd } from './linux/process-state';
import { positiveAddress } from './memory/faults';
import { HART } from './memory/layout';
import type { Hart } from './multiprocess/hart';
import { noteCall, noteWait } from './multiprocess/hart-events';
import { EXIT_STUB } from './multiprocess/start';
import type { Tasks, TaskOutcome } from './multiprocess/tasks';

const SIGNAL_STATUS = 128;
const SIGKILL = 9;
const ECALL_BYTES = 4;
const A0 = 10;
const A7 = 17;
const KILLED: ProcessEnd = { kind: 'killed', signal: SIGKILL };

/** How a fault is called in a vCPU's status; what is not here is a `fault`. */
const VCPU_REASONS: Partial<Record<GuestFault['kind'], 'illegal' | 'killed'>> = {
  illegal: 'illegal',
  breakpoint: 'killed',
};

function killed(signal: number, message: string): MachineStop {
  return { kind: 'killed', signal: signalName(signal), status: SIGNAL_STATUS + signal, message };
}

/** A fault that stopped the machine and whose signal the next run delivers. */
interface Undelivered {
  readonly hart: Hart;
  readonly fault: GuestFault;
}

/** Whom the stops of harts concern. */
interface Machinery {
  readonly harts: Harts;
  readonly tasks: Tasks;
  readonly processes: GuestProcesses;
  /** What a debugger wants to be asked and told. */
  readonly hooks: DebugHooks;
  /** Faults and ebreak stop before their signal is delivered. */
  readonly stopAtFaults: boolean;
}

/** What comes of the stops of harts: their system calls and faults are served, and harts, processes and the machine end. */
export class HartStops {
  /** How the machine ended. */
  ended: MachineStop | undefined;
  /** Gives back frames that are kept for speed only; false when there are none. */
  reclaim: () => boolean = () => false;
  /** Brings all harts to this thread; set where other threads run some. */
  halt: () => void = () => undefined;
  /** Called before a hart's system call is served. */
  beforeCall: (hart: Hart) => void = () => undefined;
  /** Whose system call is being served just now. */
  caller: Hart | undefined;
  /** How the first process has ended, while others still run. */
  private conclusion: MachineStop | undefined;
  private undelivered: Undelivered | undefined;
  private readonly harts: Harts;
  private readonly tasks: Tasks;
  private readonly processes: GuestProcesses;

  constructor(private readonly machinery: Machinery) {
    ({ harts: this.harts, tasks: this.tasks, processes: this.processes } = machinery);
  }

  /** The kernel of the process that a hart belongs to. */
  private kernelOf(hart: Hart): LinuxKernel {
    return this.processes.of(hart).kernel;
  }

  /** What comes of an engine's stop, wherever the hart has run; nothing when it simply goes on. */
  settle(hart: Hart, stop: EngineStop): MachineStop | undefined {
    const result = this.handle(hart, stop);
    const { vcpu, state } = hart;
    if (vcpu && !vcpu.status && vcpu.limit > 0 && state.instret >= vcpu.limit) {
      this.tasks.end(vcpu, { reason: 'limit' });
    }
    return result ?? this.eventStop(hart);
  }

  /** Whether something was kept that the guest can have now that it has no memory left. */
  private hasReclaimed(): boolean {
    const forDebugger = this.machinery.hooks.reclaim?.() === true;
    return this.reclaim() || forDebugger;
  }

  /** What has happened to the hart when a debugger waits for it. */
  eventStop(hart: Hart): MachineStop | undefined {
    const stop = hart.space.arena.events.takeStop(hart.index);
    return stop && { kind: 'event', ...stop };
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

  /** The machine has ended, its processes with it; a second end changes nothing. */
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

  private handle(hart: Hart, stop: EngineStop): MachineStop | undefined {
    const pc = hart.state.addressField(HART.pc);
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
        if (stop.fault.kind === 'out-of-memory' && this.hasReclaimed()) return undefined;
        return this.fault(hart, { ...stop.fault, pc });
    }
  }

  private ecall(hart: Hart): MachineStop | undefined {
    if (this.machinery.hooks.stopsAtCall?.(hart) === true) return this.callStop(hart);
    this.caller = hart;
    try {
      return this.serveCall(hart);
    } finally {
      this.caller = undefined;
    }
  }

  private serveCall(hart: Hart): MachineStop | undefined {
    this.beforeCall(hart);
    this.harts.observer?.calls(hart);
    hart.space.arena.events.stampSometimes();
    hart.space.arena.events.beginCall();
    const number = hart.state.xNumber(A7);
    const kernel = this.kernelOf(hart);
    const isLinux = kernel.ownsCall(number);
    const outcome = isLinux ? undefined : this.tasks.syscall(hart);
    if (outcome) {
      this.settleTask(hart, outcome, number);
      return undefined;
    }
    const inside = this.inWorkspace(hart);
    return this.settleCall(hart, inside ?? kernel.syscall(hart.state), number);
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

  /**
   * What comes of a system call, or of a signal that needs none.
   * @param number of the call that it is the outcome of
   */
  settleCall(hart: Hart, outcome: SyscallOutcome, number = 0): MachineStop | undefined {
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
        hart.state.setX(A0, outcome.value);
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
    if (!this.machinery.stopAtFaults) return this.kill(hart, fault);
    this.undelivered = { hart, fault };
    this.harts.current = hart;
    if (fault.kind === 'breakpoint') return { kind: 'ebreak', address: fault.pc };
    const { signal, message, address } = describeFault(fault);
    const shown = address === undefined ? undefined : positiveAddress(address);
    return { kind: 'fault', signal: signalName(signal), message, address: shown };
  }

  /** The signal of a fault that stopped the machine takes its course now. */
  deliver(): MachineStop | undefined {
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
