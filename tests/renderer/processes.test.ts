import { describe, expect, test } from 'vitest';
import type { ProcessInfo } from '../../emulator/debug/protocol';
import { inOrder } from '../../renderer/panes/processes/process-rows';
import ProcessesPane from '../../renderer/panes/processes/ProcessesPane.vue';
import { fakeWindow, openProgram, show } from './support';

const process = (pid: number, parent: number, more: Partial<ProcessInfo> = {}): ProcessInfo => ({
  pid,
  parent,
  name: 'sh',
  command: `sh ${pid}`,
  state: 'running',
  group: pid,
  session: 1000,
  foreground: false,
  harts: [pid - 1000],
  instructions: 5,
  ...more,
});

const FAMILY = [
  process(1000, 1),
  process(1001, 1000, { state: 'stopped' }),
  process(1002, 1000, { state: 'zombie', harts: [] }),
  process(1003, 1001, { foreground: true }),
];

test('processes stand below their parents; orphans beside the first one', () => {
  const rows = inOrder([...FAMILY, process(1004, 1)]);
  expect(rows.map(({ process: { pid }, depth }) => [pid, depth])).toEqual([
    [1000, 0],
    [1001, 1],
    [1003, 2],
    [1002, 1],
    [1004, 0],
  ]);
});

describe('the Processes pane', () => {
  test('says that there is no program, then that there is one process only', async () => {
    fakeWindow();
    const pane = show(ProcessesPane);
    expect(pane.text()).toBe('No program is open.');
    await openProgram();
    await expect.poll(() => pane.text()).toBe('The program has made no other process so far.');
  });

  test('lists processes with their state, and focuses the hart of the one that is chosen', async () => {
    const fake = fakeWindow();
    const machine = await openProgram();
    const [opened] = fake.machines;
    opened.harts = 4;
    opened.processes = FAMILY;
    await opened.stopAt(0);
    const pane = show(ProcessesPane);
    await expect.poll(() => pane.findAll('[role=treeitem]').length).toBe(4);
    const row = (pid: number): ReturnType<typeof pane.get> => pane.get(`[data-pid="${pid}"]`);
    expect(row(1001).text()).toContain('stopped');
    expect(row(1003).text()).toContain('running +');
    expect(row(1000).attributes('aria-selected')).toBe('true');
    await row(1003).trigger('click');
    expect(machine.focusHart).toBe(3);
    expect(row(1003).attributes('aria-selected')).toBe('true');
    await row(1003).trigger('keydown', { key: 'ArrowUp' });
    expect(machine.focusHart).toBe(1);
    await row(1002).trigger('click');
    expect(machine.focusHart).toBe(1);
  });
});
