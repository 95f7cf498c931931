import {
  EVENT_BYTES,
  HART_STRIDE,
  HEADER,
  RING_HEADER_BYTES,
  type ArenaViews,
} from './arena-layout';
import type { Bulk } from './bulk';
import { HART, PROFILE_EVENTS } from './layout';

/** What an event tells; the position in the list is its number in the arena. */
export const EVENT_KINDS = [
  'fork',
  'copy',
  'loan',
  'late-borrow',
  'adopt',
  'protect',
  'unmap',
  'map',
  'conflict',
  'syscall',
  'park',
  'join',
  'end',
  'start',
  'stale',
  'race',
  'signal',
  'turn',
  'turn-end',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** Milliseconds since 1970 at which this thread's `performance.now()` began. */
const EPOCH = performance.timeOrigin;
const WORD = 2 ** 32;
/** Events of these kinds tell how long what they are about took: a system call, or a page fault. */
const CALL_KINDS: readonly EventKind[] = ['syscall', 'park', 'join'];
export const FAULT_KINDS: readonly EventKind[] = ['copy', 'loan', 'late-borrow', 'adopt'];
/** `stampSometimes` reads the clock once in so many calls. */
const STAMP_EVERY = 8;

/** One event. The meaning of `from` and `to` by kind stands in docs/memory.md. */
export interface ArenaEvent {
  /** Its place in the order of all events of the arena, from 1; mod 2^32. */
  readonly sequence: number;
  readonly kind: EventKind;
  /** Index of the hart context; its ring holds the event. */
  readonly hart: number;
  /** Instructions that the hart had retired. */
  readonly instret: number;
  readonly pc: number;
  readonly page: number;
  readonly from: number;
  readonly to: number;
  /** Host time in milliseconds since 1970. */
  readonly time: number;
  /** Nanoseconds of host time that it took until then; 0 where that was not measured (`EventLog.timed`). */
  readonly took: number;
}

/** In place of a thread's number: that of another process. */
export const OTHER_PROCESS = 0xffff;

/** What a reader got: the events in order, and how many were overwritten before it looked. */
export interface EventBatch {
  readonly events: ArenaEvent[];
  readonly lost: number;
}

const NUMBERS = Object.fromEntries(EVENT_KINDS.map((kind, n) => [kind, n])) as Record<
  EventKind,
  number
>;

/**
 * A ring of events for each hart. Only the thread that runs a hart writes its ring; anyone reads.
 *
 * | ring offset | type | field |      | event offset | type | field |
 * |-------------|------|-------|      |--------------|------|-------|
 * | 0           | u32  | events written ever, mod 2^32 | 0 | u32 | kind |
 * | 4           | u32  | the same and the one being written | 4 | u32 | page |
 * | 64          | 48 B | events |     | 8, 12        | u32  | from, to |
 * |             |      |        |     | 16           | u64  | instructions retired |
 * |             |      |        |     | 24           | u64  | pc |
 * |             |      |        |     | 32           | f64  | host time |
 * |             |      |        |     | 40           | u32  | sequence |
 * |             |      |        |     | 44           | f32  | nanoseconds that it took |
 *
 * The sequence comes from one counter of the arena, so that the order of events is exact across harts. The host
 * time is not: reading the clock takes longer than all the rest, so a thread reads it when it begins to run a hart
 * and before every eighth system call (`stamp`, `stampSometimes`), and gives events in between the same time. Where
 * somebody asks for more (`timed`), every event has its own time, and those of calls and faults how long they took.
 */
export class EventLog {
  private readonly u32: Uint32Array;
  private readonly times: Float64Array;
  private readonly lengths: Float32Array;
  private readonly capacity: number;
  private readonly ringWords: number;
  private readonly base: number;
  private readonly harts: number;
  /** Told about each event that this thread writes, in their order; for whoever must not lose one. */
  listener: ((event: ArenaEvent) => void) | undefined;
  private time = EPOCH + performance.now();
  private untilStamp = STAMP_EVERY;
  /** When the call and the fault that are being served began, by this thread's clock; 0: none is, or nobody asks. */
  private callBegan = 0;
  private faultBegan = 0;

  constructor(
    views: ArenaViews,
    private readonly bulk: Bulk,
  ) {
    const { counts, regions, u32, u8 } = views;
    this.u32 = u32;
    this.times = new Float64Array(u8.buffer);
    this.lengths = new Float32Array(u8.buffer);
    this.capacity = counts.eventsPerHart;
    this.ringWords = (RING_HEADER_BYTES + EVENT_BYTES * this.capacity) / 4;
    this.base = regions.events >>> 2;
    this.harts = regions.harts >>> 2;
  }

  /** Forgets the events of all harts that there ever were: the rings of others are as the host gave them. */
  reset(): void {
    for (let hart = 0; hart < this.u32[HEADER.hartsNext]; hart++) {
      this.u32.fill(0, this.ring(hart), this.ring(hart) + 2);
    }
    this.u32[HEADER.eventSequence] = 0;
    this.u32[HEADER.eventsOff] = 0;
    this.u32[HEADER.eventStops] = 0;
    this.u32[HEADER.eventsTimed] = 0;
  }

  /** From now on a hart that one of these happens to returns from the engine; its context says why. */
  stopAt(kinds: readonly EventKind[]): void {
    const mask = kinds.reduce((bits, kind) => bits | (1 << NUMBERS[kind]), 0);
    Atomics.store(this.u32, HEADER.eventStops, mask >>> 0);
  }

  /** Whether harts stop at any events. */
  get hasStops(): boolean {
    return Atomics.load(this.u32, HEADER.eventStops) !== 0;
  }

  /** The event that a hart is to stop at, which is then settled; undefined when there is none. */
  takeStop(hart: number): { readonly event: EventKind; readonly page: number } | undefined {
    const { u32 } = this;
    const context = this.harts + (HART_STRIDE / 4) * hart;
    const stop = u32[context + HART.eventStop / 4];
    if (stop === 0) return undefined;
    u32[context + HART.eventStop / 4] = 0;
    return { event: EVENT_KINDS[stop - 1], page: u32[context + HART.eventPage / 4] };
  }

  /** Whether events are recorded; for all threads [true]. */
  get enabled(): boolean {
    return Atomics.load(this.u32, HEADER.eventsOff) === 0;
  }

  set enabled(enabled: boolean) {
    Atomics.store(this.u32, HEADER.eventsOff, enabled ? 0 : 1);
  }

  /**
   * Whether every event has its own time, and turns are told too; for all threads [false]. It costs a look at the clock,
   * 50 to 150 ns, for each event and two for each turn.
   */
  get timed(): boolean {
    return this.u32[HEADER.eventsTimed] !== 0;
  }

  set timed(timed: boolean) {
    Atomics.store(this.u32, HEADER.eventsTimed, timed ? 1 : 0);
  }

  /** A system call is about to be served: its event tells how long that took. */
  beginCall(): void {
    if (this.timed) this.callBegan = performance.now();
  }

  /** An access is about to get its page: what happens to the page tells how long that took. */
  beginFault(): void {
    if (this.timed) this.faultBegan = performance.now();
  }

  endFault(): void {
    this.faultBegan = 0;
  }

  /** How many events there were, mod 2^32: the sequence of the last one. */
  get count(): number {
    return Atomics.load(this.u32, HEADER.eventSequence);
  }

  /** Reads the clock: events of this thread have this time until the next call. */
  stamp(): void {
    this.untilStamp = STAMP_EVERY;
    if (this.u32[HEADER.eventsOff] === 0) this.time = EPOCH + performance.now();
  }

  /** The same each time that it was called so often: for what is shorter than a look at the clock. */
  stampSometimes(): void {
    this.untilStamp -= 1;
    if (this.untilStamp <= 0) this.stamp();
  }

  /**
   * Records that a thread begins to run `hart`, or stops to; only where events are timed.
   * @param thread 0 = the home thread, `OTHER_PROCESS` = one of another process
   * @param needsHome what it stopped for is served by the home thread
   */
  noteTurn(hart: number, kind: 'turn' | 'turn-end', thread: number, needsHome = false): void {
    if (this.timed) this.emit(hart, kind, thread, Number(needsHome), 0);
  }

  /** Records an event of `hart`, with the pc and instruction count that its context holds. */
  emit(hart: number, kind: EventKind, page: number, from: number, to: number): void {
    const { u32 } = this;
    if (u32[HEADER.eventsOff] !== 0) return;
    const number = NUMBERS[kind];
    const ring = this.ring(hart);
    const written = u32[ring];
    const at = this.place(ring, written);
    const context = this.harts + (HART_STRIDE / 4) * hart;
    const took = this.timed ? this.lookAtClock(kind) : 0;
    // From here on a reader knows that what stood there is gone.
    u32[ring + 1] = written + 1;
    this.lengths[at + 11] = took;
    this.bulk.writeEvent(4 * ring, 4 * at, 4 * context, number, page, from, to, this.time);
    this.counted(hart, number, written);
    if (((u32[HEADER.eventStops] >>> number) & 1) === 0) return;
    u32[context + HART.eventStop / 4] = number + 1;
    u32[context + HART.eventPage / 4] = page;
  }

  /** Records an event that happened elsewhere, with the place and time that it had there. */
  record({
    hart,
    kind,
    page,
    from,
    to,
    instret,
    pc,
    time,
    took,
  }: Omit<ArenaEvent, 'sequence'>): void {
    const { u32 } = this;
    if (u32[HEADER.eventsOff] !== 0) return;
    const number = NUMBERS[kind];
    const ring = this.ring(hart);
    const written = u32[ring];
    const at = this.place(ring, written);
    u32[ring + 1] = written + 1;
    const low = (value: number): number => value % WORD;
    const high = (value: number): number => Math.floor(value / WORD);
    u32.set([number, page, from, to, low(instret), high(instret), low(pc), high(pc)], at);
    this.times[(at + 8) / 2] = time;
    u32[at + 10] = Atomics.add(u32, HEADER.eventSequence, 1) + 1;
    this.lengths[at + 11] = took;
    Atomics.store(u32, ring, written + 1);
    this.counted(hart, number, written);
  }

  /** An event is in its ring: it counts for who counts what happens to the hart, and the listener is told. */
  private counted(hart: number, number: number, written: number): void {
    const { u32 } = this;
    const counts = u32[this.harts + (HART_STRIDE / 4) * hart + HART.profile / 4];
    if (counts !== 0) u32[(counts + PROFILE_EVENTS) / 4 + number] += 1;
    this.listener?.(this.event(hart, written));
  }

  /** Reads the clock for an event; the nanoseconds that what it tells has taken. */
  private lookAtClock(kind: EventKind): number {
    const now = performance.now();
    this.time = EPOCH + now;
    let began = 0;
    if (CALL_KINDS.includes(kind)) began = this.callBegan;
    else if (FAULT_KINDS.includes(kind)) began = this.faultBegan;
    return began === 0 ? 0 : 1e6 * (now - began);
  }

  /** How many events `hart` has written, mod 2^32: where a reader begins that wants only new ones. */
  written(hart: number): number {
    return Atomics.load(this.u32, this.ring(hart));
  }

  /** The events of `hart` since a reader's position `since` (a former `written` value). */
  read(hart: number, since: number): EventBatch {
    const end = this.written(hart);
    const news = (end - since) >>> 0;
    const events: ArenaEvent[] = [];
    for (let n = Math.min(news, this.capacity); n > 0; n--) {
      events.push(this.event(hart, (end - n) >>> 0));
    }
    // The writer may have overwritten what was just read: drop what it has reached meanwhile.
    const reached = (Atomics.load(this.u32, this.ring(hart) + 1) - since) >>> 0;
    const overrun = Math.min(
      events.length,
      Math.max(0, reached - this.capacity - (news - events.length)),
    );
    return { events: events.slice(overrun), lost: news - events.length + overrun };
  }

  /**
   * What is new in all rings, in the order of the arena's events.
   * @param positions how far each hart's ring was read; moved on
   */
  readAll(positions: Uint32Array): EventBatch {
    const { u32 } = this;
    const news: ArenaEvent[] = [];
    let lost = 0;
    // Contexts beyond these were never in use.
    const used = Math.min(positions.length, u32[HEADER.hartsNext]);
    for (let hart = 0; hart < used; hart++) {
      if (this.written(hart) === positions[hart]) continue;
      const batch = this.read(hart, positions[hart]);
      positions[hart] += batch.events.length + batch.lost;
      lost += batch.lost;
      news.push(...batch.events);
    }
    return { events: inOrder(news), lost };
  }

  private event(hart: number, number: number): ArenaEvent {
    const { u32 } = this;
    const at = this.place(this.ring(hart), number);
    return {
      sequence: u32[at + 10],
      kind: EVENT_KINDS[u32[at] % EVENT_KINDS.length],
      hart,
      instret: u32[at + 4] + u32[at + 5] * WORD,
      pc: u32[at + 6] + u32[at + 7] * WORD,
      page: u32[at + 1],
      from: u32[at + 2],
      to: u32[at + 3],
      time: this.times[(at + 8) / 2],
      took: this.lengths[at + 11],
    };
  }

  /** Word index of the place of event `number` in a ring. */
  private place(ring: number, number: number): number {
    return ring + (RING_HEADER_BYTES + EVENT_BYTES * (number % this.capacity)) / 4;
  }

  private ring(hart: number): number {
    return this.base + this.ringWords * hart;
  }
}

/** Events in the order of their sequence, which may have begun again at 0. */
export function inOrder<T extends { readonly sequence: number }>(events: T[]): T[] {
  return events.sort((a, b) => (a.sequence - b.sequence) | 0);
}

/** An event as a line of text without its host time: equal in runs that are the same. */
export function formatEvent({
  sequence,
  hart,
  instret,
  pc,
  kind,
  page,
  from,
  to,
}: ArenaEvent): string {
  return `${sequence} hart ${hart} ${instret} 0x${pc.toString(16)} ${kind} ${page} ${from} ${to}`;
}
