import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, openGuest, reaches, startApp, type RunningApp } from './support';

/**
 * How long a person waits, end to end: from a key press or a choice to the frame that shows what came of it. The times are
 * printed; a loaded machine makes them longer, so that only what does not depend on it is expected.
 */

const STEPS = 60;
const SOAK_STEPS = 20_000;
const HARTS = 8;
const CXX = 'riscv64-linux-gnu-g++';
const BIG_PROGRAM = `
#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <unordered_map>
template <typename Text> size_t count(const Text &all, const std::basic_regex<typename Text::value_type> &word)
{
    std::map<Text, int> counts;
    std::unordered_map<Text, std::set<int>> places;
    std::basic_stringstream<typename Text::value_type> text(all);
    int n = 0;
    for (Text each; text >> each; n++)
        if (std::regex_match(each, word)) counts[each]++, places[each].insert(n);
    return counts.size() + places.size();
}
int main(int argc, char **argv)
{
    std::mt19937_64 random(argc);
    std::function<double()> next = [&] { return std::normal_distribution<>(0, 1)(random); };
    std::wregex wide(L"[a-z]+");
    std::regex narrow("[a-z]+|(x(y|z)*)");
    std::cout << count<std::string>("the quick brown fox", narrow) << ' '
              << count<std::wstring>(L"the quick brown fox", wide) << ' ' << next() << '\\n';
}
`;

let running: RunningApp;
let page: Page;

beforeAll(async () => {
  running = await startApp();
  page = running.page;
  await watchFrames();
}, 120_000);
afterAll(() => running.close());

/**
 * The page notes when the last frame after a change of the document was painted: a task that an animation frame posts runs
 * when that frame has been handed over.
 */
const watchFrames = (): Promise<void> =>
  page.evaluate(() => {
    const times = { asked: 0, painted: 0 };
    Object.assign(window, { times });
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => (times.painted = performance.now());
    let waiting = false;
    new MutationObserver(() => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        port2.postMessage(0);
      });
    }).observe(document.body, {
      subtree: true,
      childList: true,
      attributes: true,
      characterData: true,
    });
    addEventListener('keydown', ({ timeStamp }) => (times.asked = timeStamp), { capture: true });
  });

/** From the last key press to the last frame after it, in milliseconds; when nothing has changed for a while. */
const waitForFrame = (quiet: number): Promise<number> =>
  page.evaluate(async (still) => {
    const { times } = window as unknown as { times: { asked: number; painted: number } };
    const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    while (times.painted < times.asked || performance.now() - times.painted < still) await pause(5);
    return times.painted - times.asked;
  }, quiet);

const spread = (times: readonly number[]): string => {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(0);
  return `${at(0)} ms at best, ${at(0.5)} median, ${at(0.9)} at 90 %, ${at(1)} at worst`;
};

const say = (text: string): void => console.log(text);

/** Eight vCPUs at their first instruction. */
async function openHarts(): Promise<void> {
  await reaches(page, /^Stopped/);
  await page.locator('[data-row="guest:mp-race"]').click();
  await page.getByLabel('Arguments', { exact: true }).fill(`call ${HARTS}`);
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await expect.poll(() => page.getByTestId('program').innerText()).toBe('mp-race');
  await reaches(page, /^Stopped/);
  await page.keyboard.press('Control+Shift+F10');
  await expect.poll(() => page.locator('[data-hart]').count(), { timeout: 15_000 }).toBe(HARTS + 1);
}

/** Steps by instructions, and says how long each took to be on the screen. */
async function timedSteps(name: string, key: string): Promise<void> {
  const times: number[] = [];
  for (let n = 0; n < STEPS; n++) {
    await page.keyboard.press(key);
    times.push(await waitForFrame(120));
  }
  say(`${name}: ${spread(times)}`);
  expect(times.every((time) => time > 0)).toBe(true);
}

describe('how long a person waits', () => {
  test('for a step with eight vCPUs and all panes open', async () => {
    await openHarts();
    await page.keyboard.press('1');
    await command(page, 'Layout: Harts');
    const [front, behind] = [
      ['Disassembly', 'Registers', 'Pages', 'Memory'],
      ['Source', 'Stacks', 'Events', 'Timeline', 'Conflicts', 'Processes'],
    ];
    for (const pane of [...behind, ...front]) await command(page, `Show ${pane}`);
    await timedSteps(`a step of one hart, in sight ${front.join(', ')}, the others behind`, 'F11');
    for (const pane of ['Source', 'Stacks', 'Timeline']) await command(page, `Show ${pane}`);
    await timedSteps('a step of one hart, in sight Source, Stacks, Pages, Timeline', 'F11');
    for (const pane of front) await command(page, `Show ${pane}`);
    await page.keyboard.press('Alt+Shift+W');
    await timedSteps('the same, the step moves a group', 'F11');
    await command(page, 'Layout: Step');
    await timedSteps('a step of one hart, Layout: Step', 'F11');
  }, 300_000);

  test('for a program of 5 MB with its debugging information', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hartscope-latency-'));
    try {
      const [source, program] = [join(folder, 'big.cc'), join(folder, 'big')];
      writeFileSync(source, BIG_PROGRAM);
      try {
        execFileSync(CXX, ['-static', '-g', '-O0', '-o', program, source]);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        say(`skipped: there is no ${CXX} (Debian: g++-riscv64-linux-gnu)`);
        return;
      }
      expect(statSync(program).size).toBeGreaterThan(5 << 20);
      await running.app.evaluate(({ dialog }, chosen) => {
        dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [chosen] });
      }, program);
      await page.keyboard.press('Control+O');
      await expect.poll(() => page.getByTestId('program').innerText()).toBe('big');
      await reaches(page, /^Stopped at entry: main/);
      const took = await waitForFrame(500);
      say(`opening ${statSync(program).size} bytes, to the last frame: ${took.toFixed(0)} ms`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 120_000);
});

describe('an hour of steps', () => {
  test(`leaves the window's memory as it was: ${SOAK_STEPS} steps`, async () => {
    await reaches(page, /^Stopped/);
    await openGuest(page, 'fib');
    const heaps: number[] = [];
    const part = SOAK_STEPS / 20;
    for (let n = 0; n <= SOAK_STEPS; n += part) {
      heaps.push(await heapBytes());
      say(`${n} steps: ${((heaps.at(-1) ?? 0) / 2 ** 20).toFixed(1)} MiB`);
      await steps(part);
    }
    // The first tenth fills what is bounded: the Log, the kept events.
    const [, , settled = 0] = heaps;
    expect((heaps.at(-1) ?? 0) - settled).toBeLessThan(16 * 2 ** 20);
  }, 3_600_000);
});

/** Steps by instructions, each when the one before is on the screen. */
const steps = (count: number): Promise<void> =>
  page.evaluate(async (most) => {
    const textOf = (id: string): string =>
      document.querySelector(`[data-testid=${id}]`)?.textContent ?? '';
    // A busy machine may show a guest that has retired the instruction and still runs: its keys would be lost.
    const standsBehind = (before: string): boolean =>
      textOf('instructions') !== before && textOf('run-state').trim().startsWith('Stopped');
    for (let n = 0; n < most; n++) {
      const before = textOf('instructions');
      document.body.dispatchEvent(
        new KeyboardEvent('keydown', { key: 'F11', code: 'F11', bubbles: true }),
      );
      while (!standsBehind(before)) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }, count);

/** The page's JavaScript heap after its garbage was collected. */
async function heapBytes(): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize;
}
