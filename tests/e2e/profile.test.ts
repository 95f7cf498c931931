import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, openGuest, reaches, runToExit, startApp, type RunningApp } from './support';

let running: RunningApp;
let page: Page;

const picture = (name: string): Promise<unknown> =>
  page.screenshot({ path: join('out', 'e2e', `${name}.png`) });
const pane = (): ReturnType<Page['locator']> => page.locator('section[aria-label=Profile]');
const texts = (selector: string): Promise<string[]> => pane().locator(selector).allInnerTexts();
const number = (text: string | undefined): number => Number(text?.replaceAll(/\D/g, ''));

beforeAll(async () => {
  running = await startApp();
  page = running.page;
});
afterAll(() => running.close());

describe('a profile in the window', () => {
  test('is not there until counting is switched on by its key', async () => {
    await reaches(page, /^Stopped/);
    await page.keyboard.press('Control+Shift+8');
    await expect.poll(() => pane().innerText()).toContain('Counting is off');
    await page.keyboard.press('Alt+Shift+C');
    await expect.poll(() => pane().innerText()).toContain('counting on after restart');
  });

  test('has every hart of a task and its hot functions', async () => {
    await command(page, 'Show Guests');
    await openGuest(page, 'mp-dot');
    await runToExit(page);
    await expect.poll(() => texts('[data-hart]')).toHaveLength(6);
    const harts = await texts('[data-hart] .number');
    const [all = 0, ...each] = harts.map(number);
    expect(each.reduce((sum, count) => sum + count, 0)).toBe(all);
    expect(number(await page.getByTestId('instructions').innerText())).toBe(all);
    expect((await texts('[data-function] .name'))[0]).toMatch(/\w/);
    expect(await pane().getByTestId('profile-summary').innerText()).toMatch(
      /load balance of task 1: (1\.00|0\.9\d)/,
    );
    await picture('profile');
  });

  test('shows one vCPU alone, in dark too', async () => {
    await pane().locator('[data-hart="task 1 vCPU 2"]').click();
    await expect.poll(async () => (await texts('[data-function] .name'))[0]).toBe('dot');
    expect(await texts('[data-function] .name')).not.toContain('main');
    await pane().getByLabel('Search functions').fill('dot');
    await command(page, 'Theme: dark');
    await expect.poll(() => pane().innerText()).toContain('found');
    await picture('profile-dark');
    await command(page, 'Theme: as the system');
  });

  test('leads to the code, where each instruction has its count', async () => {
    await pane().locator('[data-function=dot]').click();
    const counts = page.locator('[aria-label=Instructions] .count.all');
    await expect
      .poll(async () => Math.max(0, ...(await counts.allInnerTexts()).map(number)))
      .toBe(8192);
    await picture('profile-code');
  });

  test('is kept, and compared with another run: there one vCPU has twice the work', async () => {
    await page.keyboard.press('Control+Shift+8');
    await pane().getByLabel('Search functions').fill('');
    await pane().locator('[data-hart=all]').click();
    await pane().getByRole('button', { name: 'Keep' }).click();
    const changes = async (): Promise<string[]> =>
      (await texts('[data-function] .change')).filter((text) => text !== '0');
    await expect.poll(() => pane().getByTestId('profile-scope').innerText()).toContain('all');
    expect(await changes()).toEqual([]);
    const workOf = async (hart: string): Promise<number> =>
      number((await texts(`[data-hart="${hart}"] .number`))[0]);
    const before = await workOf('all');

    await command(page, 'Show Guests');
    await openGuest(page, 'mp-unbalanced');
    await page.keyboard.press('Control+Shift+8');
    await runToExit(page);
    await expect.poll(() => texts('[data-hart]')).toHaveLength(10);
    const ratio = (await workOf('task 1 vCPU 1')) / (await workOf('task 1 vCPU 2'));
    expect(ratio).toBeCloseTo(2, 1);
    expect(await pane().getByTestId('profile-summary').innerText()).toContain(
      'load balance of task 1: 0.56',
    );
    // Functions that both runs have and such that one of them has alone: together they make the difference.
    await expect.poll(async () => (await changes()).length).toBeGreaterThan(5);
    const signed = (text: string): number => (/^[-−]/.test(text) ? -1 : 1) * number(text);
    const difference = (await changes()).reduce((sum, text) => sum + signed(text), 0);
    expect(difference).toBe((await workOf('all')) - before);
    await picture('profile-difference');
    await command(page, 'Theme: dark');
    await picture('profile-difference-dark');
    await command(page, 'Theme: as the system');
    await pane().getByRole('button', { name: 'Do not compare' }).click();
  });

  test('is sampled by host time without a restart', async () => {
    await command(page, 'Show Guests');
    await openGuest(page, 'mandelbrot');
    await page.keyboard.press('Control+Shift+8');
    await page.keyboard.press('Alt+Shift+H');
    await runToExit(page);
    await expect.poll(() => texts('[data-hart]')).toHaveLength(2);
    expect(await pane().getByTestId('profile-summary').innerText()).toMatch(/[1-9]\d* samples/);
    expect((await texts('[data-hart] .number'))[0]).toMatch(/ ms$/);
    await picture('profile-time');
  });
});
