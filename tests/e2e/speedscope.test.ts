import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { _electron, type ElectronApplication } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';

let folder: string;
let viewer: ElectronApplication | undefined;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hartscope-speedscope-'));
});
afterAll(async () => {
  await viewer?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('speedscope opens a profile of the command line, with every hart, and adds up to the same totals', async () => {
  const profile = join(folder, 'dot.speedscope.json');
  // Beside the other bundles: it looks for the guests from there.
  const built = resolve('out', 'e2e-cli');
  execFileSync(
    process.execPath,
    [
      'node_modules/vite/bin/vite.js',
      'build',
      '--config',
      'vite.node.config.ts',
      '--logLevel',
      'error',
      '--outDir',
      built,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const words = ['--threads', '0', '--json', '-o', profile, 'mp-dot', 'call', '4', '512'];
  const { stderr } = spawnSync(
    process.execPath,
    [join(built, 'hartscope.js'), 'profile', ...words],
    { encoding: 'utf8' },
  );
  const list = JSON.parse(stderr) as {
    readonly instructions: number;
    readonly functions: readonly {
      readonly name: string;
      readonly self: number;
      readonly total: number;
    }[];
  };
  const content = readFileSync(profile);
  // As speedscope's own command line hands a file over.
  const script = join(folder, 'profile.js');
  writeFileSync(
    script,
    `speedscope.loadFileFromBase64("dot.speedscope.json", "${content.toString('base64')}")`,
  );
  const release = join(
    dirname(createRequire(import.meta.url).resolve('speedscope/package.json')),
    'dist',
    'release',
  );
  const address = `${pathToFileURL(join(release, 'index.html')).href}#localProfilePath=${script}`;
  viewer = await _electron.launch({
    args: [resolve('tests/e2e/viewer.mjs'), `--user-data-dir=${join(folder, 'user')}`, address],
    chromiumSandbox: !process.env.NO_SANDBOX,
  });
  const page = await viewer.firstWindow();
  await expect.poll(() => page.title(), { timeout: 20_000 }).toBe('mp-dot call 4 512 - speedscope');
  // The profile that is shown, and how many there are: all harts, and each of five.
  await expect.poll(() => page.locator('body').innerText()).toContain('all harts (1/6)');
  // Its list of functions, which it adds up itself: columns total, self and name.
  await page.keyboard.press('3');
  const shown = async (): Promise<{ total: number; self: number; name: string }[]> => {
    const text = await page.locator('body').innerText();
    const rows = text.matchAll(/([\d,]+) \([\d.]+%\)\s+([\d,]+) \([\d.]+%\)\s+(\S.*)/g);
    const number = (digits: string): number => Number(digits.replaceAll(',', ''));
    return [...rows].map(([, total, self, name]) => ({
      total: number(total),
      self: number(self),
      name,
    }));
  };
  const sum = async (): Promise<number> => (await shown()).reduce((all, { self }) => all + self, 0);
  await expect.poll(sum).toBe(list.instructions);
  const shownTotals = new Map((await shown()).map(({ name, total }) => [name, total]));
  expect([...shownTotals.keys()].sort()).toEqual(list.functions.map(({ name }) => name).sort());
  for (const { name, self, total } of list.functions) {
    // The stacks have what was entered by a jump at its caller (print_char), the list has it at its own.
    const own = Math.max(shownTotals.get(name) ?? 0, self);
    expect(own, name).toBe(total);
  }
});
