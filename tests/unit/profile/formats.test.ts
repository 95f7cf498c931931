import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Profile as PprofProfile } from 'pprof-format';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callgrindProfile } from '../../../emulator/profile/formats/callgrind';
import { collapsedStacks } from '../../../emulator/profile/formats/collapsed';
import { lcovTracefile } from '../../../emulator/profile/formats/lcov';
import { pprofFile } from '../../../emulator/profile/formats/pprof';
import { speedscopeJson } from '../../../emulator/profile/formats/speedscope';
import {
  addCounts,
  inclusive,
  retired,
  walk,
  type CallNode,
} from '../../../emulator/profile/model';
import { CODE, EXECUTABLE, PROFILE, TOTAL } from './sample';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hartscope-profile-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Skips, and says so, where the reader of a format is not installed. */
const reader = (tool: string): boolean => {
  const found = spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
  if (!found) console.warn(`skipped: ${tool} is not installed, so its format is not read back`);
  return found;
};

const write = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

describe('a profile', () => {
  test('has as many instructions in its counts as in its calls', () => {
    expect(PROFILE.harts.map(retired)).toEqual([19, 21]);
    expect(PROFILE.harts.map(({ root }) => inclusive(root))).toEqual([19, 21]);
  });

  test('adds up the counts of its harts in the order of addresses', () => {
    const sum = addCounts(PROFILE.harts.map(({ counts }) => counts));
    expect([...sum.addresses]).toEqual([0x1000, 0x1004, 0x100c, 0x2000, 0x2004, 0x2008]);
    expect([...sum.executions]).toEqual([1, 2, 1, 12, 12, 12]);
    expect([...sum.taken]).toEqual([0, 0, 0, 0, 0, 9]);
  });

  test('is walked from callers to callees, however deep', () => {
    let deep: CallNode = { entry: 1, callSite: 0, calls: 1, self: 1, children: [] };
    for (let i = 0; i < 2000; i++) deep = { ...deep, entry: i, children: [deep] };
    expect([...walk(deep)]).toHaveLength(2001);
    expect(inclusive(deep)).toBe(2001);
  });
});

describe('collapsed stacks', () => {
  test('have a line for each stack, the hart first', () => {
    expect(collapsedStacks(PROFILE, CODE)).toBe(
      'main;main 4\nmain;main;work 15\ntask 1 vCPU 1;work 21\n',
    );
  });
});

describe('speedscope JSON', () => {
  const file = JSON.parse(speedscopeJson(PROFILE, CODE)) as {
    profiles: { name: string; endValue: number; samples: number[][]; weights: number[] }[];
    shared: { frames: { name: string; file: string; line: number }[] };
  };

  test('has a profile of all harts and one for each', () => {
    expect(file.profiles.map(({ name, endValue }) => [name, endValue])).toEqual([
      ['all harts', TOTAL],
      ['hart 0: main', 19],
      ['hart 1: task 1 vCPU 1', 21],
    ]);
  });

  test('names frames with their source lines', () => {
    expect(file.shared.frames).toEqual([
      { name: 'main', file: '/src/sample.c', line: 10 },
      { name: 'work', file: '/src/sample.c', line: 20 },
    ]);
    expect(file.profiles[1].samples).toEqual([[0], [0, 1]]);
  });
});

describe('a pprof profile', () => {
  test('is a gzip file whose samples have calls, instructions and the hart', async () => {
    const bytes = await pprofFile(PROFILE, CODE);
    const read = PprofProfile.decode(gunzipSync(bytes));
    const { strings } = read.stringTable;
    expect(read.sampleType.map(({ type }) => strings[Number(type)])).toEqual([
      'calls',
      'instructions',
    ]);
    expect(read.sample.map(({ value }) => value.map(Number))).toEqual([
      [1, 4],
      [2, 15],
      [1, 21],
    ]);
    const harts = read.sample.map(({ label }) => strings[Number(label[0].str)]);
    expect(harts).toEqual(['0 main', '0 main', '1 task 1 vCPU 1']);
    // The inner frame first; the caller at its call site.
    const addresses = read.sample[1].locationId.map((id) =>
      Number(read.location[Number(id) - 1].address),
    );
    expect(addresses).toEqual([0x2000, 0x1004]);
  });
});

describe('a callgrind profile', () => {
  const text = callgrindProfile(PROFILE, CODE);

  test('has the costs of instructions and of calls', () => {
    expect(text).toContain('summary: 40 12 12 12 9\n');
    expect(text).toContain('fn=work\n0x2000 20 12 12 0 0 0\n0x2004 21 12 0 12 0 0\n');
    expect(text).toContain(
      '0x1004 11 2 0 0 0 0\ncfi=/src/sample.c\ncfn=work\ncalls=2 0x2000 20\n0x1004 11 15\n',
    );
  });

  test('is read by callgrind_annotate with the same totals', () => {
    if (!reader('callgrind_annotate')) return;
    const out = execFileSync('callgrind_annotate', [write('callgrind.out', text)], {
      encoding: 'utf8',
    });
    expect(out).toMatch(/^40 .*PROGRAM TOTALS$/m);
    expect(out).toMatch(/^36 .*sample\.c:work/m);
  });
});

describe('an LCOV tracefile', () => {
  const text = lcovTracefile(PROFILE, CODE, EXECUTABLE);

  test('has the lines that ran and those that did not', () => {
    const lines = text.split('\n');
    expect(lines).toContain('DA:12,0');
    expect(lines).toContain('DA:22,12');
    expect(lines).toContain('BRDA:22,0,0,9');
    expect(lines).toContain('BRDA:22,0,1,3');
    expect(lines).toContain('FNDA:12,work');
    expect(lines).toContain('LF:7');
    expect(lines).toContain('LH:6');
  });

  test('is read by lcov with the same totals', () => {
    if (!reader('lcov')) return;
    const path = write('coverage.info', text);
    const out = execFileSync('lcov', ['--rc', 'lcov_branch_coverage=1', '--summary', path], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(out).toContain('lines......: 85.7% (6 of 7 lines)');
    expect(out).toContain('functions..: 100.0% (2 of 2 functions)');
    expect(out).toContain('branches...: 100.0% (2 of 2 branches)');
    expect(readFileSync(path, 'utf8')).toBe(text);
  });
});
