import { EVENT_BYTES, RING_HEADER_BYTES, type ArenaViews } from './arena-layout';
import { HART } from './layout';

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
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

const EPOCH = performance.timeOrigin;

/** One event. The meaning of `from` and `to` by kind stands in docs/memory.md. */
export interface ArenaEvent {
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
}

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
 * | 64          | 48 B | events |     | 4            | u32  | page |
 * |             |      |        |     | 8, 12        | u32  | from, to |
 * |             |      |        |     | 16           | u64  | instructions retired |
 * |             |      |        |     | 24           | u64  | pc |
 * |             |      |        |     | 32           | f64  | host time |
 */
export class EventLog {
  private readonly times: Float64Array;
  private readonly capacity: number;
  private readonly ringBytes: number;

  constructor(private readonly views: ArenaViews) {
    this.capacity = views.counts.eventsPerHart;
    this.ringBytes = RING_HEADER_BYTES + EVENT_BYTES * this.capacity;
    this.times = new Float64Array(views.u8.buffer);
  }

  reset(): void {
    const { u32, counts } = this.views;
    for (let hart = 0; hart < counts.harts; hart++) u32[this.ring(hart)] = 0;
  }

  /** Records an event of `hart`, with the pc and instruction count that its context holds. */
  emit(hart: number, kind: EventKind, page: number, from: number, to: number): void {
    const { u32, i32, regions } = this.views;
    const ring = this.ring(hart);
    const written = u32[ring];
    const at = ring + (RING_HEADER_BYTES + EVENT_BYTES * (written % this.capacity)) / 4;
    const context = (regions.harts + HART.size * hart) >>> 2;
    u32[at] = NUMBERS[kind];
    u32[at + 1] = page;
    u32[at + 2] = from;
    u32[at + 3] = to;
    u32[at + 4] = u32[context + HART.instret / 4];
    u32[at + 5] = u32[context + HART.instret / 4 + 1];
    u32[at + 6] = u32[context + HART.pc / 4];
    u32[at + 7] = u32[context + HART.pc / 4 + 1];
    this.times[(at + 8) / 2] = EPOCH + performance.now();
    Atomics.store(i32, ring, written + 1);
  }

  /** How many events `hart` has written, mod 2^32: where a reader begins that wants only new ones. */
  written(hart: number): number {
    return Atomics.load(this.views.u32, this.ring(hart));
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
    const reached = (this.written(hart) - since) >>> 0;
    const overrun = Math.min(
      events.length,
      Math.max(0, reached - this.capacity - (news - events.length)),
    );
    return { events: events.slice(overrun), lost: news - events.length + overrun };
  }

  private event(hart: number, number: number): ArenaEvent {
    const { u32 } = this.views;
    const at = this.ring(hart) + (RING_HEADER_BYTES + EVENT_BYTES * (number % this.capacity)) / 4;
    return {
      kind: EVENT_KINDS[u32[at] % EVENT_KINDS.length],
      hart,
      instret: u32[at + 4] + u32[at + 5] * 2 ** 32,
      pc: u32[at + 6] + u32[at + 7] * 2 ** 32,
      page: u32[at + 1],
      from: u32[at + 2],
      to: u32[at + 3],
      time: this.times[(at + 8) / 2],
    };
  }

  private ring(hart: number): number {
    return (this.views.regions.events + this.ringBytes * hart) >>> 2;
  }
}
