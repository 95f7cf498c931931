import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addBreakpoint,
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
  page.locator(`[role=gridcell][data-state=${state}]`).count();

beforeAll(async () => {
  running = await startApp();
  page = running.page;
});
afterAll(() => running.close());

describe('a guest that forks', () => {
  test('is found by its tag, and the status line says what to press', async () => {
    await reaches(page, 'Stopped at entry: main');
    await page.getByRole('button', { name: 'multiprocess' }).click();
    expect(await page.locator('[data-row="guest:dot"]').count()).toBe(0);
    await page.locator('[data-row="guest:mp-dot"]').click();
    // In this mode the vCPUs go on in the caller's own stack frame, on private copies of its pages.
    await page.getByLabel('Arguments').fill('fork-here');
    await page.getByRole('button', { name: 'Open', exact: true }).click();
    await expect.poll(() => page.getByTestId('program').innerText()).toBe('mp-dot');
    await reaches(page, 'Stopped at entry: main');
    expect(await page.getByTestId('hint').innerText()).toContain('Ctrl+Shift+F10');
    expect(await harts()).toEqual(['0']);
  });

  test('shows four vCPUs at the fork', async () => {
    await page.keyboard.press('Control+Shift+9');
    await page.keyboard.press('Control+Shift+F10');
    await expect.poll(harts).toEqual(['0', '1', '2', '3', '4']);
    expect(await page.getByRole('group', { name: 'task 1, fork-here' }).count()).toBe(1);
  });

  test('compares the registers of all harts', async () => {
    await expect.poll(() => inMatrix('x11', 4)).toBe('0x4');
    expect(await inMatrix('x11', 2)).toBe('0x2');
    expect(await page.locator('[data-cell="x11.2"]').getAttribute('class')).toContain('differs');
    expect(await page.locator('[data-cell="x3.2"]').getAttribute('class')).not.toContain('differs');
  });

  test('stops at the kernel function; the vCPU that came there gets the focus', async () => {
    await addBreakpoint(page, 'dot');
    await page.keyboard.press('F5');
    await reaches(page, /^Breakpoint \d+ at dot · hart [1-4]$/);
    await expect.poll(() => page.locator('[data-hart].focus').count()).toBe(1);
    expect((await harts()).length).toBeGreaterThan(1);
  });

  test('focuses a hart by its key; registers follow', async () => {
    const [, second] = await harts();
    await page.locator('[aria-label="Instructions"]').click();
    await page.keyboard.press(String(second));
    await expect
      .poll(() => page.locator('[data-hart].focus').getAttribute('data-hart'))
      .toBe(second);
    await page.getByRole('radio', { name: `Hart ${second}` }).click();
    await expect.poll(() => registerValue(page, 'mhartid')).toBe(second);
    await page.getByRole('radio', { name: 'All harts' }).click();
  });

  test('shows private stacks and borrowed pages when vCPUs have written', async () => {
    const breakpoints = page.getByRole('checkbox', { name: /^Breakpoint \d+ enabled$/ });
    await page.keyboard.press('Control+5');
    await expect.poll(() => breakpoints.count()).toBe(1);
    await breakpoints.first().uncheck();
    await expect.poll(() => cellsOf('private')).toBeGreaterThan(0);
    // One vCPU alone, until it has stored its partial sum.
    await page.locator('[data-hart]', { hasText: 'dot' }).first().click();
    await page.keyboard.press('Shift+F11');
    await reaches(page, /^Stopped at work/);
    await expect
      .poll(async () => {
        await page.keyboard.press('F11');
        return cellsOf('borrowed');
      })
      .toBeGreaterThan(0);
    expect(await cellsOf('lent')).toBeGreaterThan(0);
    await picture('pages');
  });

  test('tells of a page what a click on its cell asks for', async () => {
    await page.locator('[role=gridcell][data-state=borrowed]').first().click();
    await expect
      .poll(() => page.getByTestId('page-inspector').innerText())
      .toMatch(/borrowed rw- · frame \d+, \d+ references[^]*borrowed from\s+hart 0/);
    await page.getByRole('tab', { name: 'Life line' }).click();
    await expect
      .poll(() => page.getByTestId('page-life').innerText())
      .toMatch(/First written by\s+hart [1-4] at work/);
    await expect.poll(() => page.getByTestId('segment').innerText()).toMatch(/^hart [1-4] ·/);
  });

  test('lists its events', async () => {
    await page.keyboard.press('Control+9');
    await expect.poll(() => page.locator('[data-event=loan]').count()).toBeGreaterThan(0);
    await page.getByLabel('Filter events').fill('fork');
    await expect.poll(() => page.locator('[data-event=fork]').count()).toBe(4);
    await page.getByLabel('Filter events').fill('');
  });

  test('shows a lane for main and for each of four vCPUs', async () => {
    await page.keyboard.press('Control+Shift+P');
    await page.keyboard.type('Show Timeline');
    await page.keyboard.press('Enter');
    const lanes = page.locator('[data-lane]');
    const vcpus = [1, 2, 3, 4].map((vcpu) => `${vcpu} task 1 vCPU ${vcpu}`);
    await expect.poll(() => lanes.allInnerTexts()).toEqual(['0 main', ...vcpus]);
    // Down from main, which is chosen first.
    await page.keyboard.press('ArrowDown');
    expect(await page.getByTestId('timeline-about').innerText()).toContain('hart 1');
    await page.getByLabel('Axis of the timeline').selectOption('order');
    await picture('timeline');
    await page.emulateMedia({ colorScheme: 'dark' });
    await picture('timeline-dark');
    await page.emulateMedia({ colorScheme: null });
  });

  test('runs to its end, and every vCPU has returned', async () => {
    await page.keyboard.press('F5');
    await reaches(page, 'Exited with status 0');
    await page.keyboard.press('Control+6');
    await expect.poll(() => terminalText(page)).toContain('floats = 8192');
    expect(await harts()).toEqual(['0']);
  });
});
