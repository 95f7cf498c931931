import { describe, expect, test } from 'vitest';
import { Client } from '../debug/client';

describe('the debugger', () => {
  test('tells races with functions and variables, and an event for each', async () => {
    const client = new Client();
    const { session } = client;
    await client.open('mp-race', [], { raceCheck: true });
    expect(await session.conflicts()).toMatchObject({ isChecked: true, conflicts: [] });
    await client.after(session.run());
    const { conflicts, missing } = await session.conflicts();
    expect(missing).toEqual([]);
    expect(conflicts[0]).toMatchObject({
      number: 1,
      kind: 'race',
      size: 8,
      location: { symbol: 'shared', offset: 0 },
      first: { hart: 1, task: 1, vcpu: 1, access: 'store', location: { symbol: 'work' } },
      second: { hart: 2, task: 1, vcpu: 2, access: 'load', location: { symbol: 'work' } },
    });
    const { events } = await session.events(1000, { kinds: ['race'] });
    expect(events).toHaveLength(conflicts.length);
    expect(events[0]).toMatchObject({ hart: 2, from: 1, to: conflicts[0].location.address });
  });

  test('tells conflicts of workspaces without the check', async () => {
    const client = new Client();
    const { session } = client;
    await client.open('mp-race', ['workspace']);
    await client.after(session.run());
    const { isChecked, conflicts } = await session.conflicts();
    expect(isChecked).toBe(false);
    expect(conflicts[0]).toMatchObject({
      kind: 'conflict',
      location: { symbol: 'shared' },
      first: { hart: 1, vcpu: 1, location: { symbol: 'work' } },
      second: { hart: 2, vcpu: 2, location: { symbol: 'work' } },
    });
  });

  test('switches the check on for the next start', async () => {
    const client = new Client();
    const { session } = client;
    await client.open('mp-sharing', ['packed', 'call', '2']);
    await session.checkRaces(true);
    expect(await session.conflicts()).toMatchObject({ isChecked: false, willCheck: true });
    await session.restart();
    await client.after(session.run());
    const { isChecked, falseSharing } = await session.conflicts();
    expect(isChecked).toBe(true);
    expect(falseSharing).toMatchObject([
      {
        level: 'line',
        location: { symbol: 'memory' },
        count: 4000,
        first: { hart: 1, stores: 1000 },
      },
    ]);
  });
});
