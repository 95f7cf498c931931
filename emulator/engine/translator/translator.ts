import { HART } from '../../memory/layout';
import type { CodeSpace } from '../code-space';
import type { HartState } from '../hart-state';
import { hostHasFusedMadd } from '../host';
import type { Interpreter } from '../interpreter-module';
import { CodeCache, type RegionFunction } from './code-cache';
import { discoverRegion, REGION_LIMIT, type Region, type RegionSource } from './region';
import { hasModes } from './region-function';
import { buildRegionModule, regionName } from './region-module';

/** Interpreted instructions between two samples of where the time goes. */
export const SAMPLE_EVERY = 10_000;
/** The same while everything is translated. */
const EAGER_SAMPLE = 30;
/** Samples at one address that make it hot. */
const HOT_SAMPLES = 3;
/** The most instructions that are translated at a time. */
const UNIT_LIMIT = REGION_LIMIT;
const MODE_MASK = 0xe1;
const MODE_HOST = 1;
/** How often a region is translated anew because the rounding mode or the flags are other ones. */
const MAX_MODE_CHANGES = 4;

export interface TranslatorStats {
  readonly regions: number;
  readonly modules: number;
  /** Bytes of WebAssembly that are kept. */
  readonly bytes: number;
  /** Instructions translated so far, and the time it took. */
  readonly translated: number;
  readonly milliseconds: number;
  readonly evicted: number;
}

/** Decides which code is translated, and does it. */
export class Translator {
  readonly cache: CodeCache;
  /** Translates whatever is met: for tests, and to see what can be translated. */
  isEager = false;
  private readonly samples = new Map<number, number>();
  private readonly rejected = new Set<number>();
  private readonly modeChanges = new Map<number, number>();
  private readonly imports: Record<string, WebAssembly.ImportValue>;
  private untilSample = 0;
  private translated = 0;
  private milliseconds = 0;

  constructor(
    memory: WebAssembly.Memory,
    code: CodeSpace,
    interpreter: Interpreter,
    private readonly source: RegionSource,
  ) {
    this.cache = new CodeCache(memory, code, interpreter.regions, source);
    this.imports = {
      ...(interpreter as unknown as Record<string, WebAssembly.ImportValue>),
      memory,
    };
  }

  get stats(): TranslatorStats {
    const { regions, modules, bytes, evicted } = this.cache;
    const { translated, milliseconds } = this;
    return { regions, modules, bytes, evicted, translated, milliseconds };
  }

  /** How much of `fuel` may be interpreted until the next sample. */
  slice(fuel: number): number {
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
    if (unit && !this.hasWrongMode(unit.hostMode, hart, pc)) return;
    const count = (this.samples.get(pc) ?? 0) + 1;
    this.samples.set(pc, count);
    if (count < HOT_SAMPLES) return;
    this.samples.delete(pc);
    this.translate(hart, pc);
  }

  /** Translates the region that begins at `pc`, and what it calls. */
  translate(hart: HartState, pc: number): void {
    if (this.rejected.has(pc) || (this.isEager && this.cache.unitAt(pc))) return;
    const start = performance.now();
    const region = discoverRegion(this.source, pc);
    if (!region) {
      this.rejected.add(pc);
      return;
    }
    const regions = this.withCallees(region);
    const hostMode = isHostMode(hart) && regions.some(hasModes);
    const options = { hostMode, relaxedMadd: hostHasFusedMadd() };
    const bytes = buildRegionModule(regions, options);
    const module = new WebAssembly.Module(bytes);
    const { exports } = new WebAssembly.Instance(module, { env: this.imports });
    const functions = new Map(
      regions.map(({ entry }) => [entry, exports[regionName(entry)] as RegionFunction]),
    );
    this.cache.add(regions, functions, { bytes: bytes.length, hostMode });
    this.translated += regions.reduce((sum, { instructions }) => sum + instructions, 0);
    this.milliseconds += performance.now() - start;
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

  /** Whether a region should be translated again, for the present rounding mode and flags. */
  private hasWrongMode(hostMode: boolean, hart: HartState, pc: number): boolean {
    if (hostMode === isHostMode(hart)) return false;
    const changes = this.modeChanges.get(pc) ?? 0;
    this.modeChanges.set(pc, changes + 1);
    return changes < MAX_MODE_CHANGES;
  }
}

/** Whether the host's rounding is the guest's, and its inexact flag may stay as it is. */
function isHostMode(hart: HartState): boolean {
  return (hart.field(HART.fcsr) & MODE_MASK) === MODE_HOST;
}
