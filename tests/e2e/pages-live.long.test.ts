import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assemble } from '../../emulator/isa';
import { writeElf } from '../support/elf-writer';
import { command, reaches, startApp, type RunningApp } from './support';

/**
 * How often the Pages pane is renewed, and how long its frames take, while 64 vCPUs write a million pages. The figures
 * are printed; a loaded machine makes them worse, so that only what does not depend on it is expected.
 */

const CODE = 0x10000;
const PAGE_SIZE = 4096;
const VCPUS = 64;
const MAPPING = 0x1000_0000;
/** Of 232 page tables' worth: 950,272. */
const MAPPED_PAGES = 0xe_8000;
/** Before the fork main writes a run of 8 pages in each stretch of 464. */
const RUN = 8;
const STRETCH = 464;
/** Turns of an empty loop between two writes of a vCPU: all together write some 500 pages a second. */
const PAUSE = 1_000_000;
const SECONDS = 8;

/** Maps the pages and forks vCPUs, each of which writes the pages of its part one after the other, and never ends. */
function program(): Uint8Array {
  const part = MAPPED_PAGES / VCPUS;
  const { bytes } = assemble(
    `
    li a0, ${MAPPING}
    li a1, ${MAPPED_PAGES * PAGE_SIZE}
    li a2, 3
    li a3, 0x32
    li a4, -1
    li a5, 0
    li a7, 222
    ecall
    mv s0, a0
    li s2, ${PAGE_SIZE}
    li t0, ${MAPPED_PAGES / STRETCH}
  run:
    li t1, ${RUN}
  page:
    sd t0, 0(a0)
    add a0, a0, s2
    addi t1, t1, -1
    bnez t1, page
    li t2, ${(STRETCH - RUN) * PAGE_SIZE}
    add a0, a0, t2
    addi t0, t0, -1
    bnez t0, run
    li a0, ${VCPUS}
    li a1, 0
    li a2, 0
    li a7, 110
    ecall
    beqz a0, wait
    addi a0, a0, -1
    li t0, ${part * PAGE_SIZE}
    mul t0, t0, a0
    add s0, s0, t0
  again:
    mv t3, s0
    li t1, ${part}
  store:
    sd a0, 8(t3)
    add t3, t3, s2
    li t4, ${PAUSE}
  idle:
    addi t4, t4, -1
    bnez t4, idle
    addi t1, t1, -1
    bnez t1, store
    j again
  wait:
    li a7, 111
    ecall
    li a7, 94
    ecall`,
    { base: CODE },
  );
  return writeElf(CODE, [{ address: CODE, bytes, writable: false, executable: true }]);
}

let running: RunningApp;
let page: Page;

beforeAll(async () => {
  running = await startApp();
  page = running.page;
}, 120_000);
afterAll(() => running.close());

interface Seen {
  /** Frames in which the pane showed other totals than before. */
  readonly updates: number;
  /** Milliseconds from frame to frame. */
  readonly frames: readonly number[];
}

/** Looks at each frame for some seconds, and meanwhile scrolls the table by three lines in each of them. */
const look = (seconds: number, scrolls: boolean): Promise<Seen> =>
  page.evaluate(
    async ([duration, moves]) => {
      const totals = document.querySelector('[data-testid=page-totals]');
      const rows = document.querySelector('[aria-label="Pages of all address spaces"]');
      const frames: number[] = [];
      let updates = 0;
      let text = totals?.textContent;
      const start = performance.now();
      for (let before = start; before - start < duration * 1000;) {
        const now = await new Promise<number>((resolve) => requestAnimationFrame(resolve));
        frames.push(now - before);
        before = now;
        if (totals?.textContent !== text) updates += 1;
        text = totals?.textContent;
        if (moves) rows?.dispatchEvent(new WheelEvent('wheel', { deltaY: 60, bubbles: true }));
      }
      return { updates, frames: frames.slice(1) };
    },
    [seconds, scrolls] as const,
  );

function report(name: string, { updates, frames }: Seen): void {
  const sorted = [...frames].sort((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1);
  console.log(
    `${name}: ${(updates / SECONDS).toFixed(1)} updates a second; frames ${at(0.5)} ms median, ` +
      `${at(0.95)} at 95 %, ${at(0.99)} at 99 %, ${at(1)} at worst`,
  );
}

test('the Pages pane goes on while 64 vCPUs write a million pages', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hartscope-pages-'));
  try {
    const file = join(folder, 'pages');
    writeFileSync(file, program());
    await reaches(page, /^Stopped/);
    await running.app.evaluate(({ dialog }, chosen) => {
      dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [chosen] });
    }, file);
    await page.keyboard.press('Control+O');
    await expect.poll(() => page.getByTestId('program').innerText()).toBe('pages');
    await reaches(page, /^Stopped/);
    await command(page, 'Layout: Pages');
    await page.keyboard.press('F5');
    const harts = page.locator('[data-testid=harts] [data-hart]');
    await expect.poll(() => harts.count(), { timeout: 60_000 }).toBe(VCPUS + 1);
    await page.getByTestId('page-totals').filter({ hasText: 'lent' }).waitFor({ timeout: 60_000 });
    await page.waitForTimeout(3000);
    const still = await look(SECONDS, false);
    report('standing', still);
    const scrolled = await look(SECONDS, true);
    report('scrolled', scrolled);
    expect(Math.min(still.updates, scrolled.updates)).toBeGreaterThan(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 240_000);
