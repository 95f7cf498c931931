import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, openGuest, reaches, startApp, type RunningApp } from './support';

let running: RunningApp;
let page: Page;

beforeAll(async () => {
  running = await startApp();
  page = running.page;
});
afterAll(() => running.close());

const focused = (): Promise<string | null> =>
  page.locator('[data-testid="harts"] [aria-selected="true"]').getAttribute('data-hart');
const breakpoints = (): Promise<string[]> => page.locator('.at').allInnerTexts();

test('the Console breaks on a write by hart 3 only, and the panes follow', async () => {
  await reaches(page, /^Stopped at entry/);
  await openGuest(page, 'mp-dot');
  await command(page, 'Show Console');
  const line = page.locator('[aria-label="Command"]');
  const type = async (verb: string): Promise<void> => {
    await line.fill(verb);
    await line.press('Enter');
  };
  await type('watch partial[2] harts 3');
  await expect.poll(breakpoints).toContain('write partial+0x8, 4 B');
  await type('continue');
  await reaches(page, /^Breakpoint 1: write 0x00000000 → 0x45000000 at work\+0x58 · hart 3$/);
  expect(await focused()).toBe('3');
  await type('print partial[2]');
  await expect.poll(() => page.getByTestId('console').innerText()).toContain('= 2048');
  await type('delete');
  await type('continue');
  await reaches(page, 'Exited with status 0');
});

describe('a program whose vCPUs add to one sum', () => {
  test('break on a write to the sum `shared.total` in hart 3 only', async () => {
    await openGuest(page, 'mp-race');
    await page.getByLabel('Kind of breakpoint').selectOption('write');
    await page.getByLabel('Address or symbol', { exact: true }).fill('shared.total');
    await page.getByRole('button', { name: 'Add breakpoint' }).click();
    await expect.poll(breakpoints).toEqual(['write shared, 8 B']);
    await page.getByRole('button', { name: 'Edit breakpoint 1' }).click();
    await page.getByRole('textbox', { name: 'Harts', exact: true }).fill('3');
    await page.getByRole('button', { name: 'Set', exact: true }).click();
    await page.locator('.detail', { hasText: 'harts 3' }).waitFor();

    await page.keyboard.press('F5');
    await reaches(
      page,
      /^Breakpoint 1: write 0x[0-9a-f]{16} → 0x[0-9a-f]{16} at work\+0x14 · hart 3$/,
    );
    expect(await focused()).toBe('3');
    // Hart 3 adds 3. What it stops at next is its own write again, whatever the others have written.
    await page.keyboard.press('F5');
    await expect.poll(() => page.locator('.hits').first().innerText()).toBe('2');
    await reaches(page, /^Breakpoint 1: write .* · hart 3$/);
    await page.getByRole('button', { name: 'Remove breakpoint 1' }).click();
    await expect.poll(() => page.locator('.at').count()).toBe(0);
  });

  test('find the race', async () => {
    await reaches(page, /^Stopped|^Breakpoint/);
    await page.keyboard.press('Control+Shift+R');
    await openGuest(page, 'mp-race');
    await reaches(page, /^Stopped at entry: main/);
    await command(page, 'Show Conflicts');
    const race = page.locator('[data-kind=race]', { hasText: 'shared' }).first();
    await page.getByText('race check on', { exact: true }).waitFor();
    await page.keyboard.press('F5');
    await reaches(page, 'Exited with status 0');
    await race.waitFor({ timeout: 15_000 });
    const sides = await race.locator('.side').allInnerTexts();
    expect(sides).toHaveLength(2);
    for (const side of sides) {
      expect(side).toMatch(/hart [1-4], vCPU [1-4] of task 1/);
      expect(side).toMatch(/load|store/);
      expect(side).toContain('work+');
    }
    await page.screenshot({ path: join('out', 'e2e', 'race.png') });
    await race.locator('.side button').last().click();
    const line = page.locator('[aria-label=Source] [role=option][aria-selected=true]');
    // Which of the two races is found first depends on the harts.
    await expect.poll(() => line.innerText()).toMatch(/shared\.(total \+=|winner =) index \+ 1;/);
    await page.screenshot({ path: join('out', 'e2e', 'race-source.png') });
  });
});
