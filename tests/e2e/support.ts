import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { expect } from 'vitest';
// The page's globals.
import type {} from '../../renderer/env';

export interface RunningApp {
  readonly app: ElectronApplication;
  /** The first window. */
  readonly page: Page;
  close(): Promise<void>;
}

/** Starts the app and waits for its window: with a profile of its own, or with one that the caller keeps. */
export async function startApp(kept?: string): Promise<RunningApp> {
  const profile = kept ?? mkdtempSync(join(tmpdir(), 'hartscope-e2e-'));
  const app = await _electron.launch({
    args: [resolve('.'), `--user-data-dir=${profile}`],
    chromiumSandbox: !process.env.NO_SANDBOX,
    // The app's own theme, not one that the driver makes it believe in.
    colorScheme: null,
  });
  const page = await app.firstWindow();
  return {
    app,
    page,
    close: async () => {
      await app.close();
      if (kept === undefined) rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** What the toolbar says the machine does. */
export const runState = (page: Page): Promise<string> => page.getByTestId('run-state').innerText();

/** Waits until the toolbar says so; some seconds at most, for a machine that is busy with other work. */
export const reaches = (page: Page, state: string | RegExp): Promise<void> =>
  expect.poll(() => runState(page), { timeout: 15_000 }).toMatch(state);

/** Opens a bundled guest from the Guests pane. */
export async function openGuest(page: Page, name: string): Promise<void> {
  const isOpen = (await page.getByTestId('program').innerText()) === name;
  if (isOpen && /^(Stopped|Running|Waiting)/.test(await runState(page))) {
    // The state and the name of what is open already would be taken for those of what is opened now.
    await page.keyboard.press('Shift+F5');
    await reaches(page, /^No guest/);
  }
  await page.locator(`[data-row="guest:${name}"]`).dblclick();
  await expect.poll(() => page.getByTestId('program').innerText(), { timeout: 15_000 }).toBe(name);
  await reaches(page, /^Stopped/);
}

/** Runs a command by its title, from the palette, as soon as it can be done. */
export async function command(page: Page, title: string): Promise<void> {
  await page.keyboard.press('Control+Shift+P');
  await page.locator('dialog.palette input:focus').waitFor();
  await page.keyboard.type(title);
  const chosen = page.locator('dialog.palette [aria-selected=true]:not([aria-disabled=true])');
  await chosen.filter({ hasText: title }).waitFor({ timeout: 15_000 });
  await page.keyboard.press('Enter');
  await page.locator('dialog.palette').waitFor({ state: 'detached' });
}

/** Adds a breakpoint by its key and waits until it is listed. */
export async function addBreakpoint(page: Page, at: string): Promise<void> {
  await page.keyboard.press('Control+Shift+B');
  // A pane that was behind another one is shown first.
  await page.locator('.add input:focus').waitFor();
  await page.keyboard.type(at);
  await page.keyboard.press('Enter');
  await expect.poll(() => page.locator('.at').allInnerTexts()).toContain(at);
}

/** Runs the program by its key, as soon as that can be done, and waits for its end. */
export async function runToExit(page: Page): Promise<void> {
  await reaches(page, /^Stopped/);
  await page.locator('[data-verb=run]:not([disabled])').first().waitFor();
  await page.keyboard.press('F5');
  await reaches(page, /^Exited/);
}

/** All that the terminal shows. */
export const terminalText = (page: Page): Promise<string> =>
  page.getByTestId('terminal').locator('.xterm-rows').innerText();

/** Address of the marked instruction, null while there is none. */
export const markedPc = (page: Page): Promise<string | null> =>
  page.evaluate(
    () => document.querySelector<HTMLElement>('[aria-current="true"]')?.dataset.address ?? null,
  );

/** A register's value as the Registers pane shows it. */
export const registerValue = (page: Page, id: string): Promise<string> =>
  page.locator(`[data-register="${id}"] .value`).innerText();

/** Process ids of the machine processes by their service name. */
export async function machineProcesses(app: ElectronApplication): Promise<Map<string, number>> {
  const found = await app.evaluate(({ app: electron }) =>
    electron
      .getAppMetrics()
      .map(({ name, serviceName, pid }) => ({ name: name ?? serviceName, pid })),
  );
  return new Map(
    found.flatMap(({ name, pid }) =>
      name?.startsWith('Hartscope machine') ? [[name, pid] as const] : [],
    ),
  );
}
