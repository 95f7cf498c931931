import { acquire, release } from '../../memory/lock';
import { FLOAT_MODES, type FloatMode } from './float-mode';

/** What a thread wants to have translated. */
export interface TranslationRequest {
  /** Id of the address space whose code it is. */
  readonly space: number;
  /** Where a region is to begin. */
  readonly pc: number;
  readonly mode: FloatMode;
}

/**
 * What the threads of a machine want to have translated, for the one that translates. Words (i32):
 *
 * | word | field |
 * |------|-------|
 * | 0    | lock |
 * | 1    | requests put so far, mod 2^32; who translates sleeps on it |
 * | 2    | requests taken so far |
 * | 3    | 1 = somebody translates, or will when he has started |
 * | 4    | a ring of 64 requests: space, pc, mode, 0 |
 */
const LOCK = 0;
const PUT = 1;
const TAKEN = 2;
const READY = 3;
const RING = 4;
const SLOTS = 64;
const SLOT_WORDS = 4;

/** Bytes that the requests take. */
export const REQUEST_BYTES = 4 * (RING + SLOTS * SLOT_WORDS);

export class TranslationRequests {
  private readonly words: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer, 0, REQUEST_BYTES / 4);
  }

  /** Whether a thread translates what is asked for, now or soon. */
  get isServed(): boolean {
    return Atomics.load(this.words, READY) !== 0;
  }

  /** A thread translates from now on, or no longer. */
  serve(isServed: boolean): void {
    Atomics.store(this.words, READY, isServed ? 1 : 0);
  }

  /** Asks for a translation. False when too many are asked for already. */
  put({ space, pc, mode }: TranslationRequest): boolean {
    const { words } = this;
    acquire(words, LOCK);
    const count = words[PUT];
    const hasRoom = (count - words[TAKEN]) >>> 0 < SLOTS;
    if (hasRoom) {
      const at = RING + (count & (SLOTS - 1)) * SLOT_WORDS;
      words[at] = space;
      words[at + 1] = pc;
      words[at + 2] = FLOAT_MODES.indexOf(mode);
      Atomics.store(words, PUT, count + 1);
    }
    release(words, LOCK);
    if (hasRoom) Atomics.notify(words, PUT, 1);
    return hasRoom;
  }

  /** Whether `take` would wait. */
  get isEmpty(): boolean {
    return Atomics.load(this.words, PUT) === this.words[TAKEN];
  }

  /** The next request. This thread waits for it. */
  take(): TranslationRequest {
    const { words } = this;
    const taken = words[TAKEN];
    while (Atomics.load(words, PUT) === taken) Atomics.wait(words, PUT, taken);
    const at = RING + (taken & (SLOTS - 1)) * SLOT_WORDS;
    const [space, pc, mode] = words.subarray(at, at + SLOT_WORDS);
    Atomics.store(words, TAKEN, taken + 1);
    return { space: space >>> 0, pc: pc >>> 0, mode: FLOAT_MODES[mode] };
  }
}
