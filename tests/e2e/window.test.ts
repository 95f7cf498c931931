import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reaches, startApp, type RunningApp } from './support';

describe('the window', () => {
  let running: RunningApp;
  let page: Page;

  beforeAll(async () => {
    running = await startApp();
    page = running.page;
  });
  afterAll(() => running.close());

  test('opens with its title and something to see', async () => {
    await page.getByText('Disassembly').first().waitFor();
    expect(await page.title()).toBe('Hartscope');
    const picture = join('out', 'e2e', 'window.png');
    await page.screenshot({ path: picture });
    expect(statSync(picture).size).toBeGreaterThan(3000);
  });

  test('has a key for each pane, which gives it the keyboard', async () => {
    await reaches(page, /^Stopped/);
    const panes = [
      ...[
        'Guests',
        'Disassembly',
        'Registers',
        'Memory',
        'Breakpoints',
        'Terminal',
        'Log',
        'Pages',
        'Events',
      ],
      ...[
        'Source',
        'Stacks',
        'Conflicts',
        'Processes',
        'Console',
        'Profile',
        'Timeline',
        'Launches',
        'Scaling',
      ],
    ];
    for (const [index, pane] of panes.entries()) {
      await page.keyboard.press(index < 9 ? `Control+${index + 1}` : `Alt+${index - 8}`);
      await page.locator(`section[aria-label="${pane}"]:focus-within`).waitFor({ timeout: 15_000 });
      // Its tab says so: it is in front, in the group that has the keyboard.
      await page.locator('.dv-active-group .dv-active-tab', { hasText: pane }).waitFor();
    }
  });

  test('runs its page isolated, without Node and under a strict policy', async () => {
    expect(await page.evaluate(() => window.crossOriginIsolated)).toBe(true);
    expect(await page.evaluate(() => typeof Reflect.get(globalThis, 'require'))).toBe('undefined');
    // In a task of the page's own: what the driver evaluates directly is exempt from the policy.
    const evaluated = await page.evaluate(
      () =>
        new Promise<string>((resolve) => {
          setTimeout(() => {
            try {
              const compile = Reflect.get(globalThis, 'Function') as (code: string) => unknown;
              compile('return 1');
              resolve('compiled');
            } catch (error) {
              resolve((error as Error).name);
            }
          });
        }),
    );
    expect(evaluated).toBe('EvalError');
  });

  test('cannot be led elsewhere, and opens no further page', async () => {
    await page.evaluate(() => {
      window.location.href = 'https://example.com/';
    });
    expect(await page.evaluate(() => window.open('https://example.com/'))).toBeNull();
    expect(page.url()).toBe('app://hartscope/index.html');
    expect(running.app.windows()).toHaveLength(1);
  });

  test('reads no file but its own', async () => {
    const status = (path: string): Promise<number> =>
      page.evaluate((url) => fetch(url).then((response) => response.status), path);
    expect(await status('app://hartscope/index.html')).toBe(200);
    expect(await status('app://hartscope/..%2f..%2fpackage.json')).toBe(404);
    expect(await status('app://hartscope/nothing')).toBe(404);
  });

  test('refuses requests that are not what they should be', async () => {
    const refused = (call: string): Promise<string> =>
      page.evaluate(async (name) => {
        const calls: Record<string, () => Promise<unknown>> = {
          guest: () => window.hartscope.readGuest('../../package.json'),
          recent: () => window.hartscope.readRecent('/etc/passwd'),
          theme: () => window.hartscope.setTheme('pink' as 'dark'),
          title: () => window.hartscope.setTitle('x'.repeat(10_000)),
          dropped: () => window.hartscope.readDropped(new File(['x'], '/etc/passwd')),
        };
        return calls[name]().then(
          () => 'accepted',
          (error: unknown) => (error as Error).message,
        );
      }, call);
    expect(await refused('guest')).toBe('There is no bundled guest named ../../package.json.');
    expect(await refused('recent')).toBe('/etc/passwd is not a recent file.');
    expect(await refused('theme')).toMatch(/^app:theme: /);
    expect(await refused('title')).toMatch(/^window:title: /);
    expect(await refused('dropped')).toBe('What was dropped is not a file on disk.');
  });
});
