import { describe, expect, test } from 'vitest';
import type { RaceReport } from '../../../emulator/races/report';
import { hartscope } from '../cli/memory-host';

/** Runs a bundled guest under the race check; its report, and what it printed. */
async function checked(
  ...args: string[]
): Promise<RaceReport & { conflicts: unknown[]; out: string }> {
  const command = ['run', '-q', '--race-check', '--json', '--guest', ...args];
  const { stderr, stdout } = await hartscope(command);
  const report = JSON.parse(stderr.toString()) as RaceReport & { conflicts: unknown[] };
  return { ...report, out: stdout.toString() };
}

describe('the race check of bundled guests', () => {
  test('a histogram without a lock is a race in every mode', async () => {
    for (const mode of ['shared', 'call', 'fork', 'fork-here']) {
      const { races } = await checked('mp-locks', 'none', mode);
      expect(races.map(({ first, second }) => `${first.access}, ${second.access}`)).toEqual(
        expect.arrayContaining(['store, load', 'store, store']),
      );
    }
  });

  test.each(['spin', 'mutex', 'atomic'])('with %s it is none', async (way) => {
    for (const mode of ['shared', 'call', 'fork', 'fork-here']) {
      const { races, out } = await checked('mp-locks', way, mode);
      expect(races, mode).toEqual([]);
      expect(out).toBe('counted: 4096 of 4096\n');
    }
  });

  test('counters in one line share falsely in pairs; in lines of their own the page; else nothing', async () => {
    const packed = await checked('mp-sharing', 'packed');
    expect(packed.races).toEqual([]);
    expect(packed.falseSharing.map(({ level }) => level)).toEqual(Array(6).fill('line'));
    expect(packed.falseSharing[0]).toMatchObject({ count: 4000, first: { hart: 1 } });
    const lines = await checked('mp-sharing', 'lines');
    expect(new Set(lines.falseSharing.map(({ level }) => level))).toEqual(new Set(['page']));
    expect((await checked('mp-sharing', 'pages')).falseSharing).toEqual([]);
  });

  test('mp-race races where its source says so, and nowhere else', async () => {
    const { races, falseSharing } = await checked('mp-race');
    const places = new Set(races.map(({ address }) => address));
    expect(places.size).toBe(2);
    expect(Math.max(...places) - Math.min(...places)).toBe(8);
    expect(falseSharing).toEqual([]);
  });

  test('in mode workspace it has conflicts instead, with the stores of both sides', async () => {
    const { races, conflicts } = await checked('mp-race', 'workspace');
    expect(races).toEqual([]);
    expect(conflicts.length).toBeGreaterThan(0);
    expect(conflicts[0]).toMatchObject({
      first: { vcpu: 1, pc: expect.any(Number) as number },
      second: { vcpu: 2, pc: expect.any(Number) as number },
    });
  });

  test.each([
    ['mp-dot'],
    ['mp-matmul'],
    ['mp-mandelbrot'],
    ['mp-histogram'],
    ['mp-prefix'],
    ['mp-pipeline'],
    ['mp-nested'],
    ['mp-lrsc', 'call', '8', '200'],
    ['mp-primes'],
    ['mp-glibc'],
    ['atomics'],
  ])('%s has no race', async (...command) => {
    const { races } = await checked(...command);
    expect(races).toEqual([]);
  });

  test('the report is the same in every run', async () => {
    expect(await checked('mp-race', 'shared')).toEqual(await checked('mp-race', 'shared'));
  });
});

describe('the command line', () => {
  test('prints races with functions and variables, and keeps the guest’s status', async () => {
    const { status, stderr } = await hartscope(['run', '--race-check', '--guest', 'mp-race']);
    const text = stderr.toString();
    expect(status).toBe(0);
    expect(text).toMatch(/race 1: 8 bytes at 0x[0-9a-f]+ \(shared\)/);
    expect(text).toMatch(
      /hart 1 \(vCPU 1 of task 1\): store of 0x[0-9a-f]{16} over 0x[0-9a-f]{16} at 0x[0-9a-f]+ <work\+0x[0-9a-f]+>, after \d+ instructions/,
    );
    expect(text).toMatch(/races: \d+, conflicts: 0, false sharing: 0\n$/);
  });

  test('can fail when there are races, and does not when there are none', async () => {
    const racy = ['run', '--race-check', '--fail-on-race', '--guest', 'mp-locks'];
    expect((await hartscope([...racy, 'none'])).status).toBe(66);
    expect((await hartscope([...racy, 'mutex'])).status).toBe(0);
  });

  test('refuses its options without the check', async () => {
    const { status, stderr } = await hartscope(['run', '--fail-on-race', 'hello']);
    expect(status).toBe(2);
    expect(stderr.toString()).toContain('--fail-on-race needs --race-check');
  });
});
