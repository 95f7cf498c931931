import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, openGuest, reaches, runState, startApp, type RunningApp } from './support';

let running: RunningApp;
let page: Page;

const picture = (name: string): Promise<unknown> =>
  page.screenshot({ path: join('out', 'e2e', `${name}.png`) });

const marked = (): Promise<string> =>
  page.locator('[aria-label=Source] [aria-current=location]').innerText();
const frames = (): Promise<string[]> => page.locator('[aria-label=Frames] .frame').allInnerTexts();
const path = (): Promise<string> => page.getByLabel('Source file').inputValue();

beforeAll(async () => {
  running = await startApp();
  page = running.page;
});
afterAll(() => running.close());

describe('the source of a bundled guest', () => {
  test('is shown at main, with its stack and variables', async () => {
    await reaches(page, /^Stopped/);
    await openGuest(page, 'mp-dot');
    await command(page, 'Show Source');
    await command(page, 'Show Stacks');
    await expect.poll(path).toBe('guests/src/mp-dot.c');
    await expect.poll(marked).toContain('choose_kernel(argc, argv)');
    await expect.poll(async () => (await frames())[0]).toContain('main(argc=2');
    await expect.poll(() => page.locator('[aria-label=Variables]').innerText()).toContain('argv');
    await picture('source');
  });

  test('takes a breakpoint in the gutter, where a vCPU stops in the kernel', async () => {
    await page.locator('[aria-label=Source] .scroller').hover();
    await page.mouse.wheel(0, -20_000);
    await page.locator('[data-line="1"]').waitFor();
    await page.mouse.wheel(0, 300);
    await page.locator('[data-line="29"] [data-gutter]').click();
    await expect.poll(() => page.locator('[data-line="29"] .mark.set').count()).toBe(1);
    await page.keyboard.press('F5');
    await reaches(page, /^Breakpoint 1 at work/);
    await expect.poll(async () => (await frames())[0]).toContain('work(');
    await expect.poll(marked).toContain('29');
    await picture('source-vcpu');
  });

  test('has the stacks of all harts in one tree', async () => {
    await page.getByRole('button', { name: 'All harts' }).click();
    const tree = page.getByRole('tree', { name: 'Stacks of all harts' });
    await expect.poll(() => tree.innerText()).toContain('start_guest');
    expect(await tree.innerText()).toContain('work');
    await command(page, 'Theme: dark');
    await picture('stacks-dark');
    await command(page, 'Theme: as the system');
  });

  test('is read from the files that the program names, and from no others', async () => {
    const refusals = await page.evaluate(
      async (paths) => {
        const ask = (path: string): Promise<string> =>
          window.hartscope.readSource(path).then(
            () => 'read',
            (error: Error) => error.message,
          );
        return Promise.all(paths.map(ask));
      },
      ['/etc/passwd', 'guests/src/../../package.json', 'guests/src/fib.c'],
    );
    for (const refusal of refusals) expect(refusal).toMatch(/is not a source file of a program/);
  });
});

test('step a glibc program through printf and back', async () => {
  await openGuest(page, 'glibc-hello');
  // A source pane that was not in sight shows where the program stands as soon as it is.
  await command(page, 'Layout: Step (reset)');
  await page.locator('.dv-tab', { hasText: 'Source' }).click();
  await expect.poll(path).toBe('guests/src/glibc-hello.c');
  await expect.poll(marked).toContain('42');
  await command(page, 'Show Stacks');
  await expect.poll(frames).toHaveLength(4);
  await command(page, 'Steps go by: instructions or source lines');
  for (const line of [43, 44, 46, 48]) {
    await page.keyboard.press('F10');
    await expect.poll(marked).toContain(String(line));
  }
  // printf has no lines: by instructions into it.
  await command(page, 'Steps go by: instructions or source lines');
  for (let state = await runState(page); !state.startsWith('Stopped at printf');) {
    expect(state).toMatch(/^Stopped at main\+/);
    await page.keyboard.press('F11');
    const before = state;
    await expect.poll(async () => (state = await runState(page))).toMatch(/^Stopped/);
    await expect.poll(async () => (state = await runState(page))).not.toBe(before);
  }
  await expect.poll(async () => (await frames())[0]).toContain('printf');
  expect((await frames())[1]).toContain('main(');
  await picture('printf');
  await page.keyboard.press('Shift+F11');
  // Behind the call comes the next line.
  await expect.poll(async () => (await frames())[0]).toContain('main(');
  await expect.poll(marked).toContain('49');
  await command(page, 'Show Terminal');
  await page.getByTestId('terminal').getByText('thread-local: 42').waitFor();
});
