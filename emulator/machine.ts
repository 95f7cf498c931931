import type { SegmentInfo } from './debug/protocol';
import type { DebugTarget, MachineStop } from './debug/target';
import { parseElf } from './elf/parse';
import { describeAddress, SymbolTable } from './elf/symbols';
import type { CodeSpace } from './engine/code-space';
import { TIMEBASE_HZ } from './engine/csr';
import { Engine, QUANTUM, type EngineStop } from './engine/engine';
import type { HartState } from './engine/hart-state';
import {
  beginCall,
  callResult,
  RETURN_ADDRESS,
  saveRegisters,
  type CallArgument,
  type CallResult,
} from './guest-call';
import { Harts } from './harts';
import { instructionLength } from './isa';
import { signalName } from './linux/abi/signals';
import type { SyscallOutcome } from './linux/call';
import { hostClock, type Clock } from './linux/clock';
import type { GuestFault } from './linux/faults';
import { LinuxKernel, type ProcessStart } from './linux/kernel';
import type { KernelLimits } from './linux/limits';
import type { StandardStreams } from './linux/streams';
import { AddressSpace } from './memory/address-space';
import { Arena } from './memory/arena';
import { PAGE_SIZE } from './memory/layout';
import { memoryMap } from './memory-map';
import type { Hart } from './multiprocess/hart';
import { EXIT_STUB } from './multiprocess/start';
import { Tasks, type TaskOutcome } from './multiprocess/tasks';

/** What a machine is made of. What is left out has the default in brackets. */
export interface MachineOptions {
  /** The program: an ELF64 RISC-V executable. */
  readonly elf: Uint8Array;
  /** argv, argv[0] included [`['program']`]. */
  readonly args?: readonly string[];
  /** `NAME=value` strings [none]. */
  readonly environment?: readonly string[];
  /** Bytes of memory that the guest may use [1 GiB]. */
  readonly memoryLimit?: number;
  readonly streams: StandardStreams;
  /** [the host's clocks] */
  readonly clock?: Clock;
  /** Fills with random bytes [the host's generator]. */
  readonly random?: (bytes: Uint8Array) => void;
  readonly limits?: KernelLimits;
  /** Told about what the guest asked for and did not get. */
  readonly log?: (text: string) => void;
  /** Told about each system call, as strace prints it. */
  readonly trace?: (line: string) => void;
  /** Faults and ebreak return from `run` before their signal is delivered, for a debugger [false]. */
  readonly stopAtFaults?: boolean;
  /** Instructions that a vCPU of the plain multiprocess call may retire [0: no limit]. */
  readonly vcpuLimit?: number;
  /** Runs in this arena instead of one of its own; the arena is not shared with another machine. */
  readonly arena?: Arena;
}

const SP = 2;
const SIGNAL_STATUS = 128;
const ECALL_BYTES = 4;

/** A fault that stopped the machine and whose signal the next run delivers. */
interface Undelivered {
  readonly hart: Hart;
  readonly fault: GuestFault;
}

/** One guest program with its memory, harts, files and terminal. */
export class Machine implements DebugTarget {
  readonly symbols: SymbolTable;
  readonly entry: number;
  readonly position: 'static' | 'static-pie';
  readonly engine: Engine;
  private readonly harts: Harts;
  private readonly tasks: Tasks;
  private ended: MachineStop | undefined;
  private undelivered: Undelivered | undefined;

  /**
   * Loads a program.
   * @throws ElfError, ProgramStartError, OutOfMemory, ArenaError with what is wrong and what to do
   */
  static create(options: MachineOptions): Machine {
    const image = parseElf(options.elf);
    const arena = options.arena ?? Arena.create({ limitBytes: options.memoryLimit });
    const space = AddressSpace.create(arena);
    const kernel = new LinuxKernel({ ...options, space });
    kernel.onTrace = options.trace;
    const start = kernel.start(image, options.args ?? ['program'], options.environment ?? []);
    const symbols = new SymbolTable(image, start.program.base);
    return new Machine(options, space, kernel, start, symbols, image.type);
  }

  private constructor(
    private readonly options: MachineOptions,
    readonly space: AddressSpace,
    readonly kernel: LinuxKernel,
    private readonly start: ProcessStart,
    symbols: SymbolTable,
    type: 'exec' | 'dyn',
  ) {
    this.symbols = symbols;
    this.entry = start.pc;
    this.position = type === 'exec' ? 'static' : 'static-pie';
    const clock = options.clock ?? hostClock;
    const nanosecondsPerTick = 1_000_000_000n / BigInt(TIMEBASE_HZ);
    this.engine = new Engine(space, { time: () => clock.monotonic() / nanosecondsPerTick });
    kernel.onFlushInstructions = () => this.engine.code.synchronize();
    this.harts = new Harts(space.arena, this.engine, space, start.stack);
    this.hart.pc = start.pc;
    this.hart.setX(SP, BigInt(start.sp));
    this.tasks = new Tasks(
      {
        createHart: (forked, stack) => this.harts.create(forked, stack),
        endHart: (hart) => this.harts.remove(hart),
      },
      options.vcpuLimit,
    );
  }

  /** The main VM's hart. */
  get hart(): HartState {
    return this.harts.main.state;
  }

  /** All harts that live, the main VM's first. */
  get liveHarts(): readonly Hart[] {
    return this.harts.list();
  }

  /** The hart that ran last: the one that a stop is about. */
  get current(): Hart {
    return this.harts.current;
  }

  get code(): CodeSpace {
    return this.engine.code;
  }

  /** Instructions retired since the start, by all harts. */
  get instructions(): number {
    return this.harts.retired;
  }

  get residentBytes(): number {
    return this.space.arena.frames.used * PAGE_SIZE;
  }

  /**
   * Runs at most `budget` instructions, exactly so many when nothing else stops the machine. Harts take
   * turns of a fixed number of instructions.
   * @param through runs a breakpoint, ebreak or watch at the current hart's next instruction
   * @param only runs no other hart than this one
   */
  run(budget: number, through = false, only?: Hart): MachineStop {
    const delivered = this.deliver();
    if (this.ended) return this.ended;
    if (delivered) return delivered;
    this.harts.retry();
    const passing = through ? (only ?? this.harts.current) : undefined;
    const end = this.harts.retired + budget;
    for (let first = true; this.harts.retired < end; first = false) {
      const interruption = this.kernel.interruption(this.hart);
      if (interruption) return this.settle(this.harts.main, interruption) ?? this.ended!;
      const hart = this.choose(only);
      if (!hart) return this.waits(only);
      const stop = this.runTurn(hart, end - this.harts.retired, first && hart === passing);
      if (this.ended) return this.ended;
      if (stop) return stop;
    }
    return { kind: 'fuel' };
  }

  /** Runs exactly `count` instructions, through breakpoints, unless the machine stops otherwise. */
  step(count = 1): MachineStop {
    for (let i = 0; i < count; i++) {
      const stop = this.run(1, true);
      if (stop.kind !== 'fuel') return stop;
    }
    return { kind: 'fuel' };
  }

  /**
   * Runs until the program ends or waits for what only the embedder can give; other stops are kept.
   * @param limit instructions [no limit]
   */
  runToEnd(limit = Infinity): MachineStop {
    for (let left = limit; left > 0;) {
      const before = this.instructions;
      const stop = this.run(Math.min(left, 1e9));
      left -= this.instructions - before;
      if (stop.kind !== 'fuel') return stop;
    }
    return { kind: 'fuel' };
  }

  /**
   * Calls a function of the guest by the standard calling convention and runs it to its return, on the
   * main VM's hart while the others stand still. Its registers are as before afterwards; what the
   * function did to memory and files stays.
   * @param target name of a function, or its address
   * @param args up to eight integers and eight floating-point numbers
   * @param budget instructions that the call may take
   * @throws Error when there is no such function, it does not return within the budget, or it stops
   */
  call(target: string | number, args: readonly CallArgument[] = [], budget = Infinity): CallResult {
    const address = typeof target === 'number' ? target : this.symbols.byName(target)?.address;
    if (address === undefined) {
      throw new Error(`the program has no function called ${String(target)}`);
    }
    if (this.ended) throw new Error('the program has ended: nothing can be called in it');
    const restore = saveRegisters(this.space.arena, this.hart);
    try {
      beginCall(this.hart, address, args);
      this.runToReturn(String(target), budget);
      return callResult(this.hart);
    } finally {
      restore();
    }
  }

  memoryMap(): readonly SegmentInfo[] {
    const { program, stack } = this.start;
    return memoryMap(this.space, { program, stack, heap: this.kernel.areas.heap });
  }

  /** Gives the machine's memory back to the arena. */
  dispose(): void {
    this.finish({ kind: 'exited', status: 0 });
    for (const hart of [...this.harts.list()]) this.harts.remove(hart);
  }

  /** The hart to run now. */
  private choose(only: Hart | undefined): Hart | undefined {
    const now = (): number => this.kernel.now();
    return only ? this.harts.focus(only, now) : this.harts.next(now);
  }

  /** Runs one hart for what is left of its turn, or less. */
  private runTurn(hart: Hart, budget: number, through: boolean): MachineStop | undefined {
    this.harts.enter(hart);
    this.kernel.memory.use(hart.space);
    const { state, vcpu } = hart;
    const limit = vcpu && vcpu.limit > 0 ? vcpu.limit - state.instret : Infinity;
    const before = state.instret;
    const stop = this.engine.run(state, Math.min(budget, QUANTUM, hart.turn, limit), through);
    this.harts.ran(hart, state.instret - before);
    const result = this.handle(hart, stop);
    if (vcpu && !vcpu.status && vcpu.limit > 0 && state.instret >= vcpu.limit) {
      this.tasks.end(vcpu, { reason: 'limit' });
    }
    return result;
  }

  private runToReturn(name: string, budget: number): void {
    const { main } = this.harts;
    const limit = main.state.instret + budget;
    for (;;) {
      const left = limit - main.state.instret;
      if (left <= 0) throw new Error(`${name} did not return within ${budget} instructions`);
      this.harts.enter(main);
      this.kernel.memory.use(main.space);
      const before = main.state.instret;
      const stop = this.engine.run(main.state, Math.min(left, QUANTUM));
      this.harts.ran(main, main.state.instret - before);
      if (stop.kind === 'fault' && main.state.pc === RETURN_ADDRESS) return;
      const outcome = this.handle(main, stop) ?? (main.waiting && this.waits(main));
      if (outcome) throw new Error(`${name} stopped: ${describeStop(outcome)}`);
    }
  }

  /** What the machine does about an engine's stop; nothing when it simply goes on. */
  private handle(hart: Hart, stop: EngineStop): MachineStop | undefined {
    const { pc } = hart.state;
    switch (stop.kind) {
      case 'fuel':
        return undefined;
      case 'ecall': {
        const outcome = this.tasks.syscall(hart);
        return outcome
          ? this.settleTask(hart, outcome)
          : this.settle(hart, this.kernel.syscall(hart.state));
      }
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
      case 'fault':
        if (hart.vcpu && pc === EXIT_STUB) {
          this.tasks.end(hart.vcpu, { reason: 'returned' });
          return undefined;
        }
        return this.fault(hart, { ...stop.fault, pc });
    }
  }

  private settle(hart: Hart, outcome: SyscallOutcome): MachineStop | undefined {
    switch (outcome.kind) {
      case 'done':
        this.harts.count(hart, 1);
        if (outcome.pcSet !== true) hart.state.pc += ECALL_BYTES;
        hart.state.clearReservation();
        return undefined;
      case 'park':
        hart.waiting = { reason: outcome.reason, deadline: outcome.deadline };
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

  private settleTask(hart: Hart, outcome: TaskOutcome): undefined {
    switch (outcome.kind) {
      case 'done':
        this.harts.count(hart, 1);
        hart.state.setX(10, BigInt.asUintN(64, outcome.value));
        hart.state.pc += ECALL_BYTES;
        return;
      case 'wait':
        hart.waiting = outcome.waiting;
        return;
      case 'end':
        this.harts.count(hart, 1);
        if (hart.vcpu) this.tasks.end(hart.vcpu, { reason: 'returned' });
    }
  }

  /** A vCPU's end is its own; the main VM's is the machine's. */
  private endHart(hart: Hart, stop: MachineStop, signal = 0): MachineStop | undefined {
    if (!hart.vcpu) return this.finish(stop);
    if (stop.kind === 'exited') {
      this.tasks.end(hart.vcpu, { reason: 'exited', exitCode: stop.status });
    } else this.tasks.end(hart.vcpu, { reason: 'killed', exitCode: signal });
    return undefined;
  }

  private finish(stop: MachineStop): MachineStop {
    if (!this.ended) {
      this.ended = stop;
      this.tasks.endAll();
    }
    return this.ended;
  }

  private fault(hart: Hart, fault: GuestFault): MachineStop | undefined {
    if (this.options.stopAtFaults !== true) return this.kill(hart, fault);
    this.undelivered = { hart, fault };
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
    // After an ebreak a debugger goes on behind it.
    if (fault.kind !== 'breakpoint') return this.kill(hart, fault);
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
    const place = this.symbols.functionAt(fault.pc);
    const where = place ? `, in ${describeAddress(this.symbols, fault.pc)}` : '';
    return this.finish(killed(signal, message + where));
  }

  /** No hart can run: what they wait for, and until when. */
  private waits(only: Hart | undefined): MachineStop {
    const waiting = (only ? [only] : this.harts.list()).flatMap((hart) => hart.waiting ?? []);
    const deadlines = waiting.flatMap(({ deadline }) => deadline ?? []);
    const outside = waiting.find((wait) => !wait.ready) ?? waiting[0];
    return {
      kind: 'waiting',
      reason: outside?.reason ?? 'nothing',
      ...(deadlines.length > 0 && { deadline: Math.min(...deadlines) }),
    };
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

/** One sentence about a stop, for errors and logs. */
export function describeStop(stop: MachineStop): string {
  switch (stop.kind) {
    case 'fuel':
      return 'its budget is used up';
    case 'waiting':
      return `it waits (${stop.reason})`;
    case 'breakpoint':
      return `a breakpoint at 0x${stop.address.toString(16)}`;
    case 'watch':
      return `a watched ${stop.write ? 'write' : 'read'} at 0x${stop.address.toString(16)}`;
    case 'ebreak':
      return `an ebreak at 0x${stop.address.toString(16)}`;
    case 'exited':
      return `the program exited with status ${stop.status}`;
    case 'fault':
    case 'killed':
      return stop.message;
  }
}
