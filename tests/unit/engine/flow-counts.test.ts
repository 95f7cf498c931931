import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { executionCounts, type FlowCount } from '../../../emulator/engine/flow-counts';

/** An instruction of a made-up program: 2 or 4 bytes, and where it may go. */
interface Step {
  readonly length: 2 | 4;
  readonly control?: FlowCount['control'];
  /** Of a branch and a jump: which instruction, modulo their number. */
  readonly goesTo: number;
}

/** Walks through a program as an engine would, counting everything, and only what an engine counts. */
function walkThrough(
  program: readonly Step[],
  choices: readonly number[],
  stops: ReadonlySet<number>,
) {
  const addresses = program.map((_, i) =>
    program.slice(0, i).reduce((sum, { length }) => sum + length, 0x1000),
  );
  const each = (): number[] => program.map(() => 0);
  const [executions, taken, arrivals] = [each(), each(), each()];
  let at = 0;
  arrivals[0] += 1;
  choices.forEach((choice, time) => {
    if (stops.has(time)) {
      // A run stops before the instruction and the next one begins there.
      arrivals[at] -= 1;
      arrivals[at] += 1;
    }
    const { control, goesTo } = program[at];
    executions[at] += 1;
    const target = goesTo % program.length;
    if (control === 'indirect') {
      at = choice % program.length;
      arrivals[at] += 1;
    } else if (control === 'jump' || (control === 'branch' && choice % 2 === 1)) {
      taken[at] += 1;
      at = target;
    } else if (at + 1 < program.length) at += 1;
    else {
      // Behind the last instruction there is none: the walk begins anew.
      at = 0;
      arrivals[0] += 1;
    }
  });
  arrivals[at] -= 1;
  const counted = program.map(({ length, control, goesTo }, i): FlowCount => ({
    address: addresses[i],
    length,
    control,
    target:
      control === undefined || control === 'indirect'
        ? undefined
        : addresses[goesTo % program.length],
    taken: taken[i],
    arrivals: arrivals[i],
  }));
  return { addresses, executions, taken, counted };
}

const step = fc.record({
  length: fc.constantFrom(2 as const, 4 as const),
  control: fc.constantFrom(
    undefined,
    undefined,
    'branch' as const,
    'jump' as const,
    'indirect' as const,
  ),
  goesTo: fc.nat(50),
});

describe('executions follow from taken branches and arrivals', () => {
  test('of a loop', () => {
    const counts = executionCounts([
      { address: 0x100, length: 4, taken: 0, arrivals: 1 },
      { address: 0x104, length: 2, taken: 0, arrivals: 0 },
      { address: 0x106, length: 4, control: 'branch', target: 0x104, taken: 9, arrivals: 0 },
      { address: 0x10a, length: 2, control: 'indirect', taken: 0, arrivals: 0 },
    ]);
    expect([...counts.addresses]).toEqual([0x100, 0x104, 0x106, 0x10a]);
    expect([...counts.executions]).toEqual([1, 10, 10, 1]);
    expect([...counts.taken]).toEqual([0, 0, 9, 0]);
  });

  test('of any program, wherever its runs stop and go on', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 30 }),
        fc.array(fc.nat(1000), { maxLength: 300 }),
        fc.array(fc.nat(300)),
        (program, choices, stops) => {
          const walked = walkThrough(program, choices, new Set(stops));
          const counts = executionCounts(walked.counted);
          const found = new Map([...counts.addresses].map((at, i) => [at, counts.executions[i]]));
          expect(walked.addresses.map((at) => found.get(at) ?? 0)).toEqual(walked.executions);
        },
      ),
    );
  });

  test('and counts that do not belong together are refused', () => {
    expect(() => executionCounts([{ address: 0x100, length: 4, taken: 0, arrivals: -1 }])).toThrow(
      'the instruction at 0x100 ran -1 times',
    );
  });
});
