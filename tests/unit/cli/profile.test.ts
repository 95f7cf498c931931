import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hartscope } from './memory-host';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hartscope-profile-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What `--json` prints. */
interface List {
  readonly instructions: number;
  readonly harts: readonly { readonly name: string; readonly instructions: number }[];
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

const isInstalled = (tool: string): boolean => {
  const found = spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
  if (!found) console.warn(`skipped: ${tool} is not installed, so its format is not read back`);
  return found;
};

describe('hartscope profile', () => {
  test('prints the harts and the functions that cost most', async () => {
    const { status, stdout, stderr } = await hartscope(['profile', '--top', '3', ...GUEST]);
    expect(status).toBe(0);
    expect(stdout.toString()).toContain('floats = 512');
    const text = stderr.toString();
    expect(text).toMatch(/^\d+ instructions\n/);
    expect(text).toMatch(/ 4 task 1 vCPU 4\n/);
    expect(text).toMatch(/\d+ +[\d.]+ % +\d+ +[\d.]+ % +4 {2}dot\n/);
    expect(text).toMatch(/… \d+ more\n$/);
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

  test('gives the same list twice, and the same counts without calls', async () => {
    const once = await list(...GUEST);
    expect(await list(...GUEST)).toEqual(once);
    const counts = await list('--no-calls', ...GUEST);
    expect(counts.functions.map(({ name, self }) => [name, self])).toEqual(
      once.functions.map(({ name, self }) => [name, self]),
    );
  });

  test('writes what other tools read, with the same totals', async () => {
    const { instructions } = await list(...GUEST);
    const write = async (name: string): Promise<string> => {
      const path = join(folder, name);
      expect((await hartscope(['profile', '-o', path, ...GUEST])).status).toBe(0);
      return path;
    };
    const speedscope = JSON.parse(readFileSync(await write('dot.speedscope.json'), 'utf8')) as {
      profiles: { endValue: number }[];
    };
    expect(speedscope.profiles[0].endValue).toBe(instructions);
    const pprof = Profile.decode(gunzipSync(readFileSync(await write('dot.pb.gz'))));
    expect(pprof.sample.reduce((sum, { value }) => sum + Number(value[1]), 0)).toBe(instructions);
    const stacks = readFileSync(await write('dot.collapsed'), 'utf8')
      .trimEnd()
      .split('\n');
    expect(stacks.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)).toBe(
      instructions,
    );
    const callgrind = await write('callgrind.out.dot');
    if (isInstalled('callgrind_annotate')) {
      const out = execFileSync('callgrind_annotate', [callgrind], { encoding: 'utf8' });
      expect(out.replaceAll(',', '')).toMatch(
        new RegExp(`^${instructions} .*PROGRAM TOTALS$`, 'm'),
      );
    }
    const coverage = await write('dot.info');
    if (isInstalled('lcov')) {
      const out = execFileSync('lcov', ['--summary', coverage], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      expect(out).toMatch(/lines\.+: [\d.]+% \(\d+ of \d+ lines\)/);
    }
  });

  test('asks for a format where the name tells none, and says why a file cannot be written', async () => {
    const unknown = await hartscope(['profile', '-o', join(folder, 'profile'), 'hello']);
    expect([unknown.status, unknown.stderr.toString()]).toEqual([
      2,
      expect.stringContaining('tells no format: give one with --format'),
    ]);
    const path = join(folder, 'none', 'a.json');
    const unwritable = await hartscope(['profile', '-o', path, 'hello']);
    expect(unwritable.status).toBe(1);
    expect(unwritable.stderr.toString()).toContain('the profile cannot be written');
  });
});
