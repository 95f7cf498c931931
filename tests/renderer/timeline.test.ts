import type { DOMWrapper } from '@vue/test-utils';
import { describe, expect, test, vi } from 'vitest';
import type { EventColumns } from '../../emulator/debug/protocol-timeline';
import { panned, zoomed } from '../../renderer/parts/canvas/axis-range';
import { joined } from '../../renderer/panes/timeline/event-columns';
import {
  eventsIn,
  laneTitle,
  layoutTimeline,
  nearest,
  placeOn,
  visibleBars,
  visibleMarks,
  type Lane,
  type Timeline,
} from '../../renderer/panes/timeline/timeline-layout';
import TimelinePane from '../../renderer/panes/timeline/TimelinePane.vue';
import { ROW } from '../../renderer/panes/timeline/timeline-drawing';
import { RULER } from '../../renderer/parts/canvas/axis-drawing';
import { useView } from '../../renderer/stores/view';
import { useEventRange } from '../../renderer/stores/event-range';
import { fakeWindow, openProgram, show } from './support';

/** number, kind, hart, page, from, to, time; a fork's last one is the hart that began in it. */
type Row = readonly [number, string, number, number, number, number, number, number?];

function columnsOf(rows: readonly Row[]): EventColumns {
  const kinds = [...new Set(rows.map(([, kind]) => kind))];
  return {
    kinds,
    number: Uint32Array.from(rows, (row) => row[0]),
    kind: Uint8Array.from(rows, (row) => kinds.indexOf(row[1])),
    hart: Uint16Array.from(rows, (row) => row[2]),
    page: Uint32Array.from(rows, (row) => row[3]),
    from: Uint32Array.from(rows, (row) => row[4]),
    to: Uint32Array.from(rows, (row) => row[5]),
    time: Float64Array.from(rows, (row) => row[6]),
    took: Float32Array.from(rows, () => 0),
    forked: Int32Array.from(rows, (row) => row[7] ?? -1),
    pc: Float64Array.from(rows, () => 0x1000),
    next: rows.length,
    lost: 0,
  };
}

/** Main forks two vCPUs of task 1, waits for them, and forks one of task 2 with the number of the first. */
const TWO_TASKS: readonly Row[] = [
  [1, 'fork', 0, 0, 1, 2, 1000, 1],
  [2, 'start', 1, 1, 0, 1, 1001],
  [3, 'fork', 0, 0, 1, 3, 1002, 2],
  [4, 'start', 2, 1, 0, 2, 1003],
  [5, 'park', 0, 1000, 0, 0, 1004],
  [6, 'loan', 1, 18, 1, 2, 1005],
  [7, 'end', 1, 1, 1, 0, 1006],
  [8, 'end', 2, 1, 1, 0, 1008],
  [9, 'join', 0, 1, 2, 0, 1009],
  [10, 'fork', 0, 0, 1, 2, 1010],
  [11, 'start', 1, 2, 0, 1, 1011],
];

const laneOf = (timeline: Timeline, hart: number): Lane => {
  const lane = timeline.laneOf.get(hart);
  if (!lane) throw new Error(`There is no lane of hart ${hart}.`);
  return lane;
};

describe('a timeline', () => {
  const timeline = layoutTimeline(columnsOf(TWO_TASKS));
  const numberAt = (hart: number, place: number): number | undefined =>
    timeline.columns.number[laneOf(timeline, hart).rows[place] ?? -1];

  test('has the main hart first, then the vCPUs by their tasks', () => {
    expect(timeline.lanes.map(({ hart }) => hart)).toEqual([0, 1, 2]);
    expect(timeline.lanes.map(laneTitle)).toEqual(['main', 'task 2 vCPU 1', 'task 1 vCPU 2']);
    const other = layoutTimeline(
      columnsOf([
        [1, 'start', 1, 7, 0, 1, 0],
        [2, 'start', 2, 3, 0, 1, 0],
        [3, 'syscall', 0, 64, 0, 0, 0],
      ]),
    );
    expect(other.lanes.map(({ hart }) => hart)).toEqual([0, 2, 1]);
  });

  test('tells the lives of harts that have the same number one after the other', () => {
    const { lives } = laneOf(timeline, 1);
    expect(lives.of.map(({ task, vcpu }) => [task, vcpu])).toEqual([
      [1, 1],
      [2, 1],
    ]);
    expect(lives.begin.map((place) => numberAt(1, place))).toEqual([2, 11]);
    expect(lives.end.map((place) => numberAt(1, place))).toEqual([7, undefined]);
  });

  test('has a wait from the park to what its hart does next', () => {
    const { waits } = laneOf(timeline, 0);
    expect([numberAt(0, waits.begin[0] ?? -1), numberAt(0, waits.end[0] ?? -1)]).toEqual([5, 9]);
    expect(waits.begin).toHaveLength(1);
  });

  test('has flows from forks to starts and from ends to the join', () => {
    const flows = timeline.flows.map(({ kind, fromHart, from, toHart, to }) => [
      kind,
      numberAt(fromHart, from),
      numberAt(toHart, to),
    ]);
    expect(flows).toEqual([
      ['start', 1, 2],
      ['start', 3, 4],
      ['join', 7, 9],
      ['join', 8, 9],
      // Its hart was gone when the fork was read.
      ['start', 10, 11],
    ]);
  });

  test('begins a life at the first event of a hart whose start was lost', () => {
    const { lives } = laneOf(layoutTimeline(columnsOf([[5, 'copy', 3, 1, 0, 2, 9]])), 3);
    expect(lives).toEqual({ begin: [0], end: [-1], of: [{ task: 0, vcpu: 0, maker: -1 }] });
  });

  test('never goes back in time within a lane', () => {
    const late = layoutTimeline(
      columnsOf([
        [1, 'copy', 0, 1, 0, 2, 50],
        [2, 'copy', 0, 2, 0, 3, 40],
        [3, 'copy', 0, 3, 0, 4, 60],
      ]),
    );
    expect(laneOf(late, 0).times).toEqual([10, 10, 20]);
  });

  test('draws a life as long as it lasted, one that goes on to the end', () => {
    const window = { from: 0, to: 10 };
    const lane = laneOf(timeline, 1);
    const bars = visibleBars(lane, lane.lives, 'order', window, 100, timeline.ends.order);
    expect(bars).toEqual([
      { span: 0, left: 10, width: 50 },
      { span: 1, left: 100, width: 1 },
    ]);
    const half = visibleBars(lane, lane.lives, 'order', { from: 0, to: 3 }, 90, 10);
    expect(half).toEqual([{ span: 0, left: 30, width: 60 }]);
  });

  test('merges marks within a pixel; a hart’s own events show before pages and calls', () => {
    const lane = laneOf(timeline, 1);
    const marks = visibleMarks(timeline, lane, 'order', { from: 0, to: 10 }, 2);
    expect(marks).toEqual([
      { left: 0, first: 0, count: 1, shown: 'hart' },
      { left: 1, first: 1, count: 2, shown: 'hart' },
      { left: 2, first: 3, count: 1, shown: 'hart' },
    ]);
    const apart = visibleMarks(timeline, lane, 'order', { from: 4, to: 7 }, 300);
    expect(apart.map(({ left, shown }) => [left, shown])).toEqual([
      [100, 'loan'],
      [200, 'hart'],
    ]);
  });

  test('finds the event nearest to a place', () => {
    const lane = laneOf(timeline, 1);
    const at = (x: number): number | undefined => numberAt(1, nearest(lane, 'order', x));
    expect([at(-5), at(2.9), at(3.5), at(5.6), at(99)]).toEqual([2, 2, 6, 7, 11]);
  });

  test('counts the events of a part of the axis, with their first and last number', () => {
    expect(eventsIn(timeline, 'order', { from: 3.5, to: 6 })).toEqual({
      first: 5,
      last: 7,
      count: 3,
    });
    expect(eventsIn(timeline, 'time', { from: 4, to: 6 })).toEqual({ first: 5, last: 7, count: 3 });
    expect(eventsIn(timeline, 'order', { from: 3.1, to: 3.2 })).toBeUndefined();
  });

  test('zooms about a place and stays within the axis', () => {
    expect(zoomed({ from: 0, to: 10 }, 2, 0.5, 10)).toEqual({ from: 1, to: 6 });
    expect(zoomed({ from: 1, to: 6 }, 6, 4, 10)).toEqual({ from: 0, to: 10 });
    expect(panned({ from: 1, to: 6 }, 100, 10)).toEqual({ from: 5, to: 10 });
    expect(panned({ from: 1, to: 6 }, -100, 10)).toEqual({ from: 0, to: 5 });
  });

  test('takes in what a late thread adds between earlier events, and keeps the newest', () => {
    const [first, second] = [TWO_TASKS.filter((_, i) => i % 2 === 0), TWO_TASKS.slice(3, 4)];
    const both = joined(columnsOf(first), { ...columnsOf(first), ...columnsOf(second), next: 7 });
    expect([...both.number]).toEqual([1, 3, 4, 5, 7, 9, 11]);
    expect([...both.time]).toEqual([1000, 1002, 1003, 1004, 1006, 1009, 1011]);
    expect(both.next).toBe(7);
    expect([...joined(columnsOf(first), columnsOf(second), 2).number]).toEqual([9, 11]);
  });

  test('draws a million events with as many marks as there are pixels, and looks at few of them', () => {
    const count = 1_000_000;
    const zeros = new Uint32Array(count);
    const many = layoutTimeline({
      ...columnsOf([[1, 'copy', 0, 1, 0, 2, 0]]),
      number: Uint32Array.from(zeros, (_, i) => i + 1),
      kind: new Uint8Array(count),
      hart: new Uint16Array(count),
      page: zeros,
      from: zeros,
      to: zeros,
      forked: new Int32Array(count),
      pc: new Float64Array(count),
      time: Float64Array.from(zeros, (_, i) => i / 100),
      took: Float32Array.from(zeros, () => 0),
    });
    const lane = laneOf(many, 0);
    let looks = 0;
    const counting = new Proxy(lane.times, {
      get: (times, at) => {
        looks++;
        return Reflect.get(times, at) as unknown;
      },
    });
    const marks = visibleMarks(
      many,
      { ...lane, times: counting },
      'time',
      { from: 0, to: many.ends.time },
      1000,
    );
    expect(marks.length).toBeLessThanOrEqual(1001);
    expect(marks.reduce((sum, mark) => sum + mark.count, 0)).toBe(count);
    expect(looks).toBeLessThan(30_000);
    expect(placeOn(lane, count - 1, 'order')).toBe(count - 1);
  });
});

describe('the Timeline pane', () => {
  test('has a lane for each hart, chooses a part by keys for the Events pane, and opens code', async () => {
    fakeWindow();
    const pane = show(TimelinePane);
    expect(pane.text()).toContain('No program is open.');
    await openProgram();
    await vi.waitFor(() => expect(pane.findAll('[data-lane]')).toHaveLength(2));
    expect(pane.get('[data-lane="1"]').text()).toBe('1 task 1 vCPU 1');
    const box = pane.get('[role=application]');
    expect(box.attributes('aria-label')).toContain('2 harts');

    await pane.get('select').setValue('order');
    await box.trigger('keydown', { key: 'ArrowDown' });
    await box.trigger('keydown', { key: '.' });
    await vi.waitFor(() =>
      expect(pane.get('[data-testid=timeline-about]').text()).toContain('event 5 · end'),
    );
    await box.trigger('keydown', { key: ',' });
    for (let i = 0; i < 4; i++) {
      await box.trigger('keydown', { key: 'ArrowRight', shiftKey: true });
    }
    expect(pane.get('[data-testid=timeline-range]').text()).toBe('2 chosen');
    expect(useEventRange().range).toEqual({ first: 4, last: 5 });
    await box.trigger('keydown', { key: 'Escape' });
    expect(useEventRange().range).toBeNull();
  });

  describe('follows the pointer', () => {
    const WIDTH = 1000;

    /** The pane over the order of its six events, 1000 pixels wide beside the names. */
    async function timelinePane(): Promise<{
      canvas: Omit<DOMWrapper<HTMLCanvasElement>, 'exists'>;
      about: () => string;
      chosen: () => string;
    }> {
      fakeWindow();
      vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(WIDTH + 132);
      vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(200);
      const pane = show(TimelinePane);
      await openProgram();
      await vi.waitFor(() => expect(pane.findAll('[data-lane]')).toHaveLength(2));
      await pane.get('select').setValue('order');
      const canvas = pane.get('canvas');
      canvas.element.setPointerCapture = () => undefined;
      return {
        canvas,
        about: () => pane.get('[data-testid=timeline-about]').text(),
        chosen: () => pane.find('[data-testid=timeline-range]').text(),
      };
    }
    /** In the middle of a lane; the events stand at 0, 200, … 1000. */
    const at = (clientX: number, lane = 0): object => ({
      clientX,
      clientY: RULER + ROW * (lane + 0.5),
      pointerId: 1,
    });

    test('tells the event under it, of the lane under it', async () => {
      const { canvas, about } = await timelinePane();
      await canvas.trigger('pointermove', at(10));
      await vi.waitFor(() => expect(about()).toContain('event 1 · fork'));
      await canvas.trigger('pointermove', at(610, 1));
      await vi.waitFor(() => expect(about()).toContain('event 4 · loan'));
      await canvas.trigger('pointerleave');
      await vi.waitFor(() => expect(about()).toContain('hart 0 main'));
    });

    test('the wheel zooms about it, and a drag moves what is in sight', async () => {
      const { canvas, about } = await timelinePane();
      // In by 1.3 ten times: what was at 1000, the join, stays there.
      for (let n = 0; n < 10; n++) await canvas.trigger('wheel', { deltaY: -1, ...at(1000) });
      await canvas.trigger('pointermove', at(0));
      await vi.waitFor(() => expect(about()).toContain('event 6 · join'));
      // To the right by five windows: the events before come into sight.
      for (let n = 0; n < 15; n++) {
        await canvas.trigger('pointerdown', at(0));
        await canvas.trigger('pointermove', at(1000));
        await canvas.trigger('pointerup', at(1000));
      }
      await canvas.trigger('pointermove', at(0));
      await vi.waitFor(() => expect(about()).toContain('event 1 · fork'));
    });

    test('a drag with Shift chooses a part, a click opens the code of an event', async () => {
      const { canvas, chosen } = await timelinePane();
      await canvas.trigger('pointerdown', { ...at(150), shiftKey: true });
      await canvas.trigger('pointermove', { ...at(650), shiftKey: true });
      await canvas.trigger('pointerup', { ...at(650), shiftKey: true });
      expect(chosen()).toBe('3 chosen');
      expect(useEventRange().range).toEqual({ first: 2, last: 4 });
      await canvas.trigger('pointerdown', at(610, 1));
      await canvas.trigger('pointerup', at(611, 1));
      await vi.waitFor(() => expect(useView().disassemblyPlace).not.toBeNull());
    });
  });
});
