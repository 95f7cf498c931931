import type { StandardStreams } from '../linux/streams';
import { Terminal } from '../linux/terminal';
import type { Hart } from '../multiprocess/hart';
import { attempt } from './answer';
import { BreakpointTable } from './breakpoints';
import { startPlaces } from './call-sites';
import { EndedVcpus } from './ended-vcpus';
import { CodeService } from './code-service';
import { conflictsInfo } from './conflicts';
import { EventHistory } from './event-history';
import { LaunchService } from './launch-service';
import { LineGoals } from './line-goals';
import { OutputBatch } from './output-batch';
import type {
  Breakpoint,
  BreakpointSpec,
  EventFilter,
  EventList,
  HartId,
  MachineInfo,
  MachineRequests,
  MachineState,
  MemoryBlock,
  MemoryTime,
  OpenRequest,
  PageInfo,
  PagesInfo,
} from './protocol';
import { ProfileService } from './profile-service';
import type { ConflictRequests } from './protocol-conflicts';
import type { LaunchRequests } from './protocol-launches';
import type { ProfileRequests } from './protocol-profile';
import type { TimelineRequests } from './protocol-timeline';
import type { SourceRequests } from './protocol-source';
import { MoveService } from './move-service';
import { tellProblems } from './program-problems';
import { PageService } from './page-service';
import { RunControl } from './run-control';
import type { SessionHost } from './session-host';
import { SourceService } from './source-service';
import type { DebugTarget } from './target';
import { ValueService } from './value-service';
import { WakeUp } from './wake-up';

/** Loads a program as a machine that stops at faults. */
export type OpenTarget = (request: OpenRequest, streams: StandardStreams) => DebugTarget;

/** How long `open` waits for the program to come to where it should stop. */
const OPEN_MILLISECONDS = 2000;

/** The state before a program is open. */
const NOTHING_OPEN: MachineState = {
  sequence: 0,
  running: false,
  harts: [],
  endedVcpus: [],
  instructions: 0,
  residentBytes: 0,
};

/** One program under the debugger: answers a client's requests, on the thread that runs the harts. */
export class DebugSession implements MachineRequests {
  private readonly breakpointTable = new BreakpointTable();
  private readonly output: OutputBatch;
  private readonly endedVcpus = new EndedVcpus();
  private readonly launchService = new LaunchService();
  private readonly eventHistory = new EventHistory((events, lost) =>
    this.launchService.take(events, lost),
  );
  private readonly wakeUp = new WakeUp();
  private request: OpenRequest | undefined;
  private target: DebugTarget | undefined;
  private terminal: Terminal | undefined;
  private control: RunControl | undefined;
  private readonly profiles = new ProfileService(() => this.target);
  private readonly pageService = new PageService(
    () => this.opened(),
    (id) => this.hart(id),
  );
  private readonly code = new CodeService(
    () => this.opened(),
    (id) => this.hart(id),
  );
  private readonly moves = new MoveService(
    () => this.opened(),
    () => this.controlled(),
  );
  private readonly values = new ValueService(
    () => this.opened(),
    (id) => this.hart(id),
    {
      mustStand: () => this.controlled().mustStand(),
      report: () => this.control?.report(),
    },
  );
  private readonly source = new SourceService(
    () => this.opened(),
    (id) => this.hart(id),
  );
  readonly sources: SourceRequests['sources'] = (...args) => this.source.sources(...args);
  readonly sourceLines: SourceRequests['sourceLines'] = (...args) =>
    this.source.sourceLines(...args);
  readonly lineAt: SourceRequests['lineAt'] = (...args) => this.source.lineAt(...args);
  readonly breakpointLocations: SourceRequests['breakpointLocations'] = (...args) =>
    this.source.breakpointLocations(...args);
  readonly stack: SourceRequests['stack'] = (...args) => this.source.stack(...args);
  readonly variables: SourceRequests['variables'] = (...args) => this.source.variables(...args);
  readonly variableParts: SourceRequests['variableParts'] = (...args) =>
    this.source.variableParts(...args);
  readonly evaluateInFrame: SourceRequests['evaluateInFrame'] = (...args) =>
    this.source.evaluateInFrame(...args);

  constructor(
    private readonly host: SessionHost,
    private readonly openTarget: OpenTarget,
  ) {
    this.output = new OutputBatch((bytes, hart) => host.events.output(bytes, hart));
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
    return Promise.resolve(this.control?.state() ?? NOTHING_OPEN);
  }

  async pause(): Promise<void> {
    if (this.control) await this.control.pause();
    else this.host.clearPause();
  }

  readonly run: MachineRequests['run'] = (...args) => attempt(() => this.moves.run(...args));
  readonly stepInstruction: MachineRequests['stepInstruction'] = (...args) =>
    attempt(() => this.moves.stepInstruction(...args));
  readonly stepOver: MachineRequests['stepOver'] = (...args) =>
    attempt(() => this.moves.stepOver(...args));
  readonly stepOut: MachineRequests['stepOut'] = (...args) =>
    attempt(() => this.moves.stepOut(...args));
  readonly runToReturn: MachineRequests['runToReturn'] = (...args) =>
    attempt(() => this.moves.runToReturn(...args));
  readonly stepLine: MachineRequests['stepLine'] = (...args) =>
    attempt(() => this.moves.stepLine(...args));
  readonly runTo: MachineRequests['runTo'] = (...args) => attempt(() => this.moves.runTo(...args));
  readonly runToFork: MachineRequests['runToFork'] = () => attempt(() => this.moves.runToFork());
  readonly runTogether: MachineRequests['runTogether'] = (...args) =>
    attempt(() => this.moves.runTogether(...args));
  readonly follow: MachineRequests['follow'] = (...args) =>
    attempt(() => this.moves.follow(...args));
  readonly markHart: MachineRequests['markHart'] = (...args) =>
    attempt(() => this.moves.markHart(...args));
  readonly killHart: MachineRequests['killHart'] = (...args) =>
    attempt(() => this.moves.killHart(...args));

  readMemory(
    address: number,
    length: number,
    hart: HartId = 0,
    time: MemoryTime = 'now',
  ): Promise<MemoryBlock> {
    return attempt(() => this.pageService.memory(address, length, hart, time));
  }

  readonly registers: MachineRequests['registers'] = (...args) =>
    attempt(() => this.values.registers(...args));
  readonly registersOfAll: MachineRequests['registersOfAll'] = () =>
    attempt(() => this.values.registersOfAll());
  readonly writeRegister: MachineRequests['writeRegister'] = (...args) =>
    attempt(() => this.values.writeRegister(...args));
  readonly writeMemory: MachineRequests['writeMemory'] = (...args) =>
    attempt(() => this.values.writeMemory(...args));
  readonly assign: MachineRequests['assign'] = (...args) =>
    attempt(() => this.values.assign(...args));
  readonly evaluateAddress: MachineRequests['evaluateAddress'] = (...args) =>
    attempt(() => this.values.evaluateAddress(...args));
  readonly evaluateOnAll: MachineRequests['evaluateOnAll'] = (...args) =>
    attempt(() => this.values.evaluateOnAll(...args));
  readonly disassemble: MachineRequests['disassemble'] = (...args) =>
    attempt(() => this.code.disassemble(...args));
  readonly explain: MachineRequests['explain'] = (...args) =>
    attempt(() => this.code.explain(...args));
  readonly symbols: MachineRequests['symbols'] = (...args) =>
    attempt(() => this.code.symbols(...args));
  readonly locate: MachineRequests['locate'] = (...args) =>
    attempt(() => this.code.locate(...args));
  readonly memoryMap: MachineRequests['memoryMap'] = (...args) =>
    attempt(() => this.code.memoryMap(...args));

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

  pages(): Promise<PagesInfo> {
    return attempt(() => this.pageService.pages());
  }

  readonly pagesSince: MachineRequests['pagesSince'] = (version) =>
    attempt(() => this.pageService.pagesSince(version));

  page(page: number, hart: HartId): Promise<PageInfo> {
    return attempt(() => this.pageService.page(page, hart));
  }

  readonly trackWrites: MachineRequests['trackWrites'] = (isOn) =>
    attempt(() => this.pageService.trackWrites(isOn));

  events(limit: number, filter?: EventFilter): Promise<EventList> {
    return attempt(() => {
      this.eventHistory.collect();
      return this.eventHistory.list(limit, filter);
    });
  }

  readonly timeline: TimelineRequests['timeline'] = (since) =>
    attempt(() => {
      this.eventHistory.collect();
      return this.eventHistory.columns(since);
    });

  readonly launches: LaunchRequests['launches'] = (unit) =>
    attempt(() => {
      this.opened();
      this.eventHistory.collect();
      return this.launchService.list(unit);
    });

  readonly launch: LaunchRequests['launch'] = (task, unit) =>
    attempt(() => {
      this.opened();
      return this.launchService.page(task, unit);
    });

  readonly compareLaunches: LaunchRequests['compareLaunches'] = (...args) =>
    attempt(() => {
      this.opened();
      this.launchService.compare(...args);
    });

  readonly conflicts: ConflictRequests['conflicts'] = () =>
    attempt(() => conflictsInfo(this.opened(), this.request?.raceCheck === true));

  checkRaces(isOn: boolean): Promise<void> {
    return this.observe({ raceCheck: isOn, ...(isOn && { profile: false }) });
  }

  readonly profile: ProfileRequests['profile'] = (names, view) =>
    attempt(() => this.profiles.info(this.request?.profile === true, names, view));

  readonly sampleTime: ProfileRequests['sampleTime'] = (isOn) =>
    attempt(() => this.profiles.sampleTime(isOn));

  readonly counts: ProfileRequests['counts'] = (start, end, hart, part) =>
    attempt(() => this.profiles.counts(start, end, this.hart(hart), part));

  readonly lineCounts: ProfileRequests['lineCounts'] = (path, hart, part) =>
    attempt(() => this.profiles.lineCounts(path, this.hart(hart), part));

  countInstructions(isOn: boolean): Promise<void> {
    return this.observe({ profile: isOn, ...(isOn && { raceCheck: false }) });
  }

  /** What is written down of the next run: races or counts, one of the two. */
  private observe(how: Pick<OpenRequest, 'raceCheck' | 'profile'>): Promise<void> {
    return attempt(() => {
      if (!this.request) throw new Error('No program is open: open one first.');
      this.request = { ...this.request, ...how };
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
    const { sequence } = await this.state();
    this.target?.dispose();
    this.target = this.control = undefined;
    const { columns, rows } = request;
    const now = (): number => performance.now();
    // What the terminal echoes is nobody's: the main VM's.
    const output = (bytes: Uint8Array): void =>
      this.output.add(bytes, this.target?.caller?.index ?? 0);
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
    target.arena.events.timed = true;
    this.eventHistory.attach(target);
    this.launchService.attach(target);
    this.pageService.attach(target);
    this.profiles.attach(target);
    this.control = this.controlOf(target, sequence);
    this.host.events.breakpointsChanged(this.breakpointTable.list());
    tellProblems(target, request.name, this.host);
    await this.goToStart(target, request.stopAt);
    return {
      name: request.name,
      entry: target.entry,
      segments: target.memoryMap(),
      functionCount: target.symbols.functionCount,
      position: target.position,
    };
  }

  private controlOf(target: DebugTarget, sequence: number): RunControl {
    const { host, endedVcpus, output, wakeUp, eventHistory } = this;
    const stopped = (): void => {
      eventHistory.collect();
      this.pageService.stopped();
    };
    const { profiles: sampling } = this;
    const collect = (): void => {
      eventHistory.collect();
      sampling.take();
    };
    const { tracking } = this.pageService;
    const breakpoints = this.breakpointTable;
    const lines = new LineGoals(target);
    breakpoints.onPrint = (id, text) => host.events.message(`${id}: ${text}`, 'info');
    return new RunControl(
      target,
      {
        host,
        breakpoints,
        endedVcpus,
        output,
        wakeUp,
        stopped,
        tracking,
        lines,
        collect,
        sampling,
      },
      sequence,
    );
  }

  /** Runs to where the client wants to begin, when the program has such a place. */
  private async goToStart(target: DebugTarget, stopAt: string | undefined): Promise<void> {
    const control = this.controlled();
    const places = stopAt === undefined ? [] : startPlaces(target, stopAt);
    if (places.length === 0 || places.includes(target.entry)) {
      control.enter();
      return;
    }
    control.move(
      target.liveHarts[0].index,
      'hart',
      (stepping, hart, members) => stepping.to(places, hart, members),
      { kind: 'entry' },
    );
    const enough = new Promise<void>((resolve) => setTimeout(resolve, OPEN_MILLISECONDS));
    await Promise.race([control.finished, enough]);
  }

  /** Stops whatever runs. */
  private async halt(): Promise<void> {
    if (this.control?.isRunning === true) await this.pause();
  }

  private opened(): DebugTarget {
    if (!this.target) throw new Error('No program is open: open one first.');
    return this.target;
  }

  private controlled(): RunControl {
    if (!this.control) throw new Error('No program is open: open one first.');
    return this.control;
  }

  private hart(id: HartId): Hart {
    return this.controlled().hart(id);
  }

  private changeBreakpoints<T>(change: () => T): Promise<T> {
    return attempt(() => {
      const result = change();
      this.host.events.breakpointsChanged(this.breakpointTable.list());
      return result;
    });
  }
}
