import type { Strand } from './strands';
import type { VectorClock } from './vector-clock';

/** Words of memory that hold what somebody has released; more than this many are not kept at a time. */
const MOST_WORDS = 1 << 18;
const WORD_BYTES = 4;
const WORDS_OF_A_SPACE = 2 ** 30;

/**
 * What orders harts besides their starts and joins: words of memory that they access atomically, fences, and
 * the kernel's channels. The rules are those of C11's fences and atomics, which RVWMO implements.
 */
export class Synchronisation {
  /** Words that were not kept: what they would have ordered may be reported. */
  forgotten = 0;
  private readonly words = new Map<number, VectorClock>();
  private readonly channels = new Map<string, VectorClock>();

  /** An atomic load: what was released there is known now, or after the next acquire fence. */
  load(strand: Strand, owner: number, address: number, acquires: boolean): void {
    const released = this.words.get(keyOf(owner, address));
    if (released) (acquires ? strand.clock : strand.pending).join(released);
  }

  /**
   * An atomic store: publishes what the strand knows, or what it knew at its last release fence.
   * @param replaces a plain store ends what earlier ones have released there; an AMO continues it
   */
  store(strand: Strand, owner: number, address: number, releases: boolean, replaces = false): void {
    const published = releases ? strand.clock : strand.released;
    if (!published) return;
    const key = keyOf(owner, address);
    const word = replaces ? undefined : this.words.get(key);
    if (word) word.join(published);
    else this.keep(key, published.copy());
    if (releases) strand.advance();
  }

  acquireFence(strand: Strand): void {
    strand.clock.join(strand.pending);
  }

  releaseFence(strand: Strand): void {
    strand.released = strand.clock.copy();
    strand.advance();
  }

  /** Publishes what the strand knows to whoever takes from the channel later. */
  send(strand: Strand, channel: string): void {
    const clock = this.channels.get(channel);
    if (clock) clock.join(strand.clock);
    else this.channels.set(channel, strand.clock.copy());
    strand.advance();
  }

  receive(strand: Strand, channel: string): void {
    const clock = this.channels.get(channel);
    if (clock) strand.clock.join(clock);
  }

  /** Everything released so far is known to all. */
  clear(): void {
    this.words.clear();
    this.channels.clear();
  }

  private keep(key: number, clock: VectorClock): void {
    this.words.set(key, clock);
    if (this.words.size <= MOST_WORDS) return;
    const [oldest] = this.words.keys();
    this.words.delete(oldest);
    this.forgotten += 1;
  }
}

function keyOf(owner: number, address: number): number {
  return owner * WORDS_OF_A_SPACE + Math.floor(address / WORD_BYTES);
}
