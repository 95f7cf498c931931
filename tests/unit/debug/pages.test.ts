import { afterEach, describe, expect, test } from 'vitest';
import { DebugConsole } from '../../../emulator/debug/console/console';
import { Client } from './client';

let client: Client;
afterEach(() => client.end());

/** A console on a program that stands at main. */
async function consoleOn(name: string, args: string[] = []): Promise<DebugConsole> {
  client = new Client();
  await client.open(name, args);
  return new DebugConsole({ requests: client.session, stopped: () => client.stopped() });
}
const pageOf = async (symbol: string): Promise<number> =>
  (await client.session.evaluateAddress(symbol, 0)) >>> 12;

describe('write tracking', () => {
  test('tells who wrote a page first in the run and who last, by the exact instruction', async () => {
    const console = await consoleOn('mp-race');
    await console.execute('fork');
    await client.session.trackWrites(true);
    await console.execute('hart 3 watch shared.winner');
    const at = await pageOf('shared');
    await console.execute('all continue');
    const stop = client.state.stop;
    const { firstWrite, lastWrite } = await client.session.page(at, 0);
    // The store that the watch has stopped behind is the last one; the first was one of `total`.
    expect(stop).toMatchObject({ kind: 'watch', from: { address: lastWrite?.location.address } });
    expect(lastWrite).toMatchObject({ by: 'instruction', hart: client.state.stopHart, size: 8 });
    expect(lastWrite?.address).toBe(stop?.kind === 'watch' ? stop.address : -1);
    expect(firstWrite?.address).toBe(await client.session.evaluateAddress('shared', 0));
    expect(firstWrite?.instructions).toBeLessThan(lastWrite?.instructions ?? 0);
    expect(lastWrite?.place?.path).toContain('mp-race.c');
    // Who borrows the page sees the same; who has not written it yet has it as it was at the fork.
    expect((await client.session.page(at, client.state.stopHart ?? 0)).lastWrite).toEqual(
      lastWrite,
    );
    expect((await client.session.page(at, 4)).lastWrite).toBeUndefined();
    expect((await console.execute('page &shared')).text).toMatch(/last written by hart \d at work/);
  });

  test('knows a store from what the kernel writes for a system call', async () => {
    await consoleOn('mp-race');
    await client.session.trackWrites(true);
    const stack = Number((await client.session.registers(0)).x[2]) >>> 12;
    await client.session.addBreakpoint({ at: 'print_text', enabled: true });
    await client.after(client.session.run());
    const statuses = await client.session.page(await pageOf('statuses'), 0);
    expect(statuses.lastWrite).toMatchObject({ by: 'call', hart: 0, size: 0 });
    expect((await client.session.page(stack, 0)).lastWrite).toMatchObject({ by: 'instruction' });
  });

  test('costs nothing when it is off, says how much it costs, and changes no result', async () => {
    const console = await consoleOn('mp-race', ['call', '4']);
    expect((await client.session.pages()).tracking).toEqual({ isOn: false });
    expect((await console.execute('track on')).text).toBe(
      'Write tracking is on, how much slower is not measured yet.',
    );
    await client.after(client.session.run());
    expect(client.state.stop).toMatchObject({ kind: 'exited', status: 0 });
    expect(client.output).toContain('counts without a race: 4');
    const { isOn, mips } = (await client.session.pages()).tracking;
    expect(isOn).toBe(true);
    expect(mips).toBeGreaterThan(0);
    expect((await console.execute('track off')).text).toBe('Write tracking is off.');
  });

  test('is refused while the run is checked for races', async () => {
    client = new Client();
    await client.open('mp-race', [], { raceCheck: true });
    await expect(client.session.trackWrites(true)).rejects.toThrow(/checked for races/);
  });
});

describe('memory as it was at the fork', () => {
  test('is still there when main and its vCPUs have written the page', async () => {
    const console = await consoleOn('mp-race');
    await console.execute('fork');
    const address = await client.session.evaluateAddress('shared', 0);
    const total = async (hart: number, time: 'now' | 'fork'): Promise<number> => {
      const { bytes } = await client.session.readMemory(address, 8, hart, time);
      return Number(new DataView(bytes.buffer).getBigUint64(0, true));
    };
    await console.execute('watch shared.total hits = 3');
    await console.execute('all continue');
    expect(await total(0, 'now')).toBeGreaterThan(0);
    expect(await total(2, 'fork')).toBe(0);
    expect((await console.execute('diff &shared main fork 2')).text).toMatch(/: 1 byte differs/);
    expect((await console.execute('diff &shared main main')).text).toMatch(/no difference/);
    expect(await client.session.page(address >>> 12, 2)).toMatchObject({ hasForkView: true });
    expect(await client.session.page(address >>> 12, 0)).toMatchObject({ hasForkView: false });
    await expect(total(0, 'fork')).rejects.toThrow(/hart 0 .* is no fork/);
  });

  test('takes no page-table and no frame any more when the vCPUs have ended', async () => {
    await consoleOn('mp-race');
    const { arena } = client.target;
    const before = arena.spaces.used;
    await client.session.addBreakpoint({ at: 'print_text', enabled: true });
    await client.after(client.session.run());
    expect(arena.spaces.used).toBe(before);
  });
});
