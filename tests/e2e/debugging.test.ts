import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeElf } from '../support/elf-writer';
import {
  addBreakpoint,
  machineProcesses,
  markedPc,
  openGuest,
  reaches,
  registerValue,
  runState,
  startApp,
  terminalText,
  type RunningApp,
} from './support';

let running: RunningApp;
let page: Page;

const picture = (name: string): Promise<unknown> =>
  page.screenshot({ path: join('out', 'e2e', `${name}.png`) });

beforeAll(async () => {
  running = await startApp();
  page = running.page;
});
afterAll(() => running.close());

describe('a guest', () => {
  test('stops at main, and the status line says what to press', async () => {
    await reaches(page, /^Stopped at entry/);
    await openGuest(page, 'dot');
    await reaches(page, 'Stopped at entry: main');
    expect(await page.getByTestId('hint').innerText()).toContain('F10 steps over');
    await expect.poll(() => markedPc(page)).not.toBeNull();
  });

  test('steps with F11: the pc moves, changed registers are marked', async () => {
    const before = await markedPc(page);
    await page.keyboard.press('F11');
    await expect.poll(() => markedPc(page)).not.toBe(before);
    await expect.poll(() => page.locator('[data-register="pc"].changed').count()).toBe(1);
    const address = `0x${Number(await markedPc(page))
      .toString(16)
      .padStart(16, '0')}`;
    expect(await registerValue(page, 'pc')).toBe(address);
  });

  test('stops at a breakpoint set by symbol, with its mark in the gutter', async () => {
    await page.keyboard.press('Control+Shift+B');
    await page.keyboard.type('write_output');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('.at').allInnerTexts()).toEqual(['write_output']);
    await page.keyboard.press('F5');
    await reaches(page, 'Breakpoint 1 at write_output');
    await expect.poll(() => page.locator('[aria-current="true"] .mark.set').count()).toBe(1);
    await picture('breakpoint');
  });

  test('steps out into its caller, and runs to its end', async () => {
    await page.keyboard.press('Shift+F11');
    await reaches(page, /^Stopped at print_/);
    await page.getByRole('checkbox', { name: 'Breakpoint 1 enabled' }).uncheck();
    await page.keyboard.press('F5');
    await reaches(page, 'Exited with status 0');
    expect(await terminalText(page)).toContain('floats = 8192');
  });

  test('starts again with Ctrl+Shift+F5 and keeps its breakpoint', async () => {
    await page.keyboard.press('Control+Shift+F5');
    await reaches(page, /^Stopped/);
    await page.getByRole('checkbox', { name: 'Breakpoint 1 enabled' }).check();
    await page.keyboard.press('F5');
    await reaches(page, 'Breakpoint 1 at write_output');
  });

  test('explains the instruction at the cursor', async () => {
    await page.keyboard.press('Control+.');
    await page.keyboard.press('F1');
    const card = page.getByTestId('instruction-card');
    await card.waitFor();
    expect(await card.locator('.field-box').count()).toBeGreaterThan(1);
    await picture('explain');
    await page.keyboard.press('Escape');
  });
});

describe('memory and registers', () => {
  test('show what is written to them', async () => {
    await openGuest(page, 'dot');
    await page.locator('[data-register="x10"]').dblclick();
    await page.keyboard.type('0x1234');
    await page.keyboard.press('Enter');
    await expect.poll(() => registerValue(page, 'x10')).toBe('0x0000000000001234');

    await page.keyboard.press('Control+Shift+M');
    await page.keyboard.type('sp');
    await page.keyboard.press('Enter');
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label')))
      .toBe('Bytes');
    await page.keyboard.type('c0de');
    await expect
      .poll(() =>
        page
          .locator('.byte')
          .allInnerTexts()
          .then((bytes) => bytes.join('')),
      )
      .toContain('c0de');
  });
});

test('edit a register and continue', async () => {
  await openGuest(page, 'fib');
  await addBreakpoint(page, 'fib');
  await page.keyboard.press('F5');
  await reaches(page, /^Breakpoint \d+ at fib/);
  await expect.poll(() => registerValue(page, 'x10')).toBe('0x000000000000001b');
  await page.locator('[data-register="x10"]').dblclick();
  await page.keyboard.type('ten');
  await page.keyboard.press('Enter');
  // What is no number is not taken.
  await page.locator('[data-register="x10"] [role=alert]').waitFor();
  await page.keyboard.press('Control+A');
  await page.keyboard.type('10');
  await page.keyboard.press('Enter');
  await expect.poll(() => registerValue(page, 'x10')).toBe('0x000000000000000a');
  await page.getByRole('button', { name: /^Remove breakpoint/ }).click();
  await expect.poll(() => page.locator('.at').count()).toBe(0);
  await page.keyboard.press('F5');
  await reaches(page, 'Exited with status 0');
  await expect.poll(() => terminalText(page)).toContain('fib(27) = 55');
});

describe('a guest that reads the terminal', () => {
  test('calculates what is typed', async () => {
    await openGuest(page, 'calc');
    await page.keyboard.press('F5');
    await reaches(page, 'Running · waits for input');
    await page.keyboard.press('Control+6');
    await page.keyboard.type('2*(3+4)\n');
    await expect.poll(() => terminalText(page)).toMatch(/2\*\(3\+4\)[\s\S]*14/);
    await picture('calculator');
  });

  test('can be paused while it waits, and goes on', async () => {
    await page.keyboard.press('F6');
    await reaches(page, /^Paused/);
    await page.keyboard.press('F5');
    await reaches(page, 'Running · waits for input');
  });

  test('ends at Ctrl-D', async () => {
    await page.keyboard.press('Control+D');
    await reaches(page, 'Exited with status 0');
  });
});

describe('an endless loop', () => {
  test('is paused, and the window answers while it runs', async () => {
    await openGuest(page, 'spin');
    await page.keyboard.press('F5');
    await reaches(page, 'Running');
    await expect
      .poll(() => page.getByTestId('mips').innerText(), { timeout: 15_000 })
      .toMatch(/^\d+$/);
    await page.keyboard.press('Control+G');
    await page.keyboard.type('lap');
    await expect.poll(() => page.getByRole('option', { name: 'lap function' }).count()).toBe(1);
    await page.keyboard.press('Escape');
    await page.keyboard.press('F6');
    await reaches(page, /^Paused at (main|lap)/);
  });

  test('stops at a breakpoint that is set while it runs', async () => {
    await page.keyboard.press('F5');
    await reaches(page, 'Running');
    await page.keyboard.press('Control+Shift+B');
    await page.keyboard.type('lap');
    await page.keyboard.press('Enter');
    await reaches(page, /^Breakpoint \d+ at lap/);
  });
});

describe('a guest that crashes', () => {
  test('stops at the fault, which says what and where', async () => {
    await page.locator('[data-row="guest:crash"]').click();
    await page.getByLabel('Arguments', { exact: true }).fill('null');
    await page.getByRole('button', { name: 'Open', exact: true }).click();
    await expect.poll(() => page.getByTestId('program').innerText()).toBe('crash');
    await reaches(page, /^Stopped/);
    await page.keyboard.press('F5');
    await reaches(page, /^SIGSEGV at pc 0x[0-9a-f]+: /);
    await picture('fault');
  });
});

describe('a program from disk', () => {
  /** Answers the next file dialog; the dialog itself belongs to the desktop. */
  const choose = (path: string): Promise<unknown> =>
    running.app.evaluate(({ dialog }, chosen) => {
      dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [chosen] });
    }, path);

  test('is opened, stopped at main, and listed as recent', async () => {
    const path = resolve('guests/bin/hello.elf');
    await choose(path);
    await page.keyboard.press('Control+O');
    await expect.poll(() => page.getByTestId('program').innerText()).toBe('hello.elf');
    await reaches(page, 'Stopped at entry: main');
    expect(await page.locator(`[data-row="file:${path}"]`).count()).toBe(1);
  });

  test('is refused with a reason when it is no ELF file', async () => {
    await choose(resolve('package.json'));
    await page.keyboard.press('Control+O');
    await expect
      .poll(() => page.getByTestId('message').innerText())
      .toContain('package.json is not an ELF file');
    expect(await runState(page)).toBe('Stopped at entry: main');
  });

  test('is refused with a reason when it is an ELF file for another machine', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'hartscope-elf-')), 'program');
    const elf = writeElf(0x10000, []);
    elf[18] = 62; // EM_X86_64
    await writeFile(path, elf);
    await choose(path);
    await page.keyboard.press('Control+O');
    await page.getByTestId('banner').waitFor({ timeout: 15_000 });
    expect(await page.getByTestId('banner').innerText()).toContain('is for x86-64, not for RISC-V');
    expect(await runState(page)).toBe('Not opened');
    await picture('refused');
    await rm(dirname(path), { recursive: true });
  });
});

describe('a machine process that is killed', () => {
  test('is reported, does not touch another machine, and can be started again', async () => {
    await openGuest(page, 'spin');
    // What was set in it before has come back with it.
    const remove = page.getByRole('button', { name: /^Remove breakpoint/ });
    await remove.first().click();
    await expect.poll(() => remove.count()).toBe(0);
    const before = await machineProcesses(running.app);
    await page.keyboard.press('F5');
    await reaches(page, 'Running');

    const [second] = await Promise.all([
      running.app.waitForEvent('window'),
      page.keyboard.press('Control+Shift+N'),
    ]);
    await reaches(second, /^Stopped at entry/);
    const ours = [...before.keys()].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))[0];
    process.kill(before.get(ours) ?? 0, 'SIGKILL');

    await page.getByTestId('banner').waitFor();
    expect(await page.getByTestId('banner').innerText()).toContain('The machine process');
    expect(await runState(page)).toBe('Machine process ended');
    await picture('killed');

    expect(await runState(second)).toMatch(/^Stopped at entry/);
    const pc = await markedPc(second);
    await second.keyboard.press('F11');
    await expect.poll(() => markedPc(second)).not.toBe(pc);

    await page.getByRole('button', { name: 'Restart', exact: true }).last().click();
    await reaches(page, 'Stopped at entry: main');
    expect(await page.getByTestId('banner').count()).toBe(0);
    await second.close();
  });

  test('while its guest stands still loses nothing of what the user has set', async () => {
    await addBreakpoint(page, 'lap');
    await page.keyboard.press('F5');
    await reaches(page, /^Breakpoint \d+ at lap/);
    for (const pid of (await machineProcesses(running.app)).values()) process.kill(pid, 'SIGKILL');
    await reaches(page, 'Machine process ended');
    expect(await page.locator('.at').allInnerTexts()).toEqual(['lap']);
    await page.keyboard.press('Control+Shift+F5');
    await reaches(page, 'Stopped at entry: main');
    await page.keyboard.press('F5');
    await reaches(page, /^Breakpoint \d+ at lap/);
  });
});

test('the theme and the layout are kept', async () => {
  await page.keyboard.press('Control+Shift+P');
  await page.keyboard.type('theme dark');
  await page.keyboard.press('Enter');
  await expect
    .poll(() => page.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches))
    .toBe(true);
  await page.keyboard.press('Control+Shift+0');
  await picture('dark');
  await page.reload();
  await reaches(page, /^Stopped at entry/);
  expect(await page.evaluate(() => window.hartscope.start().then(({ theme }) => theme))).toBe(
    'dark',
  );
});
