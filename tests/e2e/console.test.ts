import { afterAll, beforeAll, expect, test } from 'vitest';
import { openGuest, reaches, startApp, type RunningApp } from './support';

let running: RunningApp;
beforeAll(async () => {
  running = await startApp();
});
afterAll(() => running.close());

test('the Console breaks on a write by hart 3 only, and the panes follow', async () => {
  const { page } = running;
  await reaches(page, /^Stopped at entry/);
  await openGuest(page, 'mp-dot');
  await page.keyboard.press('Control+Shift+P');
  await page.keyboard.type('Show Console');
  await page.keyboard.press('Enter');
  const command = page.locator('[aria-label="Command"]');
  const type = async (line: string): Promise<void> => {
    await command.fill(line);
    await command.press('Enter');
  };
  await type('watch partial[2] harts 3');
  await expect.poll(() => page.locator('.at').allInnerTexts()).toContain('write partial+0x8, 4 B');
  await type('continue');
  await reaches(page, /^Breakpoint 1: write 0x00000000 → 0x45000000 at work\+0x58 · hart 3$/);
  const focus = page.locator('[data-testid="harts"] [aria-selected="true"]');
  expect(await focus.getAttribute('data-hart')).toBe('3');
  await type('print partial[2]');
  await expect.poll(() => page.getByTestId('console').innerText()).toContain('= 2048');
  await type('delete');
  await type('continue');
  await reaches(page, 'Exited with status 0');
});
