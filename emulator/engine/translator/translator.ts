import { HART } from '../../memory/layout';
import type { CodeSpace } from '../code-space';
import type { HartState } from '../hart-state';
import type { InstructionCounter } from '../instruction-counter';
import { compileModule, hostHasFusedMadd } from '../host';
import type { Interpreter } from '../interpreter-module';
import type { EngineStatistics } from '../statistics';
import { Arrivals } from './arrivals';
import { TranslationBudget } from './budget';
import { Candidates } from './candidates';
import { CodeCache, type RegionFunction, type Unit } from './code-cache';
import { discoverRegion } from './discovery';
import { FLOAT_MODES, modeOf, type FloatMode } from './float-mode';
import { Offers } from './offers';
import { PAUSE_MS, Pauses } from './pauses';
import { REGION_LIMIT, type RegionSource } from './region';
import { regionName } from './region-module';
import type { RegionStore, StoredModule } from './region-store';
import type { TranslationRequest, TranslationService } from './requests';
import { LEAST_CUT, translateUnit, unitsOf, type TranslatedUnit } from './unit';

/** Interpreted instructions between two samples of where the time goes. */
const SAMPLE_EVERY = 10_000;
/** The same while everything is translated. */
const EAGER_SAMPLE = 30;
const EAGER_LIMIT = 60;
/** A switch leads to what was translated so near, in bytes. */
const EAGER_WINDOW = 1024;
/** Where nothing was translated: so many addresses are remembered. */
const MOST_REJECTED = 4096;
/** How long a hart stands still for a module that is there, in milliseconds; most take less. */
const INSTALL_MS = 0.5;
/** The fewest instructions that a region is tried with: a small loop. */
const LEAST = 32;
/** Limits of the first translations of a thread. */
const TRIALS: readonly number[] = [0, 1, 4, 8, 16, LEAST, REGION_LIMIT];
/** A region that was cut short is made anew when so many times as many instructions pay. */
const GROWTH = 2;
/** What was asked for and has not come yet: so many are remembered. */
const MOST_ASKED = 256;

const keyOf = (pc: number, mode: FloatMode): number =>
  pc * FLOAT_MODES.length + FLOAT_MODES.indexOf(mode);

/** What was translated for the code at `pc`. */
interface Translation {
  readonly pc: number;
  readonly limit: number;
  readonly unit: TranslatedUnit;
}

/** Decides which code is translated, and does it. */
export class Translator {
  readonly cache: CodeCache;
  /** Modules taken into use so far. */
  installed = 0;
  /** Translates whatever is met: for tests, and to see what can be translated. */
  isEager = false;
  private readonly candidates = new Candidates();
  private readonly arrivals = new Arrivals();
  private readonly budget: TranslationBudget;
  private readonly rejected = new Set<number>();
  /** What other threads have translated and this one has not met yet. */
  private readonly offers = new Offers();
  /** With which limit another thread was asked to translate, by address and mode. */
  private readonly asked = new Map<number, number>();
  /** Regions that were cut short: with which limit. */
  private readonly cut = new Map<number, number>();
  /** How far the store has been read. */
  private stored: number;
  private readonly imports: Record<string, WebAssembly.ImportValue>;
  private untilSample = 0;
  /** What the hart had retired when something was translated at once last. */
  private triedAt = -1;
  private translated = 0;
  private readonly pauses = new Pauses();
  /** What this thread has translated and not taken into use yet. */
  private made: Translation | undefined;
  /**
   * The most instructions that this thread translates at a time: few at first, because the host compiles the translator
   * itself while that runs. With 0 it only looks for a region.
   */
  private most: number = TRIALS[0];
  /** How long the next trial is expected to take, in milliseconds. */
  private trialMs = 0;

  constructor(
    memory: WebAssembly.Memory,
    private readonly code: CodeSpace,
    interpreter: Interpreter,
    private readonly source: RegionSource,
    private readonly store: RegionStore | undefined,
    private readonly counter?: InstructionCounter,
  ) {
    this.stored = store?.begin ?? 0;
    this.budget = store?.requests.budget ?? new TranslationBudget();
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
    const { translated } = this;
    const { total: milliseconds, longest: longestPause } = this.pauses;
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
    const { store } = this;
    if (store && store.end !== this.stored && this.pauses.allows(INSTALL_MS))
      this.takeOffers(store);
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
    if (!this.isEager && this.counter === undefined) this.arrive(hart, space);
    if (this.untilSample > 0) return;
    this.untilSample = this.isEager ? EAGER_SAMPLE : SAMPLE_EVERY;
    const { pc } = hart;
    if (this.isEager) {
      this.translateAtOnce(hart, pc);
      return;
    }
    this.budget.ran();
    if (this.made && this.pauses.allows(INSTALL_MS)) this.useMade();
    const unit = this.cache.unitAt(pc);
    // A cut region's end may lead back to it through code that is interpreted.
    if (!unit || this.cut.has(pc) || this.hasWrongMode(unit, hart)) this.candidates.sample(pc);
    else this.sampleGap();
    if (this.budget.left > 0) this.tryBest(hart, space);
  }

  /** Asks for a region with a switch where control is met in the cases of one. */
  private arrive(hart: HartState, space: number): void {
    const { pc } = hart;
    if (!this.cache.unitAt(pc) || this.store?.requests.service !== 'running') return;
    this.arrivals.sample(pc, this.modeFor(hart), (targets) =>
      this.ask(hart, { pc: targets[0], space, limit: REGION_LIMIT, targets }),
    );
  }

  /** Control has come to translated code: what was interpreted before it began where translated code was left. */
  private sampleGap(): void {
    const pc = this.code.leftAt;
    if (pc !== undefined && !this.cache.unitAt(pc)) this.candidates.sample(pc);
  }

  /** Translates what was met most often, as much of it as pays. */
  private tryBest(hart: HartState, space: number): void {
    const best = this.candidates.best();
    if (!best) return;
    const { pc, samples } = best;
    const worth = this.budget.worth(samples * SAMPLE_EVERY);
    const limit = Math.min(REGION_LIMIT, Math.max(LEAST, worth));
    const before = this.cut.get(pc);
    const unit = this.cache.unitAt(pc);
    const isSame = unit !== undefined && !this.hasWrongMode(unit, hart);
    if (isSame && before !== undefined && limit < GROWTH * before) {
      this.candidates.tried(pc);
      return;
    }
    const service = this.serviceFor();
    const isAsked = service !== 'none' && this.ask(hart, { pc, space, limit });
    if (service === 'running') {
      // Where there is no room it stays the next one.
      if (isAsked) this.candidates.tried(pc);
    } else if (!this.made) {
      this.translate(hart, pc, Math.min(limit, this.affordable));
    }
  }

  /** Whether another thread translates; one is started if there can be. */
  private serviceFor(): TranslationService {
    const { store } = this;
    if (!store) return 'none';
    const { onWanted } = store;
    // The first region is there sooner without a second thread that the host has to start meanwhile.
    const isSecond = this.translated > 0 || this.most >= LEAST;
    if (store.requests.service === 'none' && onWanted && isSecond) this.pauses.during(onWanted);
    return store.requests.service;
  }

  /** Translates what is met, and takes it into use. */
  translateAtOnce(hart: HartState, pc: number): void {
    if (this.rejected.has(pc) || this.cache.unitAt(pc)) return;
    // Making a region takes the delta for stores away from its pages: a store there that waits for it comes first.
    if (hart.instret === this.triedAt) return;
    this.triedAt = hart.instret;
    this.pauses.during(() => {
      const unit = this.switchUnitFor(hart, pc) ?? this.unitFor(hart, pc, EAGER_LIMIT, 0);
      if (unit) this.publish(unit.module);
      else this.reject(pc);
    });
  }

  /**
   * Translates the region that begins at `pc`, and what it calls, on this thread. It is taken into use after the hart has
   * run again.
   */
  private translate(hart: HartState, pc: number, wanted: number): void {
    const limit = Math.min(wanted, this.most);
    const isTrial = limit < wanted;
    if (!this.pauses.allows(isTrial ? this.trialMs : limit * this.budget.cost)) return;
    let unit: TranslatedUnit | undefined;
    const milliseconds = this.pauses.during(() => {
      if (limit > 0) unit = this.unitFor(hart, pc, limit, isTrial ? 0 : LEAST_CUT);
      else discoverRegion(this.source, pc, { limit: LEAST, onlyReached: true });
    });
    this.most = TRIALS.find((most) => most > limit) ?? REGION_LIMIT;
    this.trialMs = limit === 0 ? PAUSE_MS : 2 * milliseconds;
    // What is cut shorter than it would be was only for the host to get to know the translator.
    if (limit === 0 || (isTrial && unit?.isCut === true)) return;
    this.budget.spent(milliseconds, unit?.module.instructions);
    this.candidates.tried(pc);
    if (unit) this.made = { pc, limit, unit };
  }

  private unitFor(
    hart: HartState,
    pc: number,
    limit: number,
    leastCut: number,
    targets?: readonly number[],
  ): TranslatedUnit | undefined {
    const { isEager } = this;
    return translateUnit(this.source, pc, {
      limit,
      leastCut,
      mode: this.modeFor(hart),
      withCallees: !isEager,
      onlyReached: !isEager,
      counts: this.counter !== undefined,
      targets,
      isKnown: (target) => this.cache.unitAt(target) !== undefined,
    });
  }

  /** A region with a switch that leads to `pc` and to what was translated near by. */
  private switchUnitFor(hart: HartState, pc: number): TranslatedUnit | undefined {
    if (this.counter) return undefined;
    const near = this.cache.active().filter((other) => Math.abs(other - pc) < EAGER_WINDOW);
    if (near.length === 0) return undefined;
    const unit = this.unitFor(hart, pc, EAGER_LIMIT, 0, [pc, ...near]);
    return unit?.module.entries.slice(0, unit.module.own).includes(pc) === true ? unit : undefined;
  }

  /** Takes into use what this thread has translated. */
  private useMade(): void {
    const { made } = this;
    this.made = undefined;
    if (!made) return;
    const { pc, limit, unit } = made;
    this.budget.spent(this.pauses.during(() => this.publish(unit.module)));
    this.done(pc, limit, unit.isCut);
  }

  /** Takes a module of this thread into use, and offers it to the others. */
  private publish(module: StoredModule): void {
    // Others have theirs already, or are told now.
    const isRead = this.store?.end === this.stored;
    this.store?.add(module);
    if (this.store && isRead) this.stored = this.store.end;
    this.install(module);
  }

  /** A region at `pc` is there, made with this limit. */
  private done(pc: number, limit: number, isCut: boolean): void {
    this.candidates.delete(pc);
    if (this.cut.size > MOST_REJECTED) this.cut.clear();
    if (isCut && limit < REGION_LIMIT) this.cut.set(pc, limit);
    else this.cut.delete(pc);
  }

  private reject(pc: number): void {
    if (this.rejected.size > MOST_REJECTED) this.rejected.clear();
    this.rejected.add(pc);
  }

  /** How many instructions can be translated without a long pause. */
  private get affordable(): number {
    return Math.max(LEAST, Math.floor(PAUSE_MS / this.budget.cost));
  }

  /** Asks the thread that translates. False when it has enough to do. */
  private ask(hart: HartState, request: Omit<TranslationRequest, 'mode' | 'table'>): boolean {
    const mode = this.modeFor(hart);
    const { table } = this.code;
    if (!this.store?.requests.put({ ...request, mode, table })) return false;
    if (this.asked.size > MOST_ASKED) this.asked.clear();
    this.asked.set(keyOf(request.pc, mode), request.limit);
    return true;
  }

  private install({ entries, own, source, mode, bytes, instructions }: StoredModule): void {
    const module = compileModule(bytes);
    const counters = this.counter?.install(module, unitsOf(source));
    const env = counters === undefined ? this.imports : { ...this.imports, counters };
    const { exports } = new WebAssembly.Instance(module, { env });
    const functions = new Map(entries.map((pc) => [pc, exports[regionName(pc)] as RegionFunction]));
    this.installed += 1;
    this.translated += instructions;
    const of = { source, mode, instructions, bytes: bytes.length };
    this.cache.add(functions, new Set(entries.slice(0, own)), of);
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
  private wants({ entries, own, mode, instructions }: StoredModule): boolean {
    const [pc] = entries;
    let limit: number | undefined;
    for (const other of mode ? [mode] : FLOAT_MODES) {
      const key = keyOf(pc, other);
      limit = this.asked.get(key) ?? limit;
      this.asked.delete(key);
    }
    if (limit !== undefined) {
      for (const entry of entries.slice(0, own)) this.done(entry, limit, instructions >= limit);
      return true;
    }
    // One that was cut short, made anew.
    const present = this.cache.unitAt(pc);
    if (present && present.mode === mode && present.instructions < instructions) return true;
    if (entries.some((entry) => this.cache.has(entry))) return false;
    return entries.some((entry) => this.code.lookup(entry) !== 0);
  }

  /** Uses what another thread has translated for the code at `pc`, if there is something. */
  private accept(pc: number): void {
    const module = this.offers.take(pc);
    if (module) this.budget.spent(this.pauses.during(() => this.install(module)));
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
