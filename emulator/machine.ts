import type { SegmentInfo } from './debug/protocol';
import type { DebugTarget, MachineStop } from './debug/target';
import { parseElf } from './elf/parse';
import { describeAddress, SymbolTable } from './elf/symbols';
import type { CodeSpace } from './engine/code-space';
import { TIMEBASE_HZ } from './engine/csr';
import { Engine, QUANTUM, type EngineStop } from './engine/engine';
import { HartState } from './engine/hart-state';
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
import { ADDRESS_LIMIT, HART, PAGE_SIZE } from './memory/layout';
import { memoryMap } from './memory-map';

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
  /** Runs in this arena instead of one of its own; the arena is not shared with another machine. */
  readonly arena?: Arena;
}

/** What a called guest function left in its result registers. */
export interface CallResult {
  /** a0 as a signed 64-bit integer. */
  readonly integer: bigint;
  /** fa0 as a double. */
  readonly double: number;
  /** fa0's low half as a single. */
  readonly single: number;
}

/** An integer argument, or a floating-point one by its format. */
export type CallArgument =
  number | bigint | { readonly double: number } | { readonly single: number };

/**
 * Where a function called from outside returns to: the first address behind the guest's 4 GiB, where nothing
 * can ever be mapped, so that the fault there can mean nothing else.
 */
const RETURN_ADDRESS = ADDRESS_LIMIT;
const SP = 2;
const RA = 1;
const A0 = 10;
const FA0 = 10;
const ARGUMENT_REGISTERS = 8;
const SIGNAL_STATUS = 128;

/** One guest program with its memory, harts, files and terminal. */
export class Machine implements DebugTarget {
  readonly symbols: SymbolTable;
  readonly entry: number;
  readonly position: 'static' | 'static-pie';
  private ended: MachineStop | undefined;
  /** A fault that stopped the machine and whose signal the next run delivers. */
  private undelivered: GuestFault | undefined;

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
    const index = arena.allocateHarts();
    const hart = new HartState(arena.memory, arena.hartAddress(index));
    hart.pc = start.pc;
    hart.setX(SP, BigInt(start.sp));
    const symbols = new SymbolTable(image, start.program.base);
    return new Machine(options, hart, index, space, kernel, start, symbols, image.type);
  }

  readonly engine: Engine;

  private constructor(
    private readonly options: MachineOptions,
    readonly hart: HartState,
    private readonly hartIndex: number,
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
    this.engine.attach(hart);
    space.hart = hartIndex;
  }

  get code(): CodeSpace {
    return this.engine.code;
  }

  /** Instructions retired since the start. */
  get instructions(): number {
    return this.hart.instret;
  }

  get residentBytes(): number {
    return this.space.arena.frames.used * PAGE_SIZE;
  }

  /** Runs at most `budget` instructions: exactly so many when nothing else stops the machine. */
  run(budget: number, through = false): MachineStop {
    if (this.ended) return this.ended;
    if (this.undelivered) {
      const fault = this.undelivered;
      this.undelivered = undefined;
      // After an ebreak a debugger goes on behind it; any other fault takes its course.
      if (fault.kind !== 'breakpoint') return this.kill(fault);
      this.skip(2);
    }
    const end = this.hart.instret + budget;
    let passing = through;
    while (this.hart.instret < end) {
      const interruption = this.kernel.interruption(this.hart);
      if (interruption) return this.settle(interruption) ?? this.ended!;
      const before = this.hart.instret;
      const quantum = Math.min(QUANTUM, end - before);
      const stop = this.handle(this.engine.run(this.hart, quantum, passing));
      if (stop) return stop;
      if (this.hart.instret > before) passing = false;
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
      const before = this.hart.instret;
      const stop = this.run(Math.min(left, 1e9));
      left -= this.hart.instret - before;
      if (stop.kind !== 'fuel') return stop;
    }
    return { kind: 'fuel' };
  }

  /**
   * Calls a function of the guest by the standard calling convention and runs it to its return. The hart's
   * registers are as before afterwards; what the function did to memory and files stays.
   * @param target name of a function, or its address
   * @param args up to eight integers and eight floating-point numbers
   * @param budget instructions that the call may take
   * @throws Error when there is no such function, it does not return within the budget, or it stops
   */
  call(target: string | number, args: readonly CallArgument[] = [], budget = Infinity): CallResult {
    const address = typeof target === 'number' ? target : this.symbols.byName(target)?.address;
    if (address === undefined)
      throw new Error(`the program has no function called ${String(target)}`);
    if (this.ended) throw new Error('the program has ended: nothing can be called in it');
    const { hart } = this;
    const saved = this.saveRegisters();
    try {
      this.passArguments(args);
      hart.setX(RA, BigInt(RETURN_ADDRESS));
      hart.setX(SP, (hart.x(SP) - 256n) & ~15n);
      hart.pc = address;
      this.runToReturn(String(target), budget);
      const bits = new DataView(new ArrayBuffer(8));
      bits.setBigUint64(0, hart.f(FA0), true);
      return {
        integer: BigInt.asIntN(64, hart.x(A0)),
        double: bits.getFloat64(0, true),
        single: bits.getFloat32(0, true),
      };
    } finally {
      saved();
    }
  }

  memoryMap(): readonly SegmentInfo[] {
    const { program, stack } = this.start;
    return memoryMap(this.space, { program, stack, heap: this.kernel.areas.heap });
  }

  /** Gives the machine's memory back to the arena. */
  dispose(): void {
    this.ended ??= { kind: 'exited', status: 0 };
    this.space.destroy();
    this.space.arena.freeHart(this.hartIndex);
  }

  private runToReturn(name: string, budget: number): void {
    const limit = this.hart.instret + budget;
    for (;;) {
      const left = limit - this.hart.instret;
      if (left <= 0) throw new Error(`${name} did not return within ${budget} instructions`);
      const stop = this.engine.run(this.hart, Math.min(left, QUANTUM));
      if (stop.kind === 'fault' && this.hart.pc === RETURN_ADDRESS) return;
      const outcome = this.handle(stop);
      if (outcome) throw new Error(`${name} stopped: ${describeStop(outcome)}`);
    }
  }

  private passArguments(args: readonly CallArgument[]): void {
    let integers = 0;
    let floats = 0;
    const { hart } = this;
    for (const argument of args) {
      if (typeof argument === 'object') {
        const bits = new DataView(new ArrayBuffer(8));
        if ('double' in argument) bits.setFloat64(0, argument.double, true);
        else {
          bits.setFloat32(0, argument.single, true);
          bits.setInt32(4, -1, true);
        }
        hart.setF(FA0 + floats++, bits.getBigUint64(0, true));
      } else hart.setX(A0 + integers++, BigInt.asUintN(64, BigInt(argument)));
    }
    if (integers > ARGUMENT_REGISTERS || floats > ARGUMENT_REGISTERS) {
      throw new Error(
        'more than eight arguments of a kind go on the stack, which call does not do',
      );
    }
  }

  /** Keeps the registers; the returned function puts them back, the count of instructions stays. */
  private saveRegisters(): () => void {
    const { u8 } = this.space.arena;
    const { base } = this.hart;
    const registers = u8.slice(base, base + HART.instret);
    const { fcsr } = this.hart;
    return () => {
      u8.set(registers, base);
      this.hart.fcsr = fcsr;
    };
  }

  /** What the machine does about an engine's stop; nothing when it simply goes on. */
  private handle(stop: EngineStop): MachineStop | undefined {
    const { hart } = this;
    const { pc } = hart;
    switch (stop.kind) {
      case 'fuel':
        return undefined;
      case 'ecall':
        return this.settle(this.kernel.syscall(hart));
      case 'breakpoint':
        return { kind: 'breakpoint', address: pc };
      case 'watch':
        return stop;
      case 'ebreak':
        return this.fault({ kind: 'breakpoint', pc });
      case 'illegal':
        return this.fault({
          kind: 'illegal',
          pc,
          bits: stop.bits,
          size: instructionLength(stop.bits),
        });
      case 'misaligned':
        return this.fault({ kind: 'misaligned', pc, address: stop.address });
      case 'fault':
        return this.fault({ ...stop.fault, pc });
    }
  }

  private settle(outcome: SyscallOutcome): MachineStop | undefined {
    switch (outcome.kind) {
      case 'done':
        this.hart.instret += 1;
        if (outcome.pcSet !== true) this.hart.pc += 4;
        this.hart.clearReservation();
        return undefined;
      case 'park':
        return { kind: 'waiting', reason: outcome.reason, deadline: outcome.deadline };
      case 'exit':
        this.hart.instret += 1;
        this.ended = { kind: 'exited', status: outcome.status };
        return this.ended;
      case 'killed':
        this.ended = killed(outcome.signal, `ended by ${signalName(outcome.signal)}`);
        return this.ended;
    }
  }

  private fault(fault: GuestFault): MachineStop {
    if (this.options.stopAtFaults !== true) return this.kill(fault);
    this.undelivered = fault;
    if (fault.kind === 'breakpoint') return { kind: 'ebreak', address: fault.pc };
    const { signal, message, address } = this.kernel.signalForFault(fault);
    return { kind: 'fault', signal: signalName(signal), message, address };
  }

  private kill(fault: GuestFault): MachineStop {
    const { signal, message } = this.kernel.signalForFault(fault);
    const place = this.symbols.functionAt(fault.pc);
    const where = place ? `, in ${describeAddress(this.symbols, fault.pc)}` : '';
    this.ended = killed(signal, message + where);
    return this.ended;
  }

  /** Goes on behind the instruction at pc, which is at least `least` bytes long. */
  private skip(least: 2 | 4): void {
    const { hart } = this;
    const low = this.space.readU16(hart.pc) ?? 0;
    hart.pc += Math.max(least, instructionLength(low));
    hart.instret += 1;
  }
}

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
