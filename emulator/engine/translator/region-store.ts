import { acquire, release } from '../../memory/lock';
import { FLOAT_MODES, type FloatMode } from './float-mode';
import { REQUEST_BYTES, TranslationRequests } from './requests';

/** Neighbouring 16-bit units of code. */
export interface CodeRun {
  readonly start: number;
  readonly bits: Uint16Array;
}

/** A module of regions as it travels between threads. */
export interface StoredModule {
  /** Guest addresses at which its regions begin. */
  readonly entries: readonly number[];
  /** So many of them, the first ones, are of the region that it was made for. */
  readonly own: number;
  /** The code that it was made from. */
  readonly source: readonly CodeRun[];
  readonly mode: FloatMode | undefined;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Guest instructions in its regions. */
  readonly instructions: number;
}

/**
 * Modules that the threads of a machine have translated, for the others to use, and what they want to have translated.
 * V8 compiles a module only once in a process, however many threads make it from the same bytes: its optimised code serves
 * them all at once.
 *
 * | bytes | what |
 * |-------|------|
 * | first | the requests (requests.ts) |
 * | 16    | u32 lock of those who add, place of the oldest module, place of the next one |
 * | rest  | a ring of 2^22 words with the modules, one after another; the oldest give way to new ones |
 *
 * A place is a number of words put before, mod 2^32; its low 22 bits tell where it is in the ring. A module is u32 words
 * in all, mode, entries, runs of code, bytes of WebAssembly, guest instructions, entries of its own; the entries' addresses; for each run its first address and its
 * 16-bit units, then the units of all runs and the WebAssembly, each filled up to a whole word. It does not wrap round:
 * words that are left at the end are a module without entries.
 */
const LOCK = 0;
const BEGIN = 1;
const END = 2;
const STATE_BYTES = 16;
const HEADER_WORDS = 7;
const RING_WORDS = 2 ** 22;
const RING_BYTES = REQUEST_BYTES + STATE_BYTES;
const STORE_BYTES = RING_BYTES + 4 * RING_WORDS;
const MODES: readonly (FloatMode | undefined)[] = [undefined, ...FLOAT_MODES];

export class RegionStore {
  readonly requests: TranslationRequests;
  /** Called when somebody would have something translated and nobody does so: to start a thread for it. */
  onWanted: (() => void) | undefined;
  private readonly state: Int32Array;
  private readonly words: Int32Array;

  constructor(readonly buffer = new SharedArrayBuffer(STORE_BYTES)) {
    this.requests = new TranslationRequests(buffer);
    this.state = new Int32Array(buffer, REQUEST_BYTES, STATE_BYTES / 4);
    this.words = new Int32Array(buffer, RING_BYTES, RING_WORDS);
  }

  /** The place of the next module: changes with each one. */
  get end(): number {
    return Atomics.load(this.state, END) >>> 0;
  }

  /** The place of the oldest module. */
  get begin(): number {
    return Atomics.load(this.state, BEGIN) >>> 0;
  }

  /** Adds a module; one that is larger than the whole store is left out. */
  add({ entries, own, source, mode, bytes, instructions }: StoredModule): void {
    const unitCount = source.reduce((sum, { bits }) => sum + bits.length, 0);
    const unitWords = Math.ceil(unitCount / 2);
    const wasmWords = Math.ceil(bytes.length / 4);
    const total = HEADER_WORDS + entries.length + 2 * source.length + unitWords + wasmWords;
    const { words, state } = this;
    if (total > RING_WORDS) return;
    acquire(state, LOCK);
    try {
      const rest = RING_WORDS - (state[END] & (RING_WORDS - 1));
      if (total > rest) this.put(rest, (at) => words.set([rest, 0, 0].slice(0, rest), at));
      this.put(total, (at) => {
        const sizes = [entries.length, source.length, bytes.length, instructions, own];
        words.set([total, MODES.indexOf(mode), ...sizes], at);
        let next = at + HEADER_WORDS;
        for (const entry of entries) words[next++] = entry;
        for (const { start, bits } of source) {
          words[next++] = start;
          words[next++] = bits.length;
        }
        const units = new Uint16Array(this.buffer, RING_BYTES + 4 * next, unitCount);
        let unit = 0;
        for (const { bits } of source) {
          units.set(bits, unit);
          unit += bits.length;
        }
        next += unitWords;
        new Uint8Array(this.buffer, RING_BYTES + 4 * next, bytes.length).set(bytes);
      });
    } finally {
      release(state, LOCK);
    }
  }

  /** Makes room for so many words in a row, has them written, and tells the readers. */
  private put(count: number, write: (at: number) => void): void {
    const { state, words } = this;
    const end = state[END];
    let begin = state[BEGIN];
    while (((end - begin) >>> 0) + count > RING_WORDS) begin += words[begin & (RING_WORDS - 1)];
    // Readers look at this last.
    Atomics.store(state, BEGIN, begin);
    write(end & (RING_WORDS - 1));
    Atomics.store(state, END, end + count);
  }

  /**
   * The module at a place, and the place of the next one. When new ones have taken its room meanwhile there is none, and
   * the next one is the oldest of those that are left.
   */
  read(place: number): { readonly module: StoredModule | undefined; readonly next: number } {
    // Places go on from 0 after 2^32.
    const isThere = (): boolean => ((place - this.begin) | 0) >= 0;
    if (!isThere()) return { module: undefined, next: this.begin };
    const at = place & (RING_WORDS - 1);
    const total = Math.max(1, this.words[at]);
    const isWhole = total >= HEADER_WORDS && at + total <= RING_WORDS;
    const module = isWhole && this.words[at + 2] > 0 ? this.moduleAt(at, total) : undefined;
    if (!isThere()) return { module: undefined, next: this.begin };
    return { module, next: (place + total) >>> 0 };
  }

  /** What lies at a word; nonsense when it is written over just now. */
  private moduleAt(at: number, total: number): StoredModule | undefined {
    const words = this.words.slice(at, at + total);
    const [, mode, entryCount, runCount, byteCount, instructions, own] = words;
    let place = HEADER_WORDS;
    const entries = Array.from(words.subarray(place, place + entryCount), (pc) => pc >>> 0);
    place += entryCount;
    const runs = words.subarray(place, place + 2 * runCount);
    place += 2 * runCount;
    const unitCount = runs.reduce((sum, value, i) => (i % 2 === 1 ? sum + value : sum), 0);
    const wasmWords = Math.ceil(byteCount / 4);
    if (place + Math.ceil(unitCount / 2) + wasmWords !== total) return undefined;
    const units = new Uint16Array(words.buffer, 4 * place, unitCount);
    place += Math.ceil(unitCount / 2);
    const source: CodeRun[] = [];
    for (let i = 0, unit = 0; i < runs.length; i += 2) {
      const next = unit + runs[i + 1];
      source.push({ start: runs[i] >>> 0, bits: units.subarray(unit, next) });
      unit = next;
    }
    const bytes = new Uint8Array(words.buffer, 4 * place, byteCount);
    return { entries, own, source, mode: MODES[mode], bytes, instructions };
  }
}
