import { HART } from '../../memory/layout';
import type { CodeSpace } from '../code-space';
import type { HartState } from '../hart-state';
import type { InstructionCounter } from '../instruction-counter';
import { hostHasFusedMadd } from '../host';
import type { Interpreter } from '../interpreter-module';
import type { EngineStatistics } from '../statistics';
import { CodeCache, type RegionFunction, type Unit } from './code-cache';
import { FLOAT_MODES, modeOf, type FloatMode } from './float-mode';
import { Offers } from './offers';
import { REGION_LIMIT, type RegionSource } from './region';
import { regionName } from './region-module';
import type { RegionStore, StoredModule } from './region-store';
import { translateUnit, unitsOf } from './unit';

/** Interpreted instructions between two samples of where the time goes. */
const SAMPLE_EVERY = 10_000;
/** The same while everything is translated. */
const EAGER_SAMPLE = 30;
const EAGER_LIMIT = 60;
/** Addresses whose samples are counted at a time. */
const MOST_SAMPLED = 4096;
/** Samples at one address that make it hot. */
const HOT_SAMPLES = 3;
/** How long a hart stands still for a translation on its own thread, in milliseconds. */
const PAUSE_MS = 3;
/** What translating an instruction takes at first, in milliseconds, before the host has compiled the translator. */
const FIRST_COST_MS = 0.05;
/** The fewest instructions that are translated at a time, however long that takes. */
const LEAST = 24;
/** Samples after which what was asked for and has not come is asked for again. */
const PATIENCE = 1000;

/** Decides which code is translated, and does it. */
export class Translator {
  readonly cache: CodeCache;
  /** Translates whatever is met: for tests, and to see what can be translated. */
  isEager = false;
  private readonly samples = new Map<number, number>();
  private readonly rejected = new Set<number>();
  /** What other threads have translated and this one has not met yet. */
  private readonly offers = new Offers();
  /** What another thread is asked to translate: at which sample, by address and mode. */
  private readonly asked = new Map<number, number>();
  /** Where translations on this thread were cut short, because there was no other to make them. */
  private readonly cut = new Set<number>();
  private samplesTaken = 0;
  /** How far the store has been read. */
  private stored: number;
  private readonly imports: Record<string, WebAssembly.ImportValue>;
  private untilSample = 0;
  private translated = 0;
  private milliseconds = 0;
  private longestPause = 0;
  private cost = FIRST_COST_MS;

  constructor(
    memory: WebAssembly.Memory,
    private readonly code: CodeSpace,
    interpreter: Interpreter,
    private readonly source: RegionSource,
    private readonly store: RegionStore | undefined,
    private readonly counter?: InstructionCounter,
  ) {
    this.stored = store?.begin ?? 0;
    this.cache = new CodeCache(memory, code, interpreter.regions);
    this.imports = {
      ...(interpreter as unknown as Record<string, WebAssembly.ImportValue>),
      memory,
    };
    this.cache.onDecoded = (pc) => this.accept(pc);
    if (counter) counter.onFull = () => this.cache.clear();
  }

  get stats(): Omit<EngineStatistics, 'translatedInstructions' | 'entries' | 'exits'> {
    const { regions, modules, bytes, evicted } = this.cache;
    const { translated, milliseconds, longestPause } = this;
    return { regions, modules, bytes, evicted, translated, milliseconds, longestPause };
  }

  /** Whether there is a region that begins in [from, to) and is in use, or another thread has one. */
  has(from: number, to: number): boolean {
    const mayRun = this.code.regions === this.cache;
    if (mayRun && this.store && this.store.end !== this.stored) this.takeOffers(this.store);
    const isWithin = (pc: number): boolean => pc >= from && pc < to;
    if (this.offers.some(isWithin)) return true;
    return this.cache.active().some(isWithin);
  }

  /** How much of `fuel` may be interpreted until the next sample. */
  slice(fuel: number): number {
    if (this.store && this.store.end !== this.stored) this.takeOffers(this.store);
    return Math.min(fuel, Math.max(1, this.untilSample));
  }

  /** So many instructions were interpreted. */
  interpreted(count: number): void {
    this.untilSample -= count;
  }

  /**
   * A hart has stopped at `hart.pc`, where control has moved to: every so often code there is looked at.
   * @param space id of the space that it runs in
   */
  sample(hart: HartState, space: number): void {
    if (this.untilSample > 0) return;
    this.untilSample = this.isEager ? EAGER_SAMPLE : SAMPLE_EVERY;
    const { pc } = hart;
    if (this.isEager) {
      this.translate(hart, pc);
      return;
    }
    this.samplesTaken += 1;
    if (this.cut.size > 0) this.askForCut(hart, space);
    const unit = this.cache.unitAt(pc);
    const isOther = unit !== undefined && this.hasWrongMode(unit, hart);
    if (unit && !isOther) return;
    if (this.samples.size > MOST_SAMPLED) this.samples.clear();
    const count = (this.samples.get(pc) ?? 0) + 1;
    this.samples.set(pc, count);
    if (count < HOT_SAMPLES && !isOther) return;
    this.samples.delete(pc);
    if (!this.ask(hart, pc, space)) this.translate(hart, pc);
  }

  /** Translates the region that begins at `pc`, and what it calls, on this thread. */
  translate(hart: HartState, pc: number): void {
    const { isEager } = this;
    if (this.rejected.has(pc) || (isEager && this.cache.unitAt(pc))) return;
    const start = performance.now();
    const unit = translateUnit(this.source, pc, {
      limit: isEager ? EAGER_LIMIT : this.affordable,
      mode: this.modeFor(hart),
      withCallees: !isEager,
      counts: this.counter !== undefined,
      isKnown: (target) => this.cache.unitAt(target) !== undefined,
    });
    if (!unit) {
      if (this.rejected.size > MOST_SAMPLED) this.rejected.clear();
      this.rejected.add(pc);
      return;
    }
    const { module, isCut } = unit;
    // Others have theirs already, or are told now.
    const isRead = this.store?.end === this.stored;
    this.store?.add(module);
    if (this.store && isRead) this.stored = this.store.end;
    this.install(module);
    const taken = performance.now() - start;
    this.cost = (this.cost + taken / module.instructions) / 2;
    this.paused(taken);
    if (isCut && !isEager && this.cut.size < MOST_SAMPLED) this.cut.add(pc);
  }

  /** How many instructions can be translated without a long pause. */
  private get affordable(): number {
    return Math.min(REGION_LIMIT, Math.max(LEAST, Math.floor(PAUSE_MS / this.cost)));
  }

  /** Asks the thread that translates, if there is one. False when this thread has to. */
  private ask(hart: HartState, pc: number, space: number): boolean {
    const { store, asked, samplesTaken } = this;
    if (!store) return false;
    if (!store.requests.isServed) store.onWanted?.();
    if (!store.requests.isServed) return false;
    const mode = this.modeFor(hart);
    const key = pc * FLOAT_MODES.length + FLOAT_MODES.indexOf(mode);
    const since = asked.get(key);
    if (since !== undefined && samplesTaken - since < PATIENCE) return true;
    if (asked.size > MOST_SAMPLED) asked.clear();
    // When there is no room it is hot again later.
    if (store.requests.put({ space, pc, mode })) asked.set(key, samplesTaken);
    return true;
  }

  /** What was cut short is made anew: by the thread that translates, or here when more can be afforded by now. */
  private askForCut(hart: HartState, space: number): void {
    const [pc] = this.cut;
    if (!this.ask(hart, pc, space)) {
      if (this.affordable < REGION_LIMIT) return;
      this.translate(hart, pc);
    }
    this.cut.delete(pc);
  }

  private paused(milliseconds: number): void {
    this.milliseconds += milliseconds;
    this.longestPause = Math.max(this.longestPause, milliseconds);
  }

  private install({ entries, source, mode, bytes, instructions }: StoredModule): void {
    const module = new WebAssembly.Module(bytes);
    const counters = this.counter?.install(module, unitsOf(source));
    const env = counters === undefined ? this.imports : { ...this.imports, counters };
    const { exports } = new WebAssembly.Instance(module, { env });
    const functions = new Map(entries.map((pc) => [pc, exports[regionName(pc)] as RegionFunction]));
    this.translated += instructions;
    const of = { source, mode, instructions, bytes: bytes.length };
    this.cache.add(functions, entries[0], of);
  }

  /**
   * Looks at what other threads have translated, up to the first module that is used at once; the others are used where
   * this thread comes to.
   */
  private takeOffers(store: RegionStore): void {
    while (this.stored !== store.end) {
      const { module, next } = store.read(this.stored);
      this.stored = next;
      if (!module) continue;
      this.offers.add(module);
      if (this.wants(module)) return this.accept(module.entries[0]);
    }
  }

  /** Whether a module is of use here at once: it was asked for, or its code is decoded and not translated. */
  private wants({ entries, mode, instructions }: StoredModule): boolean {
    let isAsked = false;
    for (const other of mode ? [mode] : FLOAT_MODES) {
      const key = entries[0] * FLOAT_MODES.length + FLOAT_MODES.indexOf(other);
      if (this.asked.delete(key)) isAsked = true;
    }
    if (isAsked) return true;
    // One that was cut short, made anew.
    const present = this.cache.unitAt(entries[0]);
    if (present && present.mode === mode && present.instructions < instructions) return true;
    if (entries.some((pc) => this.cache.has(pc))) return false;
    return entries.some((pc) => this.code.lookup(pc) !== 0);
  }

  /** Uses what another thread has translated for the code at `pc`, if there is something. */
  private accept(pc: number): void {
    const module = this.offers.take(pc);
    if (!module) return;
    const start = performance.now();
    this.install(module);
    this.paused(performance.now() - start);
  }

  /** Whether a region is of no use with the present rounding mode and flags. */
  private hasWrongMode({ mode }: Unit, hart: HartState): boolean {
    return mode !== undefined && mode !== this.modeFor(hart);
  }

  /** The mode to translate for. */
  private modeFor(hart: HartState): FloatMode {
    const mode = modeOf(hart.field(HART.fcsr));
    // Exactness is told by the host's fused multiply-add.
    return mode === 'clear' && !hostHasFusedMadd() ? 'soft' : mode;
  }
}
