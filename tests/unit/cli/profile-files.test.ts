import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HartSummary } from '../../../emulator/profile/hart-summary';
import type { FunctionCost } from '../../../emulator/profile/top';
import { hartscope } from './memory-host';

/*
 * Each format of a profile, opened by its reader: all have the totals of the counts. What speedscope itself shows is in
 * tests/e2e/speedscope.test.ts, Perfetto's traces are in profile.test.ts.
 */

const GUEST = ['mp-dot', 'call', '4', '512'];

let folder: string;
let instructions: number;
let harts: readonly HartSummary[];
let functions: readonly FunctionCost[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hartscope-profile-files-'));
  const { stderr } = await hartscope(['profile', '--json', ...GUEST]);
  ({ instructions, harts, functions } = JSON.parse(stderr.toString()) as {
    instructions: number;
    harts: HartSummary[];
    functions: FunctionCost[];
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

async function write(name: string): Promise<string> {
  const path = join(folder, name);
  expect((await hartscope(['profile', '-o', path, ...GUEST])).status).toBe(0);
  return path;
}

const isInstalled = (tool: string): boolean => {
  const found = spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
  if (!found) console.warn(`skipped: ${tool} is not installed, so its format is not read back`);
  return found;
};

const read = (command: string, ...words: string[]): string =>
  execFileSync(command, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Sum over the harts. */
const sumOf = (key: 'loads' | 'stores' | 'branches' | 'taken'): number =>
  harts.reduce((sum, hart) => sum + hart[key], 0);

describe('a profile written for', () => {
  test('speedscope has a profile of all harts and one of each, whose weights are the counts', async () => {
    const file = JSON.parse(readFileSync(await write('dot.speedscope.json'), 'utf8')) as {
      shared: { frames: { name: string }[] };
      profiles: { name: string; endValue: number; samples: number[][]; weights: number[] }[];
    };
    const [all, ...each] = file.profiles;
    expect(each.map(({ name }) => name)).toEqual(
      harts.map(({ hart, name }) => `hart ${hart}: ${name}`),
    );
    const expected = [instructions, ...harts.map((hart) => hart.instructions)];
    expect(file.profiles.map(({ endValue }) => endValue)).toEqual(expected);
    const totals = file.profiles.map(({ weights }) => weights.reduce((sum, w) => sum + w, 0));
    expect(totals).toEqual(expected);
    const dot = file.shared.frames.findIndex(({ name }) => name === 'dot');
    const ofDot = all.weights.filter((_, i) => all.samples[i].at(-1) === dot);
    expect(ofDot.reduce((sum, weight) => sum + weight, 0)).toBe(
      functions.find(({ name }) => name === 'dot')?.self,
    );
  });

  test('pprof has both totals, and the instructions of each hart by its label', async () => {
    const path = await write('dot.pb.gz');
    const { sample, stringTable } = Profile.decode(gunzipSync(readFileSync(path)));
    const byHart = new Map<string, number>();
    for (const { label, value } of sample) {
      const hart = stringTable.strings[Number(label[0].str)];
      byHart.set(hart, (byHart.get(hart) ?? 0) + Number(value[1]));
    }
    expect([...byHart]).toEqual(
      harts.map(({ hart, name, instructions: count }) => [`${hart} ${name}`, count]),
    );
    if (!isInstalled('go')) return;
    const top = (...words: string[]): string => read('go', 'tool', 'pprof', ...words, path);
    expect(top('-top', '-sample_index=instructions')).toMatch(
      new RegExp(` of ${instructions} total$`, 'm'),
    );
    const calls = functions.reduce((sum, each) => sum + (each.calls ?? 0), 0);
    expect(top('-top', '-sample_index=calls')).toMatch(new RegExp(` of ${calls} total$`, 'm'));
    const tags = top('-tags', '-sample_index=instructions');
    for (const { hart, name, instructions: count } of harts) {
      expect(tags).toMatch(new RegExp(`^ +${count}(\\.0)? \\([\\d. ]+%\\): ${hart} ${name}$`, 'm'));
    }
  });

  test('flame graphs has lines that add up to the counts', async () => {
    const lines = readFileSync(await write('dot.collapsed'), 'utf8')
      .trimEnd()
      .split('\n');
    const sum = lines.reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
    expect(sum).toBe(instructions);
  });

  test('callgrind_annotate has the totals of all events, and a cost for each line', async () => {
    if (!isInstalled('callgrind_annotate')) return;
    const path = await write('callgrind.out.dot');
    const out = read('callgrind_annotate', '--show-percs=no', path).replaceAll(',', '');
    const totals = /^(.*)PROGRAM TOTALS$/m.exec(out)?.[1].trim().split(/ +/).map(Number);
    expect(totals).toEqual([
      instructions,
      sumOf('loads'),
      sumOf('stores'),
      sumOf('branches'),
      sumOf('taken'),
    ]);
    const dot = functions.find(({ name }) => name === 'dot')!;
    expect(out).toMatch(new RegExp(`^ *${dot.self} .*:dot \\[`, 'm'));
  });

  test('lcov has the lines and functions that ran, how often, and the branches', async () => {
    const path = await write('dot.info');
    const text = readFileSync(path, 'utf8');
    const rows = (key: string): string[] =>
      text.split('\n').flatMap((row) => (row.startsWith(`${key}:`) ? [row.split(':')[1]] : []));
    const { calls } = functions.find(({ name }) => name === 'dot')!;
    expect(rows('FNDA')).toContain(`${calls},dot`);
    const lines = rows('DA').map((row) => Number(row.split(',')[1]));
    const ran = lines.filter((count) => count > 0).length;
    expect(ran).toBeGreaterThan(50);
    expect(ran).toBeLessThan(lines.length);
    const percent = (100 * ran) / lines.length;
    const summary = `lines......: ${percent.toFixed(1)}% (${ran} of ${lines.length} lines)`;
    if (isInstalled('lcov')) expect(read('lcov', '--summary', path)).toContain(summary);
    if (isInstalled('genhtml')) {
      expect(read('genhtml', '-o', join(folder, 'pages'), path)).toContain(summary);
    }
  });
});
