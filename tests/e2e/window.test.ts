import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

describe('the window', () => {
  const profile = mkdtempSync(join(tmpdir(), 'hartscope-e2e-'));
  let app: ElectronApplication | undefined;
  let page: Page;

  beforeAll(async () => {
    app = await _electron.launch({
      args: [resolve('.'), `--user-data-dir=${profile}`],
      chromiumSandbox: !process.env.NO_SANDBOX,
    });
    page = await app.firstWindow();
  });
  afterAll(async () => {
    await app?.close();
    rmSync(profile, { recursive: true, force: true });
  });

  test('opens with its title and something to see', async () => {
    await page.getByText('Hartscope').first().waitFor();
    expect(await page.title()).toBe('Hartscope');
    const picture = join('out', 'e2e', 'window.png');
    await page.screenshot({ path: picture });
    expect(statSync(picture).size).toBeGreaterThan(3000);
  });

  test('runs its page isolated, without Node and under a strict policy', async () => {
    expect(await page.evaluate(() => window.crossOriginIsolated)).toBe(true);
    expect(await page.evaluate(() => typeof Reflect.get(globalThis, 'require'))).toBe('undefined');
    const ran = await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'document.body.dataset.ran = "yes"';
      document.body.append(script);
      return document.body.dataset.ran;
    });
    expect(ran).toBeUndefined();
  });
});
