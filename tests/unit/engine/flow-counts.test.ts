import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Control } from '../../../emulator/isa/types';
import { FlowCounts } from '../../../emulator/engine/flow-counts';

interface Counted {
  readonly address: number;
  readonly length: number;
  readonly control?: Control | undefined;
  readonly target?: number | undefined;
  readonly taken: number;
  readonly arrivals: number;
}

/** Address, executions and how often it was taken, of each instruction that ran. */
function executionsOf(counted: readonly Counted[]): (readonly [number, number, number])[] {
  const flow = new FlowCounts();
  for (const { address, target, taken, arrivals } of counted) {
    if (target !== undefined && taken > 0) flow.taken(address, target, taken);
    if (arrivals !== 0) flow.arrived(address, arrivals);
  }
  const rows: (readonly [number, number, number])[] = [];
  const instructionAt = (at: number): Counted | undefined =>
    counted.find(({ address }) => address === at);
  flow.spread(instructionAt, (...row) => void rows.push(row));
  return rows;
}

/** An instruction of a made-up program: 2 or 4 bytes, and where it may go. */
interface Step {
  readonly length: 2 | 4;
  readonly control?: Control | undefined;
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
  const counted = program.map(({ length, control, goesTo }, i): Counted => ({
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
    const rows = executionsOf([
      { address: 0x100, length: 4, taken: 0, arrivals: 1 },
      { address: 0x104, length: 2, taken: 0, arrivals: 0 },
      { address: 0x106, length: 4, control: 'branch', target: 0x104, taken: 9, arrivals: 0 },
      { address: 0x10a, length: 2, control: 'indirect', taken: 0, arrivals: 0 },
    ]);
    expect(rows).toEqual([
      [0x100, 1, 0],
      [0x104, 10, 0],
      [0x106, 10, 9],
      [0x10a, 1, 0],
    ]);
  });

  test('of any program, wherever its runs stop and go on', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 30 }),
        fc.array(fc.nat(1000), { maxLength: 300 }),
        fc.array(fc.nat(300)),
        (program, choices, stops) => {
          const walked = walkThrough(program, choices, new Set(stops));
          const found = new Map(executionsOf(walked.counted).map(([at, count]) => [at, count]));
          expect(walked.addresses.map((at) => found.get(at) ?? 0)).toEqual(walked.executions);
        },
      ),
    );
  });

  test('and counts that do not belong together are refused', () => {
    expect(() => executionsOf([{ address: 0x100, length: 4, taken: 0, arrivals: -1 }])).toThrow(
      'the instruction at 0x100 ran -1 times',
    );
  });
});
