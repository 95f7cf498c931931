import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  command,
  reaches,
  registerValue,
  startApp,
  terminalText,
  type RunningApp,
} from './support';

let running: RunningApp;
let page: Page;

const picture = (name: string): Promise<unknown> =>
  page.screenshot({ path: join('out', 'e2e', `${name}.png`) });
/** Numbers of the harts in the strip. */
const harts = (): Promise<(string | null)[]> =>
  page
    .locator('[data-hart]')
    .evaluateAll((cells) => cells.map((cell) => cell.getAttribute('data-hart')));
/** A register's value in the matrix. */
const inMatrix = (register: string, hart: number): Promise<string> =>
  page.locator(`[data-cell="${register}.${hart}"] .value`).innerText();
const cellsOf = (state: string): Promise<number> =>
  page.locator(`[role=gridcell].page-${state}`).count();

beforeAll(async () => {
  running = await startApp();
  page = running.page;
});
afterAll(() => running.close());

const hint = (): Promise<string> => page.getByTestId('hint').innerText();

describe('the first guest', () => {
  test('stands before its call of multiprocess, and the status line says what to press', async () => {
    await reaches(page, /^Stopped at entry: post\+/);
    expect(await page.getByTestId('program').innerText()).toBe('mp-dot');
    expect(await hint()).toContain('F10 steps over multiprocess');
    expect(await harts()).toEqual(['0']);
    await page.getByRole('button', { name: 'multiprocess' }).click();
    expect(await page.locator('[data-row="guest:dot"]').count()).toBe(0);
  });

  test("step over multiprocess(4) and watch four vCPUs borrow main's page", async () => {
    await page.keyboard.press('Control+Shift+9');
    await page.keyboard.press('F10');
    await expect.poll(harts).toEqual(['0', '1', '2', '3', '4']);
    expect(await page.getByRole('group', { name: 'task 1, fork-here' }).count()).toBe(1);
    expect(await hint()).toContain('1 … 9 focus a hart');

    // The registers of all harts side by side.
    await expect.poll(() => inMatrix('x10', 4)).toBe('0x4');
    expect(await inMatrix('x10', 2)).toBe('0x2');
    expect(await page.locator('[data-cell="x10.2"]').getAttribute('class')).toContain('differs');
    expect(await page.locator('[data-cell="x3.2"]').getAttribute('class')).not.toContain('differs');

    // The group of a vCPU, by lines, until each has its part of the sum.
    await page.locator('[aria-label="Instructions"]').click();
    await page.keyboard.press('1');
    await page.keyboard.press('Alt+Shift+L');
    await page.keyboard.press('Alt+Shift+W');
    await expect.poll(hint).toContain('F10 steps its group');
    // Out of the library's function, id, its test, and the kernel function as one step.
    for (const offset of ['0x14', '0x16', '0x50', '0x5c']) {
      await page.keyboard.press('F10');
      await reaches(page, `Stopped at post+${offset} · hart 1`);
    }
    await expect.poll(() => cellsOf('borrowed')).toBeGreaterThan(0);
  });

  test('follows a focused hart with the registers', async () => {
    await page.keyboard.press('3');
    await page.getByRole('radio', { name: 'Hart 3' }).click();
    await expect.poll(() => registerValue(page, 'mhartid')).toBe('3');
    await page.getByRole('radio', { name: 'All harts' }).click();
    expect(await cellsOf('private')).toBeGreaterThan(0);
    expect(await cellsOf('lent')).toBeGreaterThan(0);
    await picture('pages');
  });

  test('tells of a page what a click on its cell asks for', async () => {
    await page.locator('[role=gridcell].page-borrowed').first().click();
    await expect
      .poll(() => page.getByTestId('page-inspector').innerText())
      .toMatch(/borrowed rw- · frame \d+, \d+ references[^]*borrowed from\s+hart 0/);
    await page.getByRole('tab', { name: 'Life line' }).click();
    await expect
      .poll(() => page.getByTestId('page-life').innerText())
      .toMatch(/First written since its fork by\s+hart [1-4] at work/);
    await expect.poll(() => page.getByTestId('segment').innerText()).toMatch(/^hart [1-4] ·/);
  });

  test('lists its events', async () => {
    await page.keyboard.press('Control+9');
    await page.getByLabel('Filter events').fill('loan');
    await expect.poll(() => page.locator('[data-event=loan]').count()).toBeGreaterThan(0);
    await page.getByLabel('Filter events').fill('fork');
    await expect.poll(() => page.locator('[data-event=fork]').count()).toBe(4);
    await page.getByLabel('Filter events').fill('');
  });

  test('shows a lane for main and for each of four vCPUs', async () => {
    await command(page, 'Show Timeline');
    const lanes = page.locator('[data-lane]');
    const vcpus = [1, 2, 3, 4].map((vcpu) => `${vcpu} task 1 vCPU ${vcpu}`);
    await expect.poll(() => lanes.allInnerTexts()).toEqual(['0 main', ...vcpus]);
    // Down from main, which is chosen first, once the pane has the keyboard.
    await page.locator('[data-testid=timeline]:focus').waitFor();
    await page.keyboard.press('ArrowDown');
    await expect.poll(() => page.getByTestId('timeline-about').innerText()).toContain('hart 1');
    await page.getByLabel('Axis of the timeline').selectOption('order');
    await picture('timeline');
    await page.emulateMedia({ colorScheme: 'dark' });
    await picture('timeline-dark');
    await page.emulateMedia({ colorScheme: null });
  });

  test('ends the vCPUs when main is stepped over its wait, then runs to its end', async () => {
    await page.keyboard.press('0');
    await page.keyboard.press('F10');
    await expect.poll(harts).toEqual(['0']);
    await expect.poll(hint).toContain('main has what they wrote');
    await page.keyboard.press('F5');
    await reaches(page, 'Exited with status 0');
    await page.keyboard.press('Control+6');
    await expect.poll(() => terminalText(page)).toContain('floats = 8192');
    expect(await harts()).toEqual(['0']);
  });
});
