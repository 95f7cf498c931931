import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventHistory } from '../../../emulator/debug/event-history';
import { REGISTER_TABLE, type PagesInfo } from '../../../emulator/debug/protocol';
import { Machine } from '../../../emulator/machine';
import { PAGE_STATES } from '../../../emulator/memory';
import { CapturedStreams } from '../../support/captured-streams';
import { Client } from './client';

describe('a guest with vCPUs', () => {
  let client: Client;
  beforeEach(() => {
    client = new Client();
  });
  afterEach(async () => {
    await client.session.pause();
    client.end();
  });

  /** Runs mp-dot to where all four vCPUs stand at their first instruction. */
  async function forks(): Promise<void> {
    await client.open('mp-dot');
    await client.session.runToFork();
    await client.stopped();
  }

  test('shows them when the call that makes them has returned', async () => {
    await forks();
    expect(client.state.harts.map(({ id, task }) => [id, task])).toEqual([
      [0, undefined],
      ...[1, 2, 3, 4].map((id) => [id, { id: 1, mode: 'call', vcpu: id }]),
    ]);
    expect(client.state.harts[2].location).toMatchObject({ symbol: 'work', offset: 0 });
  });

  test('shows them also while their caller waits for them in the call', async () => {
    await client.open('mp-dot', ['fork-here']);
    await client.session.runToFork();
    const { harts } = await client.stopped();
    expect(harts.map(({ task }) => task?.mode)).toEqual([
      undefined,
      ...Array.from({ length: 4 }, () => 'fork-here'),
    ]);
    expect(harts.map(({ instructions }) => instructions).slice(1)).toEqual([0, 0, 0, 0]);
  });

  test('whose program has no function that starts them says so', async () => {
    await client.open('dot');
    await expect(client.session.runToFork()).rejects.toThrow('no mp_start');
  });

  test('compares the registers of all harts', async () => {
    await forks();
    const { harts, values } = await client.session.registersOfAll();
    expect(harts).toEqual([0, 1, 2, 3, 4]);
    const { size, pc } = REGISTER_TABLE;
    const A0 = 10;
    expect(harts.slice(1).map((hart) => values[size * hart + A0])).toEqual([0n, 1n, 2n, 3n]);
    const third = await client.session.registers(3);
    expect(third.x.map(BigInt)).toEqual([...values.slice(size * 3, size * 3 + 32)]);
    expect(values[size * 3 + pc]).toBe(BigInt(third.pc));
  });

  test('evaluates an expression on every hart, and says where it cannot', async () => {
    await forks();
    const ids = await client.session.evaluateOnAll('hart');
    expect(ids.map(({ hart, value }) => [hart, Number(value)])).toEqual(
      [0, 1, 2, 3, 4].map((id) => [id, id]),
    );
    const unmapped = await client.session.evaluateOnAll('u8(0)');
    expect(new Set(unmapped.map(({ problem }) => problem))).toEqual(
      new Set(['cannot access memory at address 0x0']),
    );
    await expect(client.session.evaluateOnAll('1 +')).rejects.toThrow('expected a number');
  });

  test('names the functions of addresses', async () => {
    await client.open('mp-dot');
    const main = await client.session.evaluateAddress('main', 0);
    expect(await client.session.locate([main, main + 2, 4])).toEqual([
      { address: main, symbol: 'main', offset: 0 },
      { address: main + 2, symbol: 'main', offset: 2 },
      { address: 4 },
    ]);
  });

  test('has pages that forks share, that are lent and borrowed, and private stacks', async () => {
    await forks();
    const at = (await client.session.evaluateAddress('partial', 0)) >>> 12;
    const before = await client.session.pages();
    expect(before.spaces.map(({ harts }) => harts)).toEqual([[0], [1], [2], [3], [4]]);
    expect(row(before, at).label).toBe('data');
    expect(row(before, at).symbols).toContain('partial');
    let after = before;
    for (let steps = 0; row(after, at).states[1] !== 'borrowed'; steps++) {
      if (steps > 60) throw new Error('vCPU 1 has not written its partial sum');
      await client.session.stepOver(1);
      await client.stopped();
      after = await client.session.pages();
    }
    const [main, first, second] = row(after, at).states;
    expect(main).toBe('lent');
    expect(first).toBe('borrowed');
    // The second has not written yet: it still sees the page as it was when it forked.
    expect(second).not.toBe('borrowed');
    const { lender, references } = await client.session.page(at, 1);
    expect(lender).toBe(0);
    expect(references).toBeGreaterThan(1);
    const sp = Number((await client.session.registers(1)).x[2]);
    const stack = row(after, (sp - 1) >>> 12);
    expect(stack.label).toBe('vCPU stack');
    expect(stack.states[0]).toBe('unmapped');
    expect(after.spaces[1].totals[PAGE_STATES.indexOf('borrowed')]).toBeGreaterThan(0);
  });

  test('keeps how they ended until they are joined and the next run begins', async () => {
    await forks();
    expect(client.state.endedVcpus).toEqual([]);
    await client.session.stepOver(0);
    await client.stopped();
    await client.session.addBreakpoint({ at: 'mp_join', enabled: true });
    await client.session.run();
    await client.stopped();
    await client.session.stepOut(0);
    const { endedVcpus, harts } = await client.stopped();
    expect(harts).toHaveLength(1);
    expect(endedVcpus.map(({ hart, reason, failed }) => [hart, reason, failed])).toEqual(
      [1, 2, 3, 4].map((hart) => [hart, 'returned', false]),
    );
    await client.session.stepInstruction(0);
    expect((await client.stopped()).endedVcpus).toEqual([]);
  });

  test('is stopped when a step has brought a vCPU to its end', async () => {
    await forks();
    await client.session.stepOut(1);
    const { stop, harts, endedVcpus } = await client.stopped();
    expect(stop).toEqual({ kind: 'step' });
    expect(harts.map(({ id }) => id)).toEqual([0, 2, 3, 4]);
    expect(endedVcpus.map(({ task, reason }) => [task.vcpu, reason])).toEqual([[1, 'returned']]);
  });

  test('answers what its pages, registers and events are while it runs', async () => {
    await client.open('spin');
    await client.session.run();
    await client.until((state) => state.running);
    expect((await client.session.pages()).spaces.map(({ harts }) => harts)).toEqual([[0]]);
    expect((await client.session.registersOfAll()).harts).toEqual([0]);
    expect((await client.session.events(10)).events.length).toBeGreaterThan(0);
    expect(client.state.running).toBe(true);
  });

  test('tells its events in the order of their times, with what was lost', async () => {
    await forks();
    const { events } = await client.session.events(100);
    expect(events.filter(({ kind }) => kind === 'fork')).toHaveLength(4);
    // Turns are so many that they are told only to who asks for them.
    expect(events.filter(({ kind }) => kind.startsWith('turn'))).toEqual([]);
    const turns = (await client.session.events(100, { kinds: ['turn', 'turn-end'] })).events;
    expect(turns[0]).toMatchObject({ kind: 'turn', detail: 'the home thread' });
    const { number } = turns[0];
    const one = await client.session.events(1, { first: number, last: number });
    expect(one.events).toEqual([turns[0]]);
    expect(events.map(({ time }) => time)).toEqual(
      events.map(({ time }) => time).toSorted((a, b) => a - b),
    );
    await client.session.run();
    await client.stopped();
    const later = await client.session.events(2000);
    expect(later.events.some(({ kind, hart }) => kind === 'loan' && hart > 0)).toBe(true);
    expect((await client.session.events(3)).events).toHaveLength(3);
    const loans = await client.session.events(2000, { kinds: ['loan', 'copy'], hart: 2 });
    expect(loans.events.length).toBeGreaterThan(0);
    for (const { kind, hart } of loans.events)
      expect([kind, hart]).toEqual([expect.stringMatching(/loan|copy/), 2]);
    const numbers = later.events.map(({ number }) => number);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    const page = later.events.find(({ kind }) => kind === 'loan')?.page ?? 0;
    const life = await client.session.events(2000, { page });
    expect(life.events.map(({ kind }) => kind)).toContain('loan');
    expect(life.events.every((event) => event.page === page || event.kind === 'map')).toBe(true);
  });
});

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

/** A page's row in readable form. */
function row(
  { spaces, first, count, cells, labels, labelOf, symbols, symbolsOf }: PagesInfo,
  page: number,
): { label: string; symbols: string; states: string[] } {
  const at = first.findIndex((start, n) => page >= start && page < start + count[n]);
  const own = [...cells.slice(at * spaces.length, (at + 1) * spaces.length)];
  return {
    label: labels[labelOf[at]],
    symbols: symbols[symbolsOf[at]],
    states: own.map((cell) => PAGE_STATES[cell >> 3]),
  };
}
