import { decode, type Decoded } from '../isa';
import type { AddressSpace } from '../memory/address-space';
import type { Fault } from '../memory/faults';
import { ACCESS_ATOMIC, ACCESS_SIZE_MASK, ACCESS_WRITE, HART } from '../memory/layout';
import { AccessLog, LOG_BYTES, LOG_CHUNK, type AccessObserver } from './access-log';
import type { CountingHeap } from './counting-heap';
import { CodeSpace } from './code-space';
import { recordsOf, WHOLE, type EnginePart } from './engine-part';
import { executeCsr, type CsrEnvironment } from './csr';
import type { HartState } from './hart-state';
import { InstructionCounter } from './instruction-counter';
import { instantiateInterpreter, type Interpreter } from './interpreter-module';
import { RUN_MARGIN } from './interpreter';
import { adoptNews, resolveAccess, type LentDelta } from './page-miss';
import { REASON, RECORD } from './records';
import { regionCounters, type EngineStatistics } from './statistics';
import type { RegionStore } from './translator/region-store';
import { Translator } from './translator/translator';

/**
 * What runs guest code: the interpreter alone, translated code wherever there can be some, or the interpreter
 * until code is hot.
 */
export type EngineKind = 'interpreter' | 'translator' | 'auto';

/** The most instructions between two returns to the engine's caller (translation.md's quantum). */
export const QUANTUM = 1_000_000;

/** Who leaves so many instructions of a budget unrun saves a call of the interpreter that stops exactly. */
export const RUN_SLACK = RUN_MARGIN;

/** Why the engine returned; the hart's pc is at the instruction that has not run. */
export type EngineStop =
  | { readonly kind: 'fuel' }
  | { readonly kind: 'ecall' }
  | { readonly kind: 'ebreak' }
  | { readonly kind: 'breakpoint' }
  | { readonly kind: 'illegal'; readonly bits: number }
  /** An access that the address space does not allow; the first byte at fault. */
  | { readonly kind: 'fault'; readonly fault: Fault }
  /** A page under watch: the access is allowed, and not done yet. */
  | {
      readonly kind: 'watch';
      readonly address: number;
      readonly size: number;
      readonly write: boolean;
    }
  /** An atomic access that is not naturally aligned. */
  | { readonly kind: 'misaligned'; readonly address: number }
  /** Something has happened to the hart that a debugger waits for (`EventLog.takeStop`). */
  | { readonly kind: 'event' };

/** The interpreter that writes an access log, and who reads it. */
interface Observation {
  readonly interpreter: Interpreter;
  readonly log: AccessLog;
  readonly observer: AccessObserver;
}

/**
 * Runs harts on the calling thread, in an address space and its forks. It serves what the WebAssembly interpreter
 * hands over (code without records, pages without deltas, CSRs, fence.i) and returns to its caller for
 * everything that is not the processor's business.
 */
export class Engine {
  readonly code: CodeSpace;
  /** None when the engine only interprets. */
  translator: Translator | undefined;
  private readonly interpreter: Interpreter;
  private readonly words: Uint32Array;
  /** The CSR instructions that have run, by their encodings. */
  private readonly csrs = new Map<number, Decoded>();
  private storing = false;
  /** Which space ran last. */
  private spaceId = 0;
  /** Records are compared with the code before the next instruction: another space runs, or a hart comes from elsewhere. */
  private mustVerify = false;
  private space: AddressSpace;
  private log: AccessLog | undefined;
  private loggingInterpreter: Interpreter | undefined;
  private observed: Observation | undefined;
  private counting: { interpreter: Interpreter; counter: InstructionCounter } | undefined;

  /** The spaces of processes that run the same code. */
  private readonly roots = new Set<AddressSpace>();
  /** Told of a process whose code changes while others share what was decoded; it must not run here any more. */
  onDiverge: (root: AddressSpace) => void = () => undefined;

  /** @param root the space that the others are forks of; where harts run until one is attached */
  constructor(
    root: AddressSpace,
    private readonly environment: CsrEnvironment,
    part: EnginePart = WHOLE,
    readonly kind: EngineKind = 'interpreter',
    readonly store?: RegionStore,
  ) {
    const { arena } = root;
    this.space = root;
    this.interpreter = instantiateInterpreter(arena.memory);
    this.words = arena.u32;
    this.code = new CodeSpace(
      arena.memory,
      arena.allocateCodeTable(),
      recordsOf(arena, part),
      {
        fetch: (address) => this.fetch(address),
        markCode: (page) => this.markCode(page),
        codePage: (page) => this.space.codePage(page),
      },
      arena.bulk,
    );
    this.addRoot(root);
    this.translate(this.interpreter);
  }

  /** Hot code becomes translated code that goes together with an interpreter. */
  private translate(interpreter: Interpreter, counter?: InstructionCounter): void {
    if (this.kind === 'interpreter') return;
    const source = {
      fetch: (address: number) => this.code.unitAt(address),
      isBreakpoint: (address: number) => this.code.breakpoints.has(address),
      isReached: (address: number) => this.code.lookup(address) !== 0,
      data: (address: number) => this.space.dataAt(address),
    };
    const { memory } = this.space.arena;
    this.translator = new Translator(memory, this.code, interpreter, source, this.store, counter);
    this.translator.isEager = this.kind === 'translator';
    this.code.regions = this.translator.cache;
  }

  /** How many processes share what is decoded here. */
  get rootCount(): number {
    return this.roots.size;
  }

  /** One more process runs the same code. */
  addRoot(root: AddressSpace): void {
    this.roots.add(root);
    root.hooks.onCodeChanged = (page) => {
      if (this.roots.size > 1 && this.roots.has(root)) this.onDiverge(root);
      else this.codeChanged(page);
    };
  }

  /** A process has ended, or runs other code from now on. */
  removeRoot(root: AddressSpace): void {
    this.roots.delete(root);
  }

  /** Serves another program, the only one that runs here from now on, and stops at these addresses. */
  begin(root: AddressSpace, breakpoints: Iterable<number>): void {
    this.roots.clear();
    this.code.restart(breakpoints);
    this.space = root;
    this.addRoot(root);
  }

  /**
   * Forks run the same code, and its records serve them all: a change of code in any of them drops the
   * records. A store by the guest itself shows at its next fence.i, any other change at once.
   */
  watchCode(space: AddressSpace): void {
    space.hooks.onCodeChanged = this.codeChanged;
  }

  private readonly codeChanged = (page: number): void => {
    if (this.storing) this.code.noteStore(page);
    else this.code.invalidate(page);
  };

  /** `riscv_flush_icache`: later fetches of all harts of a process see all earlier stores. */
  flushInstructions(root: AddressSpace): void {
    if (this.code.isConcurrent) root.flushCode();
    else this.code.synchronize(this.space.codeVersion);
  }

  /** What ran in translated code so far. */
  get stats(): EngineStatistics {
    const counters = regionCounters(this.space.arena.memory, this.code.regionBlock);
    return { ...counters, ...this.translator?.stats };
  }

  /** Points a hart at this engine's tables, in a space that has delta tables: it is what runs next. */
  attach(hart: HartState, space = this.space): void {
    this.space = space;
    const { id } = space;
    if (this.code.canChange) {
      // What it has stored elsewhere is not told here, and its fence.i may have run there.
      const isNew = id !== this.spaceId || hart.field(HART.codeTable) !== this.code.table;
      if (isNew) this.mustVerify = true;
    }
    this.spaceId = id;
    hart.setField(HART.readTable, this.space.readTable);
    hart.setField(HART.writeTable, this.space.writeTable);
    hart.setField(HART.codeTable, this.code.table);
    hart.setField(HART.regions, this.code.regionBlock);
    hart.setField(HART.space, this.space.id);
    const { published, seen } = this.space.newsAddresses;
    hart.setField(HART.news, published);
    hart.setField(HART.seen, seen);
  }

  /**
   * From now on each memory access and fence of the harts that run here is told to `observer`, after at most
   * some thousand instructions and always before `run` returns; undefined: to nobody, at full speed again.
   */
  observe(observer: AccessObserver | undefined): void {
    if (observer === this.observed?.observer) return;
    this.observed = undefined;
    this.allowRegions(!observer);
    if (!observer) return;
    const { memory } = this.space.arena;
    this.log ??= new AccessLog(memory, this.code.cede(LOG_BYTES));
    this.loggingInterpreter ??= instantiateInterpreter(memory, 'logging');
    this.observed = { interpreter: this.loggingInterpreter, log: this.log, observer };
  }

  /**
   * From now on the instructions that run here are counted, by an interpreter and translated code of their own.
   * @param heap where the counts of harts are kept
   */
  count(heap: CountingHeap): InstructionCounter {
    const { memory } = this.space.arena;
    this.translator?.cache.clear();
    this.code.repeatNothing();
    const counter = new InstructionCounter(memory, this.code, heap);
    const interpreter = instantiateInterpreter(memory, 'counting');
    this.counting = { interpreter, counter };
    this.translate(interpreter, counter);
    return counter;
  }

  /** Translated code writes no log: meanwhile no record leads to it. */
  private allowRegions(allowed: boolean): void {
    if (!allowed) this.translator?.cache.clear();
    this.code.regions = allowed ? this.translator?.cache : undefined;
  }

  /** Id of the space that another thread reads the code of: a fork may have ended by then, its process has not. */
  private get translatedSpace(): number {
    const { space } = this;
    for (const root of this.roots) if (root.codeVersion === space.codeVersion) return root.id;
    return space.id;
  }

  /**
   * Runs at most `budget` instructions, exactly `budget` when nothing else stops it.
   * @param stepping true to run through a breakpoint or a watch at the first instruction
   * @param slack of a larger budget so many instructions may be left [none]
   */
  run(hart: HartState, budget: number, stepping = false, slack = 0): EngineStop {
    let left = budget;
    const rest = budget > slack ? slack : 0;
    // Decoding and page misses come back without progress: until the first instruction has run.
    const start = hart.instret;
    while (stepping && left > 0 && hart.instret === start) {
      const stop = this.advance(hart, 1, true);
      if (stop) return stop;
    }
    left -= hart.instret - start;
    while (left > rest) {
      const before = hart.instret;
      const stop = this.advance(hart, left, false);
      left -= hart.instret - before;
      if (stop) return stop;
    }
    return { kind: 'fuel' };
  }

  /** One call of the interpreter and what it asks for; a stop when the caller must act. */
  private advance(hart: HartState, budget: number, through: boolean): EngineStop | undefined {
    if (hart.field(HART.eventStop) !== 0) return { kind: 'event' };
    const { codeVersion } = this.space;
    if (this.mustVerify || !this.code.isOf(codeVersion)) {
      this.mustVerify = false;
      this.code.verify(codeVersion);
    }
    const record = this.code.translate(hart.pc);
    if (record === undefined) return this.fetchFault(hart);
    const long = !through && budget > RUN_MARGIN;
    if (long && this.translator?.isEager === true && !this.observed) {
      this.translator.translateAtOnce(hart, hart.pc);
    }
    const most = this.observed ? LOG_CHUNK : QUANTUM;
    const fuel = Math.min(budget, most) - (long ? RUN_MARGIN : 0);
    // `step` runs through breakpoints, so near the end of a budget they are looked for here.
    const chunk = long || through || this.code.breakpoints.size === 0 ? fuel : 1;
    if (!long && !through && this.code.breakpoints.has(hart.pc)) return { kind: 'breakpoint' };
    const reason = this.interpret(long ? 'run' : 'step', hart, record, chunk);
    return this.serve(reason, hart, through);
  }

  /** One call of the interpreter. Counts what has run. */
  private interpret(how: 'run' | 'step', hart: HartState, record: number, fuel: number): number {
    const { observed, counting } = this;
    const interpreter = (observed ?? counting)?.interpreter ?? this.interpreter;
    if (observed) hart.setField(HART.log, observed.log.address);
    const before = hart.instret;
    counting?.counter.begin(hart, record, before + fuel);
    let reason: number;
    let left: number;
    if (how === 'run') {
      // Only so much is interpreted before somebody looks what is hot.
      const slice = observed ? fuel : (this.translator?.slice(fuel) ?? fuel);
      reason = interpreter.run(hart.base, record, slice, fuel - slice);
      const rest = hart.field(HART.fuel) | 0;
      left = rest + (hart.field(HART.reserve) | 0);
      if (!observed) this.translator?.interpreted(slice - rest);
    } else {
      reason = interpreter.step(hart.base, record, fuel);
      left = hart.field(HART.fuel) | 0;
    }
    hart.instret = before + fuel - left;
    if (observed) {
      observed.log.take(hart.field(HART.log), before + fuel);
      if (observed.log.length > 0) observed.observer.accesses(observed.log);
    }
    counting?.counter.end(hart, reason);
    return reason;
  }

  private serve(reason: number, hart: HartState, through: boolean): EngineStop | undefined {
    const stopped = hart.field(HART.trapRecord);
    if (reason === REASON.lookup) {
      return this.code.translate(hart.pc) === undefined ? this.fetchFault(hart) : undefined;
    }
    hart.pc = this.words[(stopped + RECORD.pc) >>> 2];
    switch (reason) {
      case REASON.fuel:
        if (!this.observed) this.translator?.sample(hart, this.translatedSpace);
        return undefined;
      case REASON.calls:
        this.counting?.counter.resolve(hart);
        return undefined;
      case REASON.news:
        return adoptNews(this.space, hart.pc);
      case REASON.miss:
        return this.miss(hart, through);
      case REASON.ecall:
        return { kind: 'ecall' };
      case REASON.ebreak:
        return { kind: 'ebreak' };
      case REASON.breakpoint:
        return { kind: 'breakpoint' };
      case REASON.misaligned:
        return { kind: 'misaligned', address: hart.addressField(HART.faultAddress) };
      case REASON.fenceI: {
        const stop = adoptNews(this.space, hart.pc);
        if (stop) return stop;
        this.code.synchronize(this.space.codeVersion);
        hart.pc += 4;
        hart.instret += 1;
        return undefined;
      }
      case REASON.csr:
        return this.csr(hart);
      default:
        return { kind: 'illegal', bits: this.instructionBits(hart.pc) };
    }
  }

  private markCode(page: number): void {
    for (const space of new Set([...this.roots, this.space])) space.markCode(page);
  }

  private csr(hart: HartState): EngineStop | undefined {
    const bits = this.instructionBits(hart.pc);
    let decoded = this.csrs.get(bits);
    if (!decoded && (decoded = decode(bits))) this.csrs.set(bits, decoded);
    if (!decoded || !executeCsr(decoded, hart, this.environment)) return { kind: 'illegal', bits };
    hart.pc += decoded.length;
    hart.instret += 1;
    return undefined;
  }

  /**
   * Resolves the pages of an access, so that the instruction can run again. A page that has watched bytes
   * never gets a delta: an access beside them, or one that the caller lets through, runs with a delta of
   * its own.
   */
  private miss(hart: HartState, through: boolean): EngineStop | undefined {
    const address = hart.addressField(HART.faultAddress);
    const access = hart.field(HART.faultAccess);
    const size = access & ACCESS_SIZE_MASK;
    const write = (access & ACCESS_WRITE) !== 0;
    const atomic = (access & ACCESS_ATOMIC) !== 0;
    const { events } = this.space.arena;
    this.storing = write;
    events.beginFault();
    let resolved: EngineStop | readonly LentDelta[];
    try {
      resolved = resolveAccess(this.space, { address, size, write, atomic, through });
    } finally {
      this.storing = false;
      events.endFault();
    }
    if ('kind' in resolved) return resolved;
    // What a debugger waits for is told before the access.
    if (hart.field(HART.eventStop) !== 0) return { kind: 'event' };
    if (resolved.length > 0) this.runWith(hart, resolved);
    return undefined;
  }

  /** Runs one instruction with some deltas lent to it. */
  private runWith(hart: HartState, deltas: readonly LentDelta[]): void {
    const record = this.code.lookup(hart.pc);
    // A hook of the space has changed the code: it is decoded again first.
    if (record === 0) return;
    for (const { entry, delta } of deltas) this.words[entry] = delta;
    this.interpret('step', hart, record, 1);
    for (const { entry } of deltas) this.words[entry] = 0;
    hart.pc = this.words[(hart.field(HART.trapRecord) + RECORD.pc) >>> 2];
  }

  private fetch(address: number): number | undefined {
    const at = this.space.resolve(address, 'execute', 2);
    if (typeof at !== 'number') return undefined;
    const word = this.words[at >>> 2];
    return (at & 2) === 0 ? word & 0xffff : word >>> 16;
  }

  private fetchFault(hart: HartState): EngineStop {
    const pc = hart.addressField(HART.pc);
    for (const address of [pc, pc + 2]) {
      const result = this.space.resolve(address, 'execute', 2);
      if (typeof result !== 'number' && result.kind !== 'watched') {
        return { kind: 'fault', fault: { ...result, kind: result.kind } };
      }
    }
    throw new Error(`code at 0x${pc.toString(16)} can be fetched and has no record`);
  }

  /** The encoding at `pc`; what cannot be fetched reads as 0. */
  private instructionBits(pc: number): number {
    const low = this.code.unitAt(pc) ?? 0;
    return (low & 3) === 3 ? (low | ((this.code.unitAt(pc + 2) ?? 0) << 16)) >>> 0 : low;
  }
}
