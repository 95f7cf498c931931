import type { ProcessInfo, SegmentInfo } from './debug/protocol';
import type { LoadedImage } from './debug/source-modules';
import type { DebugHooks, DebugTarget, MachineStop, MemoryObserver } from './debug/target';
import { parseElf, type ElfImage } from './elf/parse';
import type { SymbolTable } from './elf/symbols';
import { TIMEBASE_HZ } from './engine/csr';
import type { Engine, EngineKind } from './engine/engine';
import type { HartState } from './engine/hart-state';
import type { Engines, StopAddresses } from './engines';
import { Executor } from './executor';
import { beginFamily, engineKind, forkOptions, type Family, type ForkOptions } from './family';
import type { GuestProcess } from './guest-process';
import {
  beginCall,
  callResult,
  lendPages,
  runToReturn,
  saveRegisters,
  type CallArgument,
  type CallOptions,
  type CallResult,
} from './guest-call';
import { LinuxKernel } from './linux/kernel';
import type { ProcessStart } from './linux/process-memory';
import { LinuxSystem } from './linux/system';
import { printTo } from './linux/streams';
import { AddressSpace } from './memory/address-space';
import { Arena } from './memory/arena';
import { PAGE_SIZE } from './memory/layout';
import { arenaOptions, type MachineOptions } from './machine-options';
import { LoadedImages } from './loaded-images';
import { memoryMap } from './memory-map';
import { Observers } from './observers';
import { listProcesses } from './process-list';
import type { CountTimes } from './profile/count-times';
import type { Profile } from './profile/model';
import type { RaceReport } from './races/report';
import type { Hart, HartOwner } from './multiprocess/hart';
import {
  addStatistics,
  NO_STATISTICS,
  regionCounters,
  type EngineStatistics,
} from './engine/statistics';
import { HartPool } from './multiprocess/hart-pool';
import type { ConflictList } from './multiprocess/conflicts';
import { copyRegisters } from './multiprocess/start';
import type { Tasks } from './multiprocess/tasks';
import type { Traffic } from './multiprocess/workspace-process';
import { WorkspaceProcesses } from './multiprocess/workspace-processes';
import { Parallel } from './parallel';
import { attachSchedule, withSchedule, type ScheduledOptions } from './scheduled';

const SP = 2;

/** One guest program with its memory, harts, files and terminal. */
export class Machine implements DebugTarget {
  private readonly family: Family;
  private readonly executor: Executor;
  private readonly parallel: Parallel | undefined;
  private readonly workspaceProcesses: WorkspaceProcesses | undefined;
  private readonly observers: Observers;
  /** Made at the first fork. */
  private forks: ForkOptions | undefined;
  private readonly loaded = new WeakMap<LinuxKernel, LoadedImages>();
  private readonly readImages = new Map<string, ElfImage | undefined>();

  /**
   * Loads a program.
   * @throws ElfError, ProgramStartError, OutOfMemory, ArenaError with what is wrong and what to do
   */
  static create(given: MachineOptions): Machine {
    const options = withSchedule(given);
    const image = parseElf(options.elf);
    const arena = options.family?.arena ?? options.arena ?? Arena.create(arenaOptions(options));
    if (options.events === false) arena.events.enabled = false;
    const space = AddressSpace.create(arena);
    const kernel = new LinuxKernel({ ...options, space });
    kernel.onTrace = options.trace;
    const start = kernel.start(image, options.args ?? ['program'], options.environment ?? []);
    return new Machine(options, space, kernel, start, options.family?.family);
  }

  private constructor(
    private readonly options: ScheduledOptions,
    space: AddressSpace,
    readonly kernel: LinuxKernel,
    start: ProcessStart,
    family?: Family,
  ) {
    const counts = options.profile === true;
    const kind = engineKind(options);
    this.family = family ?? beginFamily(options, space);
    const first = this.engines.of(space);
    this.executor = new Executor({
      tables: this.family.tables,
      engines: this.engines,
      kernel,
      print: (descriptor, bytes) => printTo(options.streams, descriptor, bytes),
      stack: start.stack,
      stopAtFaults: options.stopAtFaults ?? false,
      vcpuLimit: options.vcpuLimit ?? 0,
      patience: options.patience,
      interleaving: options.interleaving,
    });
    attachSchedule(options.interleaving, this.executor, space.arena);
    this.observers = new Observers(this.executor.harts, this.engines, kernel, options);
    if (options.pool && !options.raceCheck && !options.interleaving) {
      const pool = new HartPool(
        options.pool,
        space,
        first,
        TIMEBASE_HZ,
        options.log ?? (() => undefined),
        counts,
      );
      // What is counted lies in the arena, which other processes do not see.
      const processes = counts ? undefined : workspaceProcesses(options, space, kind);
      this.workspaceProcesses = processes;
      first.code.onBreakpoints = () => {
        pool.setBreakpoints(first.code.breakpoints);
        processes?.setBreakpoints(first.code.breakpoints);
      };
      this.parallel = new Parallel(this.executor, pool, processes);
    }
    this.hart.pc = start.pc;
    this.hart.setX(SP, BigInt(start.sp));
  }

  private get engines(): Engines {
    return this.family.engines;
  }

  /** The first process, whose end is the machine's. */
  private get leader(): GuestProcess {
    return this.executor.processes.leader;
  }

  /** The Linux processes that have not ended, the first one first. */
  get processes(): readonly GuestProcess[] {
    return this.executor.processes.list();
  }

  /** The address space of the first process. */
  get space(): AddressSpace {
    return this.leader.space;
  }

  /** What runs the first process. */
  get engine(): Engine {
    return this.engines.of(this.leader.space);
  }

  /** The symbols of the first process's program. */
  get symbols(): SymbolTable {
    const { symbols } = this.leader;
    if (!symbols) throw new Error('no program has been started');
    return symbols;
  }

  symbolsOf(hart: Hart): SymbolTable {
    return this.executor.processes.of(hart).symbols ?? this.symbols;
  }

  processList(): readonly ProcessInfo[] {
    return listProcesses(this.kernel.system, this.executor.harts.list());
  }

  get entry(): number {
    return this.start.pc;
  }

  get position(): 'static' | 'static-pie' {
    return this.start.image.type === 'exec' ? 'static' : 'static-pie';
  }

  programOf(hart: Hart): object {
    return startOf(this.executor.processes.of(hart));
  }

  /** The first process's program, its dynamic linker and its shared libraries. */
  get images(): readonly LoadedImage[] {
    return this.imagesOf(this.leader);
  }

  /** A process's program, its dynamic linker and its shared libraries. */
  imagesOf(owner: HartOwner): readonly LoadedImage[] {
    const { kernel } = this.processes.find((process) => process === owner) ?? this.leader;
    let images = this.loaded.get(kernel);
    if (!images) this.loaded.set(kernel, (images = new LoadedImages(kernel, this.readImages)));
    return images.list();
  }

  private get start(): ProcessStart {
    return startOf(this.leader);
  }

  /** The main VM's hart. */
  get hart(): HartState {
    return this.executor.harts.main.state;
  }

  /** All harts that live, the main VM's first. */
  get liveHarts(): readonly Hart[] {
    return this.executor.harts.list();
  }

  /** The hart that ran last: the one that a stop is about. */
  get current(): Hart {
    return this.executor.harts.current;
  }

  get caller(): Hart | undefined {
    return this.executor.stops.caller;
  }

  get tasks(): Tasks {
    return this.executor.tasks;
  }

  get arena(): Arena {
    return this.space.arena;
  }

  get stops(): StopAddresses {
    return this.engines.stops;
  }

  /** Threads that run harts, the home thread among them. */
  get threads(): number {
    return 1 + (this.options.pool?.threads ?? 0);
  }

  /** What ran in translated code, on all threads and in all processes. */
  get engineStatistics(): EngineStatistics {
    const pool = this.parallel?.poolBlocks() ?? [];
    return [
      ...this.engines.all.map(({ stats }) => stats),
      ...pool.map((block) => regionCounters(this.arena.memory, block)),
      this.workspaceProcesses?.statistics ?? NO_STATISTICS,
    ].reduce(addStatistics);
  }

  isTranslated(from: number, to: number): boolean {
    return this.engine.translator?.has(from, to) ?? false;
  }

  /** Instructions retired since the start, by all harts. */
  get instructions(): number {
    return this.executor.harts.total;
  }

  /** What was counted so far; undefined when nothing is. */
  get profile(): Pick<Profile, 'harts'> | undefined {
    if (this.options.profile === true) this.halt();
    return this.observers.profile;
  }

  keepCountTimes(): CountTimes | undefined {
    return this.observers.keepCountTimes();
  }

  /** What the race check has found so far; undefined without one. */
  get races(): RaceReport | undefined {
    return this.observers.races;
  }

  /** Bytes that vCPUs of workspace tasks have written differently, and how many more are not listed. */
  get conflicts(): Pick<ConflictList, 'conflicts' | 'notKept'> {
    return this.executor.tasks.conflicts;
  }

  /** What has gone to processes of workspace vCPUs and back; undefined where there are none. */
  get workspaceTraffic(): Readonly<Traffic> | undefined {
    return this.workspaceProcesses?.traffic;
  }

  /** Bytes of the frames that the machine's family uses. */
  get residentBytes(): number {
    return this.space.arena.frames.used * PAGE_SIZE;
  }

  /** The most bytes of frames that its family has used at a time. */
  get mostResidentBytes(): number {
    return this.space.arena.frames.mostUsed * PAGE_SIZE;
  }

  /**
   * Runs at most `budget` instructions, exactly so many when nothing else stops the machine. Harts take
   * turns of a fixed number of instructions. With a pool, and while there are vCPUs, it runs for some
   * milliseconds and `budget` bounds what this thread runs; the pool runs on until `halt` or a stop. With
   * `MachineOptions.patience` it ends sooner where system calls take long.
   * @param through runs a breakpoint, ebreak or watch at the current hart's next instruction
   * @param only runs no other hart than this one
   */
  run(budget: number, through = false, only?: Hart): MachineStop {
    const { executor } = this;
    const parallel = this.observers.seesMemory ? undefined : this.parallel;
    if (only) parallel?.stopAll();
    return parallel && !only ? parallel.run(budget, through) : executor.run(budget, through, only);
  }

  get hooks(): DebugHooks {
    return this.executor.hooks;
  }

  observeMemory(observer: MemoryObserver | undefined): void {
    this.halt();
    this.observers.observeMemory(observer);
  }

  endHart(hart: Hart): void {
    this.halt();
    this.executor.stops.endFromOutside(hart);
  }

  now(): number {
    return this.kernel.now();
  }

  /** Every hart stands still after this. */
  halt(): void {
    this.parallel?.stopAll();
    this.executor.endTurn();
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
   * @param options pages of other machines of the family that the function may use, and how long it may take
   * @throws Error when there is no such function, it does not return within the budget, or it stops;
   * MappingError when pages cannot be lent
   */
  call(
    target: string | number,
    args: readonly CallArgument[] = [],
    options: CallOptions = {},
  ): CallResult {
    const { budget = Infinity, lend = [] } = options;
    const address = typeof target === 'number' ? target : this.symbols.byName(target)?.address;
    if (address === undefined) {
      throw new Error(`the program has no function called ${String(target)}`);
    }
    this.checkCallable('nothing can be called in it');
    this.halt();
    const restore = saveRegisters(this.space.arena, this.hart);
    const takeBack = lendPages(lend, this.space);
    try {
      beginCall(this.hart, address, args);
      runToReturn(this.executor, this.engine, String(target), budget);
      return callResult(this.hart);
    } finally {
      takeBack();
      restore();
    }
  }

  memoryMap(hart?: Hart): readonly SegmentInfo[] {
    const process = hart ? this.executor.processes.of(hart) : this.leader;
    const { program, stack } = startOf(process);
    return memoryMap(process.space, { program, stack, heap: process.kernel.areas.heap });
  }

  /**
   * A machine in the same arena that goes on from here as this one would: a fork of the first process's memory, with
   * all that the guest and the embedder have written and installed there, its main VM's registers, and its open files as
   * after fork(2). Other harts and processes, hooks, watches and the pool stay behind.
   * @throws Error when the main VM waits for its vCPUs or has ended; OutOfMemory
   */
  fork(): Machine {
    this.checkCallable('it cannot be forked');
    this.halt();
    const { kernel, engines, start } = this;
    const memory = kernel.processMemory.fork(this.space.fork());
    // What can change without a call could change in one of the two only.
    if (!memory.writableCode) engines.share(this.space, memory.space);
    const options = (this.forks ??= forkOptions(this.options, kernel.system));
    const copy = kernel.forkMachine(memory, new LinuxSystem(options.system, this.arena));
    const machine = new Machine(options.machine, memory.space, copy, start, this.family);
    copyRegisters(this.executor.harts.main, machine.executor.harts.main);
    copy.thread(machine.hart).blocked = kernel.thread(this.hart).blocked;
    return machine;
  }

  /** Gives the machine's memory back to the arena. */
  dispose(): void {
    this.executor.stops.finish({ kind: 'exited', status: 0 });
    this.parallel?.end();
    const { harts } = this.executor;
    for (const hart of [...harts.list()]) harts.remove(hart);
  }

  /** @throws Error when the main VM's hart cannot run on by itself */
  private checkCallable(what: string): void {
    if (this.executor.stops.ended) throw new Error(`the program has ended: ${what}`);
    const { waiting } = this.executor.harts.main;
    // vCPUs may be on its stack, or its thread has ended.
    if (waiting?.ready) throw new Error(`the main VM waits for ${waiting.reason}: ${what}`);
  }
}

function startOf({ kernel }: GuestProcess): ProcessStart {
  const { start } = kernel.processMemory;
  if (!start) throw new Error('no program has been started');
  return start;
}

/** The machine's connection to processes, where the embedder has any. */
function workspaceProcesses(
  { workspaces, log = () => undefined }: MachineOptions,
  { arena }: AddressSpace,
  engine: EngineKind,
): WorkspaceProcesses | undefined {
  if (!workspaces || workspaces.processes === 0) return undefined;
  const memoryLimit = arena.frames.limit * PAGE_SIZE;
  return new WorkspaceProcesses(workspaces, { memoryLimit, engine }, log);
}
