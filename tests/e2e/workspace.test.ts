import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { workspaceElf } from '../support/workspace-guest';
import { openGuest, reaches, startApp, terminalText, type RunningApp } from './support';

const scratch = mkdtempSync(join(tmpdir(), 'hartscope-workspace-'));
const program = join(scratch, 'workspace');
/** vCPUs 1 and 2 run for ever, 3 and 4 end soon. */
const ELF = workspaceElf(
  `li t6, 100000
   busy:
     addi t6, t6, -1
     bnez t6, busy
   li t6, 3
   bge s0, t6, done
   forever:
     addi t6, t6, 1
     j forever
   done:`,
  { vcpus: 4 },
);

let running: RunningApp;
let page: Page;

beforeAll(async () => {
  writeFileSync(program, ELF);
  running = await startApp();
  page = running.page;
});
afterAll(async () => {
  await running.close();
  rmSync(scratch, { recursive: true });
});

/** Opens the program from disk; the dialog itself belongs to the desktop. */
async function openProgram({ app, page: window }: RunningApp): Promise<void> {
  await reaches(window, /^Stopped at entry/);
  await app.evaluate(({ dialog }, chosen) => {
    dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [chosen] });
  }, program);
  await window.keyboard.press('Control+O');
  await expect.poll(() => window.getByTestId('program').innerText()).toBe('workspace');
  await reaches(window, /^Stopped at entry/);
}

/** Who runs each vCPU, by the number of its hart. */
async function runners(window: Page): Promise<Map<number, string>> {
  const cells = await window
    .locator('[data-hart]')
    .evaluateAll((found) =>
      found.map((cell) => [
        Number(cell.getAttribute('data-hart')),
        cell.querySelector('[data-testid=runner]')?.textContent ?? '',
      ]),
    );
  return new Map(cells as [number, string][]);
}

const processOf = (text: string | undefined): number =>
  Number(/^process (\d+)$/.exec(text ?? '')?.[1] ?? 0);

/** Ids of the processes that run workspace vCPUs, and of the spare one. */
const workspaceProcesses = ({ app }: RunningApp): Promise<number[]> =>
  app.evaluate(({ app: electron }) =>
    electron
      .getAppMetrics()
      .filter(({ name, serviceName }) =>
        (name ?? serviceName ?? '').startsWith('Hartscope workspace'),
      )
      .map(({ pid }) => pid),
  );

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Runs until both endless vCPUs are in processes of their own; their ids. */
async function runEndless(app: RunningApp): Promise<readonly [number, number]> {
  await openProgram(app);
  await app.page.keyboard.press('F5');
  const found = async (): Promise<number[]> => {
    const by = await runners(app.page);
    return [...new Set([1, 2].map((hart) => processOf(by.get(hart))))].filter((pid) => pid > 0);
  };
  await expect.poll(async () => (await found()).length, { timeout: 30_000 }).toBe(2);
  const [first, second] = await found();
  return [first, second];
}

describe('a task whose vCPUs run in processes of their own', () => {
  test('shows in the strip which process runs a hart', async () => {
    const pids = await runEndless(running);
    const all = await workspaceProcesses(running);
    expect(all).toEqual(expect.arrayContaining([...pids]));
    expect((await runners(page)).get(0)).toBe('home');
    // Those that had an end have come to it.
    await expect.poll(() => page.locator('[data-ended]').count(), { timeout: 15_000 }).toBe(2);
    await page.screenshot({ path: join('out', 'e2e', 'workspace.png') });
  });

  test('a pause brings them home where they can be looked at, and they go on', async () => {
    await page.keyboard.press('F6');
    await reaches(page, /^Paused/);
    const cell = page.locator('[data-hart="1"]');
    expect(await cell.getAttribute('aria-label')).toMatch(/^Hart 1: stopped in 0x/);
    await cell.click();
    await page.keyboard.press('F11');
    await reaches(page, /^Stopped/);
    await page.keyboard.press('F5');
    await reaches(page, /^Running/);
    await expect
      .poll(async () => processOf((await runners(page)).get(1)), { timeout: 15_000 })
      .toBeGreaterThan(0);
  });

  test('one whose process is killed has failed; the other goes on, and so does the machine', async () => {
    await expect
      .poll(async () => processOf((await runners(page)).get(2)), { timeout: 15_000 })
      .toBeGreaterThan(0);
    const before = await runners(page);
    const victim = processOf(before.get(1));
    const other = processOf(before.get(2));
    process.kill(victim, 'SIGKILL');
    await expect.poll(() => page.locator('[data-ended="1"]').count(), { timeout: 15_000 }).toBe(1);
    const title = await page.locator('[data-ended="1"]').getAttribute('title');
    expect(title).toContain('vCPU 1 of task 1 has ended: killed');
    expect(title).toContain(`Why: its process ${victim} was killed`);
    await expect
      .poll(() => page.getByTestId('message').innerText())
      .toContain(`vCPU 1 of task 1 was killed: its process ${victim}`);
    await reaches(page, /^Running/);
    expect(isAlive(other)).toBe(true);
    expect(processOf((await runners(page)).get(2))).toBe(other);
    await page.screenshot({ path: join('out', 'e2e', 'workspace-killed.png') });

    process.kill(other, 'SIGKILL');
    await reaches(page, 'Exited with status 2');
  });

  test('others take the place of those that were killed', async () => {
    await page.keyboard.press('Control+Shift+F5');
    await reaches(page, /^Stopped at entry/);
    await page.keyboard.press('F5');
    await expect
      .poll(async () => processOf((await runners(page)).get(2)), { timeout: 30_000 })
      .toBeGreaterThan(0);
  });

  test('they end with their machine; one spare stays', async () => {
    const pid = processOf((await runners(page)).get(2));
    await openGuest(page, 'hello');
    await expect.poll(() => isAlive(pid), { timeout: 15_000 }).toBe(false);
    await expect.poll(() => workspaceProcesses(running), { timeout: 15_000 }).toHaveLength(1);
  });

  test('two windows run two programs at a time, each with its own output and processes', async () => {
    const [second] = await Promise.all([
      running.app.waitForEvent('window'),
      page.keyboard.press('Control+Shift+N'),
    ]);
    await reaches(second, /^Stopped at entry/);
    const pids = await runEndless({ ...running, page: second });
    await page.bringToFront();
    await page.keyboard.press('F5');
    await reaches(page, 'Exited with status 0');
    await expect.poll(() => terminalText(page)).toContain('Hello from RISC-V');
    await reaches(second, /^Running/);
    expect(pids.map(isAlive)).toEqual([true, true]);
    await second.close();
    await expect.poll(() => pids.filter(isAlive), { timeout: 15_000 }).toEqual([]);
    expect(await page.getByTestId('program').innerText()).toBe('hello');
  });
});

test('nothing is left when the app is killed', async () => {
  const app = await startApp();
  const pids = [...(await runEndless(app)), ...(await workspaceProcesses(app))];
  const main = app.app.process();
  const ended = new Promise((resolve) => main.once('exit', resolve));
  main.kill('SIGKILL');
  await ended;
  await expect.poll(() => pids.filter(isAlive), { timeout: 20_000 }).toEqual([]);
});
