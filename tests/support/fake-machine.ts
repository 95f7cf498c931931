import {
  REGISTER_TABLE,
  type Breakpoint,
  type BreakpointSpec,
  type DisassembledLine,
  type EndedVcpu,
  type EventFilter,
  type EventList,
  type HartMarks,
  type HartValue,
  type InstructionHelp,
  type Location,
  type MachineEvents,
  type MachineInfo,
  type MachineRequests,
  type MachineState,
  type MemoryBlock,
  type OpenRequest,
  type PageInfo,
  type PagesInfo,
  type ProcessInfo,
  type RegisterSet,
  type RegisterTable,
  type SegmentInfo,
  type StopReason,
  type SymbolInfo,
  type WriteTrackingInfo,
} from '../../emulator/debug/protocol';
import type { ConflictsInfo } from '../../emulator/debug/protocol-conflicts';
import type { LaunchList, LaunchPage, OneHartLaunch } from '../../emulator/debug/protocol-launches';
import type {
  CodeCounts,
  CountedPart,
  LineCounts,
  ProfileInfo,
  ProfileView,
} from '../../emulator/debug/protocol-profile';
import type { EventColumns } from '../../emulator/debug/protocol-timeline';
import type { LaunchUnit } from '../../emulator/profile/launch';
import { FUNCTIONS, helpAt, instructionAt, placeOf, STACK_END, TEXT } from './fake-code';
import { fakeEvents, fakeTimeline } from './fake-events';
import { fakeLaunch, fakeLaunches } from './fake-launches';
import { fakePage, fakePages, taskOf, type FakeSpaces } from './fake-pages';
import { fakeCounts, fakeLineCounts, fakeProfile, type FakeCounting } from './fake-profile';
import { FakeSource } from './fake-source';

/** Who runs some of the harts. */
const RUNNERS: Record<number, { thread?: number; process?: number } | undefined> = {
  2: { thread: 1 },
  3: { process: 4711 },
};

/** A machine without an emulator: every answer follows from the requests alone, so that panes can be tested. */
export class FakeMachine extends FakeSource implements MachineRequests {
  private sequence = 0;
  private pc = TEXT + 0x40;
  private running = false;
  private stop: StopReason = { kind: 'entry' };
  private stopHart = 0;
  instructions = 0;
  /** Functions that are translated. */
  readonly translated = new Set<string>();
  private readonly x = Array.from({ length: 32 }, () => 0n);
  private readonly f = Array.from({ length: 32 }, (_, i) => 0xffff_ffff_3f80_0000n + BigInt(i));
  private readonly written = new Map<number, number>();
  private list: Breakpoint[] = [];
  private count = 0;
  /** What was typed into the terminal. */
  readonly input: number[] = [];
  private readonly marks = new Map<number, HartMarks>();
  /** Harts that live: main and the vCPUs of task 1. */
  harts = 1;
  /** Lockstep groups of harts. */
  groups: ReadonlyMap<number, number> = new Map();
  /** vCPUs of task 1 that have ended. */
  ended: readonly EndedVcpu[] = [];
  /** Linux processes; undefined = only one. */
  processes: readonly ProcessInfo[] | undefined;
  /** Pages of the heap, each in a state of its own row. */
  heapPages = 0;
  tracking: WriteTrackingInfo = { isOn: false };
  /** How often the pages were asked for. */
  pageRequests = 0;

  constructor(private readonly client: MachineEvents) {
    super();
    this.x[2] = BigInt(STACK_END - 0x100);
  }

  protected pcOf(hart: number): number {
    return hart === 0 ? this.pc : TEXT;
  }

  /** What was opened, newest last. */
  readonly opened: OpenRequest[] = [];

  async open(request: OpenRequest): Promise<MachineInfo> {
    this.opened.push(request);
    if (request.elf.length < 4) throw new Error('the file is truncated');
    this.isChecked = this.willCheck = request.raceCheck === true;
    const isCounting = request.profile === true;
    this.counting = { ...this.counting, isCounting, willCount: isCounting };
    const segments = await this.memoryMap();
    return { name: request.name, entry: TEXT, segments, functionCount: 4, position: 'static' };
  }

  async state(): Promise<MachineState> {
    return {
      sequence: ++this.sequence,
      running: this.running,
      ...(this.running ? { mips: 412 } : { stop: this.stop }),
      harts: Array.from({ length: this.harts }, (_, id) => ({
        id,
        state: this.running ? ('running' as const) : ('stopped' as const),
        location: placeOf(this.pc + 8 * id),
        instructions: this.instructions,
        ...(id > 0 ? { task: taskOf(id) } : {}),
        ...RUNNERS[id],
        ...this.pidOf(id),
        ...this.marks.get(id),
        ...this.groupOf(id),
      })),
      ...(this.running ? {} : { stopHart: this.stopHart }),
      endedVcpus: this.ended,
      ...(this.processes && { processes: this.processes }),
      instructions: this.instructions,
      ...(this.translated.size > 0 && {
        translatedInstructions: Math.floor(this.instructions / 2),
      }),
      residentBytes: 48 * 4096,
    };
  }

  private groupOf(id: number): { group?: number } {
    const group = this.groups.get(id);
    return group === undefined ? {} : { group };
  }

  private pidOf(id: number): { pid?: number } {
    const process = this.processes?.find(({ harts }) => harts.includes(id));
    return process ? { pid: process.pid } : {};
  }

  /** Stops at a breakpoint of a hart. */
  async stopAt(hart: number): Promise<void> {
    this.running = false;
    this.stop = { kind: 'breakpoint', id: 1, address: this.pc };
    this.stopHart = hart;
    await this.report();
  }

  async run(): Promise<void> {
    this.running = true;
    await this.report();
    this.client.output(new TextEncoder().encode('Hello from the guest.\r\n'), 0);
    // Programs that are measured come to their end, but for one mode and arguments.
    const { environment = [], args = [] } = this.opened.at(-1) ?? {};
    if (!environment.some((each) => each.startsWith('HARTSCOPE_VCPUS='))) return;
    if (environment.includes('HARTSCOPE_MODE=workspace')) return;
    this.running = false;
    this.stop = { kind: 'exited', status: args.includes('fail') ? 1 : 0 };
    await this.report();
  }

  async pause(): Promise<void> {
    this.running = false;
    this.stop = { kind: 'pause' };
    await this.report();
  }

  async stepInstruction(): Promise<void> {
    this.pc += 4;
    this.instructions++;
    this.x[10] = (this.x[10] ?? 0n) + 4n;
    this.written.set(STACK_END - 0xf0, this.instructions & 0xff);
    this.stop = { kind: 'step' };
    await this.report();
  }

  stepOver = (): Promise<void> => this.stepInstruction();
  stepLine = (): Promise<void> => this.stepInstruction();
  stepOut = (): Promise<void> => this.stepInstruction();

  runToReturn = (): Promise<void> => this.stepInstruction();
  runTogether = (): Promise<void> => this.stepInstruction();

  async follow(): Promise<void> {}

  async markHart(hart: number, marks: HartMarks): Promise<void> {
    this.marks.set(hart, { ...this.marks.get(hart), ...marks });
    await this.report();
  }

  async killHart(): Promise<void> {
    this.harts--;
    await this.report();
  }

  async runTo(address: number): Promise<void> {
    this.pc = address;
    await this.report();
  }

  runToFork = (): Promise<void> => this.stepInstruction();

  async restart(): Promise<void> {
    this.pc = TEXT + 0x40;
    this.instructions = 0;
    this.isChecked = this.willCheck;
    this.counting = { ...this.counting, isCounting: this.counting.willCount };
    this.stop = { kind: 'entry' };
    await this.report();
  }

  async registers(hart: number): Promise<RegisterSet> {
    const hex = (bits: bigint): string => `0x${bits.toString(16).padStart(16, '0')}`;
    const [x, f] = [this.xOf(hart).map(hex), this.f.map(hex)];
    return { hart, pc: this.pc, x, f, fcsr: 1, instret: this.instructions, mhartid: hart };
  }

  async registersOfAll(): Promise<RegisterTable> {
    const { size, f, pc, fcsr, instret } = REGISTER_TABLE;
    const harts = Array.from({ length: this.harts }, (_, id) => id);
    const values = new BigUint64Array(size * harts.length);
    for (const hart of harts) {
      const at = size * hart;
      values.set(this.xOf(hart), at);
      values.set(this.f, at + f);
      values[at + pc] = BigInt(this.pc + 8 * hart);
      values[at + fcsr] = 1n;
      values[at + instret] = BigInt(this.instructions);
    }
    return { harts, values };
  }

  async writeRegister(_hart: number, name: string, value: string): Promise<void> {
    const index = Number(name.slice(1));
    if (name === 'pc') this.pc = Number(value);
    else (name.startsWith('f') ? this.f : this.x)[index] = BigInt(value);
  }

  async readMemory(address: number, length: number): Promise<MemoryBlock> {
    const bytes = Uint8Array.from(
      { length },
      (_, i) => this.written.get(address + i) ?? (((address + i) * 7) >> 3) & 0xff,
    );
    const holes: { start: number; end: number }[] = [];
    let at = address;
    for (const { start, end } of await this.memoryMap()) {
      if (start > at) holes.push({ start: at, end: Math.min(start, address + length) });
      at = Math.max(at, end);
      if (at >= address + length) break;
    }
    if (at < address + length) holes.push({ start: at, end: address + length });
    return { address, bytes, holes: holes.filter(({ start, end }) => end > start) };
  }

  async writeMemory(address: number, bytes: Uint8Array): Promise<void> {
    bytes.forEach((value, i) => this.written.set(address + i, value));
  }

  async disassemble(
    address: number,
    before: number,
    count: number,
    ownNames = false,
  ): Promise<readonly DisassembledLine[]> {
    const first = Math.max(TEXT, (address & ~3) - 4 * before);
    const last = Math.min(TEXT + 0x100, (address & ~3) + 4 * count);
    const lines: DisassembledLine[] = [];
    for (let at = first; at < last; at += 4) {
      const line = instructionAt(at, this.translated);
      lines.push(ownNames ? { ...line, mnemonic: `own.${line.mnemonic}` } : line);
    }
    return lines;
  }

  async explain(address: number): Promise<InstructionHelp | null> {
    return helpAt(address);
  }

  async breakpoints(): Promise<readonly Breakpoint[]> {
    return this.list;
  }

  async addBreakpoint(spec: BreakpointSpec): Promise<Breakpoint> {
    const line = /:(\d+)$/.exec(spec.at);
    const [place] = line ? await this.breakpointLocations(spec.at, Number(line[1])) : [];
    const address = place?.address ?? (await this.evaluateAddress(spec.at));
    const added = {
      ...spec,
      id: ++this.count,
      hits: 0,
      location: placeOf(address),
      ...(spec.kind === 'data' && { watched: spec.length ?? 8 }),
    };
    this.list = [...this.list, added];
    this.client.breakpointsChanged(this.list);
    return added;
  }

  async updateBreakpoint(id: number, spec: BreakpointSpec): Promise<Breakpoint> {
    const old = this.list.find((each) => each.id === id);
    if (old === undefined) throw new Error(`There is no breakpoint ${id}.`);
    const { location, hits } = old;
    const changed = { ...spec, id, hits, ...(location ? { location } : {}) };
    this.list = this.list.map((each) => (each.id === id ? changed : each));
    return changed;
  }

  async removeBreakpoint(id: number): Promise<void> {
    this.list = this.list.filter((each) => each.id !== id);
  }

  async symbols(query: string): Promise<readonly SymbolInfo[]> {
    return FUNCTIONS.map((name, i) => ({
      name,
      address: TEXT + 0x40 * i,
      size: 0x40,
      kind: 'function' as const,
    })).filter(({ name }) => name.includes(query));
  }

  async assign(place: string, value: string): Promise<void> {
    await this.writeRegister(0, place, value);
  }

  async evaluateAddress(text: string): Promise<number> {
    const index = FUNCTIONS.findIndex((name) => name === text);
    if (index >= 0) return TEXT + 0x40 * index;
    if (!/^(0x[0-9a-f]+|\d+)$/i.test(text)) throw new Error(`${text} is not a symbol.`);
    return Number(text);
  }

  /** Knows `a0` and `hart`. */
  async evaluateOnAll(text: string): Promise<readonly HartValue[]> {
    return Array.from({ length: this.harts }, (_, hart): HartValue => {
      if (text === 'hart') return { hart, value: `0x${hart.toString(16)}` };
      if (text !== 'a0') return { hart, problem: `no register or symbol is called ${text}` };
      return { hart, value: `0x${(this.xOf(hart)[10] ?? 0n).toString(16)}` };
    });
  }

  async locate(addresses: readonly number[]): Promise<readonly Location[]> {
    return addresses.map((address) => placeOf(address));
  }

  async memoryMap(): Promise<readonly SegmentInfo[]> {
    return [
      { start: TEXT, end: TEXT + 0x100, permissions: 'r-x', label: 'text' },
      { start: 0x12000, end: 0x14000, permissions: 'rw-', label: 'data' },
      { start: STACK_END - 0x10000, end: STACK_END, permissions: 'rw-', label: 'stack' },
    ];
  }

  /** What `conflicts` answers but for the race check. */
  found: Pick<ConflictsInfo, 'conflicts' | 'falseSharing' | 'missing'> = {
    conflicts: [],
    falseSharing: [],
    missing: [],
  };
  private isChecked = false;
  private willCheck = false;

  async conflicts(): Promise<ConflictsInfo> {
    return { ...this.found, isChecked: this.isChecked, willCheck: this.willCheck };
  }

  async checkRaces(isOn: boolean): Promise<void> {
    this.willCheck = isOn;
  }

  private counting: FakeCounting = { isCounting: false, willCount: false, isSampling: false };
  /** Why profiles cannot be told. */
  profileProblem: string | undefined;
  /** The harts that profiles were asked for, newest last. */
  readonly profiled: (readonly string[] | undefined)[] = [];
  /** What of them was asked for, newest last. */
  readonly profileViews: (ProfileView | undefined)[] = [];

  async profile(names?: readonly string[], view?: ProfileView): Promise<ProfileInfo> {
    if (this.profileProblem !== undefined) throw new Error(this.profileProblem);
    this.profiled.push(names);
    this.profileViews.push(view);
    return fakeProfile(this.counting, names, view);
  }

  async counts(start: number, end: number, hart: number, part?: CountedPart): Promise<CodeCounts> {
    return fakeCounts(this.counting.isCounting, start, end, hart, part);
  }

  async lineCounts(_path: string, hart: number, part?: CountedPart): Promise<LineCounts> {
    return fakeLineCounts(this.counting.isCounting, hart, part);
  }

  async sampleTime(isOn: boolean): Promise<void> {
    this.counting = { ...this.counting, isSampling: isOn };
  }

  async countInstructions(isOn: boolean): Promise<void> {
    this.counting = { ...this.counting, willCount: isOn };
  }

  async pagesSince(): Promise<PagesInfo> {
    return this.pages();
  }

  async pages(): Promise<PagesInfo> {
    this.pageRequests++;
    return fakePages(this.spaces());
  }

  async trackWrites(isOn: boolean): Promise<WriteTrackingInfo> {
    this.tracking = isOn ? { isOn, mips: 40, slowdown: 12.34 } : { isOn };
    return this.tracking;
  }

  async page(page: number, hart: number): Promise<PageInfo> {
    return fakePage(page, hart, this.spaces());
  }

  private spaces(): FakeSpaces {
    const { harts, heapPages, tracking, pageRequests } = this;
    return { harts, heapPages, tracking, version: pageRequests };
  }

  async events(limit: number, filter?: EventFilter): Promise<EventList> {
    return fakeEvents(this.pc, limit, filter);
  }

  async timeline(since: number): Promise<EventColumns> {
    return fakeTimeline(this.pc, since);
  }

  /** Why launches cannot be told; and whether there are none. */
  launchProblem: string | undefined;
  hasLaunches = true;

  async launches(): Promise<LaunchList> {
    if (this.launchProblem !== undefined) throw new Error(this.launchProblem);
    const list = fakeLaunches(this.oneHart.length);
    return this.hasLaunches ? list : { ...list, launches: [] };
  }

  /** What launches are compared with. */
  oneHart: readonly OneHartLaunch[] = [];

  async compareLaunches(oneHart: readonly OneHartLaunch[]): Promise<void> {
    this.oneHart = oneHart;
  }

  async launch(task: number, unit: LaunchUnit): Promise<LaunchPage | null> {
    return this.hasLaunches ? fakeLaunch(task, unit) : null;
  }

  async terminalInput(bytes: Uint8Array): Promise<void> {
    this.input.push(...bytes);
    this.client.output(bytes, 0);
  }

  async terminalResize(): Promise<void> {}

  /** vCPUs differ from main in a0 and sp. */
  private xOf(hart: number): bigint[] {
    return this.x.map((value, n) => (n === 10 || n === 2 ? value + BigInt(hart) * 0x1000n : value));
  }

  private async report(): Promise<void> {
    this.client.stateChanged(await this.state());
  }
}
