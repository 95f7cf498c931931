import type { ArenaEvent } from '../memory/events';
import { locate } from './location';
import type { EventInfo, EventList, HartId } from './protocol';
import type { DebugTarget } from './target';

/** Most events that are kept. */
export const MAX_EVENTS = 2000;

interface KeptEvent extends ArenaEvent {
  readonly number: number;
  readonly forked?: HartId;
}

/** The newest events of all harts, in one list: each hart's ring in the arena holds only its own last ones. */
export class EventHistory {
  private target: DebugTarget | undefined;
  /** How far each hart's ring has been read. */
  private positions = new Uint32Array(0);
  private kept: KeptEvent[] = [];
  private seen = 0;
  private lost = 0;

  attach(target: DebugTarget): void {
    this.target = target;
    this.positions = new Uint32Array(target.arena.counts.harts);
    this.kept = [];
    this.seen = this.lost = 0;
  }

  /** Takes over what is new in the rings. */
  collect(): void {
    const log = this.target?.arena.events;
    if (!log) return;
    const news: ArenaEvent[] = [];
    this.positions.forEach((position, hart) => {
      const written = log.written(hart);
      if (written === position) return;
      const { events, lost } = log.read(hart, position);
      this.positions[hart] = (position + events.length + lost) >>> 0;
      this.lost += lost;
      for (const event of events) news.push(event);
    });
    if (news.length === 0) return;
    news.sort((a, b) => a.time - b.time);
    const hartOf = new Map(this.target?.liveHarts.map(({ space, index }) => [space.id, index]));
    for (const event of news) {
      const forked = event.kind === 'fork' ? hartOf.get(event.to) : undefined;
      this.kept.push({ ...event, number: ++this.seen, ...(forked !== undefined && { forked }) });
    }
    this.kept = this.kept.slice(-MAX_EVENTS);
  }

  /** The newest `limit` events. */
  list(limit: number): EventList {
    const { target, kept, lost } = this;
    if (!target) return { events: [], lost: 0 };
    const events = kept
      .slice(-limit)
      .map(({ number, kind, hart, instret, pc, page, from, to, forked, time }): EventInfo => ({
        number,
        kind,
        hart,
        instructions: instret,
        location: locate(target.symbols, pc),
        page,
        from,
        to,
        ...(forked !== undefined && { forked }),
        time,
      }));
    return { events, lost };
  }
}
