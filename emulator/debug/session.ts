import type { StandardStreams } from '../linux/streams';
import { Terminal } from '../linux/terminal';
import type { Hart } from '../multiprocess/hart';
import { BreakpointTable } from './breakpoints';
import { Disassembler } from './disassembly';
import { EndedVcpus } from './ended-vcpus';
import { EventHistory } from './event-history';
import { explain } from './explain';
import { parseExpression } from './expression';
import { forkFunctions, runTo, stepOut, stepOver } from './goals';
import { locate } from './location';
import { OutputBatch } from './output-batch';
import type {
  Breakpoint,
  BreakpointSpec,
  DisassembledLine,
  EventFilter,
  EventList,
  HartId,
  HartInfo,
  HartValue,
  InstructionHelp,
  Location,
  MachineInfo,
  MachineRequests,
  MachineState,
  MemoryBlock,
  OpenRequest,
  PageInfo,
  PagesInfo,
  RegisterSet,
  RegisterTable,
  SegmentInfo,
  StopReason,
  SymbolInfo,
} from './protocol';
import { readMemoryBlock } from './memory-block';
import { pageInfo, pagesInfo } from './pages';
import { registerSet, registerTable, writeRegister } from './registers';
import { Runner } from './runner';
import { targetScope } from './scope';
import type { SessionHost } from './session-host';
import { SpeedMeter } from './speed-meter';
import type { DebugTarget } from './target';
import { WakeUp } from './wake-up';
import { evaluateOnHarts } from './watch-expression';

/** Loads a program as a machine that stops at faults. */
export type OpenTarget = (request: OpenRequest, streams: StandardStreams) => DebugTarget;

/** How long `open` waits for the program to come to where it should stop. */
const OPEN_MILLISECONDS = 2000;
/** How often the state of a running machine is reported. */
const REPORT_MILLISECONDS = 100;

/** One program under the debugger: answers a client's requests, on the thread that runs the harts. */
export class DebugSession implements MachineRequests {
  private readonly breakpointTable = new BreakpointTable();
  private readonly output: OutputBatch;
  private readonly endedVcpus = new EndedVcpus();
  private readonly eventHistory = new EventHistory();
  private readonly wakeUp = new WakeUp();
  private request: OpenRequest | undefined;
  private target: DebugTarget | undefined;
  private terminal: Terminal | undefined;
  private sequence = 0;
  private running: Promise<void> | undefined;
  private waitsFor: string | undefined;
  private stop: StopReason | undefined;
  private pauseWanted = false;
  private meter = new SpeedMeter();
  private reported = 0;

  constructor(
    private readonly host: SessionHost,
    private readonly openTarget: OpenTarget,
  ) {
    this.output = new OutputBatch((bytes) =>
      host.events.output(bytes, this.target?.current.index ?? 0),
    );
  }

  async open(request: OpenRequest): Promise<MachineInfo> {
    await this.halt();
    return this.load(request);
  }

  async restart(): Promise<void> {
    if (!this.request) throw new Error('No program is open: open one first.');
    await this.halt();
    await this.load(this.request);
  }

  state(): Promise<MachineState> {
    return Promise.resolve(this.currentState());
  }

  run(): Promise<void> {
    return this.start((runner) => runner.run());
  }

  async pause(): Promise<void> {
    if (!this.running) {
      this.host.clearPause();
      return;
    }
    this.pauseWanted = true;
    this.wakeUp.wake();
    await this.running;
  }

  stepInstruction(hart: HartId): Promise<void> {
    return this.step(hart, (runner, stepped) => runner.step(stepped));
  }

  stepOver(hart: HartId): Promise<void> {
    return this.step(hart, (runner, stepped) => {
      const goal = stepOver(stepped);
      return goal ? runner.runTo(goal, stepped) : runner.step(stepped);
    });
  }

  stepOut(hart: HartId): Promise<void> {
    return this.step(hart, (runner, stepped) =>
      runner.runTo(stepOut(stepped, this.opened().symbols), stepped),
    );
  }

  async runToFork(): Promise<void> {
    const functions = forkFunctions(this.opened().symbols);
    await this.start((runner) => runner.runToFork(functions));
  }

  runTo(address: number, hart: HartId = 0): Promise<void> {
    return this.step(hart, (runner, stepped) => runner.runTo(runTo(address), stepped));
  }

  registers(hart: HartId): Promise<RegisterSet> {
    return attempt(() => registerSet(this.hart(hart).state, hart));
  }

  registersOfAll(): Promise<RegisterTable> {
    return attempt(() => registerTable(this.opened().liveHarts));
  }

  writeRegister(hart: HartId, name: string, value: string): Promise<void> {
    return attempt(() => {
      const target = this.stopped();
      const number = parseExpression(value)(targetScope(target, this.hart(hart)));
      writeRegister(this.hart(hart).state, name, number);
      this.report();
    });
  }

  readMemory(address: number, length: number, hart: HartId = 0): Promise<MemoryBlock> {
    return attempt(() => readMemoryBlock(this.hart(hart).space, address, length));
  }

  writeMemory(address: number, bytes: Uint8Array, hart: HartId = 0): Promise<void> {
    return attempt(() => {
      this.stopped();
      const written = this.hart(hart).space.poke(address, bytes);
      this.report();
      if (written < bytes.length) {
        const at = `0x${(address + written).toString(16)}`;
        throw new Error(`Nothing is mapped at ${at}: ${written} of ${bytes.length} bytes written.`);
      }
    });
  }

  disassemble(address: number, before: number, count: number): Promise<DisassembledLine[]> {
    return attempt(() => {
      const { symbols } = this.opened();
      return new Disassembler(this.hart(0).space, symbols).lines(address, before, count);
    });
  }

  explain(address: number): Promise<InstructionHelp | null> {
    return attempt(() => explain(this.hart(0).space, address));
  }

  breakpoints(): Promise<Breakpoint[]> {
    return Promise.resolve(this.breakpointTable.list());
  }

  addBreakpoint(spec: BreakpointSpec): Promise<Breakpoint> {
    return this.changeBreakpoints(() => this.breakpointTable.add(spec));
  }

  updateBreakpoint(id: number, spec: BreakpointSpec): Promise<Breakpoint> {
    return this.changeBreakpoints(() => this.breakpointTable.update(id, spec));
  }

  removeBreakpoint(id: number): Promise<void> {
    return this.changeBreakpoints(() => this.breakpointTable.remove(id));
  }

  symbols(query: string, limit: number): Promise<readonly SymbolInfo[]> {
    return attempt(() =>
      this.opened()
        .symbols.search(query, limit)
        .map(({ name, address, size, kind }) => ({ name, address, size, kind })),
    );
  }

  evaluateAddress(text: string, hart: HartId): Promise<number> {
    return attempt(() => {
      const value = parseExpression(text)(targetScope(this.opened(), this.hart(hart)));
      const address = BigInt.asUintN(64, value);
      if (address >= 1n << 32n) {
        throw new Error(`0x${address.toString(16)} is above 4 GiB, where guest addresses end.`);
      }
      return Number(address);
    });
  }

  evaluateOnAll(text: string): Promise<readonly HartValue[]> {
    return attempt(() => {
      const target = this.opened();
      return evaluateOnHarts(text, target.liveHarts, (hart) => targetScope(target, hart));
    });
  }

  locate(addresses: readonly number[]): Promise<readonly Location[]> {
    return attempt(() => {
      const { symbols } = this.opened();
      return addresses.map((address) => locate(symbols, address));
    });
  }

  memoryMap(): Promise<readonly SegmentInfo[]> {
    return attempt(() => this.opened().memoryMap());
  }

  pages(): Promise<PagesInfo> {
    return attempt(() => pagesInfo(this.opened()));
  }

  page(page: number, hart: HartId): Promise<PageInfo> {
    return attempt(() => pageInfo(this.opened(), this.hart(hart), page));
  }

  events(limit: number, filter?: EventFilter): Promise<EventList> {
    return attempt(() => {
      this.eventHistory.collect();
      return this.eventHistory.list(limit, filter);
    });
  }

  terminalInput(bytes: Uint8Array): Promise<void> {
    return attempt(() => {
      this.terminal?.input(bytes);
      this.output.flush();
      this.wakeUp.wake();
    });
  }

  terminalResize(columns: number, rows: number): Promise<void> {
    return attempt(() => {
      this.terminal?.resize({ columns, rows });
      // A program that waits for input may have a handler for SIGWINCH.
      this.wakeUp.wake();
    });
  }

  private async load(request: OpenRequest): Promise<MachineInfo> {
    this.target?.dispose();
    this.target = undefined;
    this.stop = undefined;
    const { columns, rows } = request;
    const now = (): number => performance.now();
    const output = (bytes: Uint8Array): void => this.output.add(bytes);
    const terminal = new Terminal({ columns, rows, now, output });
    const target = this.openTarget(request, {
      stdin: terminal,
      stdout: terminal,
      stderr: terminal,
    });
    this.request = request;
    this.terminal = terminal;
    this.target = target;
    this.breakpointTable.attach(target);
    this.endedVcpus.attach(target);
    this.eventHistory.attach(target);
    this.host.events.breakpointsChanged(this.breakpointTable.list());
    await this.goToStart(target, request.stopAt);
    return {
      name: request.name,
      entry: target.entry,
      segments: target.memoryMap(),
      functionCount: target.symbols.functionCount,
      position: target.position,
    };
  }

  /** Runs to the function that the client wants to begin at, when the program has it. */
  private async goToStart(target: DebugTarget, stopAt: string | undefined): Promise<void> {
    const symbol = stopAt === undefined ? undefined : target.symbols.byName(stopAt);
    if (symbol && symbol.address !== target.entry) {
      await this.start((runner) => runner.runTo(runTo(symbol.address), target.liveHarts[0]), {
        kind: 'entry',
      });
      const enough = new Promise<void>((resolve) => setTimeout(resolve, OPEN_MILLISECONDS));
      await Promise.race([this.running, enough]);
    } else {
      this.stop = { kind: 'entry' };
      this.report();
    }
  }

  /** Runs one hart while the others stand still. */
  private step(id: HartId, go: (runner: Runner, hart: Hart) => Promise<StopReason>): Promise<void> {
    return this.start((runner) => go(runner, this.hart(id)), undefined, id);
  }

  /**
   * Starts running; the promise is done when the run has begun.
   * @param reached what a reached goal is called
   * @param id the hart that it is about, which must live
   */
  private start(
    go: (runner: Runner) => Promise<StopReason>,
    reached?: StopReason,
    id: HartId = 0,
  ): Promise<void> {
    return attempt(() => {
      const target = this.stopped();
      this.hart(id);
      if (this.stop?.kind === 'exited' || this.stop?.kind === 'killed') {
        throw new Error('The program has ended: restart it to run it again.');
      }
      this.pauseWanted = false;
      this.host.clearPause();
      this.stop = undefined;
      this.endedVcpus.forgetJoined();
      this.meter = new SpeedMeter();
      this.running = this.runToStop(target, go, reached);
      this.report();
    });
  }

  private async runToStop(
    target: DebugTarget,
    go: (runner: Runner) => Promise<StopReason>,
    reached: StopReason | undefined,
  ): Promise<void> {
    // The request is answered before the guest takes the thread.
    await Promise.resolve();
    const runner = new Runner(target, this.breakpointTable, {
      safepoint: () => this.safepoint(target),
      pauseWanted: () => this.pauseWanted || this.host.pauseRequested(),
      wake: (reason, deadline) => this.wait(reason, deadline),
      note: (text) => this.host.events.message(text, 'warning'),
    });
    try {
      const stop = await go(runner);
      this.stop = stop.kind === 'step' && reached ? reached : stop;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.host.events.message(`The machine stopped on an internal error: ${text}`, 'error');
      this.stop = { kind: 'pause' };
    }
    target.halt();
    this.eventHistory.collect();
    this.running = undefined;
    this.pauseWanted = false;
    this.host.clearPause();
    this.output.flush();
    this.host.events.breakpointsChanged(this.breakpointTable.list());
    this.report();
  }

  private async safepoint(target: DebugTarget): Promise<void> {
    const now = performance.now();
    if (now - this.reported >= REPORT_MILLISECONDS) {
      this.meter.sample(now, target.instructions);
      this.output.flush();
      this.report();
    }
    await this.host.safepoint();
    const rest = this.output.rest(now);
    if (rest > 0) {
      this.output.flush();
      await new Promise((resolve) => setTimeout(resolve, rest));
    }
  }

  private async wait(reason: string, deadline: number | undefined): Promise<void> {
    this.output.flush();
    this.waitsFor = reason;
    this.report();
    await this.wakeUp.wait(deadline === undefined ? undefined : deadline - performance.now());
    this.waitsFor = undefined;
    await this.host.safepoint();
  }

  /** Stops whatever runs. */
  private async halt(): Promise<void> {
    if (this.running) await this.pause();
  }

  private opened(): DebugTarget {
    if (!this.target) throw new Error('No program is open: open one first.');
    return this.target;
  }

  private stopped(): DebugTarget {
    const target = this.opened();
    if (this.running) throw new Error('The machine is running: pause it first.');
    return target;
  }

  private hart(id: HartId): Hart {
    const hart = this.opened().liveHarts.find(({ index }) => index === id);
    if (!hart) throw new Error(`There is no hart ${id}.`);
    return hart;
  }

  private changeBreakpoints<T>(change: () => T): Promise<T> {
    return attempt(() => {
      const result = change();
      this.host.events.breakpointsChanged(this.breakpointTable.list());
      return result;
    });
  }

  private report(): void {
    this.reported = performance.now();
    this.sequence += 1;
    this.host.events.stateChanged(this.currentState());
  }

  private currentState(): MachineState {
    const { target, stop } = this;
    const running = this.running !== undefined;
    return {
      sequence: this.sequence,
      running,
      ...(stop && { stop }),
      ...(stop && target && { stopHart: target.current.index }),
      harts: target?.liveHarts.map((hart) => this.hartInfo(target, hart)) ?? [],
      endedVcpus: this.endedVcpus.list(),
      ...(running && this.meter.mips !== undefined && { mips: this.meter.mips }),
      instructions: target?.instructions ?? 0,
      residentBytes: target?.residentBytes ?? 0,
    };
  }

  private hartInfo({ symbols }: DebugTarget, hart: Hart): HartInfo {
    const { index, state, vcpu } = hart;
    const running = this.running !== undefined;
    // While the machine runs, what its harts wait for shows; a stopped machine's harts are stopped.
    const waitsFor = running ? (hart.waiting?.reason ?? this.waitsFor) : undefined;
    const active = waitsFor === undefined ? 'running' : 'waiting';
    const ended = this.stop?.kind === 'exited' || this.stop?.kind === 'killed';
    return {
      id: index,
      state: ended ? 'ended' : running ? active : 'stopped',
      location: locate(symbols, state.pc),
      instructions: state.instret,
      ...(waitsFor !== undefined && { waitsFor }),
      ...(vcpu && { task: { id: vcpu.task.id, mode: vcpu.task.mode, vcpu: vcpu.id } }),
    };
  }
}

/** A synchronous answer as a promise: what it throws rejects. */
function attempt<T>(action: () => T): Promise<T> {
  try {
    return Promise.resolve(action());
  } catch (error) {
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }
}
