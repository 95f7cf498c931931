import { errnoName } from '../linux/abi/errno';
import { signalName } from '../linux/abi/signals';
import { systemCallName } from '../linux/syscalls/table';
import { EVENT_KINDS, inOrder, OTHER_PROCESS, type ArenaEvent } from '../memory/events';
import { MULTIPROCESS_CALLS, REASONS } from '../multiprocess/abi';
import { EventTap } from '../profile/event-tap';
import { locate } from './location';
import type { EventFilter, EventInfo, EventList, HartId } from './protocol';
import type { EventColumns } from './protocol-timeline';
import type { DebugTarget } from './target';

/** Most events that one answer carries. */
export const MAX_EVENTS = 2000;
/** Most events that are kept, and most turns; of more, the newest. */
const MOST_KEPT = 20_000;
/** So many more are held before the older ones are dropped, which takes a while. */
const MOST_ROOM = 25_000;

interface KeptEvent extends ArenaEvent {
  readonly forked?: HartId;
  /** The how-manieth event that was read, from 1; the order of reading is not quite that of the events. */
  readonly arrival: number;
}

/** The newest events of all harts, in one list: each hart's ring in the arena holds only its own last ones. */
export class EventHistory {
  private target: DebugTarget | undefined;
  private tap: EventTap | undefined;
  private kept: KeptEvent[] = [];
  /** Turns, of which there may be thousands for each other event: they push none of those out. */
  private turns: KeptEvent[] = [];
  private arrived = 0;

  /** @param take is given all events as they are read, in their order, and how many were lost so far */
  constructor(private readonly take: (events: readonly ArenaEvent[], lost: number) => void) {}

  attach(target: DebugTarget): void {
    this.target = target;
    const { events, counts } = target.arena;
    this.tap = new EventTap(events, counts.harts);
    this.kept = [];
    this.turns = [];
    this.arrived = 0;
  }

  /** Takes over what is new in the rings. */
  collect(): void {
    const { target, tap } = this;
    if (!target || !tap) return;
    const events = tap.collect();
    if (events.length === 0) return;
    this.take(events, tap.lost);
    // A thread may have been about to write an earlier one when the rings were read last.
    const late = [this.kept, this.turns].filter(
      (list) => ((events[0].sequence - (list.at(-1)?.sequence ?? 0)) | 0) < 0,
    );
    const hartOf = new Map(target.liveHarts.map(({ space, index }) => [space.id, index]));
    for (const event of events) {
      const forked = event.kind === 'fork' ? hartOf.get(event.to) : undefined;
      const arrival = ++this.arrived;
      const list = TURNS.includes(event.kind) ? this.turns : this.kept;
      list.push({ ...event, arrival, forked });
    }
    late.forEach(inOrder);
    if (this.kept.length > MOST_ROOM) this.kept = this.kept.slice(-MOST_KEPT);
    if (this.turns.length > MOST_ROOM) this.turns = this.turns.slice(-MOST_KEPT);
  }

  /** The newest `limit` events that pass the filter. */
  list(limit: number, { kinds, hart, page, first, last }: EventFilter = {}): EventList {
    const { target, kept, turns, tap } = this;
    if (!target || !tap) return { events: [], lost: 0, kept: 0 };
    const wanted = kinds && new Set(kinds);
    const isOne = first !== undefined && first === last;
    const passes = (event: KeptEvent): boolean =>
      (wanted?.has(event.kind) ?? true) &&
      (hart === undefined || event.hart === hart) &&
      (first === undefined || event.sequence >= first) &&
      (last === undefined || event.sequence <= last) &&
      (page === undefined || isAbout(event, page));
    const withTurns = isOne || TURNS.some((kind) => wanted?.has(kind));
    const known = kept.slice(-MOST_KEPT);
    const all = withTurns ? inOrder([...known, ...turns.slice(-MOST_KEPT)]) : known;
    const events = all
      .filter(passes)
      .slice(-limit)
      .map((event): EventInfo => {
        const { sequence, kind, instret, pc, page, from, to, forked, time } = event;
        const detail = describe(event);
        return {
          number: sequence,
          kind,
          hart: event.hart,
          instructions: instret,
          location: locate(target.symbols, pc),
          page,
          from,
          to,
          ...(forked !== undefined && { forked }),
          ...(detail !== undefined && { detail }),
          time,
        };
      });
    return { events, lost: tap.lost, kept: Math.min(kept.length, MOST_KEPT) };
  }

  /** The events but turns that were read after the first `since` ones, as columns. */
  columns(since: number): EventColumns {
    const events = this.kept.slice(-MOST_KEPT).filter(({ arrival }) => arrival > since);
    const numbers = (of: (event: KeptEvent) => number): number[] => events.map(of);
    return {
      kinds: EVENT_KINDS,
      number: Uint32Array.from(numbers(({ sequence }) => sequence)),
      kind: Uint8Array.from(numbers(({ kind }) => EVENT_KINDS.indexOf(kind))),
      hart: Uint16Array.from(numbers(({ hart }) => hart)),
      page: Uint32Array.from(numbers(({ page }) => page)),
      from: Uint32Array.from(numbers(({ from }) => from)),
      to: Uint32Array.from(numbers(({ to }) => to)),
      forked: Int32Array.from(numbers(({ forked = -1 }) => forked)),
      pc: Float64Array.from(numbers(({ pc }) => pc)),
      time: Float64Array.from(numbers(({ time }) => time)),
      took: Float32Array.from(numbers(({ took }) => took)),
      next: this.arrived,
      lost: this.tap?.lost ?? 0,
    };
  }
}

/** Told for launches; others get them only when they ask for them. */
const TURNS: readonly string[] = ['turn', 'turn-end'];
/** Kinds of events about one page, and about several from one on (`to` is their number). */
const OF_ONE_PAGE: readonly string[] = ['copy', 'loan', 'late-borrow', 'adopt', 'stale'];
const OF_PAGES: readonly string[] = ['map', 'protect', 'unmap'];

function isAbout({ kind, page, to }: ArenaEvent, wanted: number): boolean {
  if (OF_ONE_PAGE.includes(kind)) return page === wanted;
  return OF_PAGES.includes(kind) && page <= wanted && wanted < page + to;
}

const MULTIPROCESS_NAMES = new Map<number, string>(
  Object.entries(MULTIPROCESS_CALLS).map(([name, number]) => [number, name]),
);
/** Linux results from −4095 to −1 are errors. */
const LOWEST_ERROR = -4095n;

/** What the numbers of an event mean that is not about a page (docs/memory.md); undefined for the others. */
function describe({ kind, page, from, to }: ArenaEvent): string | undefined {
  switch (kind) {
    case 'syscall':
      return `${callName(page)} = ${result(from, to)}`;
    case 'park':
      return callName(page);
    case 'start':
      return page === 0
        ? `a thread of hart ${from}`
        : `vCPU ${to} of task ${page}, from hart ${from}`;
    case 'end':
      return page === 0 ? 'a thread' : `${REASONS[from - 1] ?? 'ended'}${to === 0 ? '' : ` ${to}`}`;
    case 'join': {
      const failed = to === 0 ? '' : `, ${to} failed`;
      return `${page === 0 ? 'tasks' : `task ${page}`}, ${from} vCPUs${failed}`;
    }
    case 'turn':
    case 'turn-end':
      return threadName(page);
    case 'signal':
      return signalName(page);
    case 'conflict':
      return `with hart ${to} at 0x${from.toString(16)}`;
    default:
      return undefined;
  }
}

const threadName = (thread: number): string => {
  if (thread === OTHER_PROCESS) return 'another process';
  return thread === 0 ? 'the home thread' : `thread ${thread}`;
};

function callName(number: number): string {
  return MULTIPROCESS_NAMES.get(number) ?? systemCallName(number);
}

function result(low: number, high: number): string {
  const value = BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low));
  // The call has begun a signal's handler, whose argument is in a0.
  if (value === -(2n ** 63n)) return '?';
  if (value < 0n && value >= LOWEST_ERROR) return `−${errnoName(Number(-value))}`;
  return value > 0xffffn ? `0x${value.toString(16)}` : value.toString();
}
