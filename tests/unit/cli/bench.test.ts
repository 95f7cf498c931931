import { describe, expect, test } from 'vitest';
import type { ScalingCurve, SweepRun } from '../../../emulator/profile/scaling';
import { hartscope } from './memory-host';

describe('hartscope bench', () => {
  test('runs a guest in each mode with each number of vCPUs', async () => {
    const options = ['--json', '--repeat', '1', '--vcpus', '1,2', '--modes', 'shared,call'];
    const { status, stdout } = await hartscope(['bench', ...options, 'mp-matmul']);
    expect(status).toBe(0);
    const { runs, curves } = JSON.parse(stdout.toString()) as {
      runs: SweepRun[];
      curves: ScalingCurve[];
    };
    expect(runs.map(({ mode, vcpus }) => [mode, vcpus])).toEqual([
      ['shared', 1],
      ['shared', 2],
      ['call', 1],
      ['call', 2],
    ]);
    expect(runs.every(({ time, instructions }) => time > 0 && instructions > 1e6)).toBe(true);
    expect(curves.map(({ mode, points }) => [mode, points.length])).toEqual([
      ['shared', 2],
      ['call', 2],
    ]);
  });

  test('fills {n} and {mode} in, and takes a plain run as the reference', async () => {
    const plain = ['--plain', 'plain 1 64'];
    const sweep = ['--repeat', '1', '--vcpus', '2', '--modes', 'call', ...plain];
    const { status, stdout } = await hartscope([
      'bench',
      ...sweep,
      'mp-dot',
      '{mode}',
      '{n}',
      '64',
    ]);
    expect(status).toBe(0);
    expect(stdout.toString()).toMatch(/^mode .*\ncall +2 +[\d.]+ +[\d.]+ +\d+ % +\d+\ncall: /);
  });

  test.each([
    [['--vcpus', '0', 'mp-dot'], '--vcpus takes numbers from 1 to 1024'],
    [['--modes', 'thread', 'mp-dot'], 'does not know "thread"'],
    [
      ['--repeat', '1', '--vcpus', '1', '--modes', 'call', 'crash', 'null'],
      'run it by hartscope run',
    ],
    [['--modes', 'call', '--vcpus', '2', 'none'], 'none'],
  ])('%j says what is wrong', async (args, message) => {
    const { status, stderr } = await hartscope(['bench', ...args]);
    expect(status).toBeGreaterThan(0);
    expect(stderr.toString()).toContain(message);
  });
});
