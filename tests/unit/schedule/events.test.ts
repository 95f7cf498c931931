import { describe, expect, test } from 'vitest';
import { EVENT_KINDS } from '../../../emulator/memory/events';
import { Watched } from './run';

const schedule = { kind: 'interleaved', quantum: 500, seed: 4 } as const;
/** Kinds of one hart's events, in order. */
const kindsOf = (events: readonly string[], hart: number): string[] =>
  events
    .filter((line) => line.includes(` hart ${hart} `))
    .map((line) => EVENT_KINDS.find((kind) => line.includes(` ${kind} `)) ?? line);

describe('the events of a machine', () => {
  test('tell of a task from its start to its join', () => {
    const { events } = new Watched('mp-race', ['call', '4'], { schedule }).finish();
    for (let hart = 1; hart <= 4; hart++) {
      const kinds = kindsOf(events, hart);
      expect([kinds[0], kinds.at(-1)]).toEqual(['start', 'end']);
    }
    expect(events.some((line) => line.includes(' loan '))).toBe(true);
    const main = kindsOf(events, 0);
    expect(main.filter((kind) => kind === 'fork')).toHaveLength(4);
    expect(main).toEqual(expect.arrayContaining(['syscall', 'park', 'join']));
    expect(main.indexOf('park')).toBeLessThan(main.indexOf('join'));
    expect(main.at(-1)).toBe('end');
  });

  test('tell of conflicts, and of pages that are stale and adopted', () => {
    const conflicts = new Watched('mp-race', ['workspace', '3'], { schedule }).finish();
    expect(kindsOf(conflicts.events, 0)).toContain('conflict');
    const visible = new Watched('mp-visible', [], { schedule }).finish();
    expect(visible.events.some((line) => line.includes(' stale '))).toBe(true);
    expect(visible.events.some((line) => line.includes(' adopt '))).toBe(true);
  });

  test('tell of threads, and once of a wait however often it is tried', () => {
    const sliced = new Watched('threads', [], { schedule }).finish((n) => 1 + ((n * 31) % 999));
    expect(sliced.events.filter((line) => line.includes(' start '))).not.toHaveLength(0);
    const waits = sliced.events.filter((line) => line.includes(' park '));
    expect(waits.length).toBeGreaterThan(10);
    // A hart cannot begin to wait twice at one instruction.
    const places = waits.map((line) => line.split(' ').slice(1, 5).join(' '));
    expect(places.filter((place, i) => place === places[i - 1])).toEqual([]);
  });

  test('are all in the rings as long as nobody has written more than a ring holds', () => {
    const watched = new Watched('mp-race', ['call', '2'], { schedule });
    const { arena } = watched.machine;
    const positions = new Uint32Array(arena.counts.harts);
    watched.machine.runToEnd();
    const { events, lost } = arena.events.readAll(positions);
    expect(lost).toBe(0);
    expect(events).toHaveLength(watched.events.length);
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, i) => i + 1));
    watched.machine.dispose();
  });

  test('can be switched off', () => {
    const watched = new Watched('mp-race', ['call', '2'], { schedule });
    watched.machine.arena.events.enabled = false;
    expect(watched.finish().events).toEqual([]);
  });
});
