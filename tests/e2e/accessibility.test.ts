import axe from 'axe-core';
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

/** Runs to where the vCPUs stand at their first instruction. */
async function fork(): Promise<void> {
  await command(page, 'Run to the next fork');
  await expect.poll(() => page.locator('[data-hart]').count(), { timeout: 15_000 }).toBe(5);
}

/** Rules of which a theme decides; all others see the same in each. */
const THEME_RULES: axe.RunOptions = {
  runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] },
};

const ALL_RULES: axe.RunOptions = {
  rules: {
    // Names here are sentences for what stands abbreviated in sight: `Hart 0: stopped in main`.
    'label-content-name-mismatch': { enabled: false },
    // The dock's tabs have a button to close them, which the keyboard does not stop at.
    'nested-interactive': { enabled: false },
  },
};

let rules = ALL_RULES;

/** What axe-core finds in an element that is serious or critical, one line each. */
async function found(state: string, within = page.locator('html')): Promise<string[]> {
  const results = await within.evaluate(
    (element, options) =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(element, {
        resultTypes: ['violations'],
        ...options,
      }),
    rules,
  );
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes
        .slice(0, 3)
        .map(({ html, any }) => `${state}: ${id}: ${html.slice(0, 160)} ${any[0]?.message ?? ''}`),
    );
}

const ARRANGEMENTS = ['Layout: Harts', 'Layout: Pages', 'Layout: Profile', 'Layout: Step'];

test('in forced colours axe-core finds nothing serious in any arrangement, nor in the map', async () => {
  await reaches(page, /^Stopped|^No guest/);
  // Comes with the driver, past the page's policy.
  await page.evaluate(axe.source);
  await page.emulateMedia({ forcedColors: 'active' });
  rules = THEME_RULES;
  try {
    await openGuest(page, 'mp-dot');
    await fork();
    expect(await inArrangements('forced')).toEqual([]);
    await page.screenshot({ path: join('out', 'e2e', 'accessibility-forced.png') });
  } finally {
    await page.emulateMedia({ forcedColors: 'none' });
  }
});

/** The whole window as each arrangement shows it, and the map of Pages. */
async function inArrangements(state: string): Promise<string[]> {
  const problems: string[] = [];
  for (const arrangement of ARRANGEMENTS) {
    await command(page, arrangement);
    problems.push(...(await found(`${state} ${arrangement}`)));
    if (arrangement !== 'Layout: Pages') continue;
    await page.locator('[data-view=map]').click();
    problems.push(...(await found(`${state} map`)));
    await page.locator('[data-view]').first().click();
  }
  return [...new Set(problems)];
}

describe.each(['light', 'dark'])('in the %s theme axe-core finds nothing serious', (theme) => {
  test('in a window without a program, one that has stopped, with the palette, and one that runs', async () => {
    rules = theme === 'light' ? ALL_RULES : THEME_RULES;
    await reaches(page, /^Stopped|^No guest/);
    await command(page, `Theme: ${theme}`);
    await openGuest(page, 'mp-dot');
    const problems = await found('stopped');
    await page.keyboard.press('Control+Shift+P');
    await page.locator('dialog.palette').waitFor();
    problems.push(...(await found('palette')));
    await page.keyboard.press('Escape');
    await page.locator('dialog.palette').waitFor({ state: 'detached' });
    await fork();
    problems.push(...(await found('forked')));
    await openGuest(page, 'calc');
    await page.keyboard.press('F5');
    await reaches(page, /^Running|^Waiting/);
    problems.push(...(await found('running')));
    await page.keyboard.press('Shift+F5');
    await reaches(page, /^No guest/);
    problems.push(...(await found('empty')));
    expect(problems).toEqual([]);
  });

  test('in any pane', async () => {
    await openGuest(page, 'mp-dot');
    await fork();
    await command(page, `Theme: ${theme}`);
    const problems = await inArrangements(theme);
    const panes = await page
      .locator('.dv-tab')
      .evaluateAll((tabs) => tabs.map((tab) => tab.textContent.trim()));
    expect(panes).toContain('Pages');
    for (const pane of panes) {
      const tab = page.locator('.dv-tab', { hasText: pane }).first();
      await tab.click();
      // The rest of the window is looked at in the other test.
      problems.push(...(await found(pane, page.locator('.dv-groupview', { has: tab }))));
    }
    await page.screenshot({ path: join('out', 'e2e', `accessibility-${theme}.png`) });
    expect([...new Set(problems)]).toEqual([]);
  });
});
