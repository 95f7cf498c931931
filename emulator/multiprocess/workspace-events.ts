import type { AddressSpace } from '../memory';
import { ENTRY_FRAME_SHIFT } from '../memory/arena-layout';
import { EVENT_KINDS, type ArenaEvent, type EventKind, type EventLog } from '../memory/events';
import { PAGE_COUNT } from '../memory/layout';
import type { Hart } from './hart';

/*
 * The events of a vCPU that runs in another process: they are written there as here, travel as numbers, and are
 * written once more into the ring that the hart has here. Each is eight numbers:
 *
 * | number | field |
 * |--------|-------|
 * | 0      | kind |
 * | 1      | page |
 * | 2, 3   | from, to |
 * | 4      | instructions retired |
 * | 5      | pc |
 * | 6      | host time, in milliseconds since 1970 |
 * | 7      | nanoseconds that it took |
 */
const FIELDS = 8;
/** Events in one message at most. */
const MOST_EVENTS = 256;
/** What can happen to a vCPU there. */
const KINDS: readonly EventKind[] = ['copy', 'map', 'unmap', 'syscall'];
const WORD = 2 ** 32;

/** Which events a process is to tell. */
export interface EventWish {
  readonly enabled: boolean;
  /** Each with its own time (`EventLog.timed`). */
  readonly timed: boolean;
}

export const wishOf = ({ enabled, timed }: EventLog): EventWish => ({ enabled, timed });

/** Collects the events of the vCPU that runs in this process, to be sent. */
export class EventOutbox {
  private numbers: number[] = [];

  /** @param send is given the events when there are as many as go into one message */
  constructor(
    log: EventLog,
    private readonly send: (events: Float64Array) => void,
  ) {
    log.listener = (event) => this.add(event);
  }

  /** Sends those that were not sent yet. */
  flush(): void {
    const { numbers } = this;
    if (numbers.length === 0) return;
    this.numbers = [];
    this.send(Float64Array.from(numbers));
  }

  private add({ kind, page, from, to, instret, pc, time, took }: ArenaEvent): void {
    this.numbers.push(EVENT_KINDS.indexOf(kind), page, from, to, instret, pc, time, took);
    if (this.numbers.length >= MOST_EVENTS * FIELDS) this.flush();
  }
}

/** Whether events from outside are such that can be recorded. */
export function areEvents(value: unknown): value is Float64Array {
  if (!(value instanceof Float64Array) || value.length % FIELDS !== 0) return false;
  if (value.length > MOST_EVENTS * FIELDS) return false;
  for (let at = 0; at < value.length; at += FIELDS) {
    const [kind, page, from, to, instret, pc, time, took] = value.subarray(at, at + FIELDS);
    const isKind = Number.isInteger(kind) && KINDS.includes(EVENT_KINDS[kind]);
    // A system call has its number in place of a page.
    const isPlace = isBelow(page, EVENT_KINDS[kind] === 'syscall' ? WORD : PAGE_COUNT);
    const isCounted = isBelow(from, WORD) && isBelow(to, WORD) && instret >= 0 && pc >= 0;
    const isExact = Number.isSafeInteger(instret) && Number.isInteger(pc);
    const isTimed = Number.isFinite(time) && Number.isFinite(took) && took >= 0;
    if (!(isKind && isPlace && isCounted && isExact && isTimed)) return false;
  }
  return true;
}

const isBelow = (value: number, end: number): boolean =>
  Number.isInteger(value) && value >= 0 && value < end;

/**
 * Records events that `areEvents` has let pass as those of a hart here. Frames over there have numbers of their own:
 * the former frame of a copy is the one here, the new one is told as 0. A page that the hart has written before it went
 * there is copied over there once more, which is no event.
 * @param since when it went there, in this thread's monotonic milliseconds: the clocks of processes may differ
 */
export function recordEvents(
  numbers: Float64Array,
  { index, space, vcpu }: Hart,
  since: number,
): void {
  const { events } = space.arena;
  const { timeOrigin } = performance;
  const now = performance.now();
  for (let at = 0; at < numbers.length; at += FIELDS) {
    const [number, page, from, to, instret, pc, time, took] = numbers.subarray(at, at + FIELDS);
    const kind = EVENT_KINDS[number];
    const event = { kind, hart: index, page, from, to, instret, pc, took };
    if (kind === 'copy' && from !== 0 && vcpu?.task.workspaces?.hasOwn(vcpu, page) === true)
      continue;
    if (kind === 'copy') {
      event.from = from === 0 ? 0 : space.entry(page) >>> ENTRY_FRAME_SHIFT;
      event.to = 0;
    }
    events.record({
      ...event,
      time: Math.min(Math.max(time, timeOrigin + since), timeOrigin + now),
    });
  }
}

/** Does something to a space that is no event of the hart that runs in it. */
export function unseen<T>(space: AddressSpace, body: () => T): T {
  const { hart } = space;
  space.hart = -1;
  try {
    return body();
  } finally {
    space.hart = hart;
  }
}
