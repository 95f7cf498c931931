import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HartSummary } from '../../../emulator/profile/hart-summary';
import type { LaunchSharing } from '../../../emulator/debug/launch-sharing';
import type { LaunchReport } from '../../../emulator/profile/launch-report';
import { decodeTrace } from '../profile/perfetto-schema';
import { hartscope } from './memory-host';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hartscope-profile-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What `--json` prints. */
interface List {
  readonly instructions: number;
  readonly unit: string;
  readonly harts: readonly HartSummary[];
  readonly functions: readonly {
    readonly name: string;
    readonly self: number;
    readonly total: number;
    readonly calls: number;
  }[];
}

const GUEST = ['mp-dot', 'call', '4', '512'];

async function list(...args: string[]): Promise<List> {
  const { status, stderr } = await hartscope(['profile', '--json', ...args]);
  expect(status).toBe(0);
  return JSON.parse(stderr.toString()) as List;
}

describe('hartscope profile', () => {
  test('prints the harts and the functions that cost most', async () => {
    const { status, stdout, stderr } = await hartscope(['profile', '--top', '3', ...GUEST]);
    expect(status).toBe(0);
    expect(stdout.toString()).toContain('floats = 512');
    const text = stderr.toString();
    expect(text).toMatch(/^[\d,]+ instructions\n/);
    expect(text).toMatch(/ 4 task 1 vCPU 4\n/);
    expect(text).toMatch(/[\d,]+ +[\d.]+ % +[\d,]+ +[\d.]+ % +4 {2}dot\n/);
    expect(text).toMatch(/… \d+ more\n/);
    expect(text).toMatch(/ % {2}guests\/src\/mp-dot\.c:\d+\n/);
  });

  test('counts each vCPU for itself; what all did is what was retired', async () => {
    const { instructions, harts, functions } = await list('--top', '1000', ...GUEST);
    expect(harts.map(({ name }) => name)).toEqual([
      'main',
      ...[1, 2, 3, 4].map((vcpu) => `task 1 vCPU ${vcpu}`),
    ]);
    expect(harts.reduce((sum, hart) => sum + hart.instructions, 0)).toBe(instructions);
    expect(functions.reduce((sum, { self }) => sum + self, 0)).toBe(instructions);
    expect(functions.find(({ name }) => name === 'dot')).toMatchObject({ calls: 4 });
  });

  test('gives the same list twice, and compares with it', async () => {
    const once = await list(...GUEST);
    expect(await list(...GUEST)).toEqual(once);
    const path = join(folder, 'before.json');
    writeFileSync(path, JSON.stringify(once));
    const same = await hartscope(['profile', '--compare', path, ...GUEST]);
    expect(same.stderr.toString()).toMatch(/ 0 +1\.000 × {2}all \(instructions\)\n$/);
    const more = await hartscope(['profile', '--compare', path, 'mp-dot', 'call', '4', '1024']);
    expect(more.stderr.toString()).toMatch(/\+[\d,]+ +1\.\d{3} × {2}dot\n/);
    expect(more.stderr.toString()).toMatch(
      /before +now +difference +line\n(.*\n)*.*\+[\d,]+ .*mp-dot\.c:\d+\n/,
    );
    // What the guest wrote to standard error comes before the list in the same file.
    writeFileSync(path, `the guest's own words\n${JSON.stringify(once)}\n`);
    const mixed = await hartscope(['profile', '--compare', path, ...GUEST]);
    expect(mixed.stderr.toString()).toBe(same.stderr.toString());
    const wrong = await hartscope(['profile', '--compare', 'package.json', ...GUEST]);
    expect(wrong.status).toBe(2);
    expect(wrong.stderr.toString()).toContain('is no list');
    const other = await hartscope(['profile', '--time', '--compare', path, ...GUEST]);
    expect(other.status).toBe(2);
    expect(other.stderr.toString()).toContain(
      'has instructions, and this run would have nanoseconds',
    );
  });

  test('looks at call stacks each so many instructions, the same in each run', async () => {
    const sampled = (): Promise<List> => list('--time', '--every', '1000', ...GUEST);
    const once = await sampled();
    expect(await sampled()).toEqual(once);
    const counted = await list(...GUEST);
    expect(once.instructions).toBeGreaterThan(counted.instructions - 2000);
    expect(once.instructions).toBeLessThanOrEqual(counted.instructions);
    const shareOf = ({ functions, instructions }: List, name: string): number =>
      functions.find((each) => each.name === name)!.self / instructions;
    const [hottest] = counted.functions;
    expect(Math.abs(shareOf(once, hottest.name) - shareOf(counted, hottest.name))).toBeLessThan(
      0.1,
    );
    for (const name of ['time.speedscope.json', 'time.pb.gz', 'time.callgrind', 'time.collapsed']) {
      const path = join(folder, name);
      const words = ['profile', '--time', '--every', '1000', '-o', path, ...GUEST];
      expect((await hartscope(words)).status).toBe(0);
      expect(readFileSync(path).length).toBeGreaterThan(100);
    }
    expect((await hartscope(['profile', '--time', '-o', 'x.info', ...GUEST])).status).toBe(2);
  });

  test('looks at call stacks by host time', async () => {
    const { unit, instructions, functions } = await list('--time', 'mandelbrot', '80', '60', '400');
    expect(unit).toBe('nanoseconds');
    expect(instructions).toBeGreaterThan(1e6);
    expect(functions.reduce((sum, { self }) => sum + self, 0)).toBe(instructions);
  });

  test('has loads, stores, branches and system calls of each hart', async () => {
    const { harts } = await list(...GUEST);
    const [main, ...vcpus] = harts;
    expect(main.systemCalls).toBeGreaterThan(2);
    expect(vcpus.reduce((sum, { loans }) => sum + loans, 0)).toBeGreaterThan(0);
    for (const { loads, branches, taken, copies } of vcpus) {
      expect(loads).toBeGreaterThanOrEqual(2 * (512 / 4));
      expect(taken).toBeLessThanOrEqual(branches);
      expect(copies).toBeGreaterThan(0);
    }
  });

  test('asks for a format where the name tells none, and says why a file cannot be written', async () => {
    const unknown = await hartscope(['profile', '-o', join(folder, 'profile'), 'hello']);
    expect([unknown.status, unknown.stderr.toString()]).toEqual([
      2,
      expect.stringContaining('tells no format: give one with --format'),
    ]);
  });

  test.each([
    [['none', 'a.json'], 'there is no '],
    [[''], 'it is a folder'],
  ])('says before the guest runs that %j cannot be written', async (path, message) => {
    const words = ['profile', '--format', 'speedscope', '-o', join(folder, ...path), 'hello'];
    const { status, stdout, stderr } = await hartscope(words);
    expect([status, stdout.toString()]).toEqual([1, '']);
    expect(stderr.toString()).toContain(`cannot be written: ${message}`);
  });

  test('prints the list even if the disk is full', async () => {
    const words = ['profile', '--format', 'speedscope', '-o', '/dev/full', 'hello'];
    const { status, stderr } = await hartscope(words);
    expect(status).toBe(1);
    expect(stderr.toString()).toMatch(
      /^\d+ instructions\n[^]*\nhartscope: \/dev\/full cannot be written: no space left on device\n$/,
    );
  });

  test('has what ran before a fault and before a limit, in the list and in the file', async () => {
    const path = join(folder, 'fault.collapsed');
    const total = (): number =>
      readFileSync(path, 'utf8')
        .trimEnd()
        .split('\n')
        .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    const crashed = await hartscope(['profile', '-o', path, 'crash', 'null']);
    expect(crashed.status).toBe(128 + 11);
    expect(crashed.stderr.toString()).toMatch(
      new RegExp(`^hartscope: SIGSEGV at .*\n${total()} instructions\n`),
    );
    const words = ['profile', '--max-instructions', '1000', '-o', path, 'spin'];
    const limited = await hartscope(words);
    expect([limited.status, total()]).toEqual([124, 1000]);
  });

  test('of many threads tells of those that did most, each by its id', async () => {
    const { stderr } = await hartscope(['profile', '--top', '1', 'threads']);
    const rows = stderr.toString().split('\n');
    const threads = rows.flatMap((row) => / thread (\d+)$/.exec(row)?.[1] ?? []);
    expect(new Set(threads).size).toBe(23);
    expect(rows.find((row) => / … \d+ more, together [\d,]+$/.test(row))).toBeDefined();
  });

  test('cuts long names', async () => {
    const { stderr } = await hartscope(['profile', 'mp-primes']);
    const rows = stderr.toString().split('\n');
    expect(rows.filter((row) => row.endsWith('…')).length).toBeGreaterThan(1);
    expect(Math.max(...rows.map((row) => row.length))).toBeLessThan(140);
  });
});

describe('hartscope profile --launches', () => {
  const UNEVEN = ['mp-unbalanced', 'call', '8', '9000'];
  const report = async (...args: string[]): Promise<LaunchReport> => {
    const { status, stderr } = await hartscope(['profile', '--launches', '--json', ...args]);
    expect(status).toBe(0);
    return JSON.parse(stderr.toString()) as LaunchReport;
  };

  test('tells that one vCPU has twice the work, and what that means', async () => {
    const { status, stdout, stderr } = await hartscope(['profile', '--launches', ...UNEVEN]);
    expect([status, stdout.toString()]).toEqual([0, 'dot of 2 x 9000 floats = 9000\n']);
    const text = stderr.toString();
    expect(text).toMatch(/^1 launch of vCPUs, by instructions\n/);
    expect(text).toContain(
      'Load balance 0.56: vCPU 1 has 1.8 times the mean work; the others wait for it.',
    );
    expect(text).toMatch(/Critical path:\n {4}hart 1: run \d+\n/);
    expect(text).toMatch(
      /Pages that several vCPUs wrote:\n {4}0x\w+ by vCPUs 1 2 3 4 5 6 7 8: \d+ faults\n/,
    );
    expect(text).toMatch(/Serial share: \d+ % of the run is outside of tasks/);
  });

  test('gives the same launches twice, with the instructions that were retired', async () => {
    const once = await report(...UNEVEN);
    expect(await report(...UNEVEN)).toEqual(once);
    expect(once.missing).toBe(0);
    const [{ lanes }] = once.launches;
    const counted = await list(...UNEVEN);
    expect(lanes.slice(1).map(({ instructions }) => instructions)).toEqual(
      counted.harts.slice(1).map(({ instructions }) => instructions),
    );
  });

  test('compares them with those of one vCPU', async () => {
    const balanced = ['mp-dot', 'call', '4', '8192'];
    const { launches } = await report('--one-hart', 'call 1 8192', ...balanced);
    const { speedUp, instructionScaling } = launches[0].measures;
    expect(speedUp.value).toBeGreaterThan(3.9);
    expect(speedUp.sentence).toBe('One hart alone takes 4.0 times as long.');
    expect(instructionScaling?.value).toBeGreaterThan(0.99);
  });

  test('tells what vCPUs shared falsely, with places, bytes and cost', async () => {
    const checked = await hartscope(['profile', '--launches', '--race-check', 'mp-sharing']);
    const text = checked.stderr.toString();
    expect(text).toContain('\nfalse sharing in task 1: 6 pairs of harts\n');
    expect(text).toMatch(
      /cache line at 0x\w+ \(memory\): 4000 accesses, \d+ copies and \d+ loans of the page\n {4}hart 1 \(vCPU 1 of task 1\): bytes 0 to 7; loads: 1000, at 0x\w+ <work\+0x\w+> \(mp-sharing\.c:\d+\)/,
    );
    const { launches } = await report('--race-check', 'mp-sharing', 'lines');
    const [{ falseSharing }] = launches as unknown as { falseSharing: LaunchSharing[] }[];
    expect(new Set(falseSharing.map(({ level }) => level))).toEqual(new Set(['page']));
    expect(falseSharing[0].loans + falseSharing[0].copies).toBeGreaterThan(0);
  });

  test('writes a trace for Perfetto with the same totals, and arrows between harts', async () => {
    const { launches } = await report(...UNEVEN);
    const path = join(folder, 'uneven.pftrace');
    expect((await hartscope(['profile', '-o', path, ...UNEVEN])).status).toBe(0);
    const packets = decodeTrace(readFileSync(path));
    const names = new Map(
      packets.flatMap(({ trackDescriptor }) => {
        const { uuid, thread } = (trackDescriptor ?? {}) as {
          uuid?: string;
          thread?: { threadName: string };
        };
        return uuid === undefined || !thread ? [] : [[uuid, thread.threadName] as const];
      }),
    );
    expect([...names.values()]).toEqual([
      'tasks',
      'hart 0: main',
      ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => `hart ${n}`),
    ]);
    const ran = new Map<string, number>();
    const begun = new Map<string, { readonly name: string; readonly at: number }>();
    const flows = new Map<string, number>();
    for (const { timestamp, trackEvent } of packets) {
      if (!trackEvent) continue;
      const { type, trackUuid, name = '', flowIds = [] } = trackEvent;
      for (const flow of flowIds) flows.set(flow, (flows.get(flow) ?? 0) + 1);
      if (type === 'TYPE_SLICE_BEGIN') begun.set(trackUuid, { name, at: Number(timestamp) });
      if (type !== 'TYPE_SLICE_END') continue;
      const { name: what, at } = begun.get(trackUuid) ?? { name: '', at: 0 };
      const key = `${names.get(trackUuid)} ${what}`;
      ran.set(key, (ran.get(key) ?? 0) + Number(timestamp) - at);
    }
    for (const { hart, vcpu, times } of launches[0].lanes) {
      if (vcpu > 0) expect(ran.get(`hart ${hart} run`)).toBe(times.run);
    }
    expect(ran.get('tasks task 1')).toBe(launches[0].duration);
    expect(flows.size).toBeGreaterThanOrEqual(16);
    expect([...flows.values()].every((ends) => ends === 2)).toBe(true);
    const counters = packets.flatMap(({ trackEvent }) => trackEvent?.counterValue ?? []);
    expect(Math.max(...counters.map(Number))).toBeGreaterThanOrEqual(8);
  });

  test('says which options do not go together', async () => {
    const other = await hartscope(['profile', '--launches', '-o', 'a.json', 'mp-dot']);
    expect([other.status, other.stderr.toString()]).toEqual([
      2,
      expect.stringContaining('written to a file named *.pftrace'),
    ]);
    const alone = await hartscope(['profile', '--host-time', 'mp-dot']);
    expect(alone.stderr.toString()).toContain('are for --launches');
    const mixed = await hartscope(['profile', '--launches', '--time', 'mp-dot']);
    expect([mixed.status, mixed.stderr.toString()]).toEqual([
      2,
      expect.stringContaining('--compare are not for launches'),
    ]);
  });
});
