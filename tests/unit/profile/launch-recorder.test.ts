import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Machine, type MachineOptions } from '../../../emulator';
import {
  criticalPath,
  measureLaunch,
  serialShare,
  timeIn,
  type Lane,
} from '../../../emulator/profile/launch';
import { LaunchRecorder, type LaunchEvent } from '../../../emulator/profile/launch-recorder';
import { launchIn, sharedPages } from '../../../emulator/profile/launch-view';
import type { ArenaEvent } from '../../../emulator/memory/events';
import { EventTap } from '../../../emulator/profile/event-tap';
import { poolOf } from '../../support/host-entries';
import { CapturedStreams } from '../../support/captured-streams';

const START = 2000;
const JOIN = 2001;
const FUTEX = 98;

/** hart, kind, instructions, milliseconds, page, from, to, milliseconds that it took */
type Row = readonly [
  hart: number,
  kind: LaunchEvent['kind'],
  instret: number,
  time: number,
  page?: number,
  from?: number,
  to?: number,
  took?: number,
];

function record(rows: readonly Row[]): LaunchRecorder {
  const recorder = new LaunchRecorder();
  recorder.take(
    rows.map(([hart, kind, instret, time, page = 0, from = 0, to = 0, took = 0]) => ({
      ...{ hart, kind, instret, time, page, from, to },
      pc: 0x100,
      took: 1e6 * took,
    })),
  );
  return recorder;
}

/** Two vCPUs on two threads; the second has three times the work of the first, and a page fault. */
const UNEVEN: readonly Row[] = [
  [0, 'turn', 0, 0],
  [1, 'start', 0, 11, 1, 0, 1],
  [2, 'start', 0, 12, 1, 0, 2],
  [0, 'syscall', 100, 14, START, 1, 0, 4],
  [0, 'park', 110, 16, JOIN, 0, 0, 1],
  [1, 'turn', 0, 17, 0],
  [2, 'turn', 0, 18, 1],
  [2, 'loan', 40, 24, 77, 5, 6, 2],
  [1, 'end', 200, 37, 1, 1],
  [2, 'end', 600, 78, 1, 1],
  [0, 'join', 110, 81, 1, 2, 0, 2],
  [0, 'syscall', 110, 81, JOIN, 0, 0, 2],
  [0, 'turn', 111, 82],
];

const spans = ({ spans: list }: Lane): (readonly [string, number, number])[] =>
  list.map(({ kind, start, end }) => [kind, start / 1e6, end / 1e6]);
const steps = ({ spans: list }: Lane): (readonly [string, number, number])[] =>
  list.map(({ kind, start, end }) => [kind, start, end]);

describe('a launch by host time', () => {
  const [made] = record(UNEVEN).launches;
  const launch = launchIn(made, 'time');

  test('goes from the call that starts it to the end of its join', () => {
    expect([launch.task, launch.start / 1e6, launch.end / 1e6, made.pc]).toEqual([
      1, 10, 81, 0x100,
    ]);
  });

  test('has in the caller’s lane the fork, what it does then, its wait and the merge', () => {
    expect(spans(launch.caller)).toEqual([
      ['fork', 10, 14],
      ['run', 14, 15],
      ['syscall', 15, 16],
      ['idle', 16, 79],
      ['merge', 79, 81],
    ]);
  });

  test('has in a vCPU’s lane its wait for a thread, its runs, faults, and its rest', () => {
    expect(launch.vcpus.map(spans)).toEqual([
      [
        ['start', 11, 17],
        ['run', 17, 37],
        ['idle', 37, 81],
      ],
      [
        ['start', 12, 18],
        ['run', 18, 22],
        ['loan', 22, 24],
        ['run', 24, 78],
        ['idle', 78, 81],
      ],
    ]);
  });

  test('has the measures that follow from it', () => {
    const { loadBalance, communicationEfficiency, parallelEfficiency } = measureLaunch(launch);
    expect(loadBalance.value).toBeCloseTo((20 + 58) / 2 / 58);
    expect(communicationEfficiency.value).toBeCloseTo(58 / 71);
    expect(parallelEfficiency.value).toBeCloseTo((20 + 58) / 2 / 71);
    expect(serialShare([launch], 1e6 * 100).value).toBeCloseTo(0.29);
    const path = criticalPath(launch).map(({ hart, kind }) => `${hart} ${kind}`);
    expect(path).toEqual(['0 fork', '2 start', '2 run', '2 loan', '2 run', '0 idle', '0 merge']);
  });
});

describe('a launch by instructions', () => {
  const recorder = record(UNEVEN);
  const launch = launchIn(recorder.launches[0], 'instructions');

  test('has a unit for each instruction, as if each hart had a processor of its own', () => {
    expect([launch.start, launch.end]).toEqual([100, 700]);
    expect(steps(launch.caller)).toEqual([
      ['run', 100, 110],
      ['idle', 110, 700],
    ]);
    expect(launch.vcpus.map(steps)).toEqual([
      [
        ['run', 100, 300],
        ['idle', 300, 700],
      ],
      [['run', 100, 700]],
    ]);
    const { loadBalance, communicationEfficiency, speedUp } = measureLaunch(launch);
    expect([loadBalance.value, communicationEfficiency.value]).toEqual([400 / 600, 1]);
    expect(speedUp.value).toBeCloseTo(800 / 600);
    expect(loadBalance.sentence).toBe(
      'vCPU 2 has 1.5 times the mean work; the others wait for it.',
    );
  });

  test('lets a wait end at the clock of the hart whose call ended it', () => {
    const { launches } = record([
      [1, 'start', 0, 0, 1, 0, 1],
      [2, 'start', 0, 0, 1, 0, 2],
      [0, 'syscall', 0, 0, START],
      [1, 'park', 10, 1, FUTEX],
      [2, 'syscall', 300, 2, FUTEX],
      [1, 'syscall', 10, 3, FUTEX],
      [1, 'end', 50, 4, 1, 1],
      [2, 'end', 320, 4, 1, 1],
      [0, 'join', 5, 5, 1, 2],
    ]);
    const [first] = launchIn(launches[0], 'instructions').vcpus;
    expect(steps(first)).toEqual([
      ['run', 0, 10],
      ['wait', 10, 301],
      ['run', 301, 341],
    ]);
  });
});

describe('what is recorded', () => {
  test('of a call that waits by itself: until the wait for its vCPUs', () => {
    const { launches } = record([
      [1, 'start', 0, 1, 1, 0, 1],
      [0, 'park', 10, 2, 110, 0, 0, 2],
      [1, 'end', 90, 5, 1, 1],
      [0, 'syscall', 10, 6, 110],
      [0, 'syscall', 20, 8, 111],
    ]);
    const launch = launchIn(launches[0], 'instructions');
    expect([launch.start, launch.end]).toEqual([10, 110]);
    expect(timeIn(launch.caller, 'idle')).toBe(90);
  });

  test('tells which pages several vCPUs wrote, the most expensive first', () => {
    const { launches } = record([
      [1, 'start', 0, 0, 1, 0, 1],
      [2, 'start', 0, 0, 1, 0, 2],
      [0, 'syscall', 0, 0, START],
      [1, 'loan', 1, 1, 7, 0, 0, 1],
      [1, 'loan', 2, 2, 8, 0, 0, 1],
      [1, 'copy', 3, 3, 9, 0, 0, 1],
      [2, 'late-borrow', 1, 4, 8, 0, 0, 2],
      [2, 'late-borrow', 2, 5, 7, 0, 0, 0.5],
      [1, 'end', 50, 6, 1, 1],
      [2, 'end', 50, 6, 1, 1],
      [0, 'join', 5, 7, 1, 2],
    ]);
    expect(sharedPages(launches[0], 'time')).toEqual([
      { page: 8, vcpus: [1, 2], faults: 2, cost: 3e6 },
      { page: 7, vcpus: [1, 2], faults: 2, cost: 1.5e6 },
    ]);
    expect(sharedPages(launches[0], 'instructions').map(({ page, cost }) => [page, cost])).toEqual([
      [7, 0],
      [8, 0],
    ]);
  });

  test('keeps tasks apart that share a hart’s number, and those that overlap', () => {
    const { launches } = record([
      [1, 'start', 0, 0, 1, 0, 1],
      [0, 'syscall', 0, 0, START],
      [2, 'start', 0, 1, 2, 0, 1],
      [0, 'syscall', 4, 1, START],
      [1, 'end', 30, 2, 1, 1],
      [0, 'join', 6, 3, 1, 1],
      [0, 'syscall', 6, 3, JOIN],
      [1, 'start', 0, 4, 3, 0, 1],
      [0, 'syscall', 8, 4, START],
      [2, 'end', 10, 5, 2, 1],
      [1, 'end', 20, 5, 3, 1],
      [0, 'join', 9, 6, 0, 2],
    ]);
    expect(
      launches.map(({ task, vcpus }) => [task, vcpus.map(({ instructions }) => instructions)]),
    ).toEqual([
      [1, [30]],
      [2, [10]],
      [3, [20]],
    ]);
    const all = launches.map((each) => launchIn(each, 'instructions'));
    expect(all.map(({ start, end }) => [start, end])).toEqual([
      [0, 30],
      [4, 52],
      [32, 52],
    ]);
    expect(serialShare(all, 52).value).toBe(0);
  });
});

describe('the launches of a guest', () => {
  const run = (...args: string[]): LaunchRecorder => runGuest('mp-dot', args);
  const runGuest = (
    guest: string,
    args: readonly string[],
    options: Pick<MachineOptions, 'schedule'> = {},
  ): LaunchRecorder => {
    const machine = Machine.create({
      elf: readFileSync(`guests/bin/${guest}.elf`),
      args: [guest, ...args],
      streams: new CapturedStreams(),
      memoryLimit: 64 << 20,
      ...options,
    });
    const recorder = new LaunchRecorder();
    machine.arena.events.timed = true;
    machine.arena.events.listener = (event) => recorder.take([event]);
    expect(machine.runToEnd()).toMatchObject({ kind: 'exited', status: 0 });
    machine.dispose();
    return recorder;
  };

  test.each([['shared'], ['call'], ['fork'], ['fork-here'], ['workspace'], ['post']])(
    'in mode %s have a lane for each vCPU with its instructions, the same in each run',
    (mode) => {
      const [launch, ...more] = run(mode, '4', '2048').launches;
      expect(more).toEqual([]);
      const lengths = launchIn(launch, 'instructions');
      expect(lengths.vcpus).toHaveLength(4);
      for (const lane of lengths.vcpus) expect(timeIn(lane, 'run')).toBe(lane.instructions);
      expect(measureLaunch(lengths).loadBalance.value).toBeGreaterThan(0.98);
      expect(launchIn(run(mode, '4', '2048').launches[0], 'instructions')).toEqual(lengths);
    },
  );

  test('say who has forked, waited, run and joined by host time', () => {
    const { launches } = run('workspace', '2', '2048');
    const launch = launchIn(launches[0], 'time');
    const kinds = new Set(launch.caller.spans.map(({ kind }) => kind));
    expect([...kinds]).toEqual(expect.arrayContaining(['fork', 'idle', 'merge']));
    for (const { spans: list } of launch.vcpus) {
      expect(list[0].kind).toBe('start');
      expect(list.map(({ kind }) => kind)).toContain('run');
      list.forEach(({ start, end }, i) => {
        expect(end).toBeGreaterThan(start);
        if (i > 0) expect(start).toBe(list[i - 1].end);
      });
    }
  });

  test('have all phases by host time, and a critical path as long as they are', () => {
    // Turns so short that a hart loses its turn while it has the mutex.
    const schedule = { kind: 'interleaved', quantum: 50 } as const;
    const locks = runGuest('mp-locks', ['mutex', 'shared', '4'], { schedule });
    const launches = [...run('call', '4', '2048').launches, ...locks.launches];
    const all = launches.map((record) => launchIn(record, 'time'));
    const kinds = all.flatMap(({ caller, vcpus }) =>
      [caller, ...vcpus].flatMap(({ spans }) => spans.map(({ kind }) => kind)),
    );
    expect([...new Set(kinds)].sort()).toEqual(
      ['fork', 'start', 'run', 'loan', 'wait', 'syscall', 'idle', 'merge'].sort(),
    );
    for (const launch of [...all, ...launches.map((record) => launchIn(record, 'instructions'))]) {
      const path = criticalPath(launch);
      expect(path[0].start).toBe(launch.start);
      path.forEach(({ start }, i) => i > 0 && expect(start).toBe(path[i - 1].end));
      expect(path.at(-1)?.end).toBe(launch.end);
    }
  });

  test('are whole on several threads too, with what each thread ran', async () => {
    const machine = Machine.create({
      elf: readFileSync('guests/bin/mp-unbalanced.elf'),
      args: ['mp-unbalanced', 'call', '4', '400000'],
      streams: new CapturedStreams(),
      memoryLimit: 64 << 20,
      pool: poolOf(1),
    });
    const { events, counts } = machine.arena;
    const tap = new EventTap(events, counts.harts);
    const recorder = new LaunchRecorder();
    events.timed = true;
    const seen: ArenaEvent[] = [];
    const has = (kind: string, page: number): boolean =>
      seen.some((event) => event.kind === kind && event.page === page);
    for (;;) {
      // Until the other thread has come up and taken a vCPU, this one leaves it some.
      const waits = has('start', 1) && !has('turn', 1);
      const stop = machine.run(waits ? 1000 : 1_000_000);
      if (waits) await setTimeout(5);
      const news = tap.collect();
      seen.push(...news);
      recorder.take(news);
      if (stop.kind === 'exited') break;
      expect(stop.kind).toMatch(/fuel|waiting/);
    }
    machine.dispose();
    tap.end();
    expect(tap.lost).toBe(0);
    expect(seen.map(({ sequence }) => sequence)).toEqual(seen.map((_, i) => i + 1));
    expect(has('turn', 1)).toBe(true);
    const [record] = recorder.launches;
    const lanes = launchIn(record, 'instructions').vcpus;
    for (const lane of lanes) expect(timeIn(lane, 'run')).toBe(lane.instructions);
    // The first of five parts is twice as long: 5 / 4 of the mean of 4 is 2.
    expect(measureLaunch(launchIn(record, 'instructions')).loadBalance.value).toBeCloseTo(0.625, 2);
    for (const { spans: list } of launchIn(record, 'time').vcpus) {
      list.forEach(({ start }, i) => i > 0 && expect(start).toBe(list[i - 1].end));
    }
  });
});
