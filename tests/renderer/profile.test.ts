import type { VueWrapper } from '@vue/test-utils';
import { describe, expect, test } from 'vitest';
import { command, runCommand } from '../../renderer/commands';
import DisassemblyPane from '../../renderer/panes/disassembly/DisassemblyPane.vue';
import { comparedRows, costRows, loadBalance } from '../../renderer/panes/profile/profile-rows';
import ProfilePane from '../../renderer/panes/profile/ProfilePane.vue';
import { differenceShade, earlierTotals } from '../../renderer/parts/flame/flame-difference';
import { useEarlierRun } from '../../renderer/stores/earlier-run';
import { useEventRange } from '../../renderer/stores/event-range';
import { useView } from '../../renderer/stores/view';
import { useWorkbench } from '../../renderer/workbench';
import { fakeWindow, openProgram, show, type FakeWindow } from './support';

/** A program that is counted, stopped. */
async function openCounted(): Promise<FakeWindow> {
  const fake = fakeWindow();
  const { machine } = useWorkbench();
  await machine.countInstructions(true);
  await openProgram();
  return fake;
}

async function openPane(): Promise<{ fake: FakeWindow; pane: VueWrapper }> {
  const fake = await openCounted();
  const pane = show(ProfilePane);
  await expect.poll(() => rows(pane)).toHaveLength(2);
  return { fake, pane };
}

const rows = (pane: VueWrapper): string[] =>
  pane.findAll('[data-function]').map((row) => row.attributes('data-function') ?? '');
const texts = (pane: VueWrapper, selector: string): string[] =>
  pane.findAll(selector).map((each) => each.text().replaceAll(/\s+/g, ' '));

describe('the Profile pane', () => {
  test('says that no guest is open', () => {
    fakeWindow();
    expect(show(ProfilePane).text()).toContain('No guest is open.');
  });

  test('says that counting is off, and counts after its key and a restart', async () => {
    fakeWindow();
    await openProgram();
    const pane = show(ProfilePane);
    expect(pane.text()).toContain('Loading…');
    const bench = useWorkbench();
    const { key } = command('counting');
    await expect
      .poll(() => pane.text())
      .toContain(`Counting is off: ${key} switches it on for the next start.`);
    await runCommand(command('counting'), bench);
    await expect.poll(() => pane.text()).toContain('Counting begins when the program starts again');
    expect(pane.text()).toContain('counting on after restart');
    await bench.machine.restart();
    await expect.poll(() => rows(pane)).toEqual(['dot', 'main']);
    expect(pane.text()).not.toContain('after restart');
  });

  test('lists harts, and functions with their shares', async () => {
    const { pane } = await openPane();
    expect(texts(pane, '[data-hart]')).toEqual(['all400', 'main100', 'task 1 vCPU 1300']);
    expect(texts(pane, '[data-function=dot] td')).toEqual(['340 85.0 %', '340 85.0 %', '4', 'dot']);
    expect(pane.get('[data-testid=profile-summary]').text()).toContain('400 instructions');
    expect(pane.get('[data-testid=flame-graph]').attributes('aria-label')).toContain('400');
  });

  test('shows one hart, by a click and by the arrow keys', async () => {
    const { fake, pane } = await openPane();
    await pane.get('[data-hart="task 1 vCPU 1"]').trigger('click');
    await expect
      .poll(() => pane.get('[data-testid=profile-summary]').text())
      .toContain('300 instructions');
    expect(fake.machines[0].profiled.at(-1)).toEqual(['task 1 vCPU 1']);
    await pane.get('[aria-label=Harts]').trigger('keydown', { key: 'ArrowUp' });
    await expect.poll(() => fake.machines[0].profiled.at(-1)).toEqual(['main']);
    expect(pane.get('[data-hart=main]').attributes('aria-selected')).toBe('true');
  });

  test('sorts the functions by a column, either way, and finds them by name', async () => {
    const { pane } = await openPane();
    await pane.get('[data-sort=total]').trigger('click');
    expect(rows(pane)).toEqual(['main', 'dot']);
    await pane.get('[data-sort=total]').trigger('click');
    expect(rows(pane)).toEqual(['dot', 'main']);
    expect(pane.get('th[aria-sort=ascending]').text()).toContain('with callees');
    await pane.get('input').setValue('MAI');
    expect(rows(pane)).toEqual(['main']);
    await pane.get('input').setValue('nothing');
    expect(pane.text()).toContain('No function has “nothing” in its name.');
  });

  test('leads to the code of a function, by a click and by Enter', async () => {
    const { pane } = await openPane();
    const view = useView();
    await pane.get('[data-function=dot]').trigger('click');
    await expect.poll(() => view.disassemblyPlace).toEqual({ address: 0x10080 });
    await pane.get('[data-function=main]').trigger('keydown', { key: 'Enter' });
    await expect.poll(() => view.disassemblyPlace).toEqual({ address: 0x10040 });
  });

  test('lists source lines, of the harts that are shown, and leads to them', async () => {
    const { pane } = await openPane();
    await pane.get('[data-listed=line]').trigger('click');
    const lines = (): string[] => texts(pane, '[data-line]');
    expect(lines()).toEqual(['340 85.0 %dot.c:12', '60 15.0 %main.c:30']);
    expect(texts(pane, 'thead th')).toEqual(['own ▾', 'line']);
    await pane.get('[data-hart="task 1 vCPU 1"]').trigger('click');
    await expect.poll(lines).toEqual(['300 100.0 %dot.c:12', '0 0.0 %main.c:30']);
    await pane.get('[data-line="/src/dot.c:12"]').trigger('keydown', { key: 'Enter' });
    await expect.poll(() => useView().sourcePlace).toEqual({ path: '/src/dot.c', line: 12 });
    await pane.get('button[title^=Keep]').trigger('click');
    await pane.get('[data-hart=all]').trigger('click');
    await expect.poll(() => texts(pane, '[data-line] .change')).toEqual(['+60', '+40']);
    await pane.get('input').setValue('src/main');
    expect(lines()).toEqual(['60 15.0 %0+60main.c:30']);
    await pane.get('input').setValue('nothing');
    expect(pane.text()).toContain('No line has “nothing” in its name.');
  });

  test('says why there are no counts', async () => {
    const { fake, pane } = await openPane();
    fake.machines[0].profileProblem = 'the counts do not add up';
    useWorkbench().machine.touched();
    await expect
      .poll(() => pane.find('[role=alert]').exists() && pane.get('[role=alert]').text())
      .toBe('The counts cannot be read: the counts do not add up');
  });

  test('shows faults, of the harts that are shown', async () => {
    const { pane } = await openPane();
    expect(pane.get('[data-testid=profile-summary]').text()).toContain('5 faults');
    await pane.get('[data-hart=main]').trigger('click');
    expect(pane.get('[data-testid=profile-summary]').text()).toContain('3 faults');
  });

  test('samples by host time at once, and shows only the part that is chosen', async () => {
    const fake = fakeWindow();
    await openProgram();
    const pane = show(ProfilePane);
    await pane.get('select').setValue('time');
    const { key } = command('sampling');
    await expect
      .poll(() => pane.text())
      .toContain(`Sampling is off: ${key} switches it on at once.`);
    await runCommand(command('sampling'), useWorkbench());
    await expect.poll(() => texts(pane, '[data-hart]').length).toBe(3);
    expect(texts(pane, '[data-hart]')).toEqual([
      'all400.00 ms',
      'main100.00 ms',
      'task 1 vCPU 1300.00 ms',
    ]);
    expect(pane.get('[data-testid=flame-graph]').attributes('aria-label')).toMatch(
      /^Flame graph by host time\. all: 400\.00 ms/,
    );
    expect(pane.get('[data-testid=profile-summary]').text()).toContain('400 samples');
    useEventRange().times = { from: 1000, to: 1002.5 };
    await expect
      .poll(() => fake.machines[0].profileViews.at(-1))
      .toEqual({ by: 'time', range: { from: 1000, to: 1002.5 } });
    const scope = (): string => pane.get('[data-testid=profile-scope]').text();
    await expect.poll(scope).toContain('sampled: 10 samples in the 2.50 ms');
    await pane.get('select').setValue('instructions');
    await expect.poll(scope).toContain('counted: 4.50 ms, the slices that reach into the 2.50 ms');
    const samples = '[data-testid=profile-scope] button[title*="call stacks"]';
    await expect.poll(() => pane.find(samples).exists()).toBe(true);
    await pane.get(samples).trigger('click');
    await expect.poll(scope).toContain('sampled: 10 samples');
    fake.machines[0].profileProblem = 'no stack';
    useWorkbench().machine.touched();
    await expect.poll(() => pane.text()).toContain('The samples cannot be read: no stack');
  });

  test('compares with a run that was kept, saves it, and reads it again', async () => {
    const { fake, pane } = await openPane();
    await pane.get('[data-hart=main]').trigger('click');
    await expect.poll(() => pane.get('[data-testid=profile-summary]').text()).toContain('100 ');
    await pane.get('button[title^=Keep]').trigger('click');
    await pane.get('[data-hart=all]').trigger('click');
    const difference = (): string[] => texts(pane, '[data-function=dot] .change');
    await expect.poll(difference).toEqual(['+300']);
    expect(texts(pane, '[data-function=main] .change')).toEqual(['0']);
    expect(texts(pane, '[data-function] .earlier')).toEqual(['40', '60']);
    await pane.get('[data-sort=earlier]').trigger('click');
    expect(rows(pane)).toEqual(['main', 'dot']);
    expect(pane.get('[data-testid=flame-graph]').attributes('aria-label')).toContain('300 ');
    const scope = pane.get('[data-testid=profile-scope]');
    expect(scope.text()).toContain('earlier run: dot, main, 100 instructions');
    await scope.get('button').trigger('click');
    await expect.poll(() => fake.saved?.name).toBe('profile.json');
    const earlier = useEarlierRun();
    earlier.forget();
    await expect.poll(difference).toEqual([]);
    await earlier.load(new File([fake.saved?.text ?? ''], 'before.json'));
    await expect.poll(difference).toEqual(['+300']);
    await earlier.load(new File(['{"functions": [1]}'], 'other.json'));
    expect(earlier.title).toBe('before.json');
    await pane.get('select').setValue('time');
    await expect.poll(() => pane.text()).toContain('it cannot be compared with');
  });

  test('is never on together with the race check', async () => {
    await openCounted();
    const bench = useWorkbench();
    await runCommand(command('raceCheck'), bench);
    expect([bench.machine.counting, bench.machine.raceCheck]).toEqual([false, true]);
    await runCommand(command('counting'), bench);
    expect([bench.machine.counting, bench.machine.raceCheck]).toEqual([true, false]);
  });
});

describe('the Disassembly', () => {
  test('has the counts of the focused hart and of all beside each instruction', async () => {
    const fake = await openCounted();
    fake.machines[0].harts = 3;
    const bench = useWorkbench();
    await bench.machine.requests().stepInstruction(0);
    const pane = show(DisassemblyPane);
    const counts = (): string[] => texts(pane, '[data-address="65600"] .count');
    await expect.poll(counts).toEqual(['', '1 200']);
    bench.machine.focusHart = 2;
    await expect.poll(counts).toEqual(['200', '1 200']);
    expect(pane.get('[data-address="65600"] .all').attributes('title')).toMatch(
      /^Has run 1\s200 times, 200 of them on the focused hart$/,
    );
  });

  test('has a column for each hart when that is wanted', async () => {
    await openCounted();
    const bench = useWorkbench();
    const pane = show(DisassemblyPane);
    const counts = (): string[] => texts(pane, '[data-address="65600"] .count');
    await expect.poll(() => counts().length).toBe(2);
    await runCommand(command('hart-columns'), bench);
    await expect.poll(counts).toEqual(['', '600', '1 200']);
    const title = pane.get('[data-address="65600"] .count:nth-of-type(4)').attributes('title');
    expect(title).toBe('task 1 vCPU 1: 600');
    await runCommand(command('hart-columns'), bench);
    await expect.poll(() => counts().length).toBe(2);
  });

  test('has the counts of a part of the time that is chosen, and says what they cover', async () => {
    await openCounted();
    const pane = show(DisassemblyPane);
    const counts = (): string[] => texts(pane, '[data-address="65600"] .count');
    await expect.poll(counts).toEqual(['', '1 200']);
    useEventRange().times = { from: 1000, to: 1002.5 };
    await expect.poll(counts).toEqual(['', '12']);
    const part = (): string => pane.get('[data-testid=counted-part]').text();
    await expect.poll(part).toContain('counted: 4.50 ms, the slices that reach into the 2.50 ms');
    useEventRange().times = null;
    await expect.poll(counts).toEqual(['', '1 200']);
    expect(pane.find('[data-testid=counted-part]').exists()).toBe(false);
  });

  test('has the counts of the harts that run in a part of a launch, and says so', async () => {
    await openCounted();
    const pane = show(DisassemblyPane);
    await runCommand(command('hart-columns'), useWorkbench());
    const counts = (): string[] => texts(pane, '[data-address="65600"] .count');
    await expect.poll(counts).toEqual(['', '600', '1 200']);
    useEventRange().harts = ['task 1 vCPU 1'];
    await expect.poll(counts).toEqual(['600', '1 200']);
    expect(pane.get('[data-testid=counted-part]').text()).toContain(
      'counted, from start to end: 1 hart of the part chosen in Launches by instructions',
    );
    useEventRange().harts = null;
    await expect.poll(counts).toEqual(['', '600', '1 200']);
    await runCommand(command('hart-columns'), useWorkbench());
  });

  test('has no column for them while nothing is counted', async () => {
    fakeWindow();
    await openProgram();
    const pane = show(DisassemblyPane);
    await expect.poll(() => pane.find('[data-address="65600"]').exists()).toBe(true);
    expect(pane.find('.count').exists()).toBe(false);
  });
});

describe('the lists of a profile', () => {
  const cost = (name: string, self: number, calls?: number) => ({
    name,
    label: name,
    self,
    calls,
    place: { address: 0 },
  });

  test('keep functions of the same cost in the order of their names', () => {
    const costs = [cost('b', 1), cost('a', 1), cost('c', 2, 7)];
    const names = (...how: ['self' | 'calls' | 'name', boolean]): string[] =>
      costRows(costs, '', ...how).map(({ name }) => name);
    expect(names('self', false)).toEqual(['c', 'a', 'b']);
    expect(names('calls', false)).toEqual(['c', 'a', 'b']);
    expect(names('name', true)).toEqual(['c', 'b', 'a']);
  });

  test('have the functions that only the earlier run has', () => {
    const rows = comparedRows([cost('a', 5)], [cost('a', 7), cost('gone', 3)]);
    expect(
      rows.map(({ name, self, earlier, difference }) => [name, self, earlier, difference]),
    ).toEqual([
      ['a', 5, 7, -2],
      ['gone', 0, 3, -3],
    ]);
    const byDifference = costRows(rows, '', 'difference', false);
    expect(byDifference.map(({ name }) => name)).toEqual(['gone', 'a']);
  });

  test('compare frames that have the same callers', () => {
    const tree = (names: string[], depth: number[], total: number[]) => ({
      names,
      name: Uint32Array.from(names, (_, i) => i),
      depth: Uint32Array.from(depth),
      self: Float64Array.from(total),
      total: Float64Array.from(total),
      calls: new Float64Array(names.length),
      entry: new Float64Array(names.length),
    });
    const before = tree(['all', 'main', 'b', 'a', 'c'], [0, 1, 2, 2, 1], [10, 8, 5, 3, 2]);
    const now = tree(['all', 'main', 'a', 'new', 'c', 'a'], [0, 1, 2, 3, 1, 2], [9, 6, 6, 1, 3, 1]);
    expect([...earlierTotals(now, before)]).toEqual([10, 8, 3, 0, 2, 0]);
    expect([differenceShade(5, 5, 9), differenceShade(9, 0, 9), differenceShade(0, 9, 9)]).toEqual([
      0, 1, -1,
    ]);
  });

  test('have the load balance of the newest task with several vCPUs', () => {
    const hart = (name: string, instructions: number) => ({ hart: 1, name, instructions });
    expect(loadBalance([hart('main', 5), hart('task 1 vCPU 1', 5)])).toBeUndefined();
    const uneven = [hart('task 2 vCPU 1', 200), hart('task 2 vCPU 2', 100)];
    const even = [hart('task 1 vCPU 1', 9), hart('task 1 vCPU 2', 9)];
    expect(loadBalance([hart('main', 5), ...uneven, ...even])).toEqual({ task: 2, balance: 0.75 });
  });
});
