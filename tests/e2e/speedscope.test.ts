import { execFileSync } from 'node:child_process';
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

test('speedscope opens a profile of the command line, with every hart and the same total', async () => {
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
  execFileSync(
    process.execPath,
    [join(built, 'hartscope.js'), 'profile', '-o', profile, 'mp-dot', 'call', '4', '512'],
    {
      stdio: 'ignore',
    },
  );
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
});
