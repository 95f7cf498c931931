import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EventHistory } from '../../../emulator/debug/event-history';
import { Machine } from '../../../emulator/machine';
import { CapturedStreams } from '../../support/captured-streams';

test('Turns push no other events out of what is kept, and are listed in order with them', () => {
  const machine = Machine.create({
    elf: readFileSync('guests/bin/fib.elf'),
    streams: new CapturedStreams(),
    memoryLimit: 16 << 20,
  });
  const history = new EventHistory(() => undefined);
  try {
    history.attach(machine);
    const { events } = machine.arena;
    events.timed = true;
    events.emit(0, 'park', 1, 0, 0);
    const MANY = 30_000;
    for (let n = 0; n < MANY; n++) {
      events.noteTurn(0, n % 2 === 0 ? 'turn' : 'turn-end', 0);
      if (n % 100 === 0) history.collect();
    }
    events.emit(0, 'park', 2, 0, 0);
    history.collect();
    expect(history.list(10).events.map(({ kind, page }) => [kind, page])).toEqual([
      ['park', 1],
      ['park', 2],
    ]);
    const both = history.list(3, { kinds: ['turn', 'turn-end', 'park'] }).events;
    expect(both.map(({ kind }) => kind)).toEqual(['turn', 'turn-end', 'park']);
    const turns = history.list(2 * MANY, { kinds: ['turn', 'turn-end'] }).events;
    expect(turns.length).toBeLessThan(MANY);
    expect(turns.at(-1)?.number).toBe(MANY + 1);
    expect(history.columns(0).number).toEqual(Uint32Array.of(1, MANY + 2));
  } finally {
    machine.dispose();
  }
});
