import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { StopReason } from '../../../emulator/debug/protocol';
import { Unwinder } from '../../../emulator/debug/stack-unwinder';
import { FunctionIndex } from '../../../emulator/elf/dwarf/functions';
import { poolOf } from '../../support/host-entries';
import { Client } from './client';

describe('a breakpoint', () => {
  let client: Client;
  beforeEach(() => {
    client = new Client();
  });
  afterEach(async () => {
    await client.session.pause();
    client.end();
  });

  const argument = async (): Promise<number> => Number((await client.session.registers(0)).x[10]);

  test('stops at one hit, or at each of so many', async () => {
    await client.open('fib');
    const { session } = client;
    const spec = { at: 'fib', enabled: true };
    const exact = await session.addBreakpoint({ ...spec, hitCount: 3, hitRule: 'exactly' });
    await client.after(session.run());
    expect(client.state.stop).toMatchObject({ kind: 'breakpoint', id: exact.id });
    expect(client.breakpoints[0].hits).toBe(3);
    await session.removeBreakpoint(exact.id);
    const each = await session.addBreakpoint({ ...spec, hitCount: 10, hitRule: 'multiple' });
    for (const hits of [10, 20, 30]) {
      await client.after(session.run());
      expect(client.breakpoints.find(({ id }) => id === each.id)?.hits).toBe(hits);
    }
  });

  test('with a message prints and goes on', async () => {
    await client.open('fib');
    // A small number: the rest of the run takes no time.
    await client.after(client.session.runTo(await client.session.evaluateAddress('fib', 0)));
    await client.session.writeRegister(0, 'a0', '15');
    await client.session.addBreakpoint({
      at: 'fib',
      log: 'fib({a0}) from {ra:x}, {{{*(int *)0}}}',
      condition: 'a0 > 12',
      enabled: true,
    });
    await client.after(client.session.run());
    expect(client.state.stop).toEqual({ kind: 'exited', status: 0 });
    expect(client.messages).toHaveLength(2);
    expect(client.messages[0]).toMatch(
      /^1: fib\(14\) from 0x[0-9a-f]+, \{<cannot access memory at address 0x0>\}$/,
    );
  });

  test.each([
    ['registers', 'a0 == 20', 0],
    ['variables', 'n == 20', 8],
  ])('unwinds the stack at its hits only for what needs it: %s', async (_, condition, unwinds) => {
    await client.open('fib');
    const { session } = client;
    const at = 'fib + 8';
    const { id } = await session.addBreakpoint({ at, condition, enabled: true });
    const unwound = vi.spyOn(Unwinder.prototype, 'frames');
    const looked = vi.spyOn(FunctionIndex.prototype, 'scopesAt');
    await client.after(session.run());
    expect(client.state.stop).toMatchObject({ kind: 'breakpoint', id });
    expect([unwound.mock.calls.length, looked.mock.calls.length]).toEqual([unwinds, 1]);
    unwound.mockRestore();
    looked.mockRestore();
  });

  test('that is temporary stops once', async () => {
    await client.open('fib');
    await client.session.addBreakpoint({ at: 'fib', temporary: true, enabled: true });
    await client.after(client.session.run());
    expect(client.place).toBe('fib');
    expect(client.breakpoints).toEqual([]);
  });

  test('of a system call stops before it, by name', async () => {
    await client.open('hello');
    const { session } = client;
    const { id } = await session.addBreakpoint({ kind: 'syscall', at: 'write', enabled: true });
    const { stop } = await client.after(session.run());
    expect(stop).toEqual({ kind: 'syscall', id, number: 64, name: 'write' });
    expect(client.output).toBe('');
    expect(await argument()).toBe(1);
    await client.after(session.run());
    expect(client.output).toBe('Hello from RISC-V\r\n');
    const wrong = await session.addBreakpoint({ kind: 'syscall', at: 'fly', enabled: true });
    expect(wrong.problem).toBe('no system call is called fly');
  });

  test('where a hart has been stepped to does not stop it again, and counts', async () => {
    await client.open('fib');
    const { session } = client;
    const { id } = await session.addBreakpoint({ at: 'fib + 2', enabled: true });
    const fib = await session.evaluateAddress('fib', 0);
    await client.after(session.runTo(fib));
    await client.after(session.stepInstruction(0));
    expect(client.place).toBe('fib+2');
    const before = await argument();
    await client.after(session.run());
    expect(client.state.stop).toMatchObject({ kind: 'breakpoint', id });
    expect(await argument()).toBe(before - 1);
    expect(client.breakpoints[0].hits).toBe(2);
  });

  test('set where the machine stands does not stop it there', async () => {
    await client.open('fib');
    const { session } = client;
    const fib = await session.evaluateAddress('fib', 0);
    await client.after(session.runTo(fib));
    await session.addBreakpoint({ at: 'fib', enabled: true });
    expect(await argument()).toBe(27);
    await client.after(session.run());
    expect(await argument()).toBe(26);
  });
});

describe('a data breakpoint', () => {
  let client: Client;
  afterEach(async () => {
    await client.session.pause();
    client.end();
  });

  test.each([
    ['taking turns', 0],
    ['on pool threads', 2],
  ])('stops hart 3 behind its write, with the values before and after: %s', async (_, threads) => {
    client = new Client(poolOf(threads));
    await client.open('mp-dot');
    const { session } = client;
    const at = await session.evaluateAddress('partial', 0);
    const { id, watched } = await session.addBreakpoint({
      kind: 'data',
      at: 'partial',
      length: 16,
      harts: [3],
      enabled: true,
    });
    expect(watched).toBe(16);
    const { stop, stopHart } = await client.after(session.run());
    expect(stopHart).toBe(3);
    expect(stop).toMatchObject({
      kind: 'watch',
      id,
      access: 'write',
      address: at + 8,
      size: 4,
      from: { symbol: 'work' },
      place: at + 8,
      before: '0x00000000',
      after: '0x45000000', // 2048.0f
    });
    const from = (stop as StopReason & { kind: 'watch' }).from.address;
    expect(client.hart(3).location.address).toBeGreaterThan(from);
    expect((await client.after(session.run())).stop).toEqual({ kind: 'exited', status: 0 });
    expect(client.output).toContain('8192 floats = 8192');
  });

  test('on reads, on any access, and on writes that change the value', async () => {
    client = new Client();
    await client.open('mp-race');
    const { session } = client;
    await session.follow(1);
    await client.after(session.runToFork());
    const seen = async (access: 'read' | 'write' | 'access' | 'change'): Promise<string> => {
      const { id } = await session.addBreakpoint({
        kind: 'data',
        at: '*(long *)shared',
        access,
        harts: [1],
        enabled: true,
      });
      const { stop } = await client.after(session.run('hart', 1));
      await session.removeBreakpoint(id);
      if (stop?.kind !== 'watch') throw new Error(JSON.stringify(stop));
      return `${stop.access} ${Number(stop.before)} ${Number(stop.after)}`;
    };
    expect(await seen('read')).toBe('read 0 0');
    expect(await seen('write')).toBe('write 0 1');
    expect(await seen('access')).toBe('read 1 1');
    expect(await seen('change')).toBe('write 1 2');
    expect(client.hart(2).instructions).toBe(0);
  });

  test('has a condition that may use the old and the new value', async () => {
    client = new Client();
    await client.open('mp-race', ['call', '1']);
    const { session } = client;
    await session.addBreakpoint({
      kind: 'data',
      at: '*(long *)shared',
      condition: 'new == 500 && old == 499',
      enabled: true,
    });
    const { stop } = await client.after(session.run());
    expect(stop).toMatchObject({ kind: 'watch', before: '0x00000000000001f3' });
    expect(client.breakpoints[0].hits).toBe(1);
  });

  test.each([
    [0, 'no bytes are there to be watched'],
    [2 ** 32, 'end above 4 GiB'],
  ])('of %d bytes has a problem, and those after it have none', async (length, problem) => {
    client = new Client();
    await client.open('mp-dot');
    const { session } = client;
    const odd = { kind: 'data', at: 'partial', length, enabled: true } as const;
    expect((await session.addBreakpoint(odd)).problem).toContain(problem);
    expect((await session.addBreakpoint({ at: 'work', enabled: true })).problem).toBeUndefined();
    expect((await client.after(session.run())).stop).toMatchObject({ kind: 'breakpoint', id: 2 });
  });

  test('there may be a hundred of, one beside the other', async () => {
    client = new Client();
    await client.open('mp-dot');
    const { session } = client;
    for (let n = 0; n < 100; n++) {
      await session.addBreakpoint({
        kind: 'data',
        at: `partial + ${8 * n + 4}`,
        length: 4,
        enabled: true,
      });
    }
    const hit: number[] = [];
    for (;;) {
      const { stop } = await client.after(session.run());
      if (stop?.kind !== 'watch') break;
      hit.push(stop.id);
    }
    expect(hit.sort((a, b) => a - b)).toEqual([1, 2]);
    expect(client.output).toContain('8192 floats = 8192');
  });

  test('is missed by no instruction that has a breakpoint as well', async () => {
    client = new Client();
    await client.open('mp-dot');
    const { session } = client;
    const { id } = await session.addBreakpoint({ kind: 'data', at: 'partial', enabled: true });
    const { stop } = await client.after(session.run());
    const { from } = stop as StopReason & { kind: 'watch' };
    await session.restart();
    const code = await session.addBreakpoint({
      at: `0x${from.address.toString(16)}`,
      harts: [1],
      enabled: true,
    });
    const first = await client.after(session.run());
    expect(first.stop).toMatchObject({ kind: 'breakpoint', id: code.id });
    const second = await client.after(session.run());
    expect(second.stop).toMatchObject({ kind: 'watch', id, from });
  });
});

describe('a breakpoint on events', () => {
  let client: Client;
  afterEach(async () => {
    await client.session.pause();
    client.end();
  });

  test.each([
    ['taking turns', 0],
    ['on pool threads', 2],
  ])('stops a vCPU at the store that makes the loan: %s', async (_, threads) => {
    client = new Client(poolOf(threads));
    await client.open('mp-dot');
    const { session } = client;
    const page = (await session.evaluateAddress('partial', 0)) >>> 12;
    const { id } = await session.addBreakpoint({
      kind: 'event',
      at: 'loan',
      enabled: true,
    });
    const { stop, stopHart } = await client.after(session.run());
    expect(stop).toEqual({ kind: 'event', id, event: 'loan', page });
    expect((await session.page(page, stopHart ?? 0)).state).toBe('borrowed');
    const [line] = await session.disassemble(client.hart(stopHart ?? 0).location.address, 0, 1);
    expect(line.mnemonic).toMatch(/^c?\.?fsw$/);
    await session.removeBreakpoint(id);
    expect((await client.after(session.run())).stop).toEqual({ kind: 'exited', status: 0 });
  });

  test('stops at the first instruction of a signal handler', async () => {
    client = new Client();
    await client.open('signals');
    const { session } = client;
    const { id } = await session.addBreakpoint({
      kind: 'event',
      at: 'signal',
      condition: 'a0 == 10',
      enabled: true,
    });
    const { stop, stopHart } = await client.after(session.run());
    expect(stop).toEqual({ kind: 'event', id, event: 'signal SIGUSR1', page: 0 });
    expect((await session.registers(stopHart ?? 0)).x[10]).toMatch(/^0x0*a$/);
    const { events } = await session.events(1, { kinds: ['signal'] });
    expect(events[0]).toMatchObject({ detail: 'SIGUSR1', from: client.hart(0).location.address });
    expect(client.breakpoints[0].hits).toBe(1);
    const { frames } = await session.stack(0, 3);
    expect(frames.map(({ name, interrupted }) => [name, interrupted])).toEqual([
      ['note', false],
      ['<signal frame>', false],
      ['__pthread_kill_implementation.constprop.0', true],
    ]);
    // Where it returns to is code like any other, at the top of memory.
    await client.after(session.stepOut(0));
    const code = await session.disassemble(client.hart(0).location.address, 0, 2);
    expect(code.map(({ mnemonic, operands }) => `${mnemonic} ${operands}`)).toEqual([
      'li a7,139', // rt_sigreturn
      'ecall ',
    ]);
  });

  test.each(['hello', 'fib'])('stops before %s exits, with its memory there', async (name) => {
    client = new Client();
    await client.open(name);
    const { session } = client;
    const main = await session.evaluateAddress('main', 0);
    const { id } = await session.addBreakpoint({ kind: 'event', at: 'exit', enabled: true });
    const { stop, harts } = await client.after(session.run());
    expect(stop).toEqual({ kind: 'event', id, event: 'exit', page: 0 });
    expect(harts).toHaveLength(1);
    expect((await session.readMemory(main, 4, 0)).holes).toEqual([]);
    expect((await client.after(session.run())).stop).toEqual({ kind: 'exited', status: 0 });
    expect(client.breakpoints[0].hits).toBe(1);
  });

  test('stops where vCPUs fork', async () => {
    client = new Client();
    await client.open('mp-dot');
    await client.session.addBreakpoint({ kind: 'event', at: 'fork', enabled: true });
    const { stop, harts } = await client.after(client.session.run());
    expect(stop).toMatchObject({ kind: 'event', event: 'fork' });
    expect(harts).toHaveLength(5);
    const wrong = await client.session.addBreakpoint({ kind: 'event', at: 'rain', enabled: true });
    expect(wrong.problem).toMatch(/^no event is called rain: there are fork, copy, loan/);
  });
});
