import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  addBreakpoint,
  command,
  reaches,
  registerValue,
  startApp,
  type RunningApp,
} from './support';

let running: RunningApp;
let page: Page;

beforeAll(async () => {
  running = await startApp();
  page = running.page;
});
afterAll(() => running.close());

const patience = { timeout: 15_000 };

async function press(...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

/** Waits until the keyboard is at an element of this name, and that can be seen: by an outline, or a marked cursor in it. */
const stands = (name: string | RegExp): Promise<void> =>
  expect
    .poll(
      () =>
        page.evaluate(() => {
          const at = document.activeElement;
          if (!at?.matches(':focus-visible')) return 'nowhere';
          const isMarked = (each: Element): boolean => {
            const { outlineStyle, boxShadow } = getComputedStyle(each);
            return outlineStyle !== 'none' || boxShadow !== 'none';
          };
          const name = at.getAttribute('aria-label') ?? at.textContent.trim();
          const marked = isMarked(at) || [...at.querySelectorAll('*')].some(isMarked);
          return marked ? name : 'unmarked';
        }),
      patience,
    )
    .toMatch(name);

test('the first minute needs no mouse, and shows where the keyboard is', async () => {
  await reaches(page, /^Stopped at entry: post\+/);
  await command(page, 'Open guest: mp-race');
  await reaches(page, 'Stopped at entry: main');
  expect(await page.getByTestId('program').innerText()).toBe('mp-race');

  // A breakpoint by its name, and one at the cursor.
  await addBreakpoint(page, 'work');
  await stands('Address or symbol');
  await press('Control+2');
  await stands('Instructions');
  await press('ArrowDown', 'F9');
  await expect.poll(() => page.locator('.at').count(), patience).toBe(2);
  await press('F5');
  await reaches(page, /^Breakpoint 2 at main\+/);
  await press('F10');
  await reaches(page, /^Stopped at main\+/);
  await press('ArrowUp', 'F9');
  await expect.poll(() => page.locator('.at').count(), patience).toBe(1);

  // A register, down to one that is not in use.
  await press('Control+3');
  await stands(/^pc /);
  const onTemporary = (): Promise<boolean> =>
    page.evaluate(
      () => document.activeElement?.getAttribute('aria-label')?.startsWith('t6 ') ?? false,
    );
  for (let n = 0; n < 40 && !(await onTemporary()); n++) await press('ArrowRight');
  await stands(/^t6 /);
  await press('Enter');
  await stands('New value of t6');
  await page.keyboard.type('0x1234');
  await press('Enter');
  await expect.poll(() => registerValue(page, 'x31'), patience).toMatch(/1234$/);

  // To the vCPUs, and from one to the next in the strip, by its name and its menu.
  await press('F5');
  await reaches(page, /^Breakpoint 1 at work/);
  await press('Alt+Shift+M');
  await stands(/^Name of hart [1-4]/);
  await press('Escape');
  await stands(/^Hart [1-4]: stopped in work/);
  await press('Home');
  await stands(/^Hart 0: /);
  await press('Shift+F10');
  await page.locator('[role=menu] :focus', { hasText: 'Focus hart 0' }).waitFor(patience);
  await press('Escape');
  await stands(/^Hart 0: /);

  // A page, its life line, and its memory.
  await command(page, 'Layout: Pages');
  await press('Control+8');
  await stands('Pages of all address spaces');
  await press('ArrowDown', 'Enter');
  await page.getByTestId('page-inspector').waitFor(patience);
  // Over the heads of five harts.
  await press('Tab');
  await stands('Focus hart 0');
  await press('Tab', 'Tab', 'Tab', 'Tab', 'Tab');
  await stands('Life line');
  await press('Control+9');
  await stands('Events');

  await press('Shift+F5');
  await reaches(page, /^No guest/);
});
