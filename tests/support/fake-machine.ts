import {
  REGISTER_TABLE,
  type EndedVcpu,
  type EventFilter,
  type EventList,
  type PageInfo,
  type PagesInfo,
  type PageWrite,
  type ProcessInfo,
  type RegisterTable,
  type VcpuInfo,
  type WriteTrackingInfo,
} from '../../emulator/debug/protocol';
import type { ConflictsInfo } from '../../emulator/debug/protocol-conflicts';
import type {
  CodeCounts,
  HartColumn,
  LineCounts,
  ProfileInfo,
  ProfileView,
} from '../../emulator/debug/protocol-profile';
import type { LaunchList, LaunchPage } from '../../emulator/debug/protocol-launches';
import type { LaunchUnit } from '../../emulator/profile/launch';
import { fakeLaunch, fakeLaunches } from './fake-launches';
import type { EventColumns } from '../../emulator/debug/protocol-timeline';
import { FakeSource } from './fake-source';
import type {
  Breakpoint,
  BreakpointSpec,
  DisassembledLine,
  EvaluatedValue,
  HartMarks,
  InstructionHelp,
  HartValue,
  Location,
  MachineEvents,
  MachineInfo,
  MachineRequests,
  MachineState,
  MemoryBlock,
  OpenRequest,
  RegisterSet,
  SegmentInfo,
  StopReason,
  SymbolInfo,
} from '../../emulator/debug/protocol';

const TEXT = 0x10000;
const STACK_END = 0x4000_0000;
const FUNCTIONS = ['_start', 'main', 'dot', 'print'] as const;
const BODY: readonly (readonly [string, string])[] = [
  ['addi', 'sp,sp,-32'],
  ['sd', 'ra,24(sp)'],
  ['lui', 'a0,0x12'],
  ['flw', 'fa5,0(a0)'],
  ['fmadd.s', 'fa0,fa4,fa5,fa0'],
  ['add', 'a1,a1,a0'],
  ['jal', 'ra,dot'],
  ['bnez', 'a1,main'],
];

/** As `PAGE_STATES` of the emulator has them. */
const STATES = [
  'unmapped',
  'guard',
  'borrowed',
  'host',
  'stale',
  'zero',
  'lent',
  'shared',
  'private',
  'owned',
];

const cell = (state: string, permissions: string): number =>
  8 * STATES.indexOf(state) +
  [...permissions].reduce((bits, letter, n) => bits | (letter === '-' ? 0 : 1 << n), 0);

const taskOf = (hart: number): VcpuInfo => ({ id: 1, mode: 'call', vcpu: hart });

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
    this.isCounting = this.willCount = request.profile === true;
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
        location: this.placeOf(this.pc + 8 * id),
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
    // Programs of a sweep come to their end, but for one mode.
    const { environment = [] } = this.opened.at(-1) ?? {};
    const mode = environment.find((each) => each.startsWith('HARTSCOPE_MODE='));
    if (mode === undefined || mode.endsWith('=workspace')) return;
    this.running = false;
    this.stop = { kind: 'exited', status: 0 };
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
    this.isCounting = this.willCount;
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
      const line = this.line(at);
      lines.push(ownNames ? { ...line, mnemonic: `own.${line.mnemonic}` } : line);
    }
    return lines;
  }

  async explain(address: number): Promise<InstructionHelp | null> {
    const line = this.line(address);
    return {
      name: line.mnemonic,
      extension: 'RV64I',
      sentence: 'Adds the sign-extended 12-bit immediate to rs1 and writes the sum to rd.',
      fields: [
        { name: 'imm[11:0]', high: 31, low: 20, bits: '111111100000', meaning: '-32' },
        { name: 'rs1', high: 19, low: 15, bits: '00010', meaning: 'sp' },
        { name: 'funct3', high: 14, low: 12, bits: '000' },
        { name: 'rd', high: 11, low: 7, bits: '00010', meaning: 'sp' },
        { name: 'opcode', high: 6, low: 0, bits: '0010011' },
      ],
    };
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
      location: this.placeOf(address),
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

  async evaluate(text: string): Promise<EvaluatedValue> {
    const value = await this.evaluateAddress(text);
    const digits = value.toString(16).padStart(16, '0');
    return { value: `0x${digits}`, type: 'long', text: String(value) };
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
    return addresses.map((address) => this.placeOf(address));
  }

  async memoryMap(): Promise<readonly SegmentInfo[]> {
    return [
      { start: TEXT, end: TEXT + 0x100, permissions: 'r-x', label: 'text' },
      { start: 0x12000, end: 0x14000, permissions: 'rw-', label: 'data' },
      { start: STACK_END - 0x10000, end: STACK_END, permissions: 'rw-', label: 'stack' },
    ];
  }

  /** Text is shared by all; the data's first page is lent to the vCPUs, its second zero; each has its stack. */
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

  private isCounting = false;
  private willCount = false;
  /** Why profiles cannot be told. */
  profileProblem: string | undefined;
  /** The harts that profiles were asked for, newest last. */
  readonly profiled: (readonly string[] | undefined)[] = [];
  /** What of them was asked for, newest last. */
  readonly profileViews: (ProfileView | undefined)[] = [];
  private isSampling = false;

  /** Two harts: main runs 100 instructions, or milliseconds, a vCPU 300, all of them in `dot`. */
  async profile(names?: readonly string[], view?: ProfileView): Promise<ProfileInfo> {
    if (this.profileProblem !== undefined) throw new Error(this.profileProblem);
    this.profiled.push(names);
    this.profileViews.push(view);
    const isTime = view?.by === 'time';
    const isThere = isTime ? this.isSampling : this.isCounting;
    const scale = isTime ? 1e6 : 1;
    const harts = [
      { hart: 0, name: 'main', instructions: 100 * scale, ...(!isTime && { faults: 3 }) },
      { hart: 1, name: 'task 1 vCPU 1', instructions: 300 * scale, ...(!isTime && { faults: 2 }) },
    ];
    const chosen = isThere ? harts.filter((hart) => names?.includes(hart.name) ?? true) : [];
    const total = chosen.reduce((sum, { instructions }) => sum + instructions, 0);
    const main = chosen.some(({ hart }) => hart === 0) ? 60 * scale : 0;
    return {
      isCounting: this.isCounting,
      willCount: this.willCount,
      isSampling: this.isSampling,
      samples: this.isSampling ? 400 : 0,
      unit: isTime ? 'nanoseconds' : 'instructions',
      harts: isThere ? harts : [],
      instructions: total,
      flame: {
        names: ['all', 'main', 'dot'],
        name: Uint32Array.of(0, 1, 2),
        depth: Uint32Array.of(0, 1, 2),
        self: Float64Array.of(0, main, total - main),
        total: Float64Array.of(total, total, total - main),
        calls: Float64Array.of(0, 1, 4),
        entry: Float64Array.of(0, TEXT + 0x40, TEXT + 0x80),
      },
      functions: [
        { name: 'dot', address: TEXT + 0x80, self: total - main, total: total - main, calls: 4 },
        { name: 'main', address: TEXT + 0x40, self: main, total, calls: 1 },
      ].filter(() => isThere),
      functionCount: isThere ? 2 : 0,
    };
  }

  /** Every instruction of the text ran 1200 times, by each hart 100 times its number. */
  async counts(start: number, end: number, hart: number): Promise<CodeCounts> {
    const addresses = this.isCounting
      ? Float64Array.from({ length: 64 }, (_, n) => TEXT + 4 * n).filter(
          (address) => address >= start && address < end,
        )
      : new Float64Array();
    return {
      isCounting: this.isCounting,
      addresses,
      all: addresses.map(() => 1200),
      own: addresses.map(() => 100 * hart),
      taken: addresses.map(() => 0),
      harts: this.countedHarts(addresses),
    };
  }

  /** The same on every tenth line of a file. */
  async lineCounts(_path: string, hart: number): Promise<LineCounts> {
    const lines = this.isCounting ? Float64Array.of(10, 20, 30) : new Float64Array();
    return {
      isCounting: this.isCounting,
      lines,
      all: lines.map(() => 1200),
      own: lines.map(() => 100 * hart),
      harts: this.countedHarts(lines),
    };
  }

  private countedHarts(rows: Float64Array): HartColumn[] {
    return ['main', 'task 1 vCPU 1'].map((name, n) => ({ name, counts: rows.map(() => 600 * n) }));
  }

  async sampleTime(isOn: boolean): Promise<void> {
    this.isSampling = isOn;
  }

  async countInstructions(isOn: boolean): Promise<void> {
    this.willCount = isOn;
  }

  async pagesSince(): Promise<PagesInfo> {
    return this.pages();
  }

  async pages(): Promise<PagesInfo> {
    this.pageRequests++;
    const vcpus = this.harts - 1;
    const row = (main: number, vcpu: number): number[] => [
      main,
      ...Array.from({ length: vcpus }, () => vcpu),
    ];
    const heap = Array.from({ length: this.heapPages }, (_, n) =>
      row(cell('owned', 'rw-'), n % 2 === 0 ? cell('shared', 'rw-') : cell('private', 'rw-')),
    );
    const rows = [
      row(cell('shared', 'r-x'), cell('shared', 'r-x')),
      row(cell('lent', 'rw-'), cell('borrowed', 'rw-')),
      row(cell('zero', 'rw-'), cell('zero', 'rw-')),
      ...heap,
      row(0, cell('guard', '---')),
      row(cell('owned', 'rw-'), cell('private', 'rw-')),
    ];
    const first = [0x10, 0x12, 0x13, ...heap.map((_, n) => 0x100 + n), 0x3fff0, 0x3fff1];
    const totals = (space: number): number[] =>
      STATES.map((_, state) => rows.filter((each) => (each[space] ?? 0) >> 3 === state).length);
    return {
      version: this.pageRequests,
      states: STATES,
      spaces: Array.from({ length: this.harts }, (_, hart) => ({
        space: hart + 1,
        harts: [hart],
        totals: totals(hart),
        ...(hart > 0 ? { task: taskOf(hart) } : {}),
      })),
      first: Uint32Array.from(first),
      count: Uint32Array.from(first, () => 1),
      cells: Uint8Array.from(rows.flat()),
      labels: ['text', 'data', 'heap', 'guard', 'stack'],
      labelOf: Uint16Array.from([0, 1, 1, ...heap.map(() => 2), 3, 4]),
      symbols: ['', 'partial'],
      symbolsOf: Uint32Array.from(first, (page) => (page === 0x12 ? 1 : 0)),
      leftOut: { rows: 0, spaces: 0 },
      tracking: this.tracking,
    };
  }

  async trackWrites(isOn: boolean): Promise<WriteTrackingInfo> {
    this.tracking = isOn ? { isOn, mips: 40, slowdown: 12.34 } : { isOn };
    return this.tracking;
  }

  async page(page: number, hart: number): Promise<PageInfo> {
    const write = (at: number): PageWrite => ({
      by: 'instruction',
      hart: 1,
      location: this.placeOf(TEXT + at),
      place: { path: '/src/main.c', line: 12, column: 3 },
      address: page * 4096 + 8,
      size: 4,
      instructions: 100,
    });
    return {
      page,
      hart,
      state: hart === 0 ? 'lent' : 'borrowed',
      permissions: 'rw-',
      frame: 77,
      references: this.harts,
      borrowers: hart === 0 ? this.harts - 1 : 0,
      ...(hart > 0 ? { lender: 0 } : {}),
      isPrivate: false,
      isDirty: true,
      hasForkView: hart > 0,
      ...(this.tracking.isOn && { firstWrite: write(0), lastWrite: write(8) }),
    };
  }

  async events(limit: number, filter: EventFilter = {}): Promise<EventList> {
    const kinds = ['map', 'fork', 'loan', 'copy'];
    const events = kinds.map((kind, n) => ({
      number: n + 1,
      kind,
      hart: n < 2 ? 0 : n - 1,
      instructions: 100 + n,
      location: this.placeOf(this.pc),
      page: n < 2 ? 0 : 0x12,
      from: 1,
      to: 2,
      time: 1_000_000 + n,
    }));
    const passing = events.filter(
      ({ kind, hart, page }) =>
        (filter.kinds?.includes(kind) ?? true) &&
        hart === (filter.hart ?? hart) &&
        page === (filter.page ?? page),
    );
    return { events: passing.slice(-limit), lost: 3, kept: events.length };
  }

  /** A main that forks one vCPU, which borrows a page, and joins it. */
  /** Why launches cannot be told; and whether there are none. */
  launchProblem: string | undefined;
  hasLaunches = true;

  async launches(): Promise<LaunchList> {
    if (this.launchProblem !== undefined) throw new Error(this.launchProblem);
    const list = fakeLaunches();
    return this.hasLaunches ? list : { ...list, launches: [] };
  }

  async launch(task: number, unit: LaunchUnit): Promise<LaunchPage | null> {
    return this.hasLaunches ? fakeLaunch(task, unit) : null;
  }

  async timeline(since: number): Promise<EventColumns> {
    const rows = [
      ['fork', 0, 0, 1, 2],
      ['start', 1, 1, 0, 1],
      ['park', 0, 1000, 0, 0],
      ['loan', 1, 0x12, 1, 2],
      ['end', 1, 1, 1, 0],
      ['join', 0, 1, 1, 0],
    ] as const;
    const kinds = [...new Set(rows.map(([kind]) => kind))];
    const shown = since === 0 ? rows : [];
    return {
      kinds,
      number: Uint32Array.from(shown, (_, n) => n + 1),
      kind: Uint8Array.from(shown, ([kind]) => kinds.indexOf(kind)),
      hart: Uint16Array.from(shown, ([, hart]) => hart),
      page: Uint32Array.from(shown, ([, , page]) => page),
      from: Uint32Array.from(shown, ([, , , from]) => from),
      to: Uint32Array.from(shown, ([, , , , to]) => to),
      forked: Int32Array.from(shown, ([kind]) => (kind === 'fork' ? 1 : -1)),
      pc: Float64Array.from(shown, () => this.pc),
      time: Float64Array.from(shown, (_, n) => 1_000_000 + n),
      took: Float32Array.from(shown, () => 0),
      next: rows.length,
      lost: 0,
    };
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

  private placeOf(address: number): Location {
    const index = Math.floor((address - TEXT) / 0x40);
    const symbol = FUNCTIONS[index];
    return symbol === undefined
      ? { address }
      : { address, symbol, offset: address - TEXT - 0x40 * index };
  }

  private line(address: number): DisassembledLine {
    const index = (address - TEXT) / 4;
    const [mnemonic, operands] = BODY[index % BODY.length] ?? ['nop', ''];
    const { symbol, offset } = this.placeOf(address);
    return {
      address,
      bytes: (index * 0x01_03_05 + 0x13).toString(16).padStart(8, '0'),
      mnemonic,
      operands,
      ...(symbol !== undefined && offset === 0
        ? { label: symbol, translated: this.translated.has(symbol) }
        : {}),
      ...(symbol === undefined ? {} : { symbol, offset: offset ?? 0 }),
      ...(mnemonic === 'jal' ? { target: this.placeOf(TEXT + 0x80) } : {}),
      ...(mnemonic === 'bnez' ? { target: this.placeOf(TEXT + 0x40) } : {}),
      known: true,
    };
  }

  private async report(): Promise<void> {
    this.client.stateChanged(await this.state());
  }
}
