import type { EventFilter, EventList } from '../../emulator/debug/protocol';
import type { EventColumns } from '../../emulator/debug/protocol-timeline';
import { placeOf } from './fake-code';

/** One event each of four kinds, at an address. */
export function fakeEvents(pc: number, limit: number, filter: EventFilter = {}): EventList {
  const kinds = ['map', 'fork', 'loan', 'copy'];
  const events = kinds.map((kind, n) => ({
    number: n + 1,
    kind,
    hart: n < 2 ? 0 : n - 1,
    instructions: 100 + n,
    location: placeOf(pc),
    page: n < 2 ? 0 : 0x12,
    from: 1,
    to: 2,
    time: 1_000_000 + n,
  }));
  const passing = events.filter(
    ({ kind, hart, page }) =>
      (filter.kinds?.includes(kind) ?? true) &&
      hart === (filter.hart ?? hart) &&
      page === (filter.page ?? page),
  );
  return { events: passing.slice(-limit), lost: 3, kept: events.length };
}

/** A main that forks one vCPU, which borrows a page, and joins it. */
export function fakeTimeline(at: number, since: number): EventColumns {
  const rows = [
    ['fork', 0, 0, 1, 2],
    ['start', 1, 1, 0, 1],
    ['park', 0, 1000, 0, 0],
    ['loan', 1, 0x12, 1, 2],
    ['end', 1, 1, 1, 0],
    ['join', 0, 1, 1, 0],
  ] as const;
  const kinds = [...new Set(rows.map(([kind]) => kind))];
  const shown = since === 0 ? rows : [];
  return {
    kinds,
    number: Uint32Array.from(shown, (_, n) => n + 1),
    kind: Uint8Array.from(shown, ([kind]) => kinds.indexOf(kind)),
    hart: Uint16Array.from(shown, ([, hart]) => hart),
    page: Uint32Array.from(shown, ([, , page]) => page),
    from: Uint32Array.from(shown, ([, , , from]) => from),
    to: Uint32Array.from(shown, ([, , , , to]) => to),
    forked: Int32Array.from(shown, ([kind]) => (kind === 'fork' ? 1 : -1)),
    pc: Float64Array.from(shown, () => at),
    time: Float64Array.from(shown, (_, n) => 1_000_000 + n),
    took: Float32Array.from(shown, () => 0),
    next: rows.length,
    lost: 0,
  };
}
