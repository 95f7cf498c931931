import { EXIT, REGIONS } from './records';

export type ExitCause = keyof typeof EXIT;

/** What ran in which engine, and why translated code was left. */
export interface EngineStatistics {
  /** Instructions that ran in translated code. */
  readonly translatedInstructions: number;
  /** Times that the interpreter entered translated code. */
  readonly entries: number;
  /** Times that translated code was left for the interpreter, by cause: as many as entries. */
  readonly exits: Readonly<Record<ExitCause, number>>;
  /** Regions of translated code at present, the modules that they lie in, and their bytes of WebAssembly. */
  readonly regions: number;
  readonly modules: number;
  readonly bytes: number;
  /** Modules that were given up to make room. */
  readonly evicted: number;
  /** Guest instructions translated since the start, and how long harts stood still for it. */
  readonly translated: number;
  readonly milliseconds: number;
  /** The longest time that a hart stood still for a translation, in milliseconds. */
  readonly longestPause: number;
}

const NO_EXITS = Object.fromEntries(Object.keys(EXIT).map((name) => [name, 0])) as Record<
  ExitCause,
  number
>;
/** Of an engine that has run nothing. */
export const NO_STATISTICS: EngineStatistics = {
  translatedInstructions: 0,
  entries: 0,
  exits: NO_EXITS,
  regions: 0,
  modules: 0,
  bytes: 0,
  evicted: 0,
  translated: 0,
  milliseconds: 0,
  longestPause: 0,
};

/** The statistics of two engines together. */
export function addStatistics(a: EngineStatistics, b: EngineStatistics): EngineStatistics {
  const causes = Object.keys(EXIT) as ExitCause[];
  return {
    translatedInstructions: a.translatedInstructions + b.translatedInstructions,
    entries: a.entries + b.entries,
    exits: Object.fromEntries(
      causes.map((cause) => [cause, a.exits[cause] + b.exits[cause]]),
    ) as Record<ExitCause, number>,
    regions: a.regions + b.regions,
    modules: a.modules + b.modules,
    bytes: a.bytes + b.bytes,
    evicted: a.evicted + b.evicted,
    translated: a.translated + b.translated,
    milliseconds: a.milliseconds + b.milliseconds,
    longestPause: Math.max(a.longestPause, b.longestPause),
  };
}

/** The counters of an engine's region block, at arena address `block`. */
export function regionCounters(memory: WebAssembly.Memory, block: number): EngineStatistics {
  const view = new DataView(memory.buffer, block, REGIONS.size);
  const at = (offset: number): number => Number(view.getBigUint64(offset, true));
  const counted = Object.entries(EXIT).map(([name, n]) => [name, at(REGIONS.exits + 8 * n)]);
  const exits = Object.fromEntries(counted) as Record<ExitCause, number>;
  const entries = at(REGIONS.entries);
  const forOthers = Object.values(exits).reduce((sum, count) => sum + count, 0) - exits.jump;
  return {
    ...NO_STATISTICS,
    translatedInstructions: at(REGIONS.instructions),
    entries,
    // Another thread may be about to count the entry of what it has left already.
    exits: { ...exits, jump: Math.max(0, entries - forOthers) },
  };
}
