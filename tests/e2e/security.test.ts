/** The points of Electron's security checklist that tests/e2e/window.test.ts leaves: see docs/security.md. */
import { resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApp, type RunningApp } from './support';

let running: RunningApp;
let page: Page;

beforeAll(async () => {
  running = await startApp();
  page = running.page;
});
afterAll(() => running.close());

/** Tries what the page's policy forbids, in the page. */
async function violate(): Promise<{ names: string[]; injected: boolean }> {
  const names: string[] = [];
  document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) =>
    names.push(effectiveDirective),
  );
  const script = document.createElement('script');
  script.textContent = 'globalThis.injected = true';
  const image = new Image();
  image.src = 'https://example.com/a.png';
  const frame = document.createElement('iframe');
  frame.src = 'https://example.com/';
  document.body.append(script, image, frame);
  await fetch('https://example.com/').catch(() => undefined);
  // The last of the four is reported when it is; a policy that lets one through is seen after a while.
  for (let i = 0; i < 100 && new Set(names).size < 4; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { names: [...new Set(names)].sort(), injected: 'injected' in globalThis };
}

describe('the page', () => {
  test('is sandboxed and isolated, with web security and without Node, webviews or experiments', async () => {
    const preferences = await running.app.evaluate(({ BrowserWindow }) => {
      const [window] = BrowserWindow.getAllWindows();
      // Not in Electron's types, though it says so since version 2.
      const contents = window.webContents as unknown as {
        getLastWebPreferences(): Record<string, unknown>;
      };
      return contents.getLastWebPreferences();
    });
    expect(preferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
    });
    expect(preferences.webSecurity).not.toBe(false);
    expect(preferences.allowRunningInsecureContent).not.toBe(true);
    expect(preferences.experimentalFeatures).not.toBe(true);
    expect(preferences.nodeIntegrationInSubFrames).not.toBe(true);
    expect(preferences.enableBlinkFeatures ?? '').toBe('');
  });

  test('sees the bridge, and nothing of Electron or Node', async () => {
    const seen = await page.evaluate(() =>
      ['process', 'require', 'module', 'Buffer', 'ipcRenderer', 'electron', 'global'].filter(
        (name) => name in globalThis,
      ),
    );
    expect(seen).toEqual([]);
    const bridge = await page.evaluate(() => ({
      members: Object.entries(window.hartscope).filter(([, value]) => typeof value !== 'function'),
      frozen: Object.isFrozen(window.hartscope),
    }));
    expect(bridge.members.map(([name]) => name)).toEqual(['versions']);
    expect(bridge.frozen).toBe(true);
  });

  test('is given no permission but to write to the clipboard', async () => {
    const states = await page.evaluate(async () => {
      const names = [
        'geolocation',
        'notifications',
        'camera',
        'microphone',
        'midi',
        'clipboard-read',
      ];
      const asked = names.map(async (name) => {
        const status = await navigator.permissions.query({ name: name as PermissionName });
        return `${name} ${status.state}`;
      });
      return Promise.all(asked);
    });
    for (const state of states) expect(state).toMatch(/ denied$/);
    expect(await page.evaluate(() => Notification.requestPermission())).toBe('denied');
    const position = await page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          navigator.geolocation.getCurrentPosition(
            () => resolve(0),
            ({ code }) => resolve(code),
          );
        }),
    );
    expect(position, 'PERMISSION_DENIED').toBe(1);
  });

  test('runs no script that is written into it, loads nothing from elsewhere and has no frames', async () => {
    // In a second window of the same address: a debugger that is attached to a page, as Playwright is to the first one's,
    // can wait forever for a frame that was refused and removed.
    const violated = await running.app.evaluate(async ({ BrowserWindow }, script) => {
      const [first] = BrowserWindow.getAllWindows();
      const other = new BrowserWindow({ show: false, webPreferences: { sandbox: true } });
      await other.loadURL(first.webContents.getURL());
      const seen = (await other.webContents.executeJavaScript(script)) as {
        readonly names: string[];
        readonly injected: boolean;
      };
      other.destroy();
      return seen;
    }, `(${violate.toString()})()`);
    expect(violated.injected).toBe(false);
    expect(violated.names).toEqual(['connect-src', 'frame-src', 'img-src', 'script-src-elem']);
  });

  test('has no webviews', async () => {
    const kind = await page.evaluate(() => {
      const view = document.createElement('webview');
      view.setAttribute('src', 'https://example.com/');
      document.body.append(view);
      const has = 'getURL' in view;
      view.remove();
      return has;
    });
    expect(kind).toBe(false);
    expect(
      await running.app.evaluate(({ webContents }) => webContents.getAllWebContents().length),
    ).toBe(1);
  });
});

describe('main', () => {
  test('answers no page but its own, even one that has the bridge', async () => {
    const answer = await running.app.evaluate(
      async ({ BrowserWindow }, preload) => {
        const other = new BrowserWindow({
          show: false,
          webPreferences: { preload, sandbox: true },
        });
        await other.loadURL('data:text/html,<title>other</title>');
        const said: unknown = await other.webContents.executeJavaScript(
          'window.hartscope.start().then(() => "answered", (error) => error.message)',
        );
        other.destroy();
        return said;
      },
      resolve('out', 'preload', 'index.cjs'),
    );
    expect(answer).toBe("app:start: refused, not sent by the app's own page.");
  });

  test('takes no session that is none, and no name of a file for a hash', async () => {
    const refusals = await page.evaluate(async () => {
      const because = (error: unknown): string => (error as Error).message;
      return [
        await window.hartscope.readSession('../recent').then(() => 'read', because),
        await window.hartscope
          .writeSession('a'.repeat(64), { folders: ['/'] } as never)
          .then(() => 'written', because),
      ];
    });
    expect(refusals[0]).toMatch(/^session:read: .*not a SHA-256 digest/s);
    expect(refusals[1]).toMatch(/^session:write: /);
  });
});
