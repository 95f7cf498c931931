import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reaches, startApp, type RunningApp } from './support';

let running: RunningApp;
let page: Page;

beforeAll(async () => {
  running = await startApp();
  page = running.page;
});
afterAll(() => running.close());

const patience = { timeout: 15_000 };
/** What the strip says of a hart: its state and place, its group, its marks and its name. */
const about = async (hart: number): Promise<string> =>
  (await page.locator(`[data-hart="${hart}"]`).getAttribute('aria-label', patience)) ?? '';
/** Places of harts, by their numbers. */
const places = async (...harts: number[]): Promise<string[]> =>
  Promise.all(harts.map(async (hart) => / in ([^,]+),/.exec(await about(hart))?.[1] ?? 'nowhere'));
/** Waits until harts stand at a place. */
const reach = (place: string, ...harts: number[]): Promise<void> =>
  expect.poll(() => places(...harts), patience).toEqual(harts.map(() => place));
const ended = (): Promise<string[]> => page.locator('[data-ended] .place').allInnerTexts();

/** Presses keys one after the other. */
async function press(...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

test('the hart, its group or all of them step, and a group that has parted comes together again', async () => {
  await reaches(page, /^Stopped at entry: post\+/);
  await press('Control+2', 'F10');
  await reach('multiprocess+0x10', 1, 2, 3, 4);
  expect(await about(4)).toContain('in the group of hart 1');

  // A group: all four.
  await press('1', 'Alt+Shift+W', 'F10');
  await reach('multiprocess+0x12', 1, 2, 3, 4);
  // All: main waits for them, so it stands.
  await press('Alt+Shift+W', 'F10');
  await reach('post+0x14', 1, 2, 3, 4);
  await reach('multiprocess+0xc', 0);
  // The focused hart alone.
  await press('Alt+Shift+W', 'F10');
  await reach('post+0x16', 1);
  await reach('post+0x14', 2, 3, 4);
  await expect.poll(() => about(1), patience).toContain('has parted from its group');
  expect(await about(3)).toContain('in the group of hart 2');

  await press('Alt+Shift+T');
  await reach('post+0x16', 1, 2, 3, 4);
  expect(await about(1)).not.toContain('parted');
  expect(await about(4)).toContain('in the group of hart 1');
});

test('a hart gets a name and a pin, and a frozen one stands while its group goes on', async () => {
  await press('Alt+Shift+P', 'Alt+Shift+M');
  await page.locator('input[aria-label="Name of hart 1"]:focus').waitFor(patience);
  await page.keyboard.type('first');
  await press('Enter', 'Alt+Shift+F');
  await expect.poll(() => about(1), patience).toMatch(/called first,.*frozen, pinned/);

  await press('2', 'Alt+Shift+W', 'F10');
  await reach('post+0x50', 2, 3, 4);
  await reach('post+0x16', 1);
});

test('all harts of a task stop at a barrier point; a killed one is not waited for', async () => {
  await press('4', 'Alt+Shift+K');
  await expect.poll(ended, patience).toEqual(['killed']);

  await press('Control+Shift+B');
  await page.locator('.add input:focus').waitFor(patience);
  await press('Shift+Tab', 'b', 'Tab');
  await page.keyboard.type('dot');
  await press('Enter');
  await page.locator('.detail', { hasText: 'barrier' }).waitFor(patience);
  await press('F5');
  await reaches(page, /^No hart can go on\. Frozen: 1\. At a barrier point: 2, 3\./);
  expect(await about(2)).toContain('at barrier point 1');

  // The one that is missing.
  await press('Control+2', '1', 'Alt+Shift+F');
  await expect.poll(() => about(1), patience).not.toContain('frozen');
  await press('F5');
  await reaches(page, /^Barrier/);
  await reach('dot', 1, 2, 3);
  await page.screenshot({ path: join('out', 'e2e', 'stepping.png') });
});

test('a step over multiprocess_wait lets the vCPUs finish', async () => {
  await press('0', 'F10');
  await expect.poll(() => page.locator('[data-hart]').count(), patience).toBe(1);
});

test('a step into multiprocess follows the vCPU that is chosen', async () => {
  await press('Control+Shift+F5');
  await reaches(page, /^Stopped at entry: post\+/);
  await press('Alt+Shift+V', 'Alt+Shift+V');
  for (const place of ['', '+0x2', '+0x4', '+0x6', '+0x8', '+0xc']) {
    await press('F11');
    await reaches(page, new RegExp(`^Stopped at multiprocess${place.replace('+', '\\+')}$`));
  }
  await press('F11');
  await reaches(page, 'Task 1 has started at multiprocess+0x10 · hart 3');
  await page.locator('[data-hart="3"][aria-selected=true]').waitFor(patience);
});
