import { HART } from '../../memory/layout';
import type { CodeSpace } from '../code-space';
import type { HartState } from '../hart-state';
import type { InstructionCounter } from '../instruction-counter';
import { hostHasFusedMadd } from '../host';
import type { Interpreter } from '../interpreter-module';
import type { EngineStatistics } from '../statistics';
import { CodeCache, type RegionFunction, type Unit } from './code-cache';
import { modeOf, type FloatMode } from './float-mode';
import { discoverRegion, REGION_LIMIT, type Region, type RegionSource } from './region';
import { hasModes } from './region-function';
import { buildRegionModule, regionName } from './region-module';
import type { RegionStore, StoredModule } from './region-store';

/** Interpreted instructions between two samples of where the time goes. */
const SAMPLE_EVERY = 10_000;
/** The same while everything is translated. */
const EAGER_SAMPLE = 30;
const EAGER_LIMIT = 60;
/** Addresses whose samples are counted at a time. */
const MOST_SAMPLED = 4096;
/** Samples at one address that make it hot. */
const HOT_SAMPLES = 3;
/** The most instructions that are translated at a time. */
const UNIT_LIMIT = REGION_LIMIT;

/** Decides which code is translated, and does it. */
export class Translator {
  readonly cache: CodeCache;
  /** Translates whatever is met: for tests, and to see what can be translated. */
  isEager = false;
  private readonly samples = new Map<number, number>();
  private readonly rejected = new Set<number>();
  /** What other threads have translated and this one has not met yet. */
  private readonly offers = new Map<number, StoredModule>();
  /** How far the store has been read. */
  private stored: number;
  private readonly imports: Record<string, WebAssembly.ImportValue>;
  private untilSample = 0;
  private translated = 0;
  private milliseconds = 0;

  constructor(
    memory: WebAssembly.Memory,
    private readonly code: CodeSpace,
    interpreter: Interpreter,
    private readonly source: RegionSource,
    private readonly store: RegionStore | undefined,
    private readonly counter?: InstructionCounter,
  ) {
    this.stored = store?.begin ?? 0;
    this.cache = new CodeCache(memory, code, interpreter.regions, source);
    this.imports = {
      ...(interpreter as unknown as Record<string, WebAssembly.ImportValue>),
      memory,
    };
    this.cache.onDecoded = (pc) => this.accept(pc);
    if (counter) counter.onFull = () => this.cache.clear();
  }

  get stats(): Omit<EngineStatistics, 'translatedInstructions' | 'entries' | 'exits'> {
    const { regions, modules, bytes, evicted } = this.cache;
    const { translated, milliseconds } = this;
    return { regions, modules, bytes, evicted, translated, milliseconds };
  }

  /** Whether there is a region that begins in [from, to) and is in use, or another thread has one. */
  has(from: number, to: number): boolean {
    const mayRun = this.code.regions === this.cache;
    if (mayRun && this.store && this.store.end !== this.stored) this.takeOffers(this.store);
    const isWithin = (pc: number): boolean => pc >= from && pc < to;
    if ([...this.offers.keys()].some(isWithin)) return true;
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

  /** A hart has stopped at `hart.pc`, where control has moved to: every so often code there is looked at. */
  sample(hart: HartState): void {
    if (this.untilSample > 0) return;
    this.untilSample = this.isEager ? EAGER_SAMPLE : SAMPLE_EVERY;
    const { pc } = hart;
    if (this.isEager) {
      this.translate(hart, pc);
      return;
    }
    const unit = this.cache.unitAt(pc);
    const isOther = unit !== undefined && this.hasWrongMode(unit, hart);
    if (unit && !isOther) return;
    if (this.samples.size > MOST_SAMPLED) this.samples.clear();
    const count = (this.samples.get(pc) ?? 0) + 1;
    this.samples.set(pc, count);
    if (count < HOT_SAMPLES && !isOther) return;
    this.samples.delete(pc);
    this.translate(hart, pc);
  }

  /** Translates the region that begins at `pc`, and what it calls. */
  translate(hart: HartState, pc: number): void {
    if (this.rejected.has(pc) || (this.isEager && this.cache.unitAt(pc))) return;
    const start = performance.now();
    const region = discoverRegion(this.source, pc, this.isEager ? EAGER_LIMIT : REGION_LIMIT);
    if (!region) {
      if (this.rejected.size > MOST_SAMPLED) this.rejected.clear();
      this.rejected.add(pc);
      return;
    }
    const regions = this.isEager ? [region] : this.withCallees(region);
    const relaxedMadd = hostHasFusedMadd();
    const mode = this.modeFor(hart);
    const options = { mode, relaxedMadd, counts: this.counter !== undefined };
    const module: StoredModule = {
      entries: regions.map(({ entry }) => entry),
      source: this.cache.sourceOf(regions),
      mode: regions.some(hasModes) ? mode : undefined,
      bytes: buildRegionModule(regions, options),
    };
    // Others have theirs already, or are told now.
    const isRead = this.store?.end === this.stored;
    this.store?.add(module);
    if (this.store && isRead) this.stored = this.store.end;
    this.install(module);
    this.translated += regions.reduce((sum, { instructions }) => sum + instructions, 0);
    this.milliseconds += performance.now() - start;
  }

  private install({ entries, source, mode, bytes }: StoredModule): void {
    const module = new WebAssembly.Module(bytes);
    const counters = this.counter?.install(module, source);
    const env = counters === undefined ? this.imports : { ...this.imports, counters };
    const { exports } = new WebAssembly.Instance(module, { env });
    const functions = new Map(entries.map((pc) => [pc, exports[regionName(pc)] as RegionFunction]));
    this.cache.add(functions, { source, mode, bytes: bytes.length });
  }

  /** Looks at what other threads have translated: it is used where this one has come or comes to. */
  private takeOffers(store: RegionStore): void {
    const { end } = store;
    while (this.stored < end) {
      const { module, next } = store.read(this.stored);
      this.stored = next;
      for (const pc of module.entries) this.offers.set(pc, module);
      const isKnown = module.entries.some((pc) => this.cache.has(pc));
      if (!isKnown && module.entries.some((pc) => this.code.lookup(pc) !== 0)) {
        this.accept(module.entries[0]);
      }
    }
  }

  /** Uses what another thread has translated for the code at `pc`, if there is something. */
  private accept(pc: number): void {
    const module = this.offers.get(pc);
    if (!module) return;
    for (const entry of module.entries) {
      if (this.offers.get(entry) === module) this.offers.delete(entry);
    }
    this.install(module);
  }

  /** The region and the functions that it calls, as far as there is room. */
  private withCallees(region: Region): Region[] {
    const regions = [region];
    let room = UNIT_LIMIT - region.instructions;
    for (const { calls } of regions) {
      for (const target of calls) {
        if (room <= 0 || regions.some(({ entry }) => entry === target)) continue;
        if (this.cache.unitAt(target)) continue;
        const callee = discoverRegion(this.source, target, room);
        if (!callee) continue;
        regions.push(callee);
        room -= callee.instructions;
      }
    }
    return regions;
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
