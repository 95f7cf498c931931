import type { BrowserWindow } from 'electron';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, openGuest, reaches, runToExit, startApp, type RunningApp } from './support';

let running: RunningApp;
let page: Page;

const picture = (name: string): Promise<unknown> =>
  page.screenshot({ path: join('out', 'e2e', `${name}.png`) });
const pane = (name: string): ReturnType<Page['locator']> =>
  page.locator(`section[aria-label=${name}]`);
const measure = (name: string): Promise<string> =>
  pane('Launches').locator(`[data-measure="${name}"] b`).innerText();

async function resize(width: number, height: number): Promise<void> {
  const window = await running.app.browserWindow(page);
  await window.evaluate(
    (each: BrowserWindow, size) => each.setContentSize(size.width, size.height),
    { width, height },
  );
}

beforeAll(async () => {
  running = await startApp();
  page = running.page;
});
afterAll(() => running.close());

describe('launches in the window', () => {
  test('tell by the load balance that one vCPU has twice the work', async () => {
    await reaches(page, /^Stopped/);
    await resize(1280, 800);
    await page.keyboard.press('Control+Shift+8');
    await command(page, 'Show Launches');
    await expect.poll(() => pane('Launches').innerText()).toContain('No task of vCPUs');
    await command(page, 'Show Guests');
    await page.keyboard.press('Alt+Shift+C');
    await openGuest(page, 'mp-unbalanced');
    await runToExit(page);
    await expect.poll(() => measure('Load balance'), { timeout: 10_000 }).toMatch(/^0\.5\d$/);
    expect(await pane('Launches').innerText()).toContain('vCPU 1 has 1.8 times the mean work');
    await picture('launches');
  });

  test('are measured against a run on one vCPU', async () => {
    await page.keyboard.press('Alt+Shift+O');
    const launches = pane('Launches');
    const measures = launches.locator('[data-measure="Instruction scaling"]');
    await expect.poll(() => measures.count(), { timeout: 20_000 }).toBe(1);
    expect(await launches.locator('[data-measure="Speed-up"]').innerText()).toContain(
      'One hart alone takes',
    );
    await picture('launches-one-hart');
    await launches.getByTitle('Go back to the estimate').click();
    await expect.poll(() => measures.count()).toBe(0);
  });

  test('have lanes by host time, of which a part is chosen that the Timeline shows', async () => {
    await pane('Launches').getByLabel('Unit of lengths').selectOption('time');
    await expect
      .poll(() => pane('Launches').locator('[data-launch] td').nth(2).innerText())
      .toMatch(/s$/);
    const lanes = page.getByTestId('launch-lanes');
    await lanes.focus();
    // Three quarters: on a busy machine the first events of a launch may come late.
    for (let i = 0; i < 15; i++) await page.keyboard.press('Shift+ArrowRight');
    await expect.poll(() => page.getByTestId('launch-range').innerText()).toContain('chosen');
    await resize(1920, 1080);
    await command(page, 'Theme: dark');
    await picture('launches-dark');
    await pane('Launches').getByText('Show in Profile').click();
    const ofPart: unknown = expect.stringMatching(
      /^counted: [\d.]+ ms, the slices that reach into/,
    );
    const told = (id: string): Promise<string> => page.getByTestId(id).innerText();
    await expect.poll(() => told('profile-scope'), { timeout: 15_000 }).toEqual(ofPart);
    await picture('launches-part-profile');
    await command(page, 'Show Disassembly');
    await expect
      .poll(() => pane('Disassembly').getByTestId('counted-part').innerText(), { timeout: 15_000 })
      .toEqual(ofPart);
    await picture('launches-part-disassembly');
    await command(page, 'Show Launches');
    await pane('Launches').getByText('Show in Timeline').click();
    await expect
      .poll(() => page.getByTestId('timeline-range').innerText())
      .toMatch(/[1-9]\d* chosen/);
    await command(page, 'Theme: as the system');
  });

  test('are compared over numbers of vCPUs and modes by a sweep', async () => {
    await command(page, 'Show Scaling');
    const scaling = pane('Scaling');
    await scaling.getByLabel('vCPUs', { exact: true }).fill('1, 2, 4');
    await scaling.getByLabel('runs').fill('1');
    await scaling.getByTestId('sweep').click();
    await expect.poll(() => scaling.locator('[data-run]').count(), { timeout: 30_000 }).toBe(6);
    await expect.poll(() => scaling.locator('progress').count()).toBe(0);
    expect(await scaling.locator('[data-break-even]').allInnerTexts()).toHaveLength(2);
    await picture('scaling');
    await resize(1280, 800);
    await command(page, 'Theme: dark');
    await picture('scaling-dark');
  });
});
