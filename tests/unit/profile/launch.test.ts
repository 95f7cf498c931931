import { describe, expect, test } from 'vitest';
import {
  criticalPath,
  measureLaunch,
  serialShare,
  timeIn,
  type Lane,
  type Launch,
  type Span,
  type SpanKind,
} from '../../../emulator/profile/launch';
import { breakEvenWork, referenceOf, scalingCurves } from '../../../emulator/profile/scaling';

/** Spans that follow each other from `start` on: `['run', 5], ['loan', 1]`. */
function spans(start: number, ...parts: readonly (readonly [SpanKind, number])[]): Span[] {
  let at = start;
  return parts.map(([kind, length]) => ({ kind, start: at, end: (at += length) }));
}

const lane = (vcpu: number, instructions: number, list: Span[]): Lane => ({
  hart: vcpu,
  vcpu,
  instructions,
  spans: list,
});

/** Two vCPUs, the second with three times the work: 10 + 60 in 100. */
const LAUNCH: Launch = {
  task: 1,
  unit: 'time',
  start: 0,
  end: 100,
  caller: lane(0, 50, [
    { kind: 'fork', start: 0, end: 20 },
    { kind: 'merge', start: 90, end: 100 },
  ]),
  vcpus: [
    lane(1, 200, spans(10, ['start', 5], ['run', 20], ['idle', 65])),
    lane(2, 600, spans(20, ['start', 5], ['loan', 5], ['run', 60])),
  ],
};

describe('the measures of a launch', () => {
  const measures = measureLaunch(LAUNCH, { instructions: 720, length: 90 });

  test('tell how well the work is spread', () => {
    expect(measures.loadBalance.value).toBeCloseTo(40 / 60);
    expect(measures.loadBalance.sentence).toBe(
      'vCPU 2 has 1.5 times the mean work; the others wait for it.',
    );
  });

  test('tell what fork, faults and join cost', () => {
    expect(measures.communicationEfficiency.value).toBeCloseTo(0.6);
    expect(measures.communicationEfficiency.sentence).toContain('most of the rest is forking');
    expect(measures.parallelEfficiency.value).toBeCloseTo(0.4);
    expect(measures.speedUp.value).toBeCloseTo(0.9);
    expect(measureLaunch(LAUNCH).speedUp.value).toBeCloseTo(0.8);
  });

  test('tell how many more instructions the vCPUs need than one hart', () => {
    expect(measures.instructionScaling?.value).toBeCloseTo(0.9);
    expect(measures.instructionScaling?.sentence).toContain('11 % more instructions');
    expect(measureLaunch(LAUNCH).instructionScaling).toBeUndefined();
    const all = LAUNCH.vcpus.reduce((sum, { instructions }) => sum + instructions, 0);
    const said = (instructions: number): string | undefined =>
      measureLaunch(LAUNCH, { instructions, length: 100 }).instructionScaling?.sentence;
    expect(said(2 * all)).toContain('50 % fewer instructions');
    expect(said(all)).toContain('about as many');
  });

  test('of balanced work are good', () => {
    const vcpus = [1, 2].map((vcpu) => lane(vcpu, 100, spans(0, ['run', 95])));
    const good = measureLaunch({ ...LAUNCH, vcpus });
    expect(good.loadBalance.value).toBe(1);
    expect(good.communicationEfficiency.sentence).toBe(
      'Fork, faults, locks and join take 5 % of the duration.',
    );
  });

  test('of a task without vCPUs do not exist', () => {
    expect(() => measureLaunch({ ...LAUNCH, vcpus: [] })).toThrow('task 1 has no vCPUs');
  });
});

test('time is summed by kind', () => {
  expect(timeIn(LAUNCH.vcpus[1], 'run')).toBe(60);
  expect(timeIn(LAUNCH.vcpus[1], 'wait')).toBe(0);
});

test('the critical path goes from the fork over the last vCPU to the join', () => {
  expect(
    criticalPath(LAUNCH).map(({ hart, kind, start, end }) => [hart, kind, start, end]),
  ).toEqual([
    [0, 'fork', 0, 20],
    [2, 'start', 20, 25],
    [2, 'loan', 25, 30],
    [2, 'run', 30, 90],
    [0, 'merge', 90, 100],
  ]);
});

test('the serial share limits the speed-up (Amdahl)', () => {
  const share = serialShare([LAUNCH], 400);
  expect(share.value).toBe(0.75);
  expect(share.sentence).toContain('at most 1.3 times as fast');
  expect(serialShare([LAUNCH], LAUNCH.end - LAUNCH.start).sentence).toContain('All of the run');
});

describe('a sweep', () => {
  const run = (mode: string, vcpus: number, time: number, instructions = 1000) => ({
    mode,
    vcpus,
    time,
    instructions,
  });
  const runs = [
    run('plain', 1, 100),
    run('call', 4, 40, 1250),
    run('call', 1, 110),
    run('call', 2, 60),
    run('shared', 1, 120),
    run('shared', 2, 105),
  ];

  test('is compared with the plain run, or with the best of one vCPU', () => {
    expect(referenceOf(runs).mode).toBe('plain');
    expect(referenceOf(runs.slice(1))).toMatchObject({ mode: 'call', time: 110 });
    expect(() => referenceOf([run('call', 2, 1)])).toThrow('needs a plain run');
  });

  test('gives a curve for each mode, with where it begins to pay', () => {
    const [call, shared] = scalingCurves(runs);
    expect(call.points.map(({ vcpus, speedUp }) => [vcpus, speedUp])).toEqual([
      [1, 100 / 110],
      [2, 100 / 60],
      [4, 2.5],
    ]);
    expect(call.points[2]).toMatchObject({ efficiency: 0.625, instructionScaling: 0.8 });
    expect(call.breakEven).toBe(2);
    expect(shared.breakEven).toBeUndefined();
  });

  test('has a size of work from which on a mode pays', () => {
    expect(breakEvenWork(10, 2)).toBe(20);
    expect(breakEvenWork(10, 1)).toBeUndefined();
  });
});
