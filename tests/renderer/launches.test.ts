import type { VueWrapper } from '@vue/test-utils';
import { describe, expect, test } from 'vitest';
import type { LaneColumns } from '../../emulator/debug/protocol-launches';
import { drawLaunch } from '../../renderer/panes/launches/launch-drawing';
import {
  hartsIn,
  lengthText,
  spanAt,
  visibleSpans,
} from '../../renderer/panes/launches/launch-layout';
import LaunchPane from '../../renderer/panes/launches/LaunchPane.vue';
import ProfilePane from '../../renderer/panes/profile/ProfilePane.vue';
import { plotOf } from '../../renderer/panes/scaling/scaling-plot';
import ScalingPane from '../../renderer/panes/scaling/ScalingPane.vue';
import { useEventRange } from '../../renderer/stores/event-range';
import { useWorkbench } from '../../renderer/workbench';
import { scalingCurves } from '../../emulator/profile/scaling';
import { fakeLaunch } from '../support/fake-launches';
import { fakeWindow, openProgram, show, type FakeWindow } from './support';

const rows = (pane: VueWrapper): string[] =>
  pane.findAll('[data-launch]').map((row) => row.attributes('data-launch') ?? '');
const textOf = (pane: VueWrapper, selector: string): string =>
  pane.get(selector).text().replaceAll(/\s+/g, ' ');

const cells = (pane: VueWrapper, selector: string): string[] =>
  pane.findAll(`${selector} td`).map((cell) => cell.text());

async function openPane(): Promise<{ fake: FakeWindow; pane: VueWrapper }> {
  const fake = fakeWindow();
  await openProgram();
  const pane = show(LaunchPane);
  await expect.poll(() => rows(pane)).toEqual(['1', '2']);
  return { fake, pane };
}

describe('the Launches pane', () => {
  test('says that no guest is open, that it loads, and that no task has been joined', async () => {
    const fake = fakeWindow();
    const pane = show(LaunchPane);
    expect(pane.text()).toContain('No guest is open.');
    await openProgram();
    expect(pane.text()).toContain('Loading…');
    fake.machines[0].hasLaunches = false;
    useWorkbench().machine.touched();
    await expect.poll(() => pane.text()).toContain('No task of vCPUs has been joined so far.');
  });

  test('shows the longest launch with its measures, each with what it means', async () => {
    const { pane } = await openPane();
    expect(pane.get('[aria-current=location]').attributes('data-launch')).toBe('2');
    expect(cells(pane, '[data-launch="2"]')).toEqual(['2', '2', '420', '1.50', '0.75']);
    expect(textOf(pane, '[data-measure="Load balance"]')).toBe(
      'Load balance0.75 vCPU 1 has twice the work.',
    );
    expect(textOf(pane, '[data-testid=launch-serial]')).toContain('40 % of the run');
    expect(textOf(pane, '[aria-label="Pages that several vCPUs wrote"]')).toContain('partial');
    expect(pane.get('[aria-label=Legend]').text()).toContain('critical path');
  });

  test('shows another launch by a click and by the arrow keys, in either unit', async () => {
    const { pane } = await openPane();
    const label = (): string =>
      pane.get('[data-testid=launch-lanes]').attributes('aria-label') ?? '';
    await pane.get('[data-launch="1"]').trigger('click');
    await expect.poll(label).toContain('Lanes of task 1, 3 harts');
    await pane.get('[data-launch="1"]').trigger('keydown', { key: 'ArrowDown' });
    await expect.poll(label).toContain('Lanes of task 2');
    await pane.get('select').setValue('time');
    await expect.poll(() => cells(pane, '[data-launch="2"]')[2]).toBe('0.4 µs');
  });

  test('tells the spans of a lane by keys', async () => {
    const { pane } = await openPane();
    const about = (): string => textOf(pane, '[data-testid=launch-lanes-about]');
    const press = (key: string, shiftKey = false): Promise<void> =>
      pane.get('[data-testid=launch-lanes]').trigger('keydown', { key, shiftKey });
    await press('.');
    expect(about()).toBe(
      'caller, hart 0 · fork: makes vCPUs, 10 instructions from 0 instructions on',
    );
    await press('.');
    expect(about()).toContain('idle: waits at the join');
    await press('ArrowDown');
    expect(about()).toContain('vCPU 1 · start: waits for a thread');
  });

  test('zooms to a span by Enter: parts that keys choose are parts of it then', async () => {
    const { pane } = await openPane();
    const lanes = pane.get('[data-testid=launch-lanes]');
    const chosen = (): string => textOf(pane, '[data-testid=launch-range]');
    const choose = (): Promise<void> =>
      lanes.trigger('keydown', { key: 'ArrowRight', shiftKey: true });
    await lanes.trigger('keydown', { key: '.' });
    await choose();
    const ofAll = chosen();
    await lanes.trigger('keydown', { key: 'Escape' });
    await lanes.trigger('keydown', { key: 'Enter' });
    await choose();
    expect([ofAll, chosen()]).toEqual(['21 instructions chosen', '1 instruction chosen']);
  });

  test('chooses a part that the Profile pane follows, and by host time the Timeline', async () => {
    const { pane } = await openPane();
    const events = useEventRange();
    await pane.get('select').setValue('time');
    const lanes = pane.get('[data-testid=launch-lanes]');
    await expect.poll(() => textOf(pane, '[data-launch="2"]')).toContain('µs');
    for (let i = 0; i < 2; i++)
      await lanes.trigger('keydown', { key: 'ArrowRight', shiftKey: true });
    expect(events.harts).toEqual(['task 2 vCPU 1', 'task 2 vCPU 2']);
    expect(events.times?.from).toBe(2_000_000);
    expect(pane.get('[data-testid=launch-range]').text()).toContain('chosen');
    await lanes.trigger('keydown', { key: 'Escape' });
    expect([events.harts, events.times]).toEqual([null, null]);
  });

  test('lists only launches in the time that is chosen in the Timeline, and shows one of them', async () => {
    const { pane } = await openPane();
    const events = useEventRange();
    events.times = { from: 999_990, to: 1_000_010 };
    await expect.poll(() => rows(pane)).toEqual(['1']);
    expect(pane.get('[data-testid=launches-outside]').text()).toContain('1 outside of it');
    await expect
      .poll(() => pane.get('[data-testid=launch-lanes]').attributes('aria-label'))
      .toContain('Lanes of task 1');
    events.times = { from: 1, to: 2 };
    await expect.poll(() => rows(pane)).toEqual([]);
    expect(pane.get('[data-testid=launches-outside]').text()).toContain('No launch in the time');
    events.times = null;
    await expect.poll(() => rows(pane)).toEqual(['1', '2']);
  });

  test('tells what vCPUs shared falsely with its cost, or that nobody has looked', async () => {
    const { pane } = await openPane();
    const told = (): string => textOf(pane, '[data-testid=launch-sharing]');
    expect(told()).toContain('False sharing: 1 pair of harts');
    expect(cells(pane, '[data-sharing=line]').slice(1, 6)).toEqual([
      '1 copy, 2 loans',
      `4\u202f000`,
      'vCPU 1',
      'bytes 0–7',
      `1\u202f000 loads, 1\u202f000 stores`,
    ]);
    expect(cells(pane, '[data-sharing=line]').slice(7, 9)).toEqual(['vCPU 2', 'bytes 8–15']);
    await pane.get('select').setValue('time');
    await expect.poll(told).toContain('1 copy, 2 loans, 2.5 µs');
    await pane.get('[data-launch="1"]').trigger('click');
    await expect.poll(told).toContain('not looked for The race check finds it: Ctrl+Shift+R');
  });

  test('says why there are no launches', async () => {
    const { fake, pane } = await openPane();
    fake.machines[0].launchProblem = 'the events are gone';
    useWorkbench().machine.touched();
    await expect
      .poll(() => pane.find('[role=alert]').exists() && pane.get('[role=alert]').text())
      .toBe('The launches cannot be read: the events are gone');
  });
});

describe('launches against one vCPU', () => {
  const measure = (pane: VueWrapper): Promise<void> =>
    pane.get('[aria-label="Comparison with one vCPU"]').trigger('submit');
  const told = (pane: VueWrapper): string =>
    textOf(pane, '[aria-label="Comparison with one vCPU"]');

  test('are compared with those of a run in a process of its own', async () => {
    const { fake, pane } = await openPane();
    expect(told(pane)).toContain('Speed-up is estimated');
    await measure(pane);
    expect(told(pane)).toContain('Runs on one vCPU…');
    await expect.poll(() => told(pane)).toContain('measured against a run on one vCPU');
    const [first, other] = fake.machines;
    expect(other.opened[0].environment).toContain('HARTSCOPE_VCPUS=1');
    expect(first.oneHart).toEqual(
      [200, 420].map((length) => ({
        instructions: 300,
        durations: { instructions: length, time: length },
      })),
    );
    await pane.get('button[title="Go back to the estimate"]').trigger('click');
    await expect.poll(() => told(pane)).toContain('Speed-up is estimated');
    expect(first.oneHart).toEqual([]);
  });

  test('stay as they are when that run fails, which is said', async () => {
    const { fake, pane } = await openPane();
    await pane.get('[aria-label="Arguments of the run on one vCPU"]').setValue('fail');
    await measure(pane);
    await expect.poll(() => told(pane)).toContain('on one vCPU ended with status 1');
    expect(told(pane)).toContain('Speed-up is estimated');
    expect(fake.machines[0].oneHart).toEqual([]);
  });
});

test('the Profile pane adds up the harts of a part that is chosen in Launches', async () => {
  const fake = fakeWindow();
  await useWorkbench().machine.countInstructions(true);
  await openProgram();
  const pane = show(ProfilePane);
  await expect.poll(() => pane.find('[data-hart=all]').exists()).toBe(true);
  useEventRange().harts = ['task 1 vCPU 1'];
  await expect.poll(() => fake.machines[0].profiled.at(-1)).toEqual(['task 1 vCPU 1']);
  expect(pane.get('[data-hart=all]').text()).toContain('1 in Launches');
});

describe('the lanes of a launch', () => {
  const page = fakeLaunch(2, 'instructions')!;

  test('have a box for each span in sight', () => {
    const boxes = visibleSpans(page.lanes[1], page.kinds, { from: 0, to: 420 }, 420);
    expect(boxes).toEqual([
      { span: 0, left: 10, width: 10, kind: 'start' },
      { span: 1, left: 20, width: 380, kind: 'run' },
    ]);
    expect(visibleSpans(page.lanes[2], page.kinds, { from: 300, to: 400 }, 100)).toEqual([
      { span: 2, left: 0, width: 100, kind: 'idle' },
    ]);
  });

  test('have the kind of a long span that begins in the pixel of many short ones', () => {
    const count = 100;
    const lane: LaneColumns = {
      ...page.lanes[1],
      kind: Uint8Array.from({ length: count }, (_, i) => (i === count - 1 ? 6 : 3)),
      start: Float64Array.from({ length: count }, (_, i) => i / count),
      end: Float64Array.from({ length: count }, (_, i) => (i === count - 1 ? 50 : (i + 1) / count)),
    };
    expect(visibleSpans(lane, page.kinds, { from: 0, to: 100 }, 100)).toEqual([
      { span: count - 1, left: 0, width: 50, kind: 'idle' },
    ]);
  });

  test('tell which span is at a place, and which harts run in a part', () => {
    expect([
      spanAt(page.lanes[1], 5),
      spanAt(page.lanes[1], 10),
      spanAt(page.lanes[1], 399),
    ]).toEqual([-1, 0, 1]);
    expect(hartsIn(page, { from: 300, to: 350 })).toEqual(['task 2 vCPU 1']);
    expect(hartsIn(page, { from: 0, to: 15 })).toEqual([]);
    expect(lengthText(1.5e6, 'time')).toBe('1.50 ms');
  });

  test('of a million spans are drawn with as many boxes as there are pixels', () => {
    const count = 1_000_000;
    let looks = 0;
    const start = Float64Array.from({ length: count }, (_, i) => i);
    const seen = new Proxy(start, {
      get(target, key) {
        looks += 1;
        return Reflect.get(target, key) as unknown;
      },
    });
    const lane: LaneColumns = {
      ...page.lanes[1],
      kind: new Uint8Array(count),
      start: seen,
      end: Float64Array.from({ length: count }, (_, i) => i + 1),
    };
    const boxes = visibleSpans(lane, page.kinds, { from: 0, to: count }, 1000);
    expect(boxes.length).toBeLessThanOrEqual(1001);
    expect(looks).toBeLessThan(200_000);
  });

  test('are drawn with a ruler, the path and arrows', () => {
    const texts: string[] = [];
    let curves = 0;
    const context = new Proxy({} as CanvasRenderingContext2D, {
      get: (_, key) => {
        if (key === 'fillText') return (text: string) => texts.push(text);
        if (key === 'bezierCurveTo') return () => (curves += 1);
        return () => undefined;
      },
      set: () => true,
    });
    const colour = {
      ground: '',
      text: '',
      quiet: '',
      line: '',
      accent: '',
      path: '',
      kinds: {},
      font: '',
    };
    drawLaunch(context, page, {
      window: { from: 0, to: 420 },
      width: 440,
      height: 200,
      top: 0,
      selected: { lane: 1, place: 1 },
      range: { from: 10, to: 20 },
      colours: colour,
    });
    expect(texts).toEqual(['0', '200']);
    // Two starts, two joins, one loan.
    expect(curves).toBe(5);
  });
});

describe('the Scaling pane', () => {
  const curves = scalingCurves([
    { mode: 'call', vcpus: 1, time: 100, instructions: 10 },
    { mode: 'call', vcpus: 2, time: 50, instructions: 10 },
    { mode: 'shared', vcpus: 1, time: 200, instructions: 10 },
    { mode: 'shared', vcpus: 4, time: 50, instructions: 10 },
  ]);

  test('says what hinders a sweep', async () => {
    fakeWindow();
    const pane = show(ScalingPane);
    expect(pane.text()).toContain('No guest is open.');
    await openProgram();
    await pane.get('input').setValue('1, x');
    expect(pane.text()).toContain('vCPUs are numbers from 1 to 1024');
    await pane.get('input').setValue('2, 4');
    expect(pane.text()).toContain('add 1');
    expect(pane.get('[data-testid=sweep]').attributes('disabled')).toBeDefined();
  });

  test('runs the program with each number in each mode in a machine of its own, which then ends', async () => {
    const fake = fakeWindow();
    await openProgram();
    const pane = show(ScalingPane);
    await pane.get('input').setValue('1, 2');
    await pane.get('form').trigger('submit');
    await expect.poll(() => pane.find('progress').exists()).toBe(true);
    await expect
      .poll(() => pane.findAll('[data-run]').map((row) => row.attributes('data-run')), {
        timeout: 5000,
      })
      .toEqual(['shared 1', 'shared 2', 'call 1', 'call 2']);
    await expect.poll(() => fake.calls).toContain('end 1');
    expect(fake.machines[1].opened.at(-1)?.environment).toContain('HARTSCOPE_VCPUS=2');
    expect(pane.get('svg').attributes('aria-label')).toContain('Speed-up of');
  });

  test('is cancelled, and ends its machine', async () => {
    const fake = fakeWindow();
    await openProgram();
    const pane = show(ScalingPane);
    await pane.get('input[value=shared]').setValue(false);
    await pane.get('input[value=call]').setValue(false);
    // The fake machine's programs do not end in this one.
    await pane.get('input[value=workspace]').setValue(true);
    await pane.get('form').trigger('submit');
    await expect.poll(() => pane.get('[data-testid=sweep]').text()).toBe('Cancel');
    await expect.poll(() => fake.machines.length).toBe(2);
    await pane.get('form').trigger('submit');
    await expect.poll(() => fake.calls).toContain('end 1');
    expect(pane.find('progress').exists()).toBe(false);
  });

  test('plots each mode, with where it begins to pay', () => {
    const { lines, one, xTicks } = plotOf(curves, 100, 100);
    expect(xTicks.map(({ text, at }) => [text, at])).toEqual([
      ['1', 0],
      ['2', 50],
      ['4', 100],
    ]);
    const [call, shared] = lines;
    expect(call.points[0].y).toBe(one);
    expect(call.breakEven).toMatchObject({ x: 0, y: one });
    // From half as fast to twice as fast: it pays in the middle.
    expect(shared.breakEven?.x).toBeCloseTo(50);
  });
});
