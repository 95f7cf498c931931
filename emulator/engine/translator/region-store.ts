import { acquire, release } from '../../memory/lock';
import type { FloatMode } from './float-mode';

/** A module of regions as it travels between threads. */
export interface StoredModule {
  /** Guest addresses at which its regions begin. */
  readonly entries: readonly number[];
  /** The code that it was made from: addresses and their 16 bits. */
  readonly source: ReadonlyMap<number, number>;
  readonly mode: FloatMode | undefined;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Modules that the threads of a machine have translated, for the others to use. V8 compiles a module only once in
 * a process, however many threads make it from the same bytes: its optimised code serves them all at once.
 *
 * | word | field |
 * |------|-------|
 * | 0    | lock of those who add |
 * | 1    | first word that is free |
 * | 4    | modules, one after another |
 *
 * A module is u32 words in all, mode, entries, runs of code, bytes of WebAssembly; the entries' addresses; for each
 * run its first address and its 16-bit units, then the units of all runs and the WebAssembly, each filled up to a
 * whole word.
 */
const LOCK = 0;
const FREE = 1;
const FIRST = 4;
const HEADER_WORDS = 5;
const STORE_BYTES = 16 * 2 ** 20;
const MODES: readonly (FloatMode | undefined)[] = [undefined, 'sticky', 'clear', 'soft'];

export class RegionStore {
  private readonly words: Int32Array;

  constructor(readonly buffer = new SharedArrayBuffer(STORE_BYTES)) {
    this.words = new Int32Array(buffer);
    Atomics.compareExchange(this.words, FREE, 0, FIRST);
  }

  /** Where the next module will lie: changes with each one. */
  get end(): number {
    return Atomics.load(this.words, FREE);
  }

  /** Where the first module lies. */
  get begin(): number {
    return FIRST;
  }

  /** Adds a module; not when the store is full: then each thread translates for itself. */
  add({ entries, source, mode, bytes }: StoredModule): void {
    const runs = runsOf(source);
    const units = runs.flatMap(({ bits }) => bits);
    const unitWords = Math.ceil(units.length / 2);
    const wasmWords = Math.ceil(bytes.length / 4);
    const total = HEADER_WORDS + entries.length + 2 * runs.length + unitWords + wasmWords;
    const { words } = this;
    acquire(words, LOCK);
    try {
      const at = words[FREE];
      if (at + total > words.length) return;
      words.set([total, MODES.indexOf(mode), entries.length, runs.length, bytes.length], at);
      let next = at + HEADER_WORDS;
      for (const entry of entries) words[next++] = entry;
      for (const { start, bits } of runs) {
        words[next++] = start;
        words[next++] = bits.length;
      }
      new Uint16Array(this.buffer, 4 * next, units.length).set(units);
      next += unitWords;
      new Uint8Array(this.buffer, 4 * next, bytes.length).set(bytes);
      Atomics.store(words, FREE, at + total);
    } finally {
      release(words, LOCK);
    }
  }

  /** The module at a word, and where the next one lies. */
  read(at: number): { readonly module: StoredModule; readonly next: number } {
    const { words, buffer } = this;
    const [total, mode, entryCount, runCount, byteCount] = words.subarray(at, at + HEADER_WORDS);
    let place = at + HEADER_WORDS;
    const entries = Array.from(words.subarray(place, place + entryCount), (pc) => pc >>> 0);
    place += entryCount;
    const runs = words.subarray(place, place + 2 * runCount);
    place += 2 * runCount;
    const unitCount = runs.reduce((sum, value, i) => (i % 2 === 1 ? sum + value : sum), 0);
    const units = new Uint16Array(buffer, 4 * place, unitCount);
    place += Math.ceil(unitCount / 2);
    const source = new Map<number, number>();
    for (let i = 0, unit = 0; i < runs.length; i += 2) {
      for (let n = 0; n < runs[i + 1]; n++) source.set((runs[i] >>> 0) + 2 * n, units[unit++]);
    }
    // Not a view: WebAssembly takes no shared bytes.
    const bytes = new Uint8Array(byteCount);
    bytes.set(new Uint8Array(buffer, 4 * place, byteCount));
    return { module: { entries, source, mode: MODES[mode], bytes }, next: at + total };
  }
}

/** Code as runs of neighbouring 16-bit units. */
function runsOf(source: ReadonlyMap<number, number>): { start: number; bits: number[] }[] {
  const runs: { start: number; bits: number[] }[] = [];
  for (const [pc, bits] of [...source].toSorted(([a], [b]) => a - b)) {
    const last = runs.at(-1);
    if (last && last.start + 2 * last.bits.length === pc) last.bits.push(bits);
    else runs.push({ start: pc, bits: [bits] });
  }
  return runs;
}
