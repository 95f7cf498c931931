import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reaches, startApp, terminalText, type RunningApp } from './support';

/** Debian's riscv64 programs, fetched once for the differential tests. */
const fetched = spawnSync(process.execPath, ['scripts/riscv64-packages.mjs'], { encoding: 'utf8' });
const folder = fetched.status === 0 ? fetched.stdout.trim() : undefined;
if (folder === undefined) console.warn(`skipped: no Debian programs: ${fetched.stderr.trim()}`);

let running: RunningApp;
let page: Page;

const type = (text: string): Promise<void> => page.keyboard.type(text, { delay: 15 });
/** The screen's lines without the blanks that fill them; xterm writes some blanks as no-break spaces. */
const screen = async (): Promise<string> =>
  (await terminalText(page)).replaceAll('\u00a0', ' ').replace(/ +$/gm, '');
const shows = (text: string | RegExp): Promise<void> =>
  expect.poll(screen, { timeout: 15_000 }).toMatch(text);

/** Opens busybox with arguments, runs it, and gives it the keyboard. */
async function busybox(...args: string[]): Promise<void> {
  await page.getByLabel('Arguments', { exact: true }).fill(args.join(' '));
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  // The program that was open may be stopped too.
  await expect
    .poll(() => page.getByTestId('program').getAttribute('title'))
    .toBe(['busybox', ...args].join(' '));
  await reaches(page, /^Stopped/);
  await page.keyboard.press('F5');
  await page.getByTestId('terminal').click();
}

describe.skipIf(folder === undefined)(
  'full-screen programs and shells in the Terminal pane',
  () => {
    beforeAll(async () => {
      running = await startApp();
      ({ page } = running);
    });
    afterAll(() => running.close());

    test('a file of the host is opened', async () => {
      await reaches(page, /^Stopped/);
      await running.app.evaluate(
        ({ dialog }, path) => {
          dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [path] });
        },
        join(folder ?? '', 'usr', 'bin', 'busybox'),
      );
      await page.keyboard.press('Control+O');
      await expect.poll(() => page.getByTestId('program').innerText()).toBe('busybox');
      await reaches(page, /^Stopped/);
    });

    test('vi writes a file in /tmp', async () => {
      await busybox('vi', '/tmp/note.txt');
      await shows(/^~/m);
      await type('ihello from vi');
      await shows('hello from vi');
      await page.keyboard.press('Escape');
      // In command mode the status line has no I any more.
      await shows(/^- .*note\.txt/m);
      await type(':w\n');
      await shows(/note\.txt.* 1L, 14C/);
      await page.screenshot({ path: join('out', 'e2e', 'vi.png') });
      await type(':q\n');
      await reaches(page, 'Exited with status 0');
    });

    test('a shell has ^C, ^Z and ^D, and learns the window’s size', async () => {
      await busybox('sh');
      await shows(/[$#]$/m);
      await type('sleep 100\n');
      // While it sleeps there are two processes, and the pane lists both.
      await page.keyboard.press('Control+Shift+P');
      await type('Show Processes');
      await page.keyboard.press('Enter');
      const rows = page.locator('[data-pid]');
      await expect.poll(() => rows.count(), { timeout: 15_000 }).toBe(2);
      expect((await rows.allInnerTexts()).join(' ')).toMatch(/sh[^]*sleep/);
      await page.screenshot({ path: join('out', 'e2e', 'processes.png') });
      await page.keyboard.press('Control+Shift+P');
      await type('Show Terminal');
      await page.keyboard.press('Enter');
      await page.getByTestId('terminal').click();
      await page.keyboard.press('Control+C');
      await type('echo first-$?\n');
      await shows('first-130');
      await type('sleep 100\n');
      await page.keyboard.press('Control+Z');
      await shows(/Stopped/);
      await type('kill -9 %1\nstty size\n');
      await shows(/^\d+ \d+$/m);
      const [, before] = /^(\d+ \d+)$/m.exec(await screen()) ?? [];
      await running.app.evaluate(({ BrowserWindow }) => {
        const [window] = BrowserWindow.getAllWindows();
        window?.setSize(1000, 640);
      });
      await type('clear; stty size\n');
      await expect
        .poll(async () => /^(\d+ \d+)$/m.exec(await screen())?.[1], { timeout: 15_000 })
        .not.toBe(before);
      await page.keyboard.press('Control+D');
      await reaches(page, /^Exited with status/);
    });
  },
);
