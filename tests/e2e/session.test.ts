import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addBreakpoint, openGuest, reaches, startApp, type RunningApp } from './support';

let profile: string;
let running: RunningApp;
let page: Page;

async function start(): Promise<void> {
  running = await startApp(profile);
  page = running.page;
}

const sessions = (): string[] => {
  const folder = join(profile, 'sessions');
  return readdirSync(folder).map((name) => join(folder, name));
};
const sessionFile = (): string => {
  const found = sessions().find((path) => readFileSync(path, 'utf8').includes('"name": "fib"'));
  if (found === undefined) throw new Error('No session of fib is kept.');
  return found;
};

beforeAll(() => {
  profile = mkdtempSync(join(tmpdir(), 'hartscope-session-'));
});
afterAll(async () => {
  await running.close();
  rmSync(profile, { recursive: true, force: true });
});

describe('a session', () => {
  test('comes back after the app was closed: its breakpoint and its arguments', async () => {
    await start();
    await reaches(page, /^Stopped/);
    await page.locator('[data-row="guest:fib"]').click();
    await page.getByLabel('Arguments').fill('7');
    await page.getByRole('button', { name: 'Open', exact: true }).click();
    await expect.poll(() => page.getByTestId('program').innerText()).toBe('fib');
    await reaches(page, /^Stopped/);
    await addBreakpoint(page, 'fib');
    await expect.poll(() => readFileSync(sessionFile(), 'utf8')).toContain('"at": "fib"');
    await running.close();

    await start();
    await reaches(page, /^Stopped/);
    await openGuest(page, 'fib');
    expect(await page.locator('.at').allInnerTexts()).toEqual(['fib']);
    expect(await page.getByLabel('Arguments').inputValue()).toBe('7');
    await page.keyboard.press('F5');
    await reaches(page, /^Breakpoint 1 at fib/);
    await running.close();
  });

  test('that is damaged costs nothing but itself', async () => {
    writeFileSync(
      sessionFile(),
      '{"folders": [], "session": {"hartscope": "session", "name": "fib"',
    );
    await start();
    await reaches(page, /^Stopped/);
    await openGuest(page, 'fib');
    expect(await page.locator('.at').count()).toBe(0);
    await page.keyboard.press('Control+Shift+P');
    await page.keyboard.type('Show Log');
    await page.keyboard.press('Enter');
    await expect
      .poll(() => page.locator('section[aria-label=Log]').innerText())
      .toMatch(/The session of fib is not restored\. .*\.json is damaged/);
  });
});
