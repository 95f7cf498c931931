import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { poolOf } from '../../support/host-entries';
import { Client } from './client';

describe.each([
  ['taking turns on one thread', 0],
  ['on threads of a pool', 2],
])('harts %s', (_, threads) => {
  let client: Client;
  beforeEach(() => {
    client = new Client(poolOf(threads));
  });
  afterEach(async () => {
    await client.session.pause();
    client.end();
  });

  /** Four vCPUs at their first instruction. */
  async function forks(guest = 'mp-race', args: string[] = []): Promise<void> {
    await client.open(guest, args);
    await client.after(client.session.runToFork());
  }

  const places = (ids: readonly number[]): (number | undefined)[] =>
    ids.map((id) => client.hart(id).location.offset);

  test('at one place form a group, which one command moves', async () => {
    await forks();
    const { session } = client;
    expect([1, 2, 3, 4].map((id) => client.hart(id).group)).toEqual([1, 1, 1, 1]);
    expect(client.hart(0).group).toBeUndefined();
    const main = client.hart(0).instructions;
    for (let n = 1; n <= 5; n++) {
      await client.after(session.stepInstruction(2, 'group'));
      expect([1, 2, 3, 4].map((id) => client.hart(id).instructions)).toEqual([n, n, n, n]);
    }
    expect(client.hart(0).instructions).toBe(main);
    expect(client.state.stopHart).toBe(2);
  });

  test('that part are marked, and meet again on request', async () => {
    await forks();
    const { session } = client;
    await client.after(session.stepInstruction(1, 'group'));
    for (let n = 0; n < 3; n++) await client.after(session.stepInstruction(3));
    expect([1, 2, 3, 4].map((id) => client.hart(id).diverged ?? false)).toEqual([
      false,
      false,
      true,
      false,
    ]);
    expect([1, 2, 3, 4].map((id) => client.hart(id).group)).toEqual([1, 1, undefined, 1]);
    // One that is frozen is not waited for.
    await session.markHart(4, { frozen: true });
    await expect(session.runTogether(4)).rejects.toThrow('Hart 4 is frozen: thaw it first.');
    await client.after(session.runTogether(3));
    expect(client.state.stop).toEqual({ kind: 'step' });
    expect(new Set(places([1, 2, 3])).size).toBe(1);
    expect(client.hart(4).instructions).toBe(1);
    await session.markHart(4, { frozen: false });
    await client.after(session.runTogether(3));
    expect(client.state.stop).toEqual({ kind: 'step' });
    expect(new Set(places([1, 2, 3, 4])).size).toBe(1);
    expect(client.state.harts.some(({ diverged }) => diverged)).toBe(false);
  });

  test('step over a call and out of a function together', async () => {
    await forks('mp-dot');
    const { session } = client;
    for (let n = 0; n < 60 && client.hart(1).location.symbol !== 'dot'; n++) {
      await client.after(session.stepInstruction(1, 'group'));
    }
    expect([1, 2, 3, 4].map((id) => client.hart(id).location.symbol)).toEqual(
      Array.from({ length: 4 }, () => 'dot'),
    );
    await client.after(session.runToReturn(1, 'group'));
    expect(new Set(places([1, 2, 3, 4])).size).toBe(1);
    expect(client.hart(4).location.symbol).toBe('dot');
    await client.after(session.stepOut(1, 'group'));
    expect([1, 2, 3, 4].map((id) => client.hart(id).location.symbol)).toEqual(
      Array.from({ length: 4 }, () => 'work'),
    );
    expect(client.hart(0).instructions).toBeGreaterThan(0);
  });

  test('stand at a barrier point until all of their task have come', async () => {
    await client.open('mp-dot');
    const { id } = await client.session.addBreakpoint({ at: 'dot', barrier: true, enabled: true });
    const { stop } = await client.after(client.session.run());
    expect(stop).toEqual({ kind: 'barrier', id, harts: [1, 2, 3, 4] });
    const dot = await client.session.evaluateAddress('dot', 0);
    expect([1, 2, 3, 4].map((hart) => client.hart(hart).location.address)).toEqual(
      Array.from({ length: 4 }, () => dot),
    );
    expect(client.breakpoints[0].hits).toBe(4);
    expect((await client.after(client.session.run())).stop).toEqual({ kind: 'exited', status: 0 });
    expect(client.output).toContain('8192 floats = 8192');
  });

  test('that run alone stop at a barrier point, which lets them go on', async () => {
    await forks('mp-dot');
    const { session } = client;
    await session.addBreakpoint({ at: 'dot', barrier: true, enabled: true });
    const alone = (hart: number): unknown => ({
      kind: 'blocked',
      message: `Hart ${hart} cannot go on. At a barrier point: ${hart}. The others stand still: run all harts.`,
    });
    expect((await client.after(session.run('hart', 1))).stop).toEqual(alone(1));
    expect(client.hart(1)).toMatchObject({ heldAt: 1, location: { symbol: 'dot', offset: 0 } });
    expect(client.hart(2).instructions).toBe(0);
    // Moved once more it goes on from there.
    await client.after(session.stepInstruction(1));
    expect(client.state.stop).toEqual({ kind: 'step' });
    expect(client.hart(1).heldAt).toBeUndefined();
    const further = client.hart(1).location.address;
    expect((await client.after(session.runTo(further, 2))).stop).toEqual(alone(2));
    await session.markHart(2, { frozen: false });
    expect(client.hart(2).heldAt).toBeUndefined();
    expect((await client.after(session.runTo(further, 2))).stop).toEqual({ kind: 'step' });
  });

  test.each([
    ['is killed', 'kill'],
    ['ends', 'end'],
  ])('have all come to a barrier point when the last other one %s', async (_, how) => {
    await forks('mp-dot');
    const { session } = client;
    const { id } = await session.addBreakpoint({
      at: 'dot',
      barrier: true,
      condition: 'hart != 4',
      enabled: true,
    });
    if (how === 'kill') {
      await session.markHart(4, { frozen: true });
      expect((await client.after(session.run())).stop?.kind).toBe('blocked');
      await session.killHart(4);
    } else await client.after(session.run());
    expect(client.state.stop).toEqual({ kind: 'barrier', id, harts: [1, 2, 3] });
    expect(client.state.harts.map(({ id: hart }) => hart)).toEqual([0, 1, 2, 3]);
    expect((await client.after(session.run())).stop).toMatchObject({ kind: 'exited' });
  });

  test('that are frozen stand still until they are thawed', async () => {
    await forks();
    const { session } = client;
    await session.markHart(3, { frozen: true, name: 'slow one' });
    expect(client.hart(3)).toMatchObject({ frozen: true, name: 'slow one' });
    await expect(session.stepInstruction(3)).rejects.toThrow('Hart 3 is frozen: thaw it first.');
    const { stop } = await client.after(session.run());
    expect(stop).toEqual({
      kind: 'blocked',
      message: 'No hart can go on. Frozen: 3. Hart 0 waits for task 1.',
    });
    expect(client.hart(3).instructions).toBe(0);
    expect(client.state.endedVcpus.map(({ hart }) => hart)).toEqual([1, 2, 4]);
    await session.markHart(3, { frozen: false });
    expect((await client.after(session.run())).stop).toEqual({ kind: 'exited', status: 0 });
  });

  test('can be killed, but for the first', async () => {
    await forks('mp-dot');
    const { session } = client;
    await session.killHart(2);
    expect(client.state.harts.map(({ id }) => id)).toEqual([0, 1, 3, 4]);
    expect(client.state.endedVcpus).toMatchObject([{ hart: 2, reason: 'killed', failed: true }]);
    await expect(session.killHart(0)).rejects.toThrow('stop the program instead');
    await client.after(session.run());
    expect(client.output).toContain('killed');
  });

  test('are followed by a step into their start', async () => {
    await client.open('mp-dot');
    const { session } = client;
    await session.follow(3);
    await session.addBreakpoint({ kind: 'syscall', at: 'multiprocess_start', enabled: true });
    expect((await client.after(session.run())).stop).toMatchObject({
      kind: 'syscall',
      name: 'multiprocess_start',
    });
    const { stop, stopHart } = await client.after(session.stepInstruction(0));
    expect(stop).toEqual({ kind: 'fork', task: 1, vcpus: 4 });
    expect(stopHart).toBe(3);
  });

  test('are there after a step over the ecall too, and the next one ends behind it', async () => {
    await client.open('mp-dot', ['post']);
    const { session } = client;
    await session.addBreakpoint({ kind: 'syscall', at: 'multiprocess', enabled: true });
    await client.after(session.run());
    const { address } = client.hart(0).location;
    await client.after(session.stepOver(0));
    expect(client.state.harts.map(({ instructions }) => instructions).slice(1)).toEqual([
      0, 0, 0, 0,
    ]);
    const before = client.hart(0).instructions;
    // Of all harts main waits, so a step of all leaves it out.
    await client.after(session.stepInstruction(1, 'all'));
    expect(client.state.harts.map(({ instructions }) => instructions)).toEqual([
      before,
      1,
      1,
      1,
      1,
    ]);
    await client.after(session.stepOver(0));
    expect(client.state.stop).toEqual({ kind: 'step' });
    expect(client.state.endedVcpus).toHaveLength(4);
    expect(client.hart(0).location.address).toBe(address + 4);
    expect(client.hart(0).instructions).toBe(before + 1);
  });

  test('of `multiprocess` are there after a step over its call, and end in a step over the wait', async () => {
    await client.open('mp-dot', ['post']);
    const { session } = client;
    const { id } = await session.addBreakpoint({ at: 'multiprocess', enabled: true });
    await client.after(session.run());
    await session.removeBreakpoint(id);
    // Back to the call, as a user would stand before it.
    const { x } = await session.registers(0);
    await session.writeRegister(0, 'pc', `${x[1]} - 4`);
    await client.after(session.stepOver(0));
    expect(client.state.stop).toEqual({ kind: 'step' });
    expect(client.state.harts.map(({ task }) => task?.vcpu)).toEqual([undefined, 1, 2, 3, 4]);
    await client.after(session.stepOut(0));
    expect(client.state.harts).toHaveLength(1);
    expect(client.state.endedVcpus).toHaveLength(4);
  });
});

describe('by source lines', () => {
  let client: Client;
  beforeEach(async () => {
    client = new Client();
    await client.open('glibc-hello');
  });
  afterEach(async () => {
    await client.session.pause();
    client.end();
  });

  test('a hart steps from line to line of main, over what they call', async () => {
    const { session } = client;
    const places = [];
    for (let n = 0; n < 4; n++) {
      await client.after(session.stepLine(0, 'over'));
      places.push(client.place);
    }
    // Lines 43, 44, 46 and 48 (guests/src/glibc-hello.c), as objdump -dl has them.
    expect(places).toEqual(['main+14', 'main+26', 'main+58', 'main+88']);
    expect(client.output).toBe('Hello from glibc\r\n');
  });

  test('a hart steps into a function that has lines, over one that has none, and out again', async () => {
    const { session } = client;
    await session.addBreakpoint({ at: 'glibc-hello.c:49', enabled: true });
    await client.after(session.run());
    expect(client.place).toBe('main+112');
    await client.after(session.stepLine(0, 'into'));
    expect(client.place).toMatch(/^use_heap/);
    await client.after(session.stepOut(0));
    expect(client.place).toBe('main+116');
    // printf has none.
    await client.after(session.stepLine(0, 'into'));
    expect(client.place).toBe('main+130');
    expect(client.output).toContain('heap: 4951');
  });

  test('a breakpoint on a line without code goes to the next, and one on no line says so', async () => {
    const { session } = client;
    const moved = await session.addBreakpoint({ at: 'src/glibc-hello.c:55', enabled: true });
    expect(moved).toMatchObject({ line: 56, location: { symbol: 'main', offset: 182 } });
    const wrong = await session.addBreakpoint({ at: 'nothing.c:1', enabled: true });
    expect(wrong.problem).toBe('no code of line 1 of nothing.c is in the program');
  });
});
