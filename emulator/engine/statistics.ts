import { EXIT, REGIONS } from './records';

export type ExitCause = keyof typeof EXIT;

/** What ran in which engine, and why translated code was left. */
export interface EngineStatistics {
  /** Instructions that ran in translated code. */
  readonly translatedInstructions: number;
  /** Times that the interpreter entered translated code. */
  readonly entries: number;
  /** Times that translated code was left, by cause; returns and other jumps in registers are not counted. */
  readonly exits: Readonly<Record<ExitCause, number>>;
  /** Regions of translated code at present, the modules that they lie in, and their bytes of WebAssembly. */
  readonly regions: number;
  readonly modules: number;
  readonly bytes: number;
  /** Modules that were given up to make room. */
  readonly evicted: number;
  /** Guest instructions translated since the start, and the time that took. */
  readonly translated: number;
  readonly milliseconds: number;
}

/** The counters of an engine's region block, at arena address `block`. */
export function regionCounters(
  memory: WebAssembly.Memory,
  block: number,
): Pick<EngineStatistics, 'translatedInstructions' | 'entries' | 'exits'> {
  const view = new DataView(memory.buffer, block, REGIONS.size);
  const at = (offset: number): number => Number(view.getBigUint64(offset, true));
  const exits = Object.entries(EXIT).map(([name, n]) => [name, at(REGIONS.exits + 8 * n)]);
  return {
    translatedInstructions: at(REGIONS.instructions),
    entries: at(REGIONS.entries),
    exits: Object.fromEntries(exits) as Record<ExitCause, number>,
  };
}
