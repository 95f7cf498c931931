import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assemble } from '../../emulator/isa/assembler';
import { writeElf } from '../support/elf-writer';
import {
  addBreakpoint,
  openGuest,
  reaches,
  startApp,
  terminalText,
  type RunningApp,
} from './support';

let profile: string;
let running: RunningApp;
let page: Page;

async function start(): Promise<void> {
  running = await startApp(profile);
  page = running.page;
}

const sessions = (): string[] => {
  const folder = join(profile, 'sessions');
  return readdirSync(folder).map((name) => join(folder, name));
};
const sessionFile = (): string => {
  const found = sessions().find((path) => readFileSync(path, 'utf8').includes('"name": "fib"'));
  if (found === undefined) throw new Error('No session of fib is kept.');
  return found;
};

beforeAll(() => {
  profile = mkdtempSync(join(tmpdir(), 'hartscope-session-'));
});
afterAll(async () => {
  await running.close();
  rmSync(profile, { recursive: true, force: true });
});

describe('a session', () => {
  test('comes back after the app was closed: its breakpoint and its arguments', async () => {
    await start();
    await reaches(page, /^Stopped/);
    await page.locator('[data-row="guest:fib"]').click();
    await page.getByLabel('Arguments', { exact: true }).fill('7');
    await page.getByRole('button', { name: 'Open', exact: true }).click();
    await expect.poll(() => page.getByTestId('program').innerText()).toBe('fib');
    await reaches(page, /^Stopped/);
    await addBreakpoint(page, 'fib');
    await expect.poll(() => readFileSync(sessionFile(), 'utf8')).toContain('"at": "fib"');
    await running.close();

    await start();
    await reaches(page, /^Stopped/);
    await openGuest(page, 'fib');
    expect(await page.locator('.at').allInnerTexts()).toEqual(['fib']);
    expect(await page.getByLabel('Arguments', { exact: true }).inputValue()).toBe('7');
    await page.keyboard.press('F5');
    await reaches(page, /^Breakpoint 1 at fib/);
    await running.close();
  });

  test('that is damaged costs nothing but itself', async () => {
    writeFileSync(
      sessionFile(),
      '{"folders": [], "session": {"hartscope": "session", "name": "fib"',
    );
    await start();
    await reaches(page, /^Stopped/);
    await openGuest(page, 'fib');
    expect(await page.locator('.at').count()).toBe(0);
    await page.keyboard.press('Control+Shift+P');
    await page.keyboard.type('Show Log');
    await page.keyboard.press('Enter');
    await expect
      .poll(() => page.locator('section[aria-label=Log]').innerText())
      .toMatch(/The session of fib is not restored\. .*\.json is damaged/);
  });
});

/** Prints the file /work/note of the guest, and ends with status 2 when there is none. */
const CODE = 0x10000;
const DATA = 0x20000;
const READS_NOTE = assemble(
  `li a0, -100
  li a1, ${DATA}
  li a2, 0
  li a7, 56 # openat
  ecall
  bltz a0, none
  li a1, ${DATA + 0x100}
  li a2, 64
  li a7, 63 # read
  ecall
  mv a2, a0
  li a0, 1
  li a1, ${DATA + 0x100}
  li a7, 64 # write
  ecall
  li a0, 0
  li a7, 93 # exit
  ecall
  none: li a0, 2
  li a7, 93
  ecall`,
  { base: CODE },
);

test('a program sees a folder from the start after it was granted, and not after it was taken back', async () => {
  const folder = join(profile, 'granted');
  mkdirSync(folder);
  writeFileSync(join(folder, 'note'), 'granted to you');
  const elf = join(profile, 'reads-note');
  const data = new Uint8Array(0x200);
  data.set(Buffer.from('/work/note'));
  const code = { address: CODE, bytes: READS_NOTE.bytes, writable: false, executable: true };
  const rest = { address: DATA, bytes: data, writable: true, executable: false };
  writeFileSync(elf, writeElf(CODE, [code, rest]));
  const choose = (path: string): Promise<unknown> =>
    running.app.evaluate(({ dialog }, chosen) => {
      dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [chosen] });
    }, path);
  const startAgain = async (status: number): Promise<void> => {
    await page.keyboard.press('Control+Shift+F5');
    await reaches(page, /^Stopped/);
    await page.keyboard.press('F5');
    await reaches(page, `Exited with status ${status}`);
  };
  await choose(elf);
  await page.keyboard.press('Control+O');
  await expect.poll(() => page.getByTestId('program').innerText()).toBe('reads-note');
  await startAgain(2);
  await choose(folder);
  await page.keyboard.press('Alt+Shift+G');
  await expect.poll(() => page.locator('[data-folder="/work"]').count()).toBe(1);
  await startAgain(0);
  await page.keyboard.press('Control+6');
  await expect.poll(() => terminalText(page)).toContain('granted to you');
  await page.locator('.folders summary').click();
  await page.getByLabel('Take the folder /work back').click();
  await expect.poll(() => page.locator('[data-folder]').count()).toBe(0);
  await startAgain(2);
});
